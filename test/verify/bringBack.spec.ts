import assert from "node:assert/strict";
import { withBrokenValues } from "../../testing/brokenValues";
import { until } from "../../testing/until";
import { failedChecks, tableOf, World } from "../../testing/verifiedTrail";

const ITEMS = "public.items";

describe("verify and an unlogged change that was brought back", function () {
    this.timeout(60_000);
    let world: World;

    before(async () => {
        world = await World.open(
            `CREATE TABLE items (item_id integer PRIMARY KEY, name varchar(100));
             INSERT INTO items VALUES (1, 'a'), (2, 'a');`,
            [{ schema: "public", table: "items" }],
        );
    });
    after(async () => {
        await world.close();
    });

    it("finds the table incomplete before, and whole after it", async () => {
        const { source, trail } = world;
        assert.ok((await world.verify({}, ITEMS)).complete);
        const unlogged = async (): Promise<string[]> =>
            (
                await trail.reader.query<{ id: string }>(
                    "SELECT unlogged_id AS id FROM audit_trail.unlogged_change ORDER BY unlogged_id",
                )
            ).rows.map(({ id }) => id);
        await withBrokenValues(trail.superuser, async () => {
            await source.query("UPDATE items SET name = 'b' WHERE item_id = 1");
            await source.query("DELETE FROM items WHERE item_id = 2");
            await until(async () => (await unlogged()).length === 2);
        });
        await source.query("UPDATE items SET name = 'c' WHERE item_id = 1");

        const incomplete = tableOf(await world.verify({}, ITEMS), ITEMS);
        assert.ok(!incomplete.complete);
        assert.ok(failedChecks(incomplete).includes("unlogged changes"));

        for (const id of await unlogged()) {
            await trail.operator.query("SELECT audit_trail.bring_back($1)", [id]);
        }
        const whole = await world.verify({}, ITEMS);
        assert.ok(whole.complete, JSON.stringify(whole));
    });
});
