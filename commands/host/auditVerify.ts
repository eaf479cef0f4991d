import { PlainError } from "../../text/errors";
import { parseTableName } from "../../trail/names";
import { runCommand, say } from "../shared/command";
import { openSession } from "../shared/plainSession";
import { givenUrls } from "../shared/secureUrl";
import { helpText, USAGE } from "../shared/usage";
import { EXIT_UNKNOWN, verifyDatabases } from "../shared/verifyDatabases";

/** What the deployment knows of its own trail; components/network/hostProgram.ts puts it in. */
declare const AUDIT_TRAIL_STACK: {
    readonly tables: readonly string[];
    readonly guardsExpected: boolean;
};

/** Everything that `npm run verify` takes but another stack: the program is one stack's. */
const OPTIONS = Object.entries(USAGE["verify"]?.options ?? {}).filter(
    ([written]) => !written.startsWith("--stack"),
);

const CODES = USAGE["verify"]?.codes ?? {};

/**
 * `audit-verify` on the psql host, as one file: verify with the two addresses of the environment, which the host's command of
 * that name makes of the secrets (components/network/host/audit-verify.sh).
 */
if (process.argv.slice(2).some((word) => word === "--help" || word === "-h")) {
    const does = USAGE["verify"]?.does ?? "";
    say(helpText("audit-verify", { does, options: Object.fromEntries(OPTIONS), codes: CODES }));
} else {
    runCommand(
        OPTIONS.map(([written]) => written.replace(/ <.*/, "")),
        async (options) => {
            const urls = givenUrls(process.env);
            // No process that this one starts gets the passwords, and nothing that reads its variables from within.
            Reflect.deleteProperty(process.env, "AUDIT_TRAIL_SOURCE_URL");
            Reflect.deleteProperty(process.env, "AUDIT_TRAIL_AUDIT_URL");
            if (urls === undefined) {
                throw new PlainError(
                    "AUDIT_TRAIL_SOURCE_URL and AUDIT_TRAIL_AUDIT_URL are not set; start this program with the command audit-verify, which sets them.",
                );
            }
            const { tables, guardsExpected } = AUDIT_TRAIL_STACK;
            const names = options.tables.length > 0 ? options.tables : tables;
            await verifyDatabases(
                {
                    ...urls,
                    tables: names.map(parseTableName),
                    guardsExpected,
                    open: (url) => openSession(url, "verify"),
                },
                options,
            );
        },
        EXIT_UNKNOWN,
        "end at once",
    );
}
