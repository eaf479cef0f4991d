import { pages } from "../engine/frameworks";
import {
    type BooleanSetting,
    type ChoiceSetting,
    type IntegerSetting,
    MOST,
    type Range,
    type Setting,
    type TextSetting,
} from "../engine/setting";

/** The side of the pipeline that an endpoint is on. */
export type Side = "source" | "target";

/** A documented PostgreSQL setting of an endpoint. */
export interface EndpointSetting {
    /** The sides that know it. */
    readonly sides: readonly Side[];
    /** What it may be; undefined: it may not be given at all. */
    readonly setting?: Setting;
    /** Why it may not be given. */
    readonly refusal?: string;
    /** The rule that judges it, where it has one of its own. */
    readonly rule?: string;
}

const SOURCE: readonly Side[] = ["source"];
const TARGET: readonly Side[] = ["target"];
const BOTH: readonly Side[] = ["source", "target"];

const flag = (value: boolean, reason: string, safe?: readonly boolean[]): BooleanSetting => ({
    kind: "boolean",
    default: value,
    reason,
    ...(safe === undefined ? {} : { safe }),
});
const integer = (value: number, reason: string, range: Range, safe?: Range): IntegerSetting => ({
    kind: "integer",
    default: value,
    range,
    reason,
    ...(safe === undefined ? {} : { safe }),
});
const choice = (
    value: string,
    of: readonly string[],
    safe: readonly string[],
    reason: string,
): ChoiceSetting => ({ kind: "choice", default: value, of, safe, reason });
const text = (
    value: string,
    reason: string,
    safe: { readonly pattern: RegExp; readonly words: string },
): TextSetting => ({ kind: "text", default: value, reason, safe });

const of = (sides: readonly Side[], setting: Setting): EndpointSetting => ({ sides, setting });
const never = (sides: readonly Side[], refusal: string): EndpointSetting => ({ sides, refusal });

const SPEED = "it says how fast, not what";
const FROM_ONE: Range = { min: 1, max: MOST };

/**
 * Every PostgreSQL setting of a DMS endpoint, by its name in `postgresSettings`; those that only
 * `extraConnectionAttributes` knows are among them. The pack refuses what is not in here, and so does the stand-in.
 */
export const ENDPOINT_SETTINGS = {
    afterConnectScript: {
        ...never(BOTH, "it is SQL in each of DMS's sessions and can switch triggers off"),
        rule: "dms-endpoint-runs-no-script",
    },
    authenticationMethod: of(
        BOTH,
        choice("password", ["password", "iam"], ["password"], "the trail was tried with a secret"),
    ),
    babelfishDatabaseName: never(BOTH, "Babelfish is another engine"),
    captureDdls: {
        ...of(SOURCE, flag(true, "DMS would create a table and a trigger", [false])),
        rule: "dms-source-writes-no-ddl",
    },
    databaseMode: of(
        BOTH,
        choice("default", ["default", "babelfish"], ["default"], "Babelfish is another engine"),
    ),
    ddlArtifactsSchema: never(SOURCE, "no DDL is captured"),
    disableUnicodeSourceFilter: of(SOURCE, flag(false, "there are no filters", [false])),
    executeTimeout: of(
        BOTH,
        integer(60, "the load's COPY of one file runs the trigger for each of its rows", FROM_ONE, {
            min: 60,
            max: 86_400,
        }),
    ),
    failTasksOnLobTruncation: {
        ...of(SOURCE, flag(false, "a longer value would be cut with a warning only", [true])),
        rule: "dms-source-fails-on-truncation",
    },
    heartbeatEnable: of(
        SOURCE,
        flag(false, "an idle database's slot otherwise holds the WAL of the whole cluster", [true]),
    ),
    heartbeatFrequency: of(
        SOURCE,
        integer(5, "it is a number of minutes in which WAL piles up", FROM_ONE, {
            min: 1,
            max: 60,
        }),
    ),
    heartbeatSchema: of(
        SOURCE,
        text("public", "DMS would create a table among those of the application", {
            pattern: /^(?!public$)\S+$/,
            words: 'a schema of its own such as "awsdms_heartbeat"',
        }),
    ),
    mapBooleanAsBoolean: of(BOTH, flag(false, "booleans would arrive as text", [true])),
    mapJsonbAsClob: of(BOTH, flag(false, "jsonb is a large object already", [false])),
    mapLongVarcharAs: of(
        BOTH,
        choice("wstring", ["wstring", "clob", "nclob"], ["wstring"], "staging expects plain text"),
    ),
    mapUnboundedNumericAsString: of(
        BOTH,
        flag(false, "the program refuses unbounded numerics, or both ends carry them as text"),
    ),
    maxFileSize: of(TARGET, integer(32_768, SPEED, { min: 1, max: 1_048_576 })),
    pluginName: of(
        SOURCE,
        choice(
            "no-preference",
            ["no-preference", "test-decoding", "test_decoding", "pglogical"],
            ["test-decoding", "test_decoding"],
            "with pglogical, REPLICA IDENTITY FULL loses updates",
        ),
    ),
    serviceAccessRoleArn: never(BOTH, "the secret is read with secretsManagerAccessRoleArn"),
    slotName: never(SOURCE, "a slot that DMS did not make may begin anywhere in the WAL"),
    trimSpaceInChar: of(SOURCE, flag(true, "character(n) does not count trailing blanks")),
    consumeMonotonicEvents: of(
        SOURCE,
        flag(false, "it drops changes that share a WAL position", [false]),
    ),
    fetchCacheSize: of(SOURCE, integer(10_000, SPEED, FROM_ONE)),
    unboundedVarcharMaxSize: of(
        SOURCE,
        integer(
            8000,
            "a longer value of varchar without a length is cut",
            { min: 1, max: 10_485_760 },
            { min: 8000, max: 10_485_760 },
        ),
    ),
    connectionTimeout: of(BOTH, integer(10, SPEED, FROM_ONE)),
    loadUsingCSV: of(TARGET, flag(true, SPEED)),
} as const satisfies Readonly<Record<string, EndpointSetting>>;

/** The pages that document them. */
export const ENDPOINT_PAGES = {
    source: pages.dmsPostgresqlSource,
    target: pages.dmsPostgresqlTarget,
} as const;
