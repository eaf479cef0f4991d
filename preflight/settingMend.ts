import type { ServerFacts } from "./sourceFacts";

/** The parameters that a server reads at its start only, among those that the checks may ask to change. */
const STATIC = new Set([
    "rds.logical_replication",
    "wal_level",
    "max_replication_slots",
    "max_wal_senders",
    "max_worker_processes",
]);

/**
 * How to give a setting another value on such a server: a parameter of its group on RDS and Aurora, a statement elsewhere.
 *
 * @param value as the parameter group and `ALTER SYSTEM` take it
 */
export function settingMend(
    { is_aurora: isAurora, is_managed: isManaged }: ServerFacts,
    name: string,
    value: string,
): string {
    const isStatic = STATIC.has(name);
    if (isAurora) {
        const reboot = isStatic ? ", then reboot the writer" : "";
        return `Set ${name} to ${value} in the DB cluster parameter group${reboot}.`;
    }
    if (isManaged) {
        const reboot = isStatic ? ", then reboot the instance" : "";
        return `Set ${name} to ${value} in the DB parameter group${reboot}.`;
    }
    const restart = isStatic ? "then restart the server" : "then SELECT pg_reload_conf()";
    return `ALTER SYSTEM SET ${name} = '${value}', ${restart}.`;
}
