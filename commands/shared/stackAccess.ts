import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import path from "node:path";
import { promisify } from "node:util";
import { PROJECT_ROOT } from "../../local/engine/paths";
import { obtainCli } from "../../local/engine/pulumiCli";
import { deployedOutputs, localStackPlace } from "../../local/engine/workspace";
import { userBackendEnvironment } from "../../local/environment";
import { messageOf, PlainError } from "../../text/errors";
import { sayAside } from "./command";
import { type ConnectionUrls, connectionUrls, notDeployed, routeOf } from "./localStack";
import type * as secretsManager from "./secretsManager";

const load = createRequire(__filename);

/** A deployed stack, as far as a command that reads its databases needs it. */
export interface DeployedStack {
    /** Plain values of the outputs. */
    readonly outputs: Readonly<Record<string, unknown>>;
    urls(): Promise<ConnectionUrls>;
}

/** The laptop stack for the name `local`, a stack of the project's own backend for any other name. */
export async function deployedStack(name: string): Promise<DeployedStack> {
    return name === "local" ? await laptopStack() : await ownStack(name);
}

async function laptopStack(): Promise<DeployedStack> {
    const cli = await obtainCli(sayAside);
    const outputs = await deployedOutputs(cli, localStackPlace());
    if (Object.keys(outputs).length === 0) {
        throw notDeployed();
    }
    return {
        outputs: Object.fromEntries(
            Object.entries(outputs).map(([key, { value }]): [string, unknown] => [key, value]),
        ),
        urls: () => connectionUrls(outputs),
    };
}

async function ownStack(name: string): Promise<DeployedStack> {
    const cli = await obtainCli(sayAside);
    const args = ["stack", "output", "--json", "--stack", name];
    let text: string;
    try {
        const place = { cwd: PROJECT_ROOT, env: userBackendEnvironment() };
        text = (await promisify(execFile)(cli.command, args, place)).stdout;
    } catch (cause) {
        const message = messageOf(cause);
        const [reason = ""] = /error: .*/.exec(message) ?? [];
        throw new PlainError(
            `The outputs of the stack ${name} cannot be read (${reason.trim()}); check its name with "pulumi stack ls" and that you are logged in.`,
            { cause },
        );
    }
    const outputs = JSON.parse(text) as Record<string, unknown>;
    return {
        outputs,
        urls: async () => ({
            sourceUrl: await masterUrl(outputs, "source"),
            auditUrl: await masterUrl(outputs, "audit"),
            route: routeOf(outputs.databaseRoute),
        }),
    };
}

/** A cluster's address out of its psql output, with user and password out of its master secret. */
async function masterUrl(
    outputs: Readonly<Record<string, unknown>>,
    side: "source" | "audit",
): Promise<string> {
    const psql = outputs[`${side}Psql`];
    const arn = outputs[`${side}MasterSecretArn`];
    if (typeof psql !== "string" || typeof arn !== "string") {
        throw new PlainError(
            `The stack has no outputs ${side}Psql and ${side}MasterSecretArn; deploy it with this version of the program.`,
        );
    }
    const { awsSecret } = load("./secretsManager") as typeof secretsManager;
    return urlOf(psql, await awsSecret(arn));
}

/**
 * The connection URL for a psql command of this program (`psql "host=... port=..."`) and a secret with `username` and
 * `password`. The path of the certificate authorities is taken from the project folder.
 */
export function urlOf(psql: string, secret: string): string {
    const words = psql.replace(/^psql "|"$/g, "").split(" ");
    const settings = new Map(
        words.map((word): [string, string] => [
            word.slice(0, word.indexOf("=")),
            word.slice(word.indexOf("=") + 1),
        ]),
    );
    const setting = (key: string): string => settings.get(key) ?? "";
    const { username, password } = JSON.parse(secret) as { username: string; password: string };
    const url = new URL(`postgresql://${setting("host")}:${setting("port")}/`);
    url.username = encodeURIComponent(username);
    url.password = encodeURIComponent(password);
    url.pathname = encodeURIComponent(setting("dbname"));
    url.searchParams.set("sslmode", "verify-full");
    url.searchParams.set("sslrootcert", path.resolve(PROJECT_ROOT, setting("sslrootcert")));
    return url.href;
}
