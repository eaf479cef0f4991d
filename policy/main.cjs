// The engine's pack runner would type-check every .ts file with ts-node at each preview, which costs seconds.
// tsx only strips the types; `npm run typecheck` checks them once, before a commit.
"use strict";

require("./lateInstaller.cjs");
require("./typeScript.cjs");
require("./index.ts");
