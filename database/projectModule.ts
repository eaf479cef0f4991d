// Captured by the functions that a dynamic provider serialises: see connection.ts.
import fs = require("node:fs");
import nodeModule = require("node:module");
import path = require("node:path");
import type * as tsxApi from "tsx/cjs/api";

/**
 * Loads a file of the project in the process of a dynamic provider, whose serialised functions then need not have its code with
 * them: the state holds that for every resource. The program's working folder is the project's, or lies in it.
 *
 * @param file its path from the project's root
 */
export function projectModule(file: string): unknown {
    let folder = process.cwd();
    while (!fs.existsSync(path.join(folder, file)) && path.dirname(folder) !== folder) {
        folder = path.dirname(folder);
    }
    const root = path.join(folder, "package.json");
    const tsx = nodeModule.createRequire(root)("tsx/cjs/api") as typeof tsxApi;
    return tsx.require(`./${file}`, root);
}
