"use strict";
// Lets Node.js load TypeScript files, as tsx/cjs does. tsx would also read every file of every package for JavaScript that
// this Node.js does not know, which takes longer than to load them. Node.js loads the packages as it does without tsx:
// they are published as JavaScript. https://nodejs.org/api/modules.html#requireextensions
const path = require("path");

const PACKAGES = `${path.sep}node_modules${path.sep}`;

const ofNode = require.extensions[".js"];
require("tsx/cjs");
const ofTsx = require.extensions[".js"];
require.extensions[".js"] = (module, file) => {
    const load = file.includes(PACKAGES) ? ofNode : ofTsx;
    load(module, file);
};
