/** One parameter of a parameter group. */
export interface ServerParameter {
    readonly name: string;
    readonly value: string;
    readonly applyMethod: "pending-reboot";
}

/**
 * Every parameter waits for a reboot. Static ones must; for the others it avoids a difference at each preview, and a new
 * cluster starts with its parameter group anyway.
 */
function pendingReboot(values: Readonly<Record<string, string>>): ServerParameter[] {
    return Object.entries(values).map(([name, value]) => ({
        name,
        value,
        applyMethod: "pending-reboot",
    }));
}

/**
 * The parameters of the source server, https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Source.PostgreSQL.html:
 * - `rds.logical_replication` writes a WAL that can be decoded; it also raises the limits of slots and WAL senders.
 * - `wal_sender_timeout` 0 keeps a connection that is silent during a long transaction.
 * - `track_commit_timestamp` keeps each commit's time, with which the log's times can be compared.
 * - `rds.force_ssl` refuses connections without TLS.
 */
export function sourceParameters(): ServerParameter[] {
    return pendingReboot({
        "rds.logical_replication": "1",
        wal_sender_timeout: "0",
        track_commit_timestamp: "1",
        "rds.force_ssl": "1",
    });
}

/** The parameters of the audit server: it only has to refuse connections without TLS. */
export function auditParameters(): ServerParameter[] {
    return pendingReboot({ "rds.force_ssl": "1" });
}
