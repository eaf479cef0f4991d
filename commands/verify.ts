import { PlainError } from "../text/errors";
import { parseTableName } from "../trail/names";
import { type CommandOptions, runCommand } from "./shared/command";
import { connect } from "./shared/databaseSession";
import { laptopTaskFailure } from "./shared/laptopTasks";
import { givenUrls } from "./shared/secureUrl";
import { type DeployedStack, deployedStack } from "./shared/stackAccess";
import { optionsOf } from "./shared/usage";
import { EXIT_UNKNOWN, verifyDatabases, type VerifySubject } from "./shared/verifyDatabases";

/** From the command line and the environment as far as they say it, from the stack otherwise. */
async function findSubject({
    stack: name = "local",
    tables,
}: CommandOptions): Promise<VerifySubject> {
    const given = givenUrls(process.env);
    let stack: DeployedStack | undefined;
    if (given === undefined || tables.length === 0) {
        stack = await deployedStack(name);
    }
    const names = tables.length > 0 ? tables : tableOutput(stack);
    const { sourceUrl, auditUrl, route } = given
        ? { ...given, route: undefined }
        : ((await stack?.urls()) ?? { sourceUrl: "", auditUrl: "" });
    return {
        sourceUrl,
        auditUrl,
        tables: names.map(parseTableName),
        guardsExpected: stack?.outputs.sourceGuards !== false,
        // Addresses that somebody gives may be those of any trail.
        ...(name === "local" && given === undefined ? { taskFailure: laptopTaskFailure } : {}),
        open: (url) => connect(url, "verify", { route }),
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

/** `npm run verify`: proves the trail complete, or names what is not; see {@link verifyDatabases}. */
runCommand(
    optionsOf("verify"),
    async (options) => {
        await verifyDatabases(await findSubject(options), options);
    },
    EXIT_UNKNOWN,
    "end at once",
);
