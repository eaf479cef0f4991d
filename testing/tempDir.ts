import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

/** Runs `work` with a folder of its own under the OS temp folder and removes the folder afterwards. */
export async function withTempDir<T>(work: (folder: string) => Promise<T>): Promise<T> {
    const folder = await makeTempDir();
    try {
        return await work(folder);
    } finally {
        await rm(folder, { recursive: true, force: true });
    }
}

/** A new folder under the OS temp folder; the caller removes it. */
export async function makeTempDir(): Promise<string> {
    return await mkdtemp(path.join(await realpath(tmpdir()), "audit-trail-test-"));
}
