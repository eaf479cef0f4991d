import { auditTrail, awsDocs, pages } from "../engine/frameworks";
import { resourceRule } from "../engine/rule";
import { isText, items, shown } from "../engine/values";

/** Attributes that let a role read or rewrite what it was not given. */
const POWERS = [
    "superuser",
    "createDatabase",
    "createRole",
    "replication",
    "bypassRowLevelSecurity",
] as const;

/** What a role of the trail is for. */
interface KnownRole {
    readonly login: boolean;
    /** Names of the roles that it may be a member of. */
    readonly memberOf: readonly string[];
    /** Whether it may have the attribute REPLICATION; where it is not in rds_replication, nothing else lets it replicate. */
    readonly replicates?: boolean;
}

/** The roles that the trail's two databases have; rds_superuser is what the DMS guide asks for on the source. */
const ROLES: Readonly<Record<string, KnownRole>> = {
    audit_trail_dms_source: {
        login: true,
        memberOf: ["rds_replication", "rds_superuser"],
        replicates: true,
    },
    audit_trail_dms_target: { login: true, memberOf: [] },
    audit_trail_owner: { login: false, memberOf: [] },
    audit_trail_auditor: { login: false, memberOf: [] },
    audit_trail_operator: { login: false, memberOf: ["audit_trail_auditor"] },
    audit_trail_collector: { login: false, memberOf: [] },
};

/** What a role that the trail does not know may be. */
const STRANGER: KnownRole = {
    login: true,
    memberOf: ["audit_trail_auditor", "audit_trail_operator"],
};

const rolesKnown = resourceRule({
    name: "postgresql-roles-limited",
    displayName: "Database roles have no more than they need",
    description:
        "A database role has none of superuser, createDatabase, createRole, replication and bypassRowLevelSecurity; DMS's user of a source without RDS's roles has replication. Login and memberships of the trail's own roles are as the program sets them. Any other role is a member of the auditors and operators only. A role with more rights can rewrite the log.",
    severity: "critical",
    frameworks: [
        awsDocs("DMS user guide, PostgreSQL as a source", "Which rights the DMS user needs"),
        auditTrail("Nobody edits the log", "A role with more rights than the owner"),
    ],
    remediationSteps:
        "Remove the attribute or the membership; people get audit_trail_auditor or audit_trail_operator.",
    url: pages.dmsPostgresqlSource,
    changedIn: "components/database/auditDatabase.ts or components/database/sourceDatabase.ts",
    types: ["postgresql:index/role:Role"],
    check: (role, findings) => {
        const name = role.get("name");
        const known = typeof name === "string" ? (ROLES[name] ?? STRANGER) : STRANGER;
        for (const power of POWERS) {
            const value = role.get(power);
            const isAllowed = power === "replication" && known.replicates === true;
            findings.require(
                value,
                (has) => has === undefined || has === false || isAllowed,
                `${power} is ${shown(value)}; set false or leave it out.`,
            );
        }
        const login = role.get("login");
        findings.require(
            login,
            (may) => (known === STRANGER ? true : (may ?? false) === known.login),
            `login of ${shown(name)} is ${shown(login)}; set ${known.login}.`,
        );
        const roles = role.get("roles");
        findings.require(
            roles,
            (list) => list === undefined || Array.isArray(list),
            `roles of ${shown(name)} is ${typeof roles}; give a list of names.`,
        );
        for (const member of items(roles)) {
            findings.require(
                member,
                (of) => isText(of) && known.memberOf.includes(of),
                `roles of ${shown(name)} holds ${shown(member)}; remove it.`,
            );
        }
        const assumed = role.get("assumeRole");
        findings.require(
            assumed,
            (as) => as === undefined || as === "",
            `assumeRole of ${shown(name)} is ${shown(assumed)}; remove it.`,
        );
    },
});

export const postgresqlRules = [rolesKnown] as const;
