import { roles } from "../trail/rolesAndSchemas";
import { type Finding, PAGES } from "./finding";
import { overrideMend } from "./serverChecks";
import type { RoleFacts, ServerFacts, SourceFacts } from "./sourceFacts";
import { identifier } from "./sqlText";

/** From this version on a role without REPLICATION cannot give it to another. */
const ROLES_PASS_ON_THEIR_OWN = 160_000;

/** Whether DMS can have a login that reads the WAL, with sessions as it needs them. */
export function loginFindings({ server, session }: SourceFacts): Finding[] {
    return [
        ...(server.dms === null ? whoDeploys(server) : dmsLogin(server, server.dms)),
        ...schemaRight(server),
        ...sessionFindings(server, session),
    ];
}

/** The user that deploys has to make DMS's. */
function whoDeploys(server: ServerFacts): Finding[] {
    const { me, is_managed: isManaged, version_number: version } = server;
    const canMake =
        me.is_superuser ||
        (me.can_make_roles &&
            (isManaged
                ? me.is_rds_superuser === true
                : me.can_replicate && version >= ROLES_PASS_ON_THEIR_OWN));
    if (canMake) {
        return [];
    }
    return [
        {
            check: "replication right",
            severity: "must",
            found: `The user ${me.name} cannot create the user ${roles.source}, with which DMS reads the WAL.`,
            wanted: isManaged
                ? "A user that deploys with CREATEROLE and membership in rds_superuser, as the master user has them."
                : "A superuser that deploys, or from PostgreSQL 16 on a user with CREATEROLE and REPLICATION.",
            mend: isManaged
                ? "Deploy as the master user."
                : `As a superuser: ALTER ROLE ${identifier(me.name)} CREATEROLE REPLICATION.`,
            source: isManaged ? PAGES.dmsSource : PAGES.createRole,
        },
    ];
}

function dmsLogin(server: ServerFacts, dms: RoleFacts): Finding[] {
    const canReplicate = dms.is_superuser || dms.can_replicate || dms.is_rds_replication === true;
    if (dms.can_log_in && canReplicate) {
        return [];
    }
    const lacks = [
        ...(dms.can_log_in ? [] : ["may not log in"]),
        ...(canReplicate ? [] : ["may not read the WAL"]),
    ].join(" and ");
    return [
        {
            check: "replication right",
            severity: "must",
            found: `The user ${dms.name}, which DMS logs in as, ${lacks}.`,
            wanted: server.is_managed
                ? "LOGIN, and membership in rds_replication and rds_superuser."
                : "LOGIN and REPLICATION.",
            mend: server.is_managed
                ? `ALTER ROLE ${dms.name} LOGIN; GRANT rds_replication, rds_superuser TO ${dms.name}.`
                : `ALTER ROLE ${dms.name} LOGIN REPLICATION.`,
            source: PAGES.dmsSource,
        },
    ];
}

function schemaRight({ me, database, has_trail: hasTrail }: ServerFacts): Finding[] {
    if (me.is_superuser || me.can_make_schemas || hasTrail) {
        return [];
    }
    return [
        {
            check: "schema right",
            severity: "must",
            found: `The user ${me.name} may not create schemas in the database ${database}, where the trail has its marker table and guards.`,
            wanted: "CREATE on the database for the user that deploys.",
            mend: `As its owner: GRANT CREATE ON DATABASE ${identifier(database)} TO ${identifier(me.name)}.`,
            source: PAGES.createRole,
        },
    ];
}

/** Settings that change what DMS reads, or how long it may, with what PostgreSQL has by default. */
const DEFAULTS: Readonly<Record<string, readonly string[]>> = {
    idle_in_transaction_session_timeout: ["0"],
    statement_timeout: ["0"],
    DateStyle: ["ISO, MDY"],
    IntervalStyle: ["postgres"],
    bytea_output: ["hex"],
    extra_float_digits: ["1"],
    TimeZone: ["UTC", "Etc/UTC", "GMT", "Etc/GMT"],
};

/** What this program's own sessions are given as they begin: of these nobody sees what the server has. */
const OWN = new Set(["statement_timeout"]);

function sessionFindings(server: ServerFacts, session: readonly string[]): Finding[] {
    const wanted = `The deployment gives ${roles.source} the settings that DMS was made for, in this database alone, which outranks all others.`;
    if (session.length > 0) {
        return [
            {
                check: "sessions",
                severity: "must",
                found: `${session.join("; ")}.`,
                wanted,
                mend: 'Run "pulumi up", which sets them again.',
                source: PAGES.clientSettings,
            },
        ];
    }
    const others = Object.entries(DEFAULTS).flatMap(([name, usual]) => {
        const value = OWN.has(name) ? undefined : server.settings[name];
        const places = server.overrides.filter((one) => one.name === name && isOfEverybody(one));
        const bad = places.find((one) => !usual.includes(one.value));
        if (bad !== undefined) {
            return [{ text: `${name} = ${bad.value}`, mend: overrideMend(bad) }];
        }
        return value === undefined || usual.includes(value)
            ? []
            : [{ text: `${name} = ${value}`, mend: "" }];
    });
    if (others.length === 0) {
        return [];
    }
    return [
        {
            check: "sessions",
            severity: "note",
            found: `Sessions of the database ${server.database} begin with ${others.map(({ text }) => text).join("; ")}.`,
            wanted,
            mend: "",
            source: PAGES.clientSettings,
        },
    ];
}

/** Roles of the application may have what they like. */
function isOfEverybody({ role }: { readonly role: string | null }): boolean {
    return role === null;
}
