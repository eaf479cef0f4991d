"use strict";
// Resolved from here, because the engine starts the provider in the workspace's folder.
require("@pulumi/pulumi/cmd/dynamic-provider");
