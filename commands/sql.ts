import type { Client } from "pg";
import { renderSql } from "../database/sqlTemplate";
import { PlainError } from "../text/errors";
import { formatTableName, parseTableName } from "../trail/names";
import type { TableName } from "../trail/tableDefinition";
import { Database } from "../verify/database";
import { runCommand } from "./shared/command";
import { connect } from "./shared/databaseSession";
import { type ConnectionUrls, unfinishedUrls } from "./shared/localStack";
import { requireVerifiedServer } from "./shared/secureUrl";
import { optionsOf } from "./shared/usage";
import type { Subject } from "./sql/deployment";
import { DEMO, MARKER } from "./sql/knownTables";
import { allParts, DEMO_SUBJECT } from "./sql/pages";
import { partText } from "./sql/step";
import { readSubjects } from "./sql/subjects";

/** Where tables can be looked up: the environment's databases, or the laptop stack's. */
async function addresses(): Promise<Partial<ConnectionUrls>> {
    const { AUDIT_TRAIL_SOURCE_URL: sourceUrl = "", AUDIT_TRAIL_AUDIT_URL: auditUrl = "" } =
        process.env;
    if (sourceUrl === "") {
        return await unfinishedUrls();
    }
    requireVerifiedServer("AUDIT_TRAIL_SOURCE_URL", sourceUrl);
    if (auditUrl === "") {
        return { sourceUrl };
    }
    requireVerifiedServer("AUDIT_TRAIL_AUDIT_URL", auditUrl);
    return { sourceUrl, auditUrl };
}

async function withDatabase<T>(
    url: string,
    side: "source" | "audit",
    work: (database: Database) => Promise<T>,
): Promise<T> {
    const client: Client = await connect(url, "sql");
    try {
        return await work(await Database.prepare(client, side));
    } finally {
        await client.end();
    }
}

/** The tables as their source has them; the demo table also without one. */
async function subjectsOf(names: readonly TableName[]): Promise<Subject[]> {
    const { sourceUrl, auditUrl } = await addresses();
    if (sourceUrl === undefined) {
        const [unknown] = names
            .map(formatTableName)
            .filter((name) => name !== formatTableName(DEMO));
        if (unknown === undefined) {
            return [DEMO_SUBJECT];
        }
        throw new PlainError(
            `Only the source knows what ${unknown} looks like: run "npm start" and create the table there, or set AUDIT_TRAIL_SOURCE_URL to the address of a database that has it.`,
        );
    }
    return await withDatabase(sourceUrl, "source", async (source) => {
        if (auditUrl === undefined) {
            return await readSubjects(source, undefined, names);
        }
        return await withDatabase(auditUrl, "audit", async (audit) => {
            const { is_deployed: isDeployed } = await audit.row<{ is_deployed: boolean }>(
                renderSql("sql/status/is_deployed.sql"),
            );
            return await readSubjects(source, isDeployed ? audit : undefined, names);
        });
    });
}

/** Resolves when all is written, or when who reads has gone. */
async function print(text: string): Promise<void> {
    await new Promise<void>((resolve) =>
        process.stdout.write(text, () => {
            resolve();
        }),
    );
}

/** `npm run sql`: every script and query as it would run, in the order of a deployment. */
runCommand(
    optionsOf("sql"),
    async ({ tables }) => {
        const names = tables.map(parseTableName);
        const subjects = names.length === 0 ? [DEMO_SUBJECT] : await subjectsOf(names);
        await print(allParts(subjects, MARKER).map(partText).join("\n"));
    },
    1,
    "end at once",
);
