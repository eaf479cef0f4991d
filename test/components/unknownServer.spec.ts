import assert from "node:assert/strict";
import { catalogProvider } from "../../components/database/sourceCatalog";
import { scriptProvider } from "../../components/database/sqlScript";

/** What the engine passes in the place of a value that a preview does not know. */
const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

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
            /^The source's catalog could not be compared, .*: the update changes /,
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
        assert.match(said.join("\n"), /^Nobody has looked .*: the update changes /);
    });
});
