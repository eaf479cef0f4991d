import { ENDPOINT_SETTINGS } from "../../../policy/dms/endpointSettingsTable";
import { TaskError } from "../errors";
import { asObject, type JsonObject } from "./jsonFields";

/** The endpoint settings this stand-in acts on; the other documented ones are accepted and change nothing here. */
export interface EndpointSettings {
    readonly afterConnectScript?: string;
    readonly captureDdls: boolean;
    /** Seconds a statement on the endpoint may take. */
    readonly executeTimeout: number;
    readonly failTasksOnLobTruncation: boolean;
    readonly heartbeatEnable: boolean;
    /** Minutes. */
    readonly heartbeatFrequency: number;
    readonly heartbeatSchema: string;
    readonly mapUnboundedNumericAsString: boolean;
    readonly slotName?: string;
}

/** Every PostgreSQL endpoint setting of the DMS guide and API, as `postgresSettings` spells them. */
const KNOWN: readonly string[] = Object.keys(ENDPOINT_SETTINGS);

/** Merges postgresSettings and extra connection attributes ("key=value;key=value"), refusing unknown names. */
export function parseEndpointSettings(
    postgresSettings: unknown,
    attributes: string,
    where: string,
): EndpointSettings {
    const values = new Map<string, string>();
    const settings: JsonObject =
        postgresSettings === undefined || postgresSettings === null
            ? {}
            : asObject(postgresSettings, `${where}: postgresSettings`);
    for (const [key, value] of [
        ...Object.entries(settings),
        ...parseAttributes(attributes, where),
    ]) {
        const known = KNOWN.find((name) => name.toLowerCase() === key.toLowerCase());
        if (known === undefined) {
            throw new TaskError(`${where}: "${key}" is not a documented PostgreSQL setting.`);
        }
        if (value !== null && value !== undefined) {
            values.set(known, typeof value === "string" ? value : JSON.stringify(value));
        }
    }
    const plugin = values.get("pluginName") ?? "test_decoding";
    if (!["test_decoding", "test-decoding", "no-preference"].includes(plugin)) {
        throw new TaskError(
            `${where}: pluginName "${plugin}" is not supported: use test_decoding.`,
        );
    }
    if (flag(values, "consumeMonotonicEvents", false, where)) {
        throw new TaskError(
            `${where}: consumeMonotonicEvents drops changes that share a WAL position: leave it false.`,
        );
    }
    const script = values.get("afterConnectScript");
    const slotName = values.get("slotName");
    return {
        ...(script === undefined ? {} : { afterConnectScript: script }),
        ...(slotName === undefined ? {} : { slotName }),
        captureDdls: flag(values, "captureDdls", true, where),
        executeTimeout: seconds(values, "executeTimeout", 60, where),
        failTasksOnLobTruncation: flag(values, "failTasksOnLobTruncation", false, where),
        heartbeatEnable: flag(values, "heartbeatEnable", false, where),
        heartbeatFrequency: seconds(values, "heartbeatFrequency", 5, where),
        heartbeatSchema: values.get("heartbeatSchema") ?? "public",
        mapUnboundedNumericAsString: flag(values, "mapUnboundedNumericAsString", false, where),
    };
}

function parseAttributes(attributes: string, where: string): readonly [string, string][] {
    const pairs: [string, string][] = [];
    const pair = /\s*([A-Za-z]+)\s*=\s*('(?:[^']|'')*'|[^;]*)\s*(?:;|$)/y;
    while (pair.lastIndex < attributes.length) {
        const start = pair.lastIndex;
        const [, key, value] = pair.exec(attributes) ?? [];
        if (key === undefined || value === undefined) {
            if (/^[\s;]*$/.test(attributes.slice(start))) {
                break;
            }
            throw new TaskError(
                `${where}: extraConnectionAttributes must read "key=value;key=value".`,
            );
        }
        const bare = value.startsWith("'")
            ? value.slice(1, -1).replaceAll("''", "'")
            : value.trim();
        pairs.push([key, bare]);
    }
    return pairs;
}

function flag(
    values: ReadonlyMap<string, string>,
    key: string,
    otherwise: boolean,
    where: string,
): boolean {
    const value = values.get(key)?.toLowerCase();
    if (value === undefined) {
        return otherwise;
    }
    if (!["true", "false", "y", "n", "1", "0"].includes(value)) {
        throw new TaskError(`${where}: ${key} must be true or false.`);
    }
    return ["true", "y", "1"].includes(value);
}

function seconds(
    values: ReadonlyMap<string, string>,
    key: string,
    otherwise: number,
    where: string,
): number {
    const value = Number(values.get(key) ?? otherwise);
    if (!Number.isInteger(value) || value < 1) {
        throw new TaskError(`${where}: ${key} must be a positive whole number.`);
    }
    return value;
}
