import { createRequire } from "node:module";
import type { Client } from "pg";
import { type Config, KEY_GROUPS } from "../config/keys";
import { prepareSession } from "../database/session";
import { preflight } from "../preflight/preflight";
import type { Query } from "../preflight/readFacts";
import { reportLines } from "../preflight/reportText";
import { messageOf, PlainError } from "../text/errors";
import { parseTableName } from "../trail/names";
import { tableGroups } from "../trail/tableGroups";
import { type CommandOptions, runCommand, say } from "./shared/command";
import { configuredSourceUrl } from "./shared/configuredSource";
import { connect } from "./shared/databaseSession";
import { type ConnectionUrls, unfinishedUrls } from "./shared/localStack";
import type * as rdsApi from "./shared/rdsApi";
import { requireVerifiedServer } from "./shared/secureUrl";
import { deployedStack } from "./shared/stackAccess";
import { stackConfig, stackRegion } from "./shared/stackConfig";
import { optionsOf } from "./shared/usage";

const load = createRequire(__filename);

const EXIT_NOT_READY = 1;
const EXIT_UNKNOWN = 2;

/** How long the WAL is looked at. */
const WINDOW_MS = 2000;

/** What `maxLobSizeKb` is where no config says it. */
const DEFAULT_LOB_KB = Number(KEY_GROUPS.dms.keys.maxLobSizeKb.default);

/**
 * The source's address and the way to it: that of the environment, as it is, or the stack's, or before a first start that of the
 * laptop's settings.
 */
async function sourceAddress(
    { stack = "local" }: CommandOptions,
    config: Config | undefined,
): Promise<Pick<ConnectionUrls, "route" | "sourceUrl">> {
    const given = process.env.AUDIT_TRAIL_SOURCE_URL ?? "";
    if (given !== "") {
        return { sourceUrl: given };
    }
    if (stack !== "local") {
        return (await deployedStack(stack)).urls();
    }
    const { sourceUrl: deployed, ...way } = await unfinishedUrls();
    const sourceUrl = deployed ?? (config && configuredSourceUrl(config));
    if (sourceUrl === undefined) {
        throw new PlainError(
            'There is no source to look at; set AUDIT_TRAIL_SOURCE_URL to the address of one, or run "npm start" for the laptop\'s.',
        );
    }
    return { ...way, sourceUrl };
}

/** What the stack's settings say; nothing where the command line names the tables of a source of its own. */
async function settings({ stack, tables }: CommandOptions): Promise<Config | undefined> {
    return stack === undefined && tables.length > 0
        ? undefined
        : await stackConfig(stack ?? "local");
}

/** What RDS's API says of the source that the config names; undefined where that is no database of RDS. */
async function rdsSource(
    source: Config["source"]["existing"],
    stack = "local",
): Promise<Parameters<typeof preflight>[2]["rds"]> {
    if (source === undefined || source.kind === "address") {
        return undefined;
    }
    const { readRdsFacts } = load("./shared/rdsApi") as typeof rdsApi;
    const facts = await readRdsFacts(source, source.place?.region ?? (await stackRegion(stack)));
    return { facts, hasOwnSecret: source.credentialsSecretArn !== undefined };
}

/** Queries in a session that can change nothing and waits for nobody. */
async function queryOn(client: Client): Promise<Query> {
    await prepareSession(client, {
        default_transaction_read_only: "on",
        lock_timeout: "2s",
        row_security: "off",
    });
    return async <T extends object>(sql: string, parameters: readonly unknown[]) => {
        try {
            return (await client.query<T>(sql, [...parameters])).rows;
        } catch (cause) {
            throw new PlainError(
                `The source could not be looked at (${messageOf(cause)}); check that this user may read its catalog.`,
                { cause },
            );
        }
    };
}

/**
 * `npm run preflight`: what to mend at a source before its first deployment. Exit code 0: nothing must be mended; 1: something
 * must; 2: the source could not be looked at.
 */
runCommand(
    optionsOf("preflight"),
    async (options) => {
        const config = await settings(options);
        const { sourceUrl, route } = await sourceAddress(options, config);
        requireVerifiedServer("AUDIT_TRAIL_SOURCE_URL", sourceUrl);
        const tables =
            options.tables.length > 0
                ? options.tables.map(parseTableName)
                : (config?.trail.tables ?? []);
        const rds = await rdsSource(config?.source.existing, options.stack);
        const client = await connect(sourceUrl, "preflight", { route });
        try {
            const report = await preflight(await queryOn(client), tables, {
                choices: config?.trail.columns ?? [],
                guards: config?.source.guards ?? true,
                demoTable: config?.source.demoTable ?? false,
                groups: tableGroups(tables, config?.trail.groups ?? []).length,
                maxLobSizeKb: config?.dms.maxLobSizeKb ?? DEFAULT_LOB_KB,
                windowMs: WINDOW_MS,
                rds,
            });
            if (options.json) {
                say(JSON.stringify(report, null, 2));
            } else {
                reportLines(report).forEach(say);
            }
            process.exitCode = report.ready ? 0 : EXIT_NOT_READY;
        } finally {
            await client.end();
        }
    },
    EXIT_UNKNOWN,
    "end at once",
);
