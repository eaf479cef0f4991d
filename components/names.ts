import { createHash } from "node:crypto";
import { ROLES, TRAIL_SCHEMA } from "./trail/names";

/** The database roles of the trail, the same in every stack. */
export const roles = {
    /** On the source: reads the WAL; its rights are those the DMS guide asks for. */
    source: "audit_trail_dms_source",
    /** On the audit cluster: writes the staging tables and nothing else. */
    target: ROLES.dms,
    /** Owns the log, the machinery and the trigger functions; nobody can log in as it. */
    owner: ROLES.owner,
    /** Reads the log and the gap ledger; granted to the people who audit. */
    auditor: ROLES.auditor,
    /** An auditor who may also add partitions and bring the gap ledger up to date, and can change no row of a log. */
    operator: ROLES.operator,
    /** Reads DMS's control tables and writes the gap ledger, and nothing else; nobody can log in as it. */
    collector: "audit_trail_collector",
} as const;

/** The schemas that the trail adds. */
export const schemas = {
    /** Gap ledger, unlogged changes and helper functions, on the audit cluster. */
    machinery: TRAIL_SCHEMA,
    /** The tables in which DMS reports what it does (ControlSchema), on the audit cluster. */
    dmsControl: "awsdms_control",
    /** The WAL heartbeat that DMS writes on the source cluster, so that an idle database does not keep its WAL. */
    dmsHeartbeat: "awsdms_heartbeat",
} as const;

/** Room for the longest suffix in the 38 characters that IAM leaves for a name with a random ending. */
const LONGEST_PREFIX = 24;

/**
 * The beginning of the names of AWS resources that must be unique in an account: lower-case letters, digits and single
 * hyphens, first a letter, which is what RDS, DMS and IAM all accept. A long one is cut and told apart by a hash.
 */
export function resourcePrefix(project: string, stack: string): string {
    const whole = `${project}-${stack}`;
    const plain = whole
        .toLowerCase()
        .replace(/[^a-z0-9]+/g, "-")
        .replace(/^[^a-z]+|-+$/g, "");
    if (plain.length <= LONGEST_PREFIX) return plain;
    const hash = createHash("sha256").update(whole).digest("hex").slice(0, 6);
    const cut = plain.slice(0, LONGEST_PREFIX - hash.length - 1).replace(/-+$/, "");
    return `${cut}-${hash}`;
}
