"use strict";
require("../../provider/end-with-parent.cjs");
// Resolved from here, because the engine starts the analyzer in the policy pack's folder.
require("@pulumi/pulumi/cmd/run-policy-pack");
