"use strict";
// Preloaded by every plugin: an engine that is killed cannot tell its plugins to go.
const LOOK_EVERY_MS = 1000;
const parent = process.ppid;
setInterval(() => {
    if (process.ppid !== parent) process.exit(0);
}, LOOK_EVERY_MS).unref();
