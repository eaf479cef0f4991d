import type { Route } from "../reach/route";
import { PlainError } from "../text/errors";
import { parseTableName } from "../trail/names";
import type { TableName } from "../trail/tableDefinition";
import { readTables } from "../verify/readTables";
import { hasUnverified, type VerifyReport } from "../verify/report";
import { reportLines } from "../verify/reportText";
import { verifyTrail } from "../verify/verifyTrail";
import { type CommandOptions, runCommand, say } from "./shared/command";
import { connect } from "./shared/databaseSession";
import { givenUrls, requireVerifiedServer } from "./shared/secureUrl";
import { type DeployedStack, deployedStack } from "./shared/stackAccess";
import { optionsOf } from "./shared/usage";
import { VerifyDisplay } from "./shared/verifyDisplay";

const EXIT_DIFFERENT = 1;
const EXIT_UNKNOWN = 2;

/** What is verified, and where. */
interface Subject {
    readonly sourceUrl: string;
    readonly auditUrl: string;
    /** The way to both; as they are if not given. */
    readonly route?: Route;
    readonly tables: readonly TableName[];
    readonly guardsExpected: boolean;
}

/** From the command line and the environment as far as they say it, from the stack otherwise. */
async function findSubject({ stack: name = "local", tables }: CommandOptions): Promise<Subject> {
    const given = givenUrls(process.env);
    let stack: DeployedStack | undefined;
    if (given === undefined || tables.length === 0) {
        stack = await deployedStack(name);
    }
    const names = tables.length > 0 ? tables : tableOutput(stack);
    return {
        ...(given ?? (await stack?.urls()) ?? { sourceUrl: "", auditUrl: "" }),
        tables: names.map(parseTableName),
        guardsExpected: stack?.outputs.sourceGuards !== false,
    };
}

function tableOutput(stack: DeployedStack | undefined): string[] {
    const tables: unknown = stack?.outputs.tables;
    if (!Array.isArray(tables)) {
        throw new PlainError(
            "The stack has no output tables: deploy it with this version of the program, or name them with --table.",
        );
    }
    return tables.map(String);
}

/** A table that could not be verified is reported like the others; the exit code says that there is one. */
function exitCode(report: VerifyReport): number {
    if (report.complete) {
        return 0;
    }
    return hasUnverified(report) ? EXIT_UNKNOWN : EXIT_DIFFERENT;
}

/**
 * `npm run verify`: proves the trail complete, or names what is not. Exit code 0: complete; 1: differences or failed
 * checks; 2: it, or a table of it, could not be verified.
 */
runCommand(
    optionsOf("verify"),
    async (options) => {
        const { sourceUrl, auditUrl, route, tables, guardsExpected } = await findSubject(options);
        requireVerifiedServer("AUDIT_TRAIL_SOURCE_URL", sourceUrl);
        requireVerifiedServer("AUDIT_TRAIL_AUDIT_URL", auditUrl);
        const source = await connect(sourceUrl, "verify", { route });
        try {
            const audit = await connect(auditUrl, "verify", { route });
            try {
                const definitions = await readTables(source, audit, tables);
                const { since } = options;
                const display = options.json ? undefined : new VerifyDisplay(process.stderr);
                const report = await verifyTrail(source, audit, definitions, {
                    guardsExpected,
                    ...(since === undefined ? {} : { since }),
                    ...(display === undefined ? {} : { progress: display }),
                }).finally(() => display?.end());
                if (options.json) {
                    say(JSON.stringify(report, null, 2));
                } else {
                    reportLines(report).forEach(say);
                }
                process.exitCode = exitCode(report);
            } finally {
                await audit.end();
            }
        } finally {
            await source.end();
        }
    },
    EXIT_UNKNOWN,
    "end at once",
);
