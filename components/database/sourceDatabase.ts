import * as postgresql from "@pulumi/postgresql";
import * as pulumi from "@pulumi/pulumi";
import type { TableChoices } from "../../trail/columnChoices";
import { dmsSessionLook } from "../../trail/dmsSession";
import { MARKER_TABLE } from "../../trail/guards";
import { roles, schemas } from "../../trail/rolesAndSchemas";
import {
    demoBatches,
    guardBatches,
    type GuardChoices,
    markerBatches,
    sourceRightsBatches,
    unguardBatches,
} from "../../trail/sourceDeployment";
import { undoScripts } from "../../trail/sourceUndo";
import type { TableDefinition, TableName } from "../../trail/tableDefinition";
import { replicatedBy, type TableGroup } from "../../trail/tableGroups";
import type { DatabaseServer } from "../cluster/databaseServer";
import { type TableMappings, tableMappings } from "../dms/tableMappings";
import type { Tags } from "../tags";
import {
    type DatabaseOwner,
    databaseOwner,
    dmsCredentials,
    dmsPassword,
    formerly,
    type LateScript,
    lateScript,
    runLate,
    sqlScript,
} from "./databaseOwner";
import { repairOf, type SourceCatalog } from "./sourceCatalog";
import { orSentence, type SourceCatalogs, sourceCatalogs } from "./sourceCatalogs";
import { SourcePreflight } from "./sourcePreflight";
import { DestroyCheck, SourceUndo, type SourceUndoArgs } from "./sourceUndo";

/** Arguments of {@link SourceDatabase}. The audited tables must exist, except the demo table. */
export interface SourceDatabaseArgs extends GuardChoices {
    readonly server: DatabaseServer;
    readonly databaseName: string;
    /** The groups that the tables are in. */
    readonly groups: readonly TableGroup[];
    /** What the trail does with single columns. */
    readonly columns: readonly TableChoices[];
    /** Whether to create `public.items`. */
    readonly demoTable: boolean;
    /** The other server: tables are refused when it is there too, so that a refused first update leaves both addresses. */
    readonly otherServer: pulumi.Resource;
    /** A key of the customer's for the secret of DMS's user; undefined: the one that AWS manages. */
    readonly kmsKeyArn?: string | undefined;
    /** Another number gives DMS's user another password. */
    readonly passwordVersion?: number;
    readonly tags: Tags;
}

/** What the trail needs in the source database: schemas, DMS's role and its rights, the marker table, and the guards. */
export class SourceDatabase extends pulumi.ComponentResource {
    /** Columns and keys of the audited tables and of the marker table, as the source's catalog has them. */
    readonly definitions: pulumi.Output<TableDefinition[]>;
    /** What DMS is told to replicate, by the names of the groups, with a hash that changes when their tables' columns change. */
    readonly tableMappings: Readonly<Record<string, pulumi.Output<TableMappings>>>;
    readonly databaseName: string;
    readonly dmsEngineName: DatabaseServer["dmsEngineName"];
    readonly caBundlePem: string;
    /** Where DMS finds its user of this database. */
    readonly dmsSecretArn: pulumi.Output<string>;

    private readonly undoArgs: SourceUndoArgs | undefined;
    /** See {@link unguardOthers}. */
    private readonly unguarding: LateScript;

    /** @param opts `providers` must hold a postgresql provider for this database. */
    constructor(name: string, args: SourceDatabaseArgs, opts: pulumi.ComponentResourceOptions) {
        super("auditTrail:index:SourceDatabase", name, {}, opts);
        const unchecked = databaseOwner(this, name, args);
        const dependsOn = [sourcePreflight(unchecked, args)];
        const owner = { ...unchecked, inDatabase: { ...unchecked.inDatabase, dependsOn } };
        const tables = [...args.tables, MARKER_TABLE];

        const password = dmsPassword(owner, args.passwordVersion);
        const role = dmsRole(owner, password);
        const heartbeat = schema(owner, "heartbeat", schemas.dmsHeartbeat);
        const trailSchema = schema(formerly(owner, "machinery"), "trail", schemas.trail);
        const undo = sourceUndo(owner, [role, heartbeat, trailSchema]);
        const demo = args.demoTable ? [sqlScript(owner, "items", { batches: demoBatches() })] : [];
        const before = [trailSchema, ...undo];
        const marker = sqlScript(owner, "marker", { batches: markerBatches() }, before);
        const catalogs = sourceCatalogs(owner, {
            ...args,
            wayIn: wayIn(args.server),
            dependsOn: [...demo, marker, args.otherServer],
        });
        rightsScript(owner, tables, catalogs, [role, heartbeat]);
        guardScript(owner, args, catalogs);

        this.unguarding = unguardScript(owner, args.tables, catalogs);
        this.databaseName = args.databaseName;
        this.undoArgs = undoArgs(args.server);
        this.dmsEngineName = args.server.dmsEngineName;
        this.caBundlePem = args.server.caBundle.pem;
        this.definitions = catalogs.definitions;
        this.tableMappings = mappingsOfGroups(catalogs, args);
        this.dmsSecretArn = dmsCredentials(owner, roles.source, password);
        this.registerOutputs({
            definitions: this.definitions,
            tableMappings: this.tableMappings,
            dmsSecretArn: this.dmsSecretArn,
        });
    }

    /**
     * Takes the guards from tables that left the list.
     * @param task The DMS task without these tables. It has to be there first: what is done to them before, which DMS does not
     *     replicate, would be in the log as little as in the ledger of gaps.
     */
    unguardOthers(task: pulumi.Resource): pulumi.Resource {
        return runLate(this.unguarding, [task]);
    }

    /**
     * Lets a destroy begin with the question whether it can leave the source as it was; nothing where the source goes too.
     * @param name The name of the resource.
     * @param everything Every other resource of the stack.
     */
    checkDestroy(name: string, everything: readonly pulumi.Resource[]): pulumi.Resource[] {
        return this.undoArgs === undefined
            ? []
            : [new DestroyCheck(name, this.undoArgs, { dependsOn: [...everything] })];
    }
}

/** What a destroy undoes in a database that goes on without the stack; nothing where the server goes too. */
function sourceUndo(
    { name, server, opts }: DatabaseOwner,
    dependsOn: pulumi.Resource[],
): SourceUndo[] {
    const args = undoArgs(server);
    return args === undefined ? [] : [new SourceUndo(`${name}-undo`, args, { ...opts, dependsOn })];
}

function undoArgs({ masterConnection, slotsBefore }: DatabaseServer): SourceUndoArgs | undefined {
    return slotsBefore && { connection: masterConnection, scripts: undoScripts(), slotsBefore };
}

/** What everything in the database waits for. */
function sourcePreflight(
    { name, server, inDatabase }: DatabaseOwner,
    args: SourceDatabaseArgs,
): SourcePreflight {
    return new SourcePreflight(
        `${name}-preflight`,
        {
            connection: server.masterConnection,
            tables: args.tables,
            wishes: {
                choices: args.columns,
                guards: args.sourceGuards,
                demoTable: args.demoTable,
                ...(args.groups.length > 1 ? { groups: args.groups.length } : {}),
            },
            wayIn: wayIn(server),
        },
        inDatabase,
    );
}

function wayIn({ psql, masterSecretArn }: DatabaseServer): pulumi.Output<string> {
    return pulumi.interpolate`${psql}, with the password in the secret ${masterSecretArn}.`;
}

/** DMS's user of the source. */
function dmsRole(
    { name, server, inDatabase }: DatabaseOwner,
    password: pulumi.Output<string>,
): postgresql.Role {
    const hasRdsRoles = pulumi.output(server.hasRdsRoles ?? true);
    return new postgresql.Role(
        `${name}-dms`,
        {
            name: roles.source,
            login: true,
            password,
            // Both are asked for, https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Source.PostgreSQL.html.
            // Not as GrantRole resources: every update of a Role revokes the memberships that it does not list.
            roles: hasRdsRoles.apply((has) => (has ? ["rds_replication", "rds_superuser"] : [])),
            ...(server.hasRdsRoles === undefined
                ? {}
                : { replication: hasRdsRoles.apply((has) => !has) }),
        },
        // The membership is what counts. Where a server goes by the attribute it sets that itself, and an update
        // after a refresh would take it away again: the task could neither connect anew nor drop its slot.
        { ...inDatabase, ignoreChanges: ["replication"] },
    );
}

function schema(
    { name, databaseName, inDatabase }: DatabaseOwner,
    label: string,
    schemaName: string,
): postgresql.Schema {
    return new postgresql.Schema(
        `${name}-${label}`,
        { name: schemaName, database: databaseName },
        inDatabase,
    );
}

/** Gives DMS's user its rights. */
function rightsScript(
    owner: DatabaseOwner,
    tables: readonly TableName[],
    { definitions }: Pick<SourceCatalogs, "definitions">,
    dependsOn: readonly pulumi.Resource[],
): void {
    sqlScript(
        owner,
        "grants",
        {
            // Only where the catalog is in order: its message about a missing table is the clearer one.
            batches: definitions.apply((all) => sourceRightsBatches(tables, all)),
            look: dmsSessionLook(roles.source),
        },
        dependsOn,
    );
}

/** Puts the guards on the tables, again where the catalog found one missing. */
function guardScript(
    owner: DatabaseOwner,
    args: GuardChoices,
    { rows, definitions, repairs }: SourceCatalogs,
): void {
    const choices = { ...args, keepsRights: owner.server.owner === undefined };
    sqlScript(owner, "guards", {
        batches: pulumi
            .all([rows, definitions, repairs])
            .apply(([read, tables, texts]) =>
                guardBatches(choices, read, tables, (table) => repairOf(texts, table)),
            ),
    });
}

/** Takes the guards from tables that left the list. It runs late, see {@link SourceDatabase.unguardOthers}. */
function unguardScript(
    owner: DatabaseOwner,
    tables: readonly TableName[],
    { definitions }: Pick<SourceCatalogs, "definitions">,
): LateScript {
    return lateScript(
        owner,
        "unguarded",
        definitions.apply((all) => unguardBatches(tables, all)),
    );
}

function mappingsOfGroups(
    { ofGroups }: SourceCatalogs,
    args: SourceDatabaseArgs,
): Record<string, pulumi.Output<TableMappings>> {
    return Object.fromEntries(
        ofGroups.map(({ group, catalog }) => [group.name, mappingsOf(catalog, group, args)]),
    );
}

function mappingsOf(
    { replicated, columnsHash }: SourceCatalog,
    group: TableGroup,
    { columns, passwordVersion }: SourceDatabaseArgs,
): pulumi.Output<TableMappings> {
    return pulumi
        .all([replicated, columnsHash])
        .apply(([tables, hash]) =>
            orSentence(() =>
                tableMappings(replicatedBy(group, tables), hash, columns, passwordVersion),
            ),
        );
}
