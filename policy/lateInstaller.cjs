"use strict";
// @pulumi/pulumi loads npm's installer, some 300 files, whenever it is loaded: for packing a Lambda function's packages,
// which nothing here does. That is a third of the time in which the pack starts. Where this file is loaded before
// @pulumi/pulumi, the installer comes when it is first used. It puts an entry into require.cache, as Node.js's manual
// allows; without the package, or with another way to it, everything is as it was.
const path = require("path");

const INSTALLER = "@npmcli/arborist";

function cacheEntry(file) {
    const exports = {};
    // As of a compiled module, so that nobody copies what it exports, which would be its first use.
    Object.defineProperty(exports, "__esModule", { value: true });
    for (const name of ["Arborist", "default"]) {
        Object.defineProperty(exports, name, {
            get: () => {
                if (require.cache[file]?.exports === exports) delete require.cache[file];
                const loaded = require(file);
                return name === "default" ? loaded : loaded[name];
            },
        });
    }
    return { id: file, filename: file, loaded: true, children: [], paths: [], exports };
}

try {
    const pulumi = path.dirname(require.resolve("@pulumi/pulumi/package.json"));
    const file = require.resolve(INSTALLER, { paths: [pulumi] });
    require.cache[file] ??= cacheEntry(file);
} catch {
    // Nothing to put off, then.
}
