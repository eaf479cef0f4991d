import { statSync } from "node:fs";
import { tmpdir } from "node:os";
import { useOwnEnvironment } from "../local/environment";

/**
 * Gives the tests the environment that the commands give themselves: what a developer has set for other programs decides about no
 * test, and about nothing that a test starts. Mocha loads this file before the specs, in each of its workers.
 */
useOwnEnvironment();

if (statSync(tmpdir(), { throwIfNoEntry: false })?.isDirectory() !== true) {
    delete process.env.TMPDIR;
}
