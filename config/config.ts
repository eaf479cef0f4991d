import * as pulumi from "@pulumi/pulumi";
import { messageOf } from "../text/errors";
import { nearest } from "../text/nearest";
import { formatTableName } from "../trail/names";
import type { TableName } from "../trail/tableDefinition";
import { accessProblem } from "./databaseAccess";
import { hostProblem } from "./hostRules";
import { FieldError } from "./jsonObject";
import {
    type Config,
    configGroups,
    type ConfigKey,
    configKeys,
    KEY_GROUPS,
    parserOf,
} from "./keys";
import { unfitClass } from "./serverParser";
import { checkSource } from "./sourceRules";

/** The project's name, which is the namespace of its config keys. */
const NAMESPACE = "audit-trail";

/** This project's keys without their namespace. Names only, no values, of unknown keys: one may hold a secret. */
function ownValues(raw: Readonly<Record<string, string>>): Map<string, string> {
    const known = configKeys.map(({ key }) => key);
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
 * The value of one key.
 * @param text What is set; undefined where nothing is.
 * @throws Error in one sentence.
 */
function valueOf<T>(
    definition: ConfigKey<T>,
    text: string | undefined,
    audited: readonly TableName[],
): T {
    const { key } = definition;
    const parser = parserOf(definition, audited);
    const setting = parser.setting?.(key) ?? key;
    const mend = `set it with "pulumi config set ${setting} ${parser.example}"`;
    if (text === undefined) {
        throw new Error(`The config key ${NAMESPACE}:${key} is required but not set; ${mend}.`);
    }
    try {
        return parser.parse(text);
    } catch (error) {
        const reason = messageOf(error).replace(/\.$/, "");
        const ownMend = error instanceof FieldError ? error.mendOf(key) : mend;
        const value = parser.isHidden === true ? "set" : JSON.stringify(text);
        throw new Error(
            `The config key ${NAMESPACE}:${key} is ${value}, but ${reason}; ${ownMend}.`,
            { cause: error },
        );
    }
}

/** @throws Error when the table to try the trail with is created and not audited. */
function checkDemoTable({ trail, source }: Config): void {
    const isDemo = ({ schema, table }: TableName): boolean =>
        schema === "public" && table === "items";
    if (source.demoTable && !trail.tables.some(isDemo)) {
        throw new Error(
            `The config key ${NAMESPACE}:demoTable creates public.items, which ${NAMESPACE}:tables does not list; add it there or run "pulumi config set demoTable false".`,
        );
    }
}

/** @throws Error when a column has a limit that nothing at the source holds. */
function checkLimits({ trail, source }: Config): void {
    const limited = trail.columns.find(({ columns }) =>
        columns.some(({ choice }) => choice.kind === "limit"),
    );
    if (limited !== undefined && !source.guards) {
        throw new Error(
            `The config key ${NAMESPACE}:columns declares a limit for a column of ${formatTableName(limited)}, which only a guard at the source can hold, and ${NAMESPACE}:sourceGuards is false; run "pulumi config set sourceGuards true".`,
        );
    }
}

/** @throws Error when the user who deploys is listed as a login of people. */
function checkUsers({ cluster: { masterUsername }, audit: { users } }: Config): void {
    if (users.some(({ login }) => login === masterUsername)) {
        throw new Error(
            `The config key ${NAMESPACE}:databaseUsers lists ${masterUsername}, which is the master user of the audit server and may do everything there; remove it with "pulumi config rm --path databaseUsers.${masterUsername}".`,
        );
    }
}

/** @throws Error when the class of all servers is none of a server's kind, and that server has no class of its own. */
function checkClasses({ cluster, source, audit }: Config): void {
    for (const { kind, instanceClass } of [source.server, audit.server]) {
        const reason = unfitClass(kind, instanceClass ?? cluster.instanceClass);
        if (instanceClass === undefined && reason !== undefined) {
            throw new Error(
                `The config key ${NAMESPACE}:instanceClass is ${JSON.stringify(cluster.instanceClass)}, which ${reason}; set it with "pulumi config set instanceClass db.r6g.large".`,
            );
        }
    }
}

/** @throws Error when the key is of another account or region, where nothing of the stack can use it. */
function checkKey({ stack: { kmsKeyArn, accountId } }: Config, region: string | undefined): void {
    const [, , , keyRegion = "", keyAccount = ""] = kmsKeyArn?.split(":") ?? [];
    const mend = `run "pulumi config set kmsKeyArn" with the ARN of a key of this stack's account and region`;
    if (kmsKeyArn !== undefined && region !== undefined && keyRegion !== region) {
        throw new Error(
            `The config key ${NAMESPACE}:kmsKeyArn names a key of the region ${keyRegion}, but aws:region is ${region}; ${mend}.`,
        );
    }
    if (kmsKeyArn !== undefined && accountId !== undefined && keyAccount !== accountId) {
        throw new Error(
            `The config key ${NAMESPACE}:kmsKeyArn names a key of the account ${keyAccount}, but ${NAMESPACE}:accountId is ${accountId}; ${mend}.`,
        );
    }
}

/** @throws Error when a VPC is to have an address range and is not made. */
function checkVpcCidr({ network }: Config): void {
    if (
        network.existing !== undefined &&
        network.vpcCidr !== KEY_GROUPS.network.keys.vpcCidr.default
    ) {
        throw new Error(
            `The config key ${NAMESPACE}:vpcCidr is ${network.vpcCidr}, but ${NAMESPACE}:network names a VPC that exists and has its own; remove it with "pulumi config rm vpcCidr".`,
        );
    }
}

/** @throws Error when the way to the databases is not there, or keys are about another way or about a host that is not made. */
function checkAccess(config: Config): void {
    const problem = accessProblem(config) ?? hostProblem(config);
    if (problem !== undefined) {
        throw new Error(problem);
    }
}

/**
 * Turns the stack's raw config (`namespace:key` to text) into settings. Keys of other namespaces are not looked at.
 * @throws Error in one sentence that names the key, what is wrong with its value and how to mend it.
 */
export function parseConfig(raw: Readonly<Record<string, string>>): Config {
    const values = ownValues(raw);
    const read = <T>(definition: ConfigKey<T>, audited: readonly TableName[]): T =>
        valueOf(definition, values.get(definition.key) ?? definition.default, audited);
    const audited = read(KEY_GROUPS.trail.keys.tables, []);
    const groups = configGroups.map(([group, { keys }]) => [
        group,
        Object.fromEntries(
            Object.entries(keys).map(([name, definition]) => [name, read(definition, audited)]),
        ),
    ]);
    // Each value has the type of its parser, and Config is the parsers' types by group and name.
    const config = Object.fromEntries(groups) as Config;
    checkDemoTable(config);
    checkLimits(config);
    checkVpcCidr(config);
    checkSource(config, raw["aws:region"]);
    checkAccess(config);
    checkClasses(config);
    checkUsers(config);
    checkKey(config, raw["aws:region"]);
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
