import { readdir, readFile } from "node:fs/promises";

/** A file's text, or undefined when it does not exist (any more): another process may delete it at any moment. */
export async function readIfExists(file: string): Promise<string | undefined> {
    return await unlessMissing(readFile(file, "utf8"));
}

/** The sorted names in a folder; none when it does not exist. */
export async function namesIn(folder: string): Promise<string[]> {
    return ((await unlessMissing(readdir(folder))) ?? []).sort();
}

async function unlessMissing<T>(reading: Promise<T>): Promise<T | undefined> {
    try {
        return await reading;
    } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") {
            return undefined;
        }
        throw error;
    }
}
