import * as pulumi from "@pulumi/pulumi";
// Bound so that the serialised provider requires them in its own process.
import crypto = require("node:crypto");
import util = require("node:util");
import { CatalogRow, tableShapes } from "../trail/catalog";
import type { TableName, TableShape } from "../trail/shape";
import { Connection, isUnreachable, withClient } from "./connection";

/** Arguments of {@link SourceCatalog}. */
export interface SourceCatalogArgs {
    /** The source database. */
    readonly connection: pulumi.Input<pulumi.Unwrap<Connection>>;
    /** The audited tables. */
    readonly tables: readonly TableName[];
    /** The text of sql/source/catalog.sql. */
    readonly query: string;
}

interface SourceCatalogInputs {
    readonly connection: Connection;
    readonly tables: readonly TableName[];
    readonly query: string;
    /** What a preview shows for the output of that name before the catalog is read. */
    readonly columnsHash: string;
}

/** Without the connection: what is neither compared nor an output only makes the state larger. */
interface SourceCatalogState extends Omit<SourceCatalogInputs, "connection"> {
    readonly rows: readonly CatalogRow[];
}

async function readRows({ connection, tables, query }: SourceCatalogInputs): Promise<CatalogRow[]> {
    return withClient(connection, async (client) => {
        const parameters = [tables.map(({ schema }) => schema), tables.map(({ table }) => table)];
        return (await client.query<CatalogRow>(query, parameters)).rows;
    });
}

/** Of what DMS learns of the tables when its task starts. */
function hashColumns(rows: readonly CatalogRow[]): string {
    const tables = rows.map(({ table_schema, table_name, oid, columns }) => [
        [table_schema, table_name, oid],
        columns.map(({ name, type, attnum }) => [name, type, attnum]),
    ]);
    return crypto.createHash("sha256").update(JSON.stringify(tables)).digest("hex").slice(0, 16);
}

async function readState(inputs: SourceCatalogInputs): Promise<SourceCatalogState> {
    const { tables, query } = inputs;
    const rows = await readRows(inputs);
    return { tables, query, rows, columnsHash: hashColumns(rows) };
}

const provider: pulumi.dynamic.ResourceProvider<SourceCatalogInputs, SourceCatalogState> = {
    async diff(_id, olds, news) {
        if (!util.isDeepStrictEqual(olds.tables, news.tables) || olds.query !== news.query) {
            return { changes: true };
        }
        try {
            const rows = await readRows(news);
            const same =
                util.isDeepStrictEqual(olds.rows, rows) && olds.columnsHash === hashColumns(rows);
            return { changes: !same };
        } catch (error) {
            const cause = error instanceof Error ? error.cause : undefined;
            if (!isUnreachable(cause)) {
                throw error;
            }
            // A preview must work where the private database is out of reach. An update that has anything to do in the
            // database fails there with its own message.
            console.warn(
                `The source's catalog could not be compared, its columns are taken as they were: ${error instanceof Error ? error.message : String(error)}`,
            );
            return { changes: false };
        }
    },
    async create(inputs) {
        return {
            id: inputs.connection.database,
            outs: await readState(inputs),
        };
    },
    async update(_id, _olds, news) {
        return { outs: await readState(news) };
    },
};

/** Turns the rows into shapes; a problem with a table ends the program with its sentences and no stack. */
function shapesOf(rows: readonly CatalogRow[]): TableShape[] {
    try {
        return tableShapes(rows);
    } catch (error) {
        throw new pulumi.RunError(error instanceof Error ? error.message : String(error));
    }
}

/**
 * The audited tables as the source's catalog has them: columns, types, primary key. Read when the resource is made and
 * compared with the live catalog at every later preview and update, so that a column that was added shows as a change.
 * Where the source cannot be reached, what was known is kept, with a warning.
 */
export class SourceCatalog extends pulumi.dynamic.Resource {
    declare readonly rows: pulumi.Output<CatalogRow[]>;

    /**
     * Another text whenever a table got, lost, renamed or retyped a column: what DMS does not notice by itself. A preview
     * knows it before there is a source: a text made with it is then known too, and policies can judge it.
     */
    declare readonly columnsHash: pulumi.Output<string>;

    /** The tables in the order of the arguments. */
    readonly shapes: pulumi.Output<TableShape[]>;

    constructor(name: string, args: SourceCatalogArgs, opts?: pulumi.CustomResourceOptions) {
        const outputs = { rows: undefined, columnsHash: "unread" };
        super(provider, name, { ...args, ...outputs }, opts, "auditTrail", "SourceCatalog");
        this.shapes = this.rows.apply(shapesOf);
    }
}
