import path from "node:path";
import { TaskError } from "../errors";
import { readIfExists } from "../taskFiles";
import { type EndpointSettings, parseEndpointSettings } from "./extraAttributes";
import { asObject, type JsonObject, parseObject, textAt } from "./jsonFields";
import { parseTableMappings, type TableMapping } from "./mapping";
import { parseTaskSettings, type TaskSettings } from "./settings";

const MIGRATION_TYPES = ["full-load", "cdc", "full-load-and-cdc"] as const;
const SSL_MODES = ["none", "require", "verify-ca", "verify-full"] as const;
const ENGINES = ["postgres", "aurora-postgresql"];

export interface Endpoint {
    readonly host: string;
    readonly port: number;
    readonly username: string;
    readonly password: string;
    readonly databaseName: string;
    readonly sslMode: (typeof SSL_MODES)[number];
    readonly caCertificatePem?: string;
    readonly settings: EndpointSettings;
}

/** One replication task, parsed and checked. */
export interface Task {
    readonly identifier: string;
    readonly migrationType: (typeof MIGRATION_TYPES)[number];
    readonly mapping: TableMapping;
    readonly settings: TaskSettings;
    readonly source: Endpoint;
    readonly target: Endpoint;
}

/** The files of a task's folder. */
export function taskFiles(taskDir: string) {
    const file = (name: string): string => path.join(taskDir, name);
    return {
        task: file("task.json"),
        status: file("status.json"),
        log: file("task.log"),
        checkpoint: file("checkpoint.json"),
        process: file("process.json"),
        faults: file("faults.json"),
        reload: file("reload.json"),
        spool: file("spool"),
    };
}

/** Reads task.json; errors name the file or the JSON part, never a value of an endpoint. */
export function readTask(taskDir: string): Task {
    const file = taskFiles(taskDir).task;
    const text = readIfExists(file);
    if (text === undefined) {
        throw new TaskError(`There is no replication task in ${taskDir}: task.json is missing.`);
    }
    const json = parseObject(text, file);
    const migrationType = oneOf(json.migrationType, MIGRATION_TYPES, `${file}: migrationType`);
    const settings = parseTaskSettings(
        typeof json.taskSettings === "string" ? json.taskSettings : "",
    );
    const source = parseEndpoint(asObject(json.source, `${file}: source`), "The source endpoint");
    if (
        source.settings.captureDdls &&
        settings.ChangeProcessingDdlHandlingPolicy.HandleSourceTableDropped
    ) {
        throw new TaskError(
            "With captureDdls on the source endpoint, HandleSourceTableDropped must be false: DMS would drop the " +
                "target of a dropped table, and this stand-in does not.",
        );
    }
    return {
        identifier: textAt(json, "taskIdentifier", file),
        migrationType,
        mapping: parseTableMappings(textAt(json, "tableMappings", file)),
        settings,
        source,
        target: parseEndpoint(asObject(json.target, `${file}: target`), "The target endpoint"),
    };
}

/** A task's source, whatever else its files hold; undefined when it cannot ever have run. */
export function readSource(taskDir: string): Pick<Task, "identifier" | "source"> | undefined {
    const file = taskFiles(taskDir).task;
    try {
        const json = parseObject(readIfExists(file) ?? "", file);
        return {
            identifier: textAt(json, "taskIdentifier", file),
            source: parseEndpoint(asObject(json.source, file), "The source endpoint"),
        };
    } catch (error) {
        if (error instanceof TaskError) {
            return undefined;
        }
        throw error;
    }
}

function parseEndpoint(json: JsonObject, where: string): Endpoint {
    const engine = textAt(json, "engineName", where);
    if (!ENGINES.includes(engine)) {
        throw new TaskError(
            `${where}: engineName "${engine}" is not one of ${ENGINES.join(", ")}.`,
        );
    }
    const port = json.port;
    if (typeof port !== "number" || !Number.isInteger(port) || port < 1 || port > 65_535) {
        throw new TaskError(`${where}: port must be a number from 1 to 65535.`);
    }
    const sslMode = oneOf(json.sslMode ?? "none", SSL_MODES, `${where}: sslMode`);
    const ca = json.caCertificatePem;
    if (sslMode.startsWith("verify") && (typeof ca !== "string" || ca === "")) {
        throw new TaskError(`${where}: sslMode ${sslMode} needs a CA certificate.`);
    }
    return {
        host: textAt(json, "host", where),
        port,
        username: textAt(json, "username", where),
        password: textAt(json, "password", where),
        databaseName: textAt(json, "databaseName", where),
        sslMode,
        ...(typeof ca === "string" && ca !== "" ? { caCertificatePem: ca } : {}),
        settings: parseEndpointSettings(
            json.postgresSettings,
            typeof json.extraConnectionAttributes === "string"
                ? json.extraConnectionAttributes
                : "",
            where,
        ),
    };
}

function oneOf<const T extends string>(value: unknown, choices: readonly T[], where: string): T {
    const found = choices.find((choice) => choice === value);
    if (found === undefined) {
        throw new TaskError(`${where} must be one of ${choices.join(", ")}.`);
    }
    return found;
}
