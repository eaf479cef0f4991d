import * as pulumi from "@pulumi/pulumi";
import { messageOf } from "../../text/errors";
// Bound so that the serialised provider requires them in its own process.
import crypto = require("node:crypto");
import util = require("node:util");
import {
    type Connection,
    isKnownConnection,
    isUnreachable,
    UNKNOWN_SERVER,
    withClient,
} from "../../database/connection";
import type { CatalogRow, FormerName } from "../../trail/catalogRow";
import { catalogParameters, withWhereabouts } from "../../trail/catalogTables";
import { excludedColumns, type TableChoices } from "../../trail/columnChoices";
import { formatTableName } from "../../trail/names";
import {
    type ReplicatedTable,
    replicatedTables,
    type TableName,
} from "../../trail/tableDefinition";

/** Arguments of {@link SourceCatalog}. */
export interface SourceCatalogArgs {
    /** The source database. */
    readonly connection: pulumi.Input<pulumi.Unwrap<Connection>>;
    /** The tables that the task of one group carries, with the marker table. */
    readonly tables: readonly TableName[];
    /** The text of sql/source/catalog.sql. */
    readonly query: string;
    /** The text of sql/source/former_names.sql. */
    readonly formerNames: string;
    /** The names of the guards that each of the tables shall have, in the order of the tables. */
    readonly guards: readonly (readonly string[])[];
    /** What the config says of single columns. */
    readonly choices: readonly TableChoices[];
    /** Tables that the update creates before it reads the catalog. */
    readonly toCome: readonly TableName[];
}

interface SourceCatalogInputs {
    readonly connection: Connection;
    readonly tables: readonly TableName[];
    readonly query: string;
    readonly formerNames: string;
    readonly parameters: readonly unknown[];
    readonly guards: readonly (readonly string[])[];
    readonly toCome: readonly TableName[];
    /** The columns of each table that the trail leaves out, in the order of the tables. The state has no value of them. */
    readonly excluded: readonly (readonly string[])[];
    /** What a preview shows for the output of that name before the catalog is read. */
    readonly columnsHash: string;
    /** The same for that output. */
    readonly replicated: readonly ReplicatedTable[];
    /** The same for that output. */
    readonly repairs: Repairs;
}

/** By schema and table (JSON): a text that is another one each time a table was found without its guards. */
export type Repairs = Readonly<Record<string, string>>;

/** Without the connection: what is neither compared nor an output only makes the state larger. */
interface SourceCatalogState extends Pick<
    SourceCatalogInputs,
    "tables" | "excluded" | "query" | "columnsHash" | "replicated" | "repairs"
> {
    readonly rows: readonly CatalogRow[];
    /**
     * Every table that the group's task has ever carried: DMS may remember that it has loaded them. The resource is there as
     * long as the task. A state of an older version has none.
     */
    readonly carried?: readonly TableName[];
}

/** The rows, and apart from them the tables (see {@link Repairs}) that lack a guard, which a deployment changes itself. */
interface CatalogReading {
    readonly rows: CatalogRow[];
    readonly unguarded: readonly string[];
}

/** The oids of the tables at an earlier reading, where there was one. */
function knownOids(
    tables: readonly TableName[],
    known: readonly CatalogRow[],
): (string | undefined)[] {
    return tables.map(
        ({ schema, table }) =>
            known.find((row) => row.table_schema === schema && row.table_name === table)?.oid ??
            undefined,
    );
}

async function readCatalog(
    inputs: SourceCatalogInputs,
    known: readonly CatalogRow[],
): Promise<CatalogReading> {
    const { connection, query, parameters } = inputs;
    return withClient(connection, async (client) => {
        const { rows: read } = await client.query<CatalogRow>(query, [...parameters]);
        const found = await withWhereabouts(read, knownOids(inputs.tables, known), async (oids) => {
            const { rows } = await client.query<FormerName>(inputs.formerNames, [oids]);
            return rows;
        });
        const rows: CatalogRow[] = [];
        const unguarded: string[] = [];
        found.forEach(({ guards = [], ...row }, index) => {
            const excluded = inputs.excluded[index] ?? [];
            const columns = row.columns.map((column) =>
                excluded.includes(column.name) ? { ...column, missing: null } : column,
            );
            rows.push({ ...row, columns });
            if (!(inputs.guards[index] ?? []).every((name) => guards.includes(name))) {
                unguarded.push(JSON.stringify([row.table_schema, row.table_name]));
            }
        });
        return { rows, unguarded };
    });
}

/** Of what DMS learns of the tables when its task starts. */
function hashColumns(rows: readonly CatalogRow[]): string {
    const tables = rows.map(({ table_schema, table_name, oid, columns, partitions }) => [
        [table_schema, table_name, oid],
        ...(partitions ? [partitions.map((one) => [one.schema, one.table, one.oid])] : []),
        columns.map(({ name, type, attnum }) => [name, type, attnum]),
    ]);
    return crypto.createHash("sha256").update(JSON.stringify(tables)).digest("hex").slice(0, 16);
}

/** What DMS is told to replicate. */
function replicatedOf(rows: readonly CatalogRow[]): ReplicatedTable[] {
    return replicatedTables(
        rows.map(({ table_schema: schema, table_name: table, partitions }) => ({
            schema,
            table,
            ...(partitions ? { partitions } : {}),
        })),
    );
}

/** A table without its guards gets another text than it had, whatever else is to be made for it. */
function repairsFor(unguarded: readonly string[], known: Repairs): Repairs {
    const next = { ...known };
    for (const table of unguarded) {
        const text = `${table} after ${known[table] ?? ""}`;
        next[table] = crypto.createHash("sha256").update(text).digest("hex").slice(0, 16);
    }
    return next;
}

/** The tables of both lists, each once. */
function union(some: readonly TableName[], others: readonly TableName[]): TableName[] {
    const all = [...some, ...others].map(({ schema, table }) => JSON.stringify({ schema, table }));
    return all
        .filter((text, index) => all.indexOf(text) === index)
        .map((text) => JSON.parse(text) as TableName);
}

async function readState(
    inputs: SourceCatalogInputs,
    known: Pick<SourceCatalogState, "carried" | "repairs" | "rows" | "tables"> | undefined,
): Promise<SourceCatalogState> {
    const { tables, excluded, query } = inputs;
    const { rows, unguarded } = await readCatalog(inputs, known?.rows ?? []);
    return {
        ...{ tables, excluded, query, rows },
        carried: union(known?.carried ?? known?.tables ?? [], tables),
        columnsHash: hashColumns(rows),
        replicated: replicatedOf(rows),
        // Before the first deployment no guard is missing: the scripts that make them have not run.
        repairs: known === undefined ? {} : repairsFor(unguarded, known.repairs),
    };
}

/**
 * What a preview says of tables that the update will refuse because they are missing; undefined where there is none. Not in
 * the words of the definitions, which judge by sets: those do not work in the provider's process, to which they are copied.
 */
export function refusal(
    rows: readonly CatalogRow[],
    toCome: readonly TableName[],
): string | undefined {
    const missing = rows
        .filter(
            (row) =>
                row.relkind === null &&
                !toCome.some(
                    ({ schema, table }) => row.table_schema === schema && row.table_name === table,
                ),
        )
        .map((row) => formatTableName({ schema: row.table_schema, table: row.table_name }));
    return missing.length === 0
        ? undefined
        : `The update will be refused, because these tables do not exist in the source database: ${missing.join(", ")}; create them, or take them from the list.`;
}

/** What is done to a catalog; apart from the resource, so that it can be asked without an engine. */
export const catalogProvider: pulumi.dynamic.ResourceProvider<
    SourceCatalogInputs,
    SourceCatalogState
> = {
    async diff(_id, olds, news) {
        // A state of an older version has none, and excluded nothing.
        const { excluded = news.excluded.map(() => []) } = olds as Partial<SourceCatalogState>;
        const isSame =
            util.isDeepStrictEqual(olds.tables, news.tables) &&
            util.isDeepStrictEqual(excluded, news.excluded) &&
            olds.query === news.query;
        if (!isKnownConnection(news.connection)) {
            if (!isSame) {
                return { changes: true };
            }
            console.warn(
                `The source's catalog could not be compared, its columns are taken as they were: ${UNKNOWN_SERVER}.`,
            );
            return { changes: false };
        }
        try {
            const { rows, unguarded } = await readCatalog(news, olds.rows);
            // The program of a preview gets no rows of a catalog that has changed, and judges none.
            const problem = refusal(rows, news.toCome);
            if (problem !== undefined) {
                console.warn(problem);
            }
            const same =
                isSame &&
                unguarded.length === 0 &&
                util.isDeepStrictEqual(olds.rows, rows) &&
                olds.columnsHash === hashColumns(rows) &&
                // A state of an older version has none.
                Array.isArray(olds.replicated);
            return { changes: !same };
        } catch (error) {
            const cause = error instanceof Error ? error.cause : undefined;
            if (!isUnreachable(cause)) {
                throw error;
            }
            // A preview must work where the private database is out of reach. An update that has anything to do in the
            // database fails there with its own message.
            console.warn(
                `The source's catalog could not be compared, ${isSame ? "its columns are taken as they were" : "a table that the update would refuse is not known"}: ${messageOf(error)}`,
            );
            return { changes: !isSame };
        }
    },
    async create(inputs) {
        return {
            id: inputs.connection.database,
            outs: await readState(inputs, undefined),
        };
    },
    async update(_id, olds, news) {
        // A state of an older version has none.
        const { repairs = {} } = olds as Partial<SourceCatalogState>;
        return { outs: await readState(news, { ...olds, repairs }) };
    },
};

/** The text of one table, for {@link SourceCatalog.repairs}. */
export function repairOf(repairs: Repairs, { schema, table }: TableName): string {
    return repairs[JSON.stringify([schema, table])] ?? "";
}

/**
 * The tables of one group as the source's catalog has them: columns, types, primary key. The catalog is read when the resource
 * is created. Every later preview and update compares the outputs with the live catalog, so that an added column shows as
 * a change, and so does a guard that is gone or switched off. If the source cannot be reached, the resource keeps what it
 * knew and warns.
 *
 * Each group has one of its own: what a preview does not know of one group's tables is known of the others', whose tasks it
 * then leaves alone.
 */
export class SourceCatalog extends pulumi.dynamic.Resource {
    declare readonly rows: pulumi.Output<CatalogRow[]>;

    /**
     * A hash that changes whenever a column of a table is added, dropped, renamed or gets another type, which DMS does not
     * notice by itself. A preview knows the hash before there is a source. So a mapping that contains it is known too, and
     * policies can judge it.
     */
    declare readonly columnsHash: pulumi.Output<string>;

    /**
     * The tables that DMS replicates: those of the arguments, with a partitioned table replaced by its partitions. A preview
     * before there is a source shows the tables of the arguments.
     */
    declare readonly replicated: pulumi.Output<ReplicatedTable[]>;

    /** A text for each table. When it changes, the script that creates the table's guards runs again; see {@link repairOf}. */
    declare readonly repairs: pulumi.Output<Repairs>;

    constructor(
        name: string,
        { choices, ...args }: SourceCatalogArgs,
        opts?: pulumi.CustomResourceOptions,
    ) {
        const parameters = catalogParameters(args.tables);
        const excluded = args.tables.map((table) => excludedColumns(choices, table));
        const outputs = {
            rows: undefined,
            columnsHash: "unread",
            replicated: args.tables,
            repairs: undefined,
        };
        const props = { ...args, parameters, excluded, ...outputs };
        super(catalogProvider, name, props, opts, "auditTrail", "SourceCatalog");
    }
}
