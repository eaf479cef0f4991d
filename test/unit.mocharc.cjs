// npm run test:unit
"use strict";
require("../policy/typeScript.cjs");
const { specFiles } = require("../testing/specGroups.ts");

module.exports = { ...require("../.mocharc.json"), spec: specFiles("unit") };
