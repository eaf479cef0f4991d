import { type Connection, withClient } from "../database/connection";
import type { TableName } from "../trail/tableDefinition";
import { factQueries, readFacts } from "./readFacts";
import { refusalText } from "./refusal";
import type { Wishes } from "./wishes";

/** A source to which something shall be deployed for the first time. */
export interface NewSource {
    readonly connection: Connection;
    /** The audited tables. */
    readonly tables: readonly TableName[];
    readonly wishes: Wishes;
    /** One sentence that says how a person connects to the source. */
    readonly wayIn: string;
}

/**
 * Looks at a source before anything is made there.
 *
 * @throws Error with a line for each thing that must be mended, unless a trail is there already: then an earlier deployment has
 *     passed, and what became of the source since then is told by the catalog and by verify
 */
export async function refuseUnready(source: NewSource): Promise<void> {
    const { connection, tables, wishes, wayIn } = source;
    const facts = await withClient(connection, (client) =>
        readFacts(
            async <T extends object>(sql: string, parameters: readonly unknown[]) =>
                (await client.query<T>(sql, [...parameters])).rows,
            factQueries(),
            tables,
        ),
    );
    const text = facts.server.has_trail ? undefined : refusalText(facts, wishes, wayIn);
    if (text !== undefined) {
        throw new Error(text);
    }
}
