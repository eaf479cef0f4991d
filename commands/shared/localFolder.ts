import { lstat, rm, rmdir } from "node:fs/promises";
import path from "node:path";
import { localDir } from "../../local/engine/paths";
import { namesIn } from "../../local/servers/files";
import { codeOf } from "../../text/errors";

/** What the commands make in the folder: the stand-ins' files, the engine's, and those of previews that were killed. */
const OWN = /^(local|engine|preview-.+)$/;

/** What the system says of a folder at which another disk is mounted. */
const MOUNTED = "EBUSY";

/**
 * Removes what the laptop stack has in its folder, and the folder when nothing else is in it. Where it is a link, the
 * user's own way to another disk, the link and the folder that it leads to stay, empty; so does a mount point.
 *
 * @returns what is left there because it is not the stack's.
 */
export async function removeLocalFolder(): Promise<string[]> {
    const folder = localDir();
    const names = await namesIn(folder);
    const [own, others] = [
        names.filter((name) => OWN.test(name)),
        names.filter((name) => !OWN.test(name)),
    ];
    for (const name of own) {
        await rm(path.join(folder, name), { recursive: true, force: true });
    }
    const isFolder = await lstat(folder).then(
        (stat) => stat.isDirectory(),
        () => false,
    );
    if (isFolder && others.length === 0) {
        await rmdir(folder).catch((error: unknown) => {
            if (codeOf(error) !== MOUNTED) {
                throw error;
            }
        });
    }
    return others.map((name) => path.join(folder, name));
}
