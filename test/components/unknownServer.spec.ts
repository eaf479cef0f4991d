import assert from "node:assert/strict";
import { catalogProvider, refusal } from "../../components/database/sourceCatalog";
import { scriptProvider } from "../../components/database/sqlScript";
import type { CatalogRow } from "../../trail/catalogRow";

/** What the engine passes in the place of a value that a preview does not know. */
const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

describe("a preview that reads the source's catalog", () => {
    const row = (table_name: string, relkind: string | null): CatalogRow => ({
        ...{ table_schema: "public", table_name, relkind, oid: "1", primary_key: ["id"] },
        columns: [
            {
                name: "id",
                type: "integer",
                attnum: 1,
                element: "int4",
                elementKind: "b",
                builtIn: true,
            },
        ],
    });
    const items = { schema: "public", table: "items" };

    it("says what the update will refuse, but not a table that it creates itself", () => {
        const rows = [row("items", null), row("orders", "r"), row("gone", null)];
        assert.equal(refusal([row("orders", "r")], []), undefined);
        assert.match(
            refusal(rows, []) ?? "",
            / database: public\.items, public\.gone; create them/u,
        );
        assert.match(refusal(rows, [items]) ?? "", / database: public\.gone; create them/u);
    });
});

describe("a preview of an update that moves a database's server", () => {
    const said: string[] = [];
    const { warn } = console;
    beforeEach(() => {
        said.length = 0;
        console.warn = (line: string) => void said.push(line);
    });
    afterEach(() => {
        console.warn = warn;
    });

    /** What a preview says of a resource, asked as the engine asks. */
    async function changes(
        { diff }: typeof scriptProvider | typeof catalogProvider,
        olds: object,
        news: object,
    ): Promise<unknown> {
        return await diff?.call({}, "id", olds as never, news as never);
    }

    it("takes the source's tables as they were, and says so", async () => {
        const same = { tables: [{ schema: "public", table: "items" }], excluded: [[]], query: "q" };
        assert.deepEqual(
            await changes(catalogProvider, { ...same, rows: [] }, { ...same, connection: UNKNOWN }),
            { changes: false },
        );
        assert.match(
            said.join("\n"),
            /^The source's catalog could not be compared, .*: the update gives /,
        );
        assert.deepEqual(
            await changes(catalogProvider, same, { ...same, query: "r", connection: UNKNOWN }),
            { changes: true },
        );
    });

    it("compares a script's text alone, and says so", async () => {
        const files = [{ file: "sql/some.sql", sql: "SELECT 1" }];
        const news = { connection: UNKNOWN, batches: [{ files }] };
        assert.deepEqual(await changes(scriptProvider, { place: "h:1/d", digests: [] }, news), {
            changes: true,
        });
        assert.match(said.join("\n"), /^Nobody has looked .*: the update gives /);
    });
});
