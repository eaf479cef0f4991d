import * as pulumi from "@pulumi/pulumi";
import { renderSql } from "../../database/sqlTemplate";
import { messageOf } from "../../text/errors";
import type { CatalogRow } from "../../trail/catalogRow";
import { tableDefinitions } from "../../trail/catalogTables";
import { choicesFor, type TableChoices } from "../../trail/columnChoices";
import { guardNames, LIMIT_GUARD, MARKER_TABLE } from "../../trail/guards";
import { DEMO_TABLE, type GuardChoices, guardsOf } from "../../trail/sourceDeployment";
import type { TableDefinition, TableName } from "../../trail/tableDefinition";
import { DEFAULT_GROUP, type TableGroup } from "../../trail/tableGroups";
import { withWayIn } from "../../trail/wayIn";
import type { DatabaseOwner } from "./databaseOwner";
import { type Repairs, SourceCatalog } from "./sourceCatalog";

/** What the catalogs are read for. */
export interface SourceCatalogsArgs extends GuardChoices {
    readonly groups: readonly TableGroup[];
    /** What the trail does with single columns. */
    readonly columns: readonly TableChoices[];
    /** Whether the update creates the demo table. */
    readonly demoTable: boolean;
    /** One sentence that says how a person connects to the source. */
    readonly wayIn: pulumi.Output<string>;
    /** What has to be there before they are read. */
    readonly dependsOn: pulumi.Resource[];
}

/** What the source has of the audited tables and of the marker table, in this order. */
export interface SourceCatalogs {
    readonly ofGroups: readonly { readonly group: TableGroup; readonly catalog: SourceCatalog }[];
    readonly rows: pulumi.Output<CatalogRow[]>;
    readonly definitions: pulumi.Output<TableDefinition[]>;
    readonly repairs: pulumi.Output<Repairs>;
}

/** Reads the source's catalog, for each group apart. */
export function sourceCatalogs(owner: DatabaseOwner, args: SourceCatalogsArgs): SourceCatalogs {
    const ofGroups = args.groups.map((group) => ({
        group,
        catalog: sourceCatalog(owner, args, group),
    }));
    const rows = pulumi
        .all(ofGroups.map(({ catalog }) => catalog.rows))
        .apply((read) => inOrder(read.flat(), [...args.tables, MARKER_TABLE]));
    return {
        ofGroups,
        rows,
        definitions: pulumi
            .all([rows, args.wayIn])
            .apply(([read, way]) => definitionsOf(read, args.columns, way)),
        repairs: pulumi
            .all(ofGroups.map(({ catalog }) => catalog.repairs))
            .apply((texts) => Object.assign({}, ...texts) as Repairs),
    };
}

/** The name of a group's catalog; that of the default group is the one that stacks without groups know. */
export function catalogName(owner: string, group: string): string {
    return group === DEFAULT_GROUP ? `${owner}-catalog` : `${owner}-catalog-${group}`;
}

/** Each table once: all catalogs have the marker table. */
function inOrder(rows: readonly CatalogRow[], tables: readonly TableName[]): CatalogRow[] {
    return tables.flatMap(
        ({ schema, table }) =>
            rows.find((row) => row.table_schema === schema && row.table_name === table) ?? [],
    );
}

function sourceCatalog(
    { name, server, inDatabase }: DatabaseOwner,
    args: SourceCatalogsArgs,
    group: TableGroup,
): SourceCatalog {
    const tables = [...group.tables, MARKER_TABLE];
    return new SourceCatalog(
        catalogName(name, group.name),
        {
            connection: server.masterConnection,
            tables,
            choices: args.columns,
            toCome: args.demoTable ? [DEMO_TABLE] : [],
            query: renderSql("sql/source/catalog.sql").sql,
            formerNames: renderSql("sql/source/former_names.sql").sql,
            guards: tables.map((table) => wantedGuards(args, table)),
        },
        { ...inDatabase, dependsOn: args.dependsOn },
    );
}

/** The names of the guards that the table shall have. */
function wantedGuards(args: SourceCatalogsArgs, table: TableName): string[] {
    const guards = guardsOf(args, table);
    if (guards === undefined) {
        return [];
    }
    const choices = [...choicesFor(args.columns, table).values()];
    const isLimited = choices.some(({ kind }) => kind === "limit");
    return [...guardNames(guards), ...(isLimited ? [LIMIT_GUARD] : [])];
}

/** A problem with what the source has ends the program with its sentences and no stack. */
export function orSentence<T>(work: () => T): T {
    try {
        return work();
    } catch (error) {
        throw new pulumi.RunError(messageOf(error));
    }
}

/**
 * Turns the rows into definitions.
 *
 * @param wayIn how to connect to the source: a stack whose first update ends like this has no outputs
 */
function definitionsOf(
    rows: readonly CatalogRow[],
    choices: readonly TableChoices[],
    wayIn: string,
): TableDefinition[] {
    try {
        return tableDefinitions(rows, choices);
    } catch (error) {
        throw new pulumi.RunError(withWayIn(messageOf(error), rows, wayIn));
    }
}
