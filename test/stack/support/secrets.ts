import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { Store } from "../../../local/aws/store";

/** The passwords in the secrets of a stack, each once. */
export async function passwordsOf(stackDir: string): Promise<string[]> {
    const versions = await new Store(stackDir).list(
        "aws:secretsmanager/secretVersion:SecretVersion",
    );
    const passwords = versions.map(({ inputs }) => {
        const secret = JSON.parse(String(inputs.secretString)) as { readonly password: string };
        return secret.password;
    });
    return [...new Set(passwords)];
}

/** The files below a folder that hold one of the texts in clear. */
export async function filesWith(folder: string, texts: readonly string[]): Promise<string[]> {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    const files = entries
        .filter((entry) => entry.isFile())
        .map((entry) => path.join(entry.parentPath, entry.name));
    const found: string[] = [];
    for (const file of files) {
        // Servers and the engine are at work: what goes meanwhile is as good as not there.
        const content = await readFile(file, "latin1").catch((error: unknown) => {
            if (error instanceof Error && "code" in error && error.code === "ENOENT") {
                return "";
            }
            throw error;
        });
        if (texts.some((text) => content.includes(text))) {
            found.push(file);
        }
    }
    return found;
}
