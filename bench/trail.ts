import { writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Client, ClientConfig } from "pg";
import { sourceSettings, targetSettings } from "../components/dms/dmsEndpoint";
import { tableMappings } from "../components/dms/tableMappings";
import { taskSettings } from "../components/dms/taskSettings";
import { startTask, stopTask, taskStatus } from "../local/dms/control";
import type { TaskStatus } from "../local/dms/task/status";
import type { ScratchServer } from "../testing/postgres";
import { taskFolder } from "../testing/taskFolder";
import { ITEMS, trailDatabase } from "../testing/trailDatabase";
import type { Defer } from "./part";
import { databaseOf, session, sourceDatabase } from "./servers";

const DATABASE = "audited";
/** The password that the tests' helper gives to the roles of a scratch server. */
const DMS_TARGET = { username: "audit_trail_dms_target", password: "scratch" };

/** `public.items` on a source server, its trail on an audit server, and the DMS stand-in's task between them. */
export interface BenchTrail {
    readonly config: ClientConfig;
    readonly source: Client;
    readonly audit: Client;
    start(): Promise<void>;
    stop(): Promise<void>;
    status(): TaskStatus;
    /** WAL of the source that is not known to be in the log, in bytes. */
    backlog(): Promise<number>;
    /** Resolves when everything that has committed by now is in the log; with the milliseconds it took. */
    drained(deadlineMs?: number): Promise<number>;
}

/** Deploys the trail with the program's own mapping and settings. The task is not yet started. */
export async function benchTrail(
    defer: Defer,
    sourceServer: ScratchServer,
    auditServer: ScratchServer,
): Promise<BenchTrail> {
    const { config, client: source } = await sourceDatabase(defer, sourceServer, DATABASE);
    const deployed = await trailDatabase(auditServer, DATABASE, [ITEMS]);
    await deployed.stop();
    const audit = await session(defer, databaseOf(auditServer, DATABASE));
    const folder = taskFolder();
    defer(() => folder.remove());
    const taskDir = folder.path;
    writeTask(taskDir, sourceServer, auditServer);

    const status = (): TaskStatus => {
        const found = taskStatus(taskDir);
        if (found === undefined || found.state === "failed") {
            throw new Error(`The stand-in's task does not run: ${found?.error ?? "never started"}`);
        }
        return found;
    };
    const behind = async (lsn: string): Promise<number> => {
        const { rows } = await source.query<{ bytes: number }>(
            "SELECT greatest(0, $1::pg_lsn - $2::pg_lsn)::float8 AS bytes",
            [lsn, status().position],
        );
        return rows[0]?.bytes ?? NaN;
    };
    const now = async (): Promise<string> => {
        const { rows } = await source.query<{ lsn: string }>(
            "SELECT pg_current_wal_lsn()::text AS lsn",
        );
        return rows[0]?.lsn ?? "";
    };
    return {
        config,
        source,
        audit,
        status,
        start: () => startTask(taskDir),
        stop: () => stopTask(taskDir),
        backlog: async () => await behind(await now()),
        drained: async (deadlineMs = 600_000) => {
            const lsn = await now();
            const started = performance.now();
            while ((await behind(lsn)) > 0) {
                if (performance.now() - started > deadlineMs) {
                    throw new Error(
                        `The stand-in did not catch up in ${deadlineMs / 1000} seconds.`,
                    );
                }
                await pause(20);
            }
            return performance.now() - started;
        },
    };
}

function writeTask(taskDir: string, source: ScratchServer, audit: ScratchServer): void {
    const endpoint = ({ host, port }: ScratchServer): object => ({
        engineName: "aurora-postgresql",
        host,
        port,
        databaseName: DATABASE,
        sslMode: "none",
    });
    const task = {
        taskIdentifier: "bench",
        migrationType: "full-load-and-cdc",
        tableMappings: JSON.stringify(tableMappings([ITEMS], "")),
        taskSettings: JSON.stringify(taskSettings({ maxLobSizeKb: 64 })),
        source: {
            ...endpoint(source),
            username: source.user,
            password: source.password,
            postgresSettings: sourceSettings,
        },
        target: { ...endpoint(audit), ...DMS_TARGET, postgresSettings: targetSettings },
    };
    writeFileSync(path.join(taskDir, "task.json"), JSON.stringify(task), { mode: 0o600 });
}
