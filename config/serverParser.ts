import { parseEngineVersion } from "../components/cluster/engineVersion";
import type { ServerWish } from "../components/cluster/makeServer";
import { messageOf } from "../text/errors";
import { FieldError, fieldsOf, isObject, type JsonObject } from "./jsonObject";
import type { KeyParser } from "./keyParsers";

const KINDS = ["aurora", "rds"] as const satisfies readonly ServerWish["kind"][];
const ENDS = [
    "delete",
    "snapshot",
    "retain",
] as const satisfies readonly ServerWish["whenDestroyed"][];

const FIELDS = [
    "kind",
    "engineVersion",
    "instanceClass",
    "serverless",
    "multiAz",
    "allocatedStorage",
    "maxAllocatedStorage",
    "whenDestroyed",
];

/** In GB: what storage of type gp3 may be, https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Storage.html. */
const STORAGE = { least: 20, usual: 100, most: 65_536 };

/** How much the storage may grow where the config does not say: an append-only log grows for years. */
const USUAL_GROWTH = 10;

/** RDS asks for at least that part of the storage as room to grow, https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_PIOPS.Autoscaling.html. */
const LEAST_ROOM = 0.1;

/** Capacity units, https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-serverless-v2.setting-capacity.html. */
const CAPACITY = { least: 0.5, most: 256 };

const SERVERLESS_CLASS = "db.serverless";

/**
 * Classes of Aurora PostgreSQL 15 to 17 beside the serverless one: two sizes of the burstable ones, and those with much memory,
 * https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Concepts.DBInstanceClass.SupportAurora.html.
 */
const AURORA_CLASS =
    /^db\.((t3|t4g)\.(medium|large)|r[5-9][a-z]*\.[a-z0-9-]+|x\d[a-z]*\.[a-z0-9-]+)$/;

/** Classes of RDS for PostgreSQL: Graviton and others, https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Concepts.DBInstanceClass.Support.html. */
const RDS_CLASS = /^db\.(t3|t4g|[mrcx]\d[a-z]*)\.[a-z0-9-]+$/;

/** Why a server of this kind cannot have a class, or undefined where it can; completes "..., which". */
export function unfitClass(kind: ServerWish["kind"], instanceClass: string): string | undefined {
    if (kind === "aurora") {
        return AURORA_CLASS.test(instanceClass)
            ? undefined
            : "Aurora PostgreSQL does not have: it has db.t3 and db.t4g as medium and large, db.r5 and later, and db.x";
    }
    return RDS_CLASS.test(instanceClass)
        ? undefined
        : "RDS for PostgreSQL does not have: it has db.t3, db.t4g, db.m, db.r, db.c and db.x";
}

/** A new server beside the source. */
export const server: KeyParser<ServerWish> = {
    type: "object",
    setting: (key) => `--path ${key}.kind`,
    example: "rds",
    parse(text) {
        const fields = fieldsOf(text, FIELDS);
        const kind = choice(fields, "kind", KINDS, "aurora");
        refuseOtherKind(fields, kind);
        const serverless = capacities(fields);
        const allocatedStorage = storage(fields, "allocatedStorage", STORAGE.least, STORAGE.usual);
        return {
            kind,
            engineVersion: version(fields),
            instanceClass: instanceClass(fields, kind, serverless !== undefined),
            serverless,
            multiAz: flag(fields, "multiAz"),
            allocatedStorage,
            maxAllocatedStorage: storage(
                fields,
                "maxAllocatedStorage",
                allocatedStorage + Math.ceil(allocatedStorage * LEAST_ROOM),
                Math.min(allocatedStorage * USUAL_GROWTH, STORAGE.most),
            ),
            whenDestroyed: choice(fields, "whenDestroyed", ENDS, "snapshot"),
        };
    },
};

/** @throws FieldError for a field that a server of this kind has no use for. */
function refuseOtherKind(fields: JsonObject, kind: ServerWish["kind"]): void {
    if (kind === "rds" && fields.serverless !== undefined) {
        throw new FieldError(
            "it has serverless with the kind rds, and only Aurora is serverless",
            "set",
            "kind",
            "aurora",
        );
    }
    const sized = ["allocatedStorage", "maxAllocatedStorage"].find(
        (name) => fields[name] !== undefined,
    );
    if (kind === "aurora" && sized !== undefined) {
        throw new FieldError(
            `it has ${sized} with the kind aurora, whose storage has no size: it grows by itself`,
            "rm",
            sized,
        );
    }
}

function choice<T extends string>(
    fields: JsonObject,
    name: string,
    words: readonly T[],
    usual: T,
): T {
    const value = fields[name] ?? usual;
    const found = words.find((word) => word === value);
    if (found === undefined) {
        throw new FieldError(
            `its ${name} is ${JSON.stringify(value)}, and it must be ${words.slice(0, -1).join(", ")} or ${words.at(-1) ?? ""}`,
            "set",
            name,
            usual,
        );
    }
    return found;
}

function flag(fields: JsonObject, name: string): boolean | undefined {
    const value = fields[name];
    if (value !== undefined && typeof value !== "boolean") {
        const reason = `its ${name} is ${JSON.stringify(value)}, and it must be true or false`;
        throw new FieldError(reason, "set", name, "true");
    }
    return value;
}

function version({ engineVersion }: JsonObject): string | undefined {
    if (engineVersion === undefined) {
        return undefined;
    }
    const written = typeof engineVersion === "number" ? String(engineVersion) : engineVersion;
    try {
        return parseEngineVersion(typeof written === "string" ? written : "");
    } catch (error) {
        throw new FieldError(
            `its engineVersion is ${JSON.stringify(engineVersion)}, and ${messageOf(error)}`,
            "set",
            "engineVersion",
            "17.7",
        );
    }
}

function instanceClass(
    { instanceClass: value }: JsonObject,
    kind: ServerWish["kind"],
    isServerless: boolean,
): string | undefined {
    if (isServerless) {
        if (value !== undefined && value !== SERVERLESS_CLASS) {
            throw new FieldError(
                `it has serverless and the instanceClass ${JSON.stringify(value)}, and a serverless cluster has the class ${SERVERLESS_CLASS} alone`,
                "rm",
                "instanceClass",
            );
        }
        return SERVERLESS_CLASS;
    }
    if (value === undefined) {
        return undefined;
    }
    if (value === SERVERLESS_CLASS && kind === "aurora") {
        throw new FieldError(
            `its instanceClass is ${SERVERLESS_CLASS}, and nothing says how far it may grow`,
            "set",
            "serverless.maxCapacity",
            "8",
        );
    }
    const reason = typeof value === "string" ? unfitClass(kind, value) : "is not a text";
    if (typeof value !== "string" || reason !== undefined) {
        throw new FieldError(
            `its instanceClass is ${JSON.stringify(value)}, which ${reason ?? ""}`,
            "set",
            "instanceClass",
            "db.r6g.large",
        );
    }
    return value;
}

function storage(fields: JsonObject, name: string, least: number, usual: number): number {
    const value = fields[name] ?? usual;
    const { most } = STORAGE;
    if (typeof value !== "number" || !Number.isInteger(value) || value < least || value > most) {
        throw new FieldError(
            `its ${name} is ${JSON.stringify(value)}, and it must be a whole number of GB from ${least} to ${most}`,
            "set",
            name,
            String(usual),
        );
    }
    return value;
}

function capacities({ serverless }: JsonObject): ServerWish["serverless"] {
    if (serverless === undefined) {
        return undefined;
    }
    const given: JsonObject = isObject(serverless) ? serverless : {};
    const other = Object.keys(given).find((name) => !["minCapacity", "maxCapacity"].includes(name));
    if (!isObject(serverless) || other !== undefined) {
        throw new FieldError(
            `its serverless is ${JSON.stringify(serverless)}, and it must have minCapacity and maxCapacity and nothing else`,
            "set",
            "serverless.maxCapacity",
            "8",
        );
    }
    const minCapacity = capacity(given, "minCapacity", CAPACITY.least, String(CAPACITY.least));
    // One unit at least: https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ServerlessV2ScalingConfiguration.html.
    const maxCapacity = capacity(given, "maxCapacity", Math.max(minCapacity, 1), "8");
    return { minCapacity, maxCapacity };
}

/** A number of capacity units; `pulumi config set` writes one with a fraction as text. */
function capacity(given: JsonObject, name: string, least: number, example: string): number {
    const value = given[name];
    const units = typeof value === "string" ? Number(value) : value;
    if (
        typeof units !== "number" ||
        !Number.isInteger(units * 2) ||
        units < least ||
        units > CAPACITY.most
    ) {
        throw new FieldError(
            `its serverless.${name} is ${value === undefined ? "not there" : JSON.stringify(value)}, and it must be a number of Aurora capacity units from ${least} to ${CAPACITY.most} in steps of 0.5, because DMS never leaves the database alone for a pause`,
            "set",
            `serverless.${name}`,
            example,
        );
    }
    return units;
}
