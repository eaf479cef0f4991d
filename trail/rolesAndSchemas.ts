/** The database roles of the trail, the same in every stack; the scripts in sql/ name some of them as well. */
export const roles = {
    /** On the source: reads the WAL; its rights are those the DMS guide asks for. */
    source: "audit_trail_dms_source",
    /** On the audit cluster: writes the staging tables and nothing else. */
    target: "audit_trail_dms_target",
    /** Owns the log, the ledgers, the registry and the trigger functions; nobody can log in as it. */
    owner: "audit_trail_owner",
    /** Reads the log and the gap ledger; granted to the people who audit. */
    auditor: "audit_trail_auditor",
    /** An auditor who may also add partitions and bring the gap ledger up to date, and can change no row of a log. */
    operator: "audit_trail_operator",
    /** Reads DMS's control tables and writes the gap ledger, and nothing else; nobody can log in as it. */
    collector: "audit_trail_collector",
} as const;

/** The schemas that the trail adds. */
export const schemas = {
    /** The trail's own objects. Audit cluster: ledgers, registry and functions. Source: the marker table and the guards. */
    trail: "audit_trail",
    /** The tables in which DMS reports what it does (ControlSchema), on the audit cluster. */
    dmsControl: "awsdms_control",
    /** The WAL heartbeat that DMS writes on the source cluster, so that an idle database does not keep its WAL. */
    dmsHeartbeat: "awsdms_heartbeat",
} as const;
