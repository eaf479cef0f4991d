import * as pulumi from "@pulumi/pulumi";
import { columnsOf } from "./columnParser";
import * as rules from "./keyParsers";
import { nearest } from "../text/nearest";
import { formatTableName } from "../trail/names";
import type { TableName } from "../trail/tableDefinition";
import { defaults, type Config } from "./keys";

/** The project's name, which is the namespace of its config keys. */
const NAMESPACE = "audit-trail";

/** This project's keys without their namespace. Names only, no values, of unknown keys: one may hold a secret. */
function ownValues(raw: Readonly<Record<string, string>>): Map<string, string> {
    const known = Object.keys(defaults);
    const values = new Map<string, string>();
    for (const [name, value] of Object.entries(raw)) {
        const [namespace, key = ""] = name.split(/:(.*)/s);
        if (namespace !== NAMESPACE) continue;
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
    const read = <T>(key: keyof Config, rule: rules.Rule<T>): T => {
        const text = values.get(key) ?? defaults[key];
        const mend = `set it with "pulumi config set ${rule.setting ?? key} ${rule.example}"`;
        if (text === undefined) {
            throw new Error(`The config key ${NAMESPACE}:${key} is required but not set; ${mend}.`);
        }
        try {
            return rule.parse(text);
        } catch (error) {
            const reason = (error instanceof Error ? error.message : String(error)).replace(
                /\.$/,
                "",
            );
            throw new Error(
                `The config key ${NAMESPACE}:${key} is ${JSON.stringify(text)}, but ${reason}; ${mend}.`,
                { cause: error },
            );
        }
    };
    const audited = read("tables", rules.tables);
    const config: Config = {
        engineVersion: read("engineVersion", rules.engineVersion),
        databaseName: read("databaseName", rules.databaseName),
        masterUsername: read("masterUsername", rules.masterUsername),
        tables: audited,
        columns: read("columns", columnsOf(audited)),
        demoTable: read("demoTable", rules.flag),
        sourceGuards: read("sourceGuards", rules.flag),
        allowTruncate: read("allowTruncate", rules.someOf(audited, "allowTruncate")),
        allowKeyUpdates: read("allowKeyUpdates", rules.someOf(audited, "allowKeyUpdates")),
        fullReplicaIdentity: read(
            "fullReplicaIdentity",
            rules.someOf(audited, "fullReplicaIdentity"),
        ),
        maxLobSizeKb: read("maxLobSizeKb", rules.integer(1, 102_400)),
        instanceClass: read("instanceClass", rules.instanceClass("db", "db.t3.medium")),
        vpcCidr: read("vpcCidr", rules.vpcCidr),
        sshCidr: read("sshCidr", rules.sshCidr),
        hostInstanceType: read("hostInstanceType", rules.instanceType),
        keyName: read("keyName", rules.keyName),
        dmsInstanceClass: read("dmsInstanceClass", rules.instanceClass("dms", "dms.t3.medium")),
        dmsEngineVersion: read("dmsEngineVersion", rules.dmsEngineVersion),
        dmsAllocatedStorage: read("dmsAllocatedStorage", rules.integer(5, 6_144)),
        createDmsRoles: read("createDmsRoles", rules.flag),
        privateEndpoints: read("privateEndpoints", rules.flag),
        databaseAccess: { kind: read("databaseAccess", rules.databaseAccess) },
        deletionProtection: read("deletionProtection", rules.flag),
        backupRetentionDays: read("backupRetentionDays", rules.integer(7, 35)),
        caBundle: read("caBundle", rules.caBundle),
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
        throw new pulumi.RunError(error instanceof Error ? error.message : String(error));
    }
}
