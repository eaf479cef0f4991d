import { renderSql } from "../database/sqlTemplate";
import type { Route } from "../reach/route";
import type { TableName } from "../trail/tableDefinition";
import { candidateLines, readCandidates } from "../verify/candidates";
import { Database } from "../verify/database";
import { type CommandOptions, runCommand, say } from "./shared/command";
import { connect } from "./shared/databaseSession";
import { type ConnectionUrls, notDeployed, unfinishedUrls } from "./shared/localStack";
import { givenUrls, requireVerifiedServer } from "./shared/secureUrl";
import { deployedStack } from "./shared/stackAccess";
import { optionsOf } from "./shared/usage";

/** From the environment as verify takes them, or the stack's; of the laptop's also before its first deployment has ended. */
async function addresses({ stack = "local" }: CommandOptions): Promise<ConnectionUrls> {
    const given = givenUrls(process.env);
    if (given !== undefined) {
        return given;
    }
    if (stack !== "local") {
        return await (await deployedStack(stack)).urls();
    }
    const { sourceUrl, auditUrl, ...way } = await unfinishedUrls();
    if (sourceUrl === undefined || auditUrl === undefined) {
        throw notDeployed();
    }
    return { sourceUrl, auditUrl, ...way };
}

/** None before a deployment has come as far as the trail. */
async function auditedTables(auditUrl: string, route: Route | undefined): Promise<TableName[]> {
    const client = await connect(auditUrl, "tables", { route });
    try {
        const audit = await Database.prepare(client, "audit");
        const { is_deployed: isDeployed } = await audit.row<{ is_deployed: boolean }>(
            renderSql("sql/status/is_deployed.sql"),
        );
        return isDeployed ? await audit.rows<TableName>(renderSql("sql/status/audited.sql")) : [];
    } finally {
        await client.end();
    }
}

/** `npm run tables`: what is audited, and what could be. */
runCommand(
    optionsOf("tables"),
    async (options) => {
        const { sourceUrl, auditUrl, route } = await addresses(options);
        requireVerifiedServer("AUDIT_TRAIL_SOURCE_URL", sourceUrl);
        requireVerifiedServer("AUDIT_TRAIL_AUDIT_URL", auditUrl);
        const audited = await auditedTables(auditUrl, route);
        const client = await connect(sourceUrl, "tables", { route });
        try {
            const source = await Database.prepare(client, "source");
            const tables = await readCandidates(source, audited);
            if (options.json) {
                say(JSON.stringify({ tables }, null, 2));
            } else {
                candidateLines(tables).forEach(say);
            }
        } finally {
            await client.end();
        }
    },
    1,
    "end at once",
);
