import path from "node:path";
import type { Config } from "../../config/keys";
import { PROJECT_ROOT } from "../../local/engine/paths";

/**
 * The address of a source that the config names by its host, with the login that the config has; undefined for any other source,
 * and where the login is kept in a secret.
 */
export function configuredSourceUrl({ source, cluster }: Config): string | undefined {
    const { existing, password } = source;
    if (existing?.kind !== "address" || existing.username === undefined || password === undefined) {
        return undefined;
    }
    const url = new URL(`postgresql://${existing.host}:${String(existing.port)}/`);
    url.username = encodeURIComponent(existing.username);
    url.password = encodeURIComponent(password);
    url.pathname = encodeURIComponent(existing.databaseName ?? cluster.databaseName);
    url.searchParams.set("sslmode", "verify-full");
    const authorities = existing.caBundle ?? cluster.caBundle;
    url.searchParams.set("sslrootcert", path.resolve(PROJECT_ROOT, authorities));
    return url.href;
}
