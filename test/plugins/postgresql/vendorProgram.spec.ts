import assert from "node:assert/strict";
import { type PluginHome, vendorPlugin } from "../../../plugins/postgresql/vendorProgram";

const PLACE = "plugins/resource-postgresql-v1.2.3/pulumi-resource-postgresql";

describe("the vendor's postgresql plugin", () => {
    async function find(changes: Partial<PluginHome>) {
        const calls: string[] = [];
        const home: PluginHome = {
            environment: {},
            home: "/home/me",
            exists: () => false,
            cli: (args) => {
                calls.push(args.join(" "));
                return Promise.resolve("no such host");
            },
            ...changes,
        };
        try {
            return { found: await vendorPlugin("1.2.3", home), calls };
        } catch (error) {
            return { found: error instanceof Error ? error.message : "", calls };
        }
    }

    it("is the installed one of the pinned version, in the engine's home", async () => {
        assert.deepEqual(await find({ exists: () => true }), {
            found: `/home/me/.pulumi/${PLACE}`,
            calls: [],
        });
        const environment = { PULUMI_HOME: "/engine" };
        assert.equal((await find({ environment, exists: () => true })).found, `/engine/${PLACE}`);
    });

    it("is installed by the CLI when it is missing", async () => {
        let installed = false;
        const { found } = await find({
            exists: () => installed,
            cli: (args) => {
                assert.deepEqual(args, ["plugin", "install", "resource", "postgresql", "1.2.3"]);
                installed = true;
                return Promise.resolve(undefined);
            },
        });
        assert.equal(found, `/home/me/.pulumi/${PLACE}`);
    });

    it("is asked for in one sentence when it cannot be installed, or must not be", async () => {
        const { found, calls } = await find({});
        assert.match(
            found,
            /^The postgresql plugin 1\.2\.3 is not in .* \(no such host\); run "pulumi plugin install resource postgresql 1\.2\.3" and then this command again\.$/,
        );
        assert.equal(calls.length, 1);
        const environment = { PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true" };
        const refused = await find({ environment });
        assert.match(refused.found, /AUTOMATIC_PLUGIN_ACQUISITION is set\)/);
        assert.deepEqual(refused.calls, []);
    });
});
