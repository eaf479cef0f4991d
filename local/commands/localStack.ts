import * as path from "node:path";
import { OutputMap } from "@pulumi/pulumi/automation";
import { secretValue } from "../aws/secretValue";
import { Store } from "../aws/store";
import { localDir } from "../engine/paths";
import { authorityFiles } from "../servers/tls";
import { CommandError } from "./command";

/** The folder of the laptop stack's servers, tasks and recorded resources. */
export function localStackDir(): string {
    return path.join(localDir(), "local");
}

/** URLs of both databases as their master user, with the password and the verified TLS connection in them. */
export interface ConnectionUrls {
    readonly sourceUrl: string;
    readonly auditUrl: string;
}

/** What the master secret of a cluster holds. */
interface Credentials {
    readonly username: string;
    readonly password: string;
    readonly host: string;
    readonly port: number;
    readonly dbname: string;
}

async function connectionUrl(outputs: OutputMap, secretOutput: string): Promise<string> {
    const arn: unknown = outputs[secretOutput]?.value;
    const text =
        typeof arn === "string" ? await secretValue(new Store(localStackDir()), arn) : undefined;
    if (text === undefined) {
        throw new CommandError(
            `The laptop stack has no secret for its output ${secretOutput}; run "npm start" to complete it.`,
        );
    }
    const { username, password, host, port, dbname } = JSON.parse(text) as Credentials;
    const url = new URL(`postgresql://${host}:${String(port)}/`);
    url.username = encodeURIComponent(username);
    url.password = encodeURIComponent(password);
    url.pathname = encodeURIComponent(dbname);
    url.searchParams.set("sslmode", "verify-full");
    url.searchParams.set("sslrootcert", authorityFiles(localStackDir()).certPath);
    return url.href;
}

/** Reads the master secrets that the stack's outputs name. */
export async function connectionUrls(outputs: OutputMap): Promise<ConnectionUrls> {
    return {
        sourceUrl: await connectionUrl(outputs, "sourceMasterSecretArn"),
        auditUrl: await connectionUrl(outputs, "auditMasterSecretArn"),
    };
}
