import * as pulumi from "@pulumi/pulumi";
import { messageOf } from "../text/errors";
import { nearest } from "../text/nearest";
import { formatTableName } from "../trail/names";
import type { TableName } from "../trail/tableDefinition";
import { columnsOf } from "./columnParser";
import * as parsers from "./keyParsers";
import { type Config, defaults } from "./keys";

/** The project's name, which is the namespace of its config keys. */
const NAMESPACE = "audit-trail";

/** This project's keys without their namespace. Names only, no values, of unknown keys: one may hold a secret. */
function ownValues(raw: Readonly<Record<string, string>>): Map<string, string> {
    const known = Object.keys(defaults);
    const values = new Map<string, string>();
    for (const [name, value] of Object.entries(raw)) {
        const [namespace, key = ""] = name.split(/:(.*)/s);
        if (namespace !== NAMESPACE) {
            continue;
        }
        if (!known.includes(key)) {
            throw new Error(
                `The config key ${name} is unknown, the nearest known one is ${NAMESPACE}:${nearest(key, known) ?? ""}; remove it with "pulumi config rm ${key}".`,
            );
        }
        values.set(key, value);
    }
    return values;
}

/**
 * Turns the stack's raw config (`namespace:key` to text) into settings. Keys of other namespaces are not looked at.
 * @throws Error in one sentence that names the key, what is wrong with its value and how to mend it.
 */
export function parseConfig(raw: Readonly<Record<string, string>>): Config {
    const values = ownValues(raw);
    const read = <T>(key: keyof Config, parser: parsers.KeyParser<T>): T => {
        const text = values.get(key) ?? defaults[key];
        const mend = `set it with "pulumi config set ${parser.setting ?? key} ${parser.example}"`;
        if (text === undefined) {
            throw new Error(`The config key ${NAMESPACE}:${key} is required but not set; ${mend}.`);
        }
        try {
            return parser.parse(text);
        } catch (error) {
            const reason = messageOf(error).replace(/\.$/, "");
            throw new Error(
                `The config key ${NAMESPACE}:${key} is ${JSON.stringify(text)}, but ${reason}; ${mend}.`,
                { cause: error },
            );
        }
    };
    const audited = read("tables", parsers.tables);
    const config: Config = {
        engineVersion: read("engineVersion", parsers.engineVersion),
        databaseName: read("databaseName", parsers.databaseName),
        masterUsername: read("masterUsername", parsers.masterUsername),
        tables: audited,
        columns: read("columns", columnsOf(audited)),
        demoTable: read("demoTable", parsers.flag),
        sourceGuards: read("sourceGuards", parsers.flag),
        allowTruncate: read("allowTruncate", parsers.someOf(audited, "allowTruncate")),
        allowKeyUpdates: read("allowKeyUpdates", parsers.someOf(audited, "allowKeyUpdates")),
        fullReplicaIdentity: read(
            "fullReplicaIdentity",
            parsers.someOf(audited, "fullReplicaIdentity"),
        ),
        maxLobSizeKb: read("maxLobSizeKb", parsers.integer(1, 102_400)),
        instanceClass: read("instanceClass", parsers.instanceClass("db", "db.t3.medium")),
        vpcCidr: read("vpcCidr", parsers.vpcCidr),
        sshCidr: read("sshCidr", parsers.sshCidr),
        hostInstanceType: read("hostInstanceType", parsers.instanceType),
        keyName: read("keyName", parsers.keyName),
        dmsInstanceClass: read("dmsInstanceClass", parsers.instanceClass("dms", "dms.t3.medium")),
        dmsEngineVersion: read("dmsEngineVersion", parsers.dmsEngineVersion),
        dmsAllocatedStorage: read("dmsAllocatedStorage", parsers.integer(5, 6_144)),
        createDmsRoles: read("createDmsRoles", parsers.flag),
        privateEndpoints: read("privateEndpoints", parsers.flag),
        databaseAccess: { kind: read("databaseAccess", parsers.databaseAccess) },
        deletionProtection: read("deletionProtection", parsers.flag),
        backupRetentionDays: read("backupRetentionDays", parsers.integer(7, 35)),
        caBundle: read("caBundle", parsers.caBundle),
    };
    const isDemo = ({ schema, table }: TableName): boolean =>
        schema === "public" && table === "items";
    if (config.demoTable && !audited.some(isDemo)) {
        throw new Error(
            `The config key ${NAMESPACE}:demoTable creates public.items, which ${NAMESPACE}:tables does not list; add it there or run "pulumi config set demoTable false".`,
        );
    }
    const limited = config.columns.find(({ columns }) =>
        columns.some(({ choice }) => choice.kind === "limit"),
    );
    if (limited !== undefined && !config.sourceGuards) {
        throw new Error(
            `The config key ${NAMESPACE}:columns declares a limit for a column of ${formatTableName(limited)}, which only a guard at the source can hold, and ${NAMESPACE}:sourceGuards is false; run "pulumi config set sourceGuards true".`,
        );
    }
    return config;
}

/** The settings of the stack that is being deployed; a mistake in them ends the program with its sentence and no stack trace. */
export function loadConfig(): Config {
    try {
        return parseConfig(pulumi.runtime.allConfig());
    } catch (error) {
        throw new pulumi.RunError(messageOf(error));
    }
}
