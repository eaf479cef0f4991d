import { text } from "./behaviour";
import type { Store } from "./store";

export const SECRET = "aws:secretsmanager/secret:Secret";
const SECRET_VERSION = "aws:secretsmanager/secretVersion:SecretVersion";

/**
 * The current text of a secret, or undefined when the secret or its value does not exist. With several versions it is
 * the one that was put last, as the label AWSCURRENT moves.
 */
export async function secretValue(store: Store, secretArn: string): Promise<string | undefined> {
    const secret = await store.get(SECRET, secretArn);
    const current = secret === undefined ? undefined : text(secret.computed, "currentVersion");
    const version = current === undefined ? undefined : await store.get(SECRET_VERSION, current);
    return version === undefined ? undefined : text(version.inputs, "secretString");
}
