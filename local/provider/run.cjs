"use strict";
// Runs a plugin's TypeScript: `node run.cjs <main.ts> <arguments>`, from any folder.
require("./end-with-parent.cjs");
require("../../policy/lateInstaller.cjs");
require("../../policy/typeScript.cjs");
require(process.argv[2]);
