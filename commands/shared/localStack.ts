import path from "node:path";
import type { OutputMap } from "@pulumi/pulumi/automation";
import { text } from "../../local/aws/behaviour";
import { SECRET, secretValue } from "../../local/aws/secretValue";
import { Store } from "../../local/aws/store";
import { localDir, PROJECT_ROOT } from "../../local/engine/paths";
import { readDeployment } from "../../local/engine/stackState";
import { LAPTOP_STACK, localStackPlace } from "../../local/engine/workspace";
import { authorityFiles } from "../../local/servers/tls";
import type { Route } from "../../reach/route";
import { PlainError } from "../../text/errors";
import { groupOfIdentifier } from "../../trail/taskNames";
import { databaseUrl } from "./databaseUrl";

/** The folder of the laptop stack's servers, tasks and recorded resources. */
export function localStackDir(): string {
    return path.join(localDir(), LAPTOP_STACK);
}

/** The group of tables that a task of the laptop stack carries, by the task's identifier. */
export function laptopGroup(taskId: string): string {
    return groupOfIdentifier(taskId, `audit-trail-${LAPTOP_STACK}`);
}

/** There is no laptop stack, or none that has come that far. */
export function notDeployed(): PlainError {
    return new PlainError('The laptop stack is not deployed; run "npm start" first.');
}

/** URLs of both databases as their master user, with the password and the verified TLS connection in them. */
export interface ConnectionUrls {
    readonly sourceUrl: string;
    readonly auditUrl: string;
    /** The way to both; as they are if not given. */
    readonly route?: Route;
}

/** What the master secret of a cluster holds. */
interface Credentials {
    readonly username: string;
    readonly password: string;
    readonly host: string;
    readonly port: number;
    readonly dbname: string;
    /** Path of the certificate authorities of a server that the stack did not make, in the project's folder. */
    readonly sslrootcert?: string;
}

async function outputUrl(outputs: OutputMap, secretOutput: string): Promise<string> {
    const arn: unknown = outputs[secretOutput]?.value;
    const secret =
        typeof arn === "string" ? await secretValue(new Store(localStackDir()), arn) : undefined;
    if (secret === undefined) {
        throw new PlainError(
            `The laptop stack has no secret for its output ${secretOutput}; run "npm start" to complete it.`,
        );
    }
    return urlOf(secret);
}

/** @param secret The text of a cluster's master secret. */
function urlOf(secret: string): string {
    const { dbname: database, sslrootcert, ...login } = JSON.parse(secret) as Credentials;
    const authorities =
        sslrootcert === undefined
            ? authorityFiles(localStackDir()).certPath
            : path.resolve(PROJECT_ROOT, sslrootcert);
    return databaseUrl({ ...login, database, authorities });
}

/** The way in a stack's output `databaseRoute`; an older program has none. */
export function routeOf(output: unknown): Route {
    const isRoute = typeof output === "object" && output !== null && "kind" in output;
    // The program wrote it, components/network/databaseRoute.ts.
    return isRoute ? (output as Route) : { kind: "direct" };
}

/** Reads the master secrets that the stack's outputs name. */
export async function connectionUrls(outputs: OutputMap): Promise<ConnectionUrls> {
    return {
        sourceUrl: await outputUrl(outputs, "sourceMasterSecretArn"),
        auditUrl: await outputUrl(outputs, "auditMasterSecretArn"),
        route: routeOf(outputs.databaseRoute?.value),
    };
}

/**
 * The way to the databases that the last deployment gave its postgresql provider, whose input the state keeps: the outputs
 * come only with the end of a deployment.
 */
async function deployedRoute(): Promise<Route | undefined> {
    const { engineDir, stackName } = localStackPlace();
    const { resources = [] } = (await readDeployment(engineDir, stackName)) ?? {};
    const routes = (resources as { inputs?: { databaseRoute?: unknown } }[]).map(
        ({ inputs }) => inputs?.databaseRoute,
    );
    const route = routes.find((value) => typeof value === "string");
    return route === undefined ? undefined : routeOf(JSON.parse(route));
}

/**
 * The addresses of those servers that a first deployment has made which did not come to its end: it has no outputs. Their
 * master secrets are found by what the program calls them.
 */
export async function unfinishedUrls(): Promise<Partial<ConnectionUrls>> {
    const store = new Store(localStackDir());
    const secrets = await store.list(SECRET);
    const url = async (side: string): Promise<string | undefined> => {
        const master = secrets.find(({ inputs }) =>
            text(inputs, "namePrefix")?.endsWith(`-${side}-master-`),
        );
        const secret = master === undefined ? undefined : await secretValue(store, master.id);
        return secret === undefined ? undefined : urlOf(secret);
    };
    const [sourceUrl, auditUrl] = [await url("source"), await url("audit")];
    const isThere = sourceUrl !== undefined || auditUrl !== undefined;
    const route = isThere ? await deployedRoute() : undefined;
    return {
        ...(sourceUrl === undefined ? {} : { sourceUrl }),
        ...(auditUrl === undefined ? {} : { auditUrl }),
        ...(route === undefined ? {} : { route }),
    };
}
