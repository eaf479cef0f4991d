import type { Client } from "pg";
import { clientConfig, connect, disconnect } from "./connection";
import type { TaskContext } from "./context";

/**
 * The session that applies changes. Ordinary triggers fire in it unless the endpoint's script or a fault says no; a fault
 * may give it settings that nobody expects.
 */
export async function connectTarget(
    { task, faults }: TaskContext,
    onLost: (error: Error) => void,
): Promise<Client> {
    const target = await connect(clientConfig(task.target, task.identifier), onLost);
    const { sessionReplicationRole, targetSession } = faults.current();
    const script =
        sessionReplicationRole === undefined
            ? task.target.settings.afterConnectScript
            : "SET session_replication_role = replica";
    try {
        await target.query(`SET statement_timeout = '${task.target.settings.executeTimeout}s'`);
        if (script !== undefined) {
            await target.query(script);
        }
        for (const setting of Object.entries(targetSession ?? {})) {
            await target.query("SELECT pg_catalog.set_config($1, $2, false)", setting);
        }
    } catch (error) {
        await disconnect(target);
        throw error;
    }
    return target;
}

/** The session that reads the source's catalog and, during full load, its tables. */
export async function connectSource(
    { task }: TaskContext,
    onLost: (error: Error) => void,
): Promise<Client> {
    return await connect(clientConfig(task.source, task.identifier), onLost);
}
