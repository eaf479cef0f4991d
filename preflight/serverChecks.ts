import { type Finding, PAGES } from "./finding";
import { settingMend } from "./settingMend";
import type { ActivityFacts, ServerFacts } from "./sourceFacts";
import { identifier } from "./sqlText";

/** The majors that DMS's guide reads and this program is tested with; components/cluster/engineVersion.ts says more. */
const OLDEST_MAJOR = 15;
const NEWEST_MAJOR = 17;

/** A setting that is a number, in the unit of `pg_settings`; undefined where the server does not know it. */
function numberOf({ settings }: ServerFacts, name: string): number | undefined {
    const text = settings[name];
    return text === undefined ? undefined : Number(text);
}

/** What is wrong with the server as such, whatever it is used for now. */
export function serverFindings(server: ServerFacts): Finding[] {
    return [
        ...kindFindings(server),
        ...walLevel(server),
        ...pendingRestart(server),
        ...senderTimeout(server),
        ...keepSize(server),
        ...workers(server),
        ...commits(server),
        ...triggerMode(server),
        ...encodingFindings(server),
        ...tlsFindings(server),
    ];
}

function kindFindings(server: ServerFacts): Finding[] {
    const findings: Finding[] = [];
    const major = Math.trunc(server.version_number / 10_000);
    if (major < OLDEST_MAJOR || major > NEWEST_MAJOR) {
        findings.push({
            check: "version",
            severity: "must",
            found: `The server is PostgreSQL ${server.version}.`,
            wanted: `PostgreSQL ${OLDEST_MAJOR} to ${NEWEST_MAJOR}, which DMS documents as a source and this program is tested with.`,
            mend: `Upgrade the source to PostgreSQL ${NEWEST_MAJOR}.`,
            source: PAGES.dmsSource,
        });
    }
    if (server.is_in_recovery) {
        findings.push({
            check: "writer",
            severity: "must",
            found: "The server is a replica or a reader: it is in recovery and takes no writes.",
            wanted: "The writer, on which the trail creates its guards and DMS its slot.",
            mend: "Give the address of the writer: of Aurora the cluster endpoint (without -ro-), of a global database that of the primary Region.",
            source: PAGES.dmsSource,
        });
    }
    if (server.is_limitless) {
        findings.push({
            check: "limitless",
            severity: "must",
            found: "The cluster is an Aurora Limitless Database.",
            wanted: "A database whose changes are in one WAL: no guide of DMS names Limitless as a source.",
            mend: "Take an Aurora cluster with the scalability type standard.",
            source: PAGES.dmsSource,
        });
    }
    return findings;
}

function walLevel(server: ServerFacts): Finding[] {
    const level = server.settings["wal_level"];
    if (level === "logical") {
        return [];
    }
    return [
        {
            check: "wal_level",
            severity: "must",
            found: `wal_level is ${level ?? "unknown"}, so that the WAL cannot be decoded.`,
            wanted: "wal_level is logical.",
            mend: server.is_managed
                ? settingMend(server, "rds.logical_replication", "1")
                : settingMend(server, "wal_level", "logical"),
            source: PAGES.dmsSource,
        },
    ];
}

/** Settings without which DMS does not work: one that only waits for its restart is not there yet. */
const DECISIVE = new Set([
    "wal_level",
    "rds.logical_replication",
    "max_replication_slots",
    "max_wal_senders",
]);

function pendingRestart(server: ServerFacts): Finding[] {
    const names = server.pending_restart;
    if (names.length === 0) {
        return [];
    }
    return [
        {
            check: "pending restart",
            severity: names.some((name) => DECISIVE.has(name)) ? "must" : "note",
            found: `The configuration has new values for ${names.join(", ")}, which the server takes at its next start.`,
            wanted: "The server runs with what its configuration says.",
            mend: server.is_managed ? "Reboot the writer." : "Restart the server.",
            source: PAGES.settingsView,
        },
    ];
}

/** The least that DMS takes, in milliseconds, and the most that it advises. */
const LEAST_TIMEOUT = 10_000;
const MOST_TIMEOUT = 300_000;

function senderTimeout(server: ServerFacts): Finding[] {
    const timeout = numberOf(server, "wal_sender_timeout") ?? 0;
    const isTooShort = timeout > 0 && timeout < LEAST_TIMEOUT;
    if (!isTooShort && timeout < MOST_TIMEOUT) {
        return [];
    }
    return [
        {
            check: "wal_sender_timeout",
            severity: isTooShort ? "must" : "note",
            found: isTooShort
                ? `wal_sender_timeout is ${timeout} ms, and DMS fails with a value between 0 and 10 seconds.`
                : `wal_sender_timeout is ${timeout} ms, which delays a failover of the DMS instance.`,
            wanted: "0, or at least 10 seconds and less than 5 minutes.",
            mend: settingMend(server, "wal_sender_timeout", "0"),
            source: PAGES.dmsSource,
        },
    ];
}

function keepSize(server: ServerFacts): Finding[] {
    const findings: Finding[] = [];
    const megabytes = numberOf(server, "max_slot_wal_keep_size") ?? -1;
    if (megabytes !== -1) {
        findings.push({
            check: "max_slot_wal_keep_size",
            severity: "should",
            found: `max_slot_wal_keep_size is ${megabytes} MB: the server throws away WAL beyond that which a stopped task has still to read, and the trail gets a gap.`,
            wanted: "-1, and an eye on the free storage while the task is stopped.",
            mend: settingMend(server, "max_slot_wal_keep_size", "-1"),
            source: PAGES.dmsAssessment,
        });
    }
    const idle = numberOf(server, "idle_replication_slot_timeout") ?? 0;
    if (idle !== 0) {
        findings.push({
            check: "idle_replication_slot_timeout",
            severity: "should",
            found: `idle_replication_slot_timeout is ${idle} s: the server throws away the slot of a task that is stopped for longer.`,
            wanted: "0, so that a stopped task can be resumed.",
            mend: settingMend(server, "idle_replication_slot_timeout", "0"),
            source: PAGES.replicationSettings,
        });
    }
    return findings;
}

/** DMS's guide asks this of Aurora and RDS. */
function workers(server: ServerFacts): Finding[] {
    const parts = [
        "max_logical_replication_workers",
        "autovacuum_max_workers",
        "max_parallel_workers",
    ].map((name) => numberOf(server, name) ?? 0);
    const wanted = parts.reduce((sum, part) => sum + part, 0);
    const found = numberOf(server, "max_worker_processes") ?? wanted;
    if (!server.is_managed || found >= wanted) {
        return [];
    }
    return [
        {
            check: "max_worker_processes",
            severity: "note",
            found: `max_worker_processes is ${found}, less than the ${wanted} that its three users may take together.`,
            wanted: "At least max_logical_replication_workers + autovacuum_max_workers + max_parallel_workers.",
            mend: settingMend(server, "max_worker_processes", String(wanted)),
            source: PAGES.dmsSource,
        },
    ];
}

/** Who is meant by an override: "for the role app in every database". */
function scope({ database, role }: { database: string | null; role: string | null }): string {
    const who = role === null ? "every role" : `the role ${role}`;
    return `for ${who} in ${database === null ? "every database" : `the database ${database}`}`;
}

function commits(server: ServerFacts): Finding[] {
    const findings: Finding[] = [];
    const value = server.settings["synchronous_commit"] ?? "on";
    if (value === "off") {
        findings.push({
            check: "synchronous_commit",
            severity: server.is_aurora ? "must" : "should",
            found: "synchronous_commit is off: the server may lose what it has confirmed, and DMS's guide asks for on.",
            wanted: "synchronous_commit is on.",
            mend: settingMend(server, "synchronous_commit", "on"),
            source: PAGES.dmsSource,
        });
    }
    for (const one of server.overrides) {
        if (one.name === "synchronous_commit" && one.value === "off") {
            findings.push({
                check: "synchronous_commit",
                severity: "should",
                found: `synchronous_commit is off ${scope(one)}: what such sessions commit may be lost after it was confirmed.`,
                wanted: "synchronous_commit is on for everybody who writes audited tables.",
                mend: overrideMend(one),
                source: PAGES.dmsSource,
            });
        }
    }
    return findings;
}

/** The statement that takes a setting of a database or role back. */
export function overrideMend(one: {
    database: string | null;
    role: string | null;
    name: string;
}): string {
    const { database, role, name } = one;
    const subject =
        role === null
            ? database === null
                ? "ROLE ALL"
                : `DATABASE ${identifier(database)}`
            : `ROLE ${identifier(role)}${database === null ? "" : ` IN DATABASE ${identifier(database)}`}`;
    return `ALTER ${subject} RESET ${name}.`;
}

function triggerMode(server: ServerFacts): Finding[] {
    const everywhere = server.settings["session_replication_role"] ?? "origin";
    const places = [
        ...(everywhere === "origin" ? [] : ["by the configuration"]),
        ...server.overrides
            .filter(({ name, value }) => name === "session_replication_role" && value !== "origin")
            .map(scope),
    ];
    return places.map((place) => ({
        check: "session_replication_role",
        severity: "should",
        found: `session_replication_role is not origin ${place}: ordinary triggers and foreign keys do not work in such sessions.`,
        wanted: "origin. The trail's guards fire all the same, because they are ENABLE ALWAYS.",
        mend: "RESET it where it is set, and set it in the sessions that need it.",
        source: PAGES.clientSettings,
    }));
}

function encodingFindings({ encoding, database }: ServerFacts): Finding[] {
    if (encoding === "UTF8") {
        return [];
    }
    const isUnknown = encoding === "SQL_ASCII";
    return [
        {
            check: "encoding",
            severity: isUnknown ? "must" : "should",
            found: `The database ${database} has the encoding ${encoding}${isUnknown ? ", in which nobody knows what a byte beyond ASCII means" : ", with which this program is not tested"}.`,
            wanted: "UTF8, as the audit database has it.",
            mend: "Dump the database and restore it into one that was created with ENCODING 'UTF8'.",
            source: PAGES.encodings,
        },
    ];
}

function tlsFindings(server: ServerFacts): Finding[] {
    const findings: Finding[] = [];
    if (server.settings["ssl"] !== "on" || !server.is_encrypted) {
        findings.push({
            check: "tls",
            severity: "must",
            found:
                server.settings["ssl"] === "on"
                    ? "The connection that asks is not encrypted, so that nobody knows whether the certificate verifies."
                    : "The server has no TLS (ssl is off), and DMS's endpoint connects with verify-full.",
            wanted: "TLS, with a certificate for the host's name from an authority of audit-trail:caBundle.",
            mend:
                server.settings["ssl"] === "on"
                    ? "Add sslmode=verify-full and sslrootcert=<file> to the address."
                    : "Set ssl_cert_file and ssl_key_file, ALTER SYSTEM SET ssl = 'on', then SELECT pg_reload_conf().",
            source: PAGES.dmsTls,
        });
    }
    if (server.is_managed && server.settings["rds.force_ssl"] === "0") {
        findings.push({
            check: "rds.force_ssl",
            severity: "note",
            found: "rds.force_ssl is 0: clients other than the trail's may connect without TLS.",
            wanted: "rds.force_ssl is 1.",
            mend: settingMend(server, "rds.force_ssl", "1"),
            source: PAGES.dmsTls,
        });
    }
    return findings;
}

/**
 * Whether each DMS task can have a slot and somebody who reads it.
 *
 * @param groups how many tasks there are to be
 */
export function capacityFindings(
    server: ServerFacts,
    { slots, senders }: Pick<ActivityFacts, "slots" | "senders">,
    groups = 1,
): Finding[] {
    const needed = groups - slots.filter(({ is_read_by_dms: isOurs }) => isOurs).length;
    const counts = ["none is", "one is"];
    const capacity = (name: string, used: number, what: string): Finding[] => {
        const most = numberOf(server, name) ?? 0;
        const free = most - used;
        if (needed <= 0 || free > needed) {
            return [];
        }
        return [
            {
                check: name,
                severity: free < needed ? "must" : "note",
                found: `Of ${most} ${what} ${counts[Math.max(free, 0)] ?? `${free} are`} free (${name}).`,
                wanted: `One free for each DMS task${needed > 1 ? `, of which ${needed} are to come` : ""}, and one to spare.`,
                mend: settingMend(server, name, String(Math.max(most, used) + needed + 3)),
                source: PAGES.dmsSource,
            },
        ];
    };
    return [
        ...capacity("max_replication_slots", slots.length, "replication slots"),
        ...capacity("max_wal_senders", senders, "WAL senders"),
    ];
}
