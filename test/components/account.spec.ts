import assert from "node:assert/strict";
import { accountProblem, refuseOtherAccount, regionProblem } from "../../components/account";
import { Recorder } from "./support/mocks";

describe("the stack's account", () => {
    const here = { accountId: "123456789012", region: "us-east-1" };

    it("is that of the credentials, in the region of the settings", () => {
        assert.equal(accountProblem({ accountId: undefined, region: undefined }, here), undefined);
        assert.equal(accountProblem(here, here), undefined);
        assert.match(
            accountProblem({ ...here, accountId: "210987654321" }, here) ?? "",
            /^The credentials are of the account 123456789012, and .* belongs to 210987654321; use credentials of that account, or .*\.$/,
        );
        assert.match(
            accountProblem({ ...here, region: "eu-west-1" }, here) ?? "",
            /^The provider works in the region us-east-1, and the config key aws:region is eu-west-1; .*\.$/,
        );
    });

    it("has a region that AWS has", () => {
        assert.equal(regionProblem("eu-central-2"), undefined);
        assert.equal(regionProblem(undefined), undefined);
        for (const [wrong, right] of [
            ["eu-west-11", "eu-west-1"],
            ["us-east1", "us-east-1"],
            ["EU-WEST-2", ""],
        ] as const) {
            const message = regionProblem(wrong) ?? "";
            assert.ok(message.includes(`is "${wrong}", but AWS has no such region`), message);
            assert.ok(right === "" || message.endsWith(`aws:region ${right}".`), message);
        }
    });

    it("is asked of AWS before anything is made", async () => {
        const recorder = new Recorder();
        await recorder.install();
        await refuseOtherAccount(here);
        await assert.rejects(
            refuseOtherAccount({ ...here, accountId: "210987654321" }),
            /^Error: The credentials are of the account 123456789012, /,
        );
        await assert.rejects(refuseOtherAccount({ ...here, region: "moon-1" }), /no such region/);
        assert.deepEqual(recorder.resources, []);
    });
});
