import path from "node:path";
import type { Config } from "../../config/keys";
import { PROJECT_ROOT } from "../../local/engine/paths";
import { databaseUrl } from "./databaseUrl";

/**
 * The address of a source that the config names by its host, with the login that the config has; undefined for any other source,
 * and where the login is kept in a secret.
 */
export function configuredSourceUrl({ source, cluster }: Config): string | undefined {
    const { existing, password } = source;
    if (existing?.kind !== "address" || existing.username === undefined || password === undefined) {
        return undefined;
    }
    const { host, port, username } = existing;
    const database = existing.databaseName ?? cluster.databaseName;
    const authorities = path.resolve(PROJECT_ROOT, existing.caBundle ?? cluster.caBundle);
    return databaseUrl({ host, port, database, username, password, authorities });
}
