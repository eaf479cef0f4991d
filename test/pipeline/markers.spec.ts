import assert from "node:assert/strict";
import { Pipeline } from "../../testing/pipeline/pipeline";
import { MortalServer } from "../../testing/pipeline/server";
import { until } from "../../testing/until";

const DOCS = { schema: "public", table: "docs" };

describe("events of the source while tables are loaded", function () {
    this.timeout(60_000);
    let source: MortalServer;
    let audit: MortalServer;

    before(async () => {
        source = await MortalServer.start();
        audit = await MortalServer.start();
    });
    after(async () => {
        await audit.stop();
        await source.stop();
    });

    /** Its marker is in the marker table's own load then, and the captured insert of it is swallowed. */
    it("a TRUNCATE between the capture and the load is a gap", async () => {
        const pipeline = await Pipeline.deploy(source, audit, {
            name: "markers",
            tables: [DOCS],
            ddl: "CREATE TABLE docs (id integer PRIMARY KEY, title text)",
            guards: { truncate: "record", keyUpdate: "record" },
        });
        try {
            const writer = await pipeline.sourceSession();
            const trail = await pipeline.auditSession();
            pipeline.setFaults({ holdLoad: true });
            const started = pipeline.start();
            started.catch(() => undefined);
            await until(() => Promise.resolve(pipeline.taskLog().includes("waits (holdLoad")));
            await writer.query("INSERT INTO docs VALUES (1, 'never gone from staging')");
            await writer.query("TRUNCATE docs");
            pipeline.setFaults({});
            await started;
            await pipeline.caughtUp(writer, trail);
            const { rows } = await trail.query(
                "SELECT kind, table_name FROM audit_trail.known_gap",
            );
            assert.deepEqual(rows, [{ kind: "truncate", table_name: "docs" }]);
        } finally {
            await pipeline.close();
        }
    });
});
