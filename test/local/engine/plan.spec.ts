import assert from "node:assert/strict";
import { plainPlan } from "../../../local/engine/progress";

describe("the plan that a preview prints", () => {
    it("has each row once, without the engine's progress and trailing blanks", () => {
        const printed = [
            "Previewing update (dev):",
            "Loading policy packs...: starting",
            "    pulumi:pulumi:Stack audit-trail-dev",
            "Loading policy packs...: done",
            "",
            " +  pulumi:pulumi:Stack audit-trail-dev create",
            " +  aws:ec2:Vpc audit-trail-dev-vpc create ",
            " +  pulumi:pulumi:Stack audit-trail-dev create 2 warnings",
            "",
            "Resources:",
            "    + 2 to create",
        ];
        assert.deepEqual(plainPlan(printed.join("\n")).split("\n"), [
            "Previewing update (dev):",
            " +  pulumi:pulumi:Stack audit-trail-dev create",
            "",
            " +  aws:ec2:Vpc audit-trail-dev-vpc create",
            "",
            "Resources:",
            "    + 2 to create",
        ]);
    });
});
