"use strict";
require("../../provider/end-with-parent.cjs");
require("../../../policy/lateInstaller.cjs");
// Resolved from here, because the engine starts the provider in the workspace's folder.
require("@pulumi/pulumi/cmd/dynamic-provider");
