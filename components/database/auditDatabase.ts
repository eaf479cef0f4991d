import * as postgresql from "@pulumi/postgresql";
import * as pulumi from "@pulumi/pulumi";
import {
    foundationBatches,
    joinGroupBatches,
    markerGapBatches,
    retirementBatches,
    trailBatches,
} from "../../trail/auditDeployment";
import type { TableChoices } from "../../trail/columnChoices";
import {
    type DatabaseUser,
    databaseUserBatches,
    databaseUsersLook,
} from "../../trail/databaseUsers";
import { dmsSessionLook } from "../../trail/dmsSession";
import { formatTableName } from "../../trail/names";
import { roles, schemas } from "../../trail/rolesAndSchemas";
import { definitionOf, type TableDefinition, type TableName } from "../../trail/tableDefinition";
import {
    type GroupedTable,
    type TableGroup,
    trailDefinitions,
    trailTables,
} from "../../trail/tableGroups";
import { lookFile } from "../../trail/tableLife";
import type { DatabaseServer } from "../cluster/databaseServer";
import type { ReplacementGuard } from "../replacementGuard";
import type { Tags } from "../tags";
import { AuditedTable } from "./auditedTable";
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
import type { SqlScript } from "./sqlScript";

/** Arguments of {@link AuditDatabase}. */
export interface AuditDatabaseArgs {
    readonly server: DatabaseServer;
    readonly databaseName: string;
    readonly tables: readonly TableName[];
    /** The groups that the tables are in, each with a task that brings its own copy of the markers. */
    readonly groups: readonly TableGroup[];
    /** What the trail does with single columns. */
    readonly columns: readonly TableChoices[];
    /** Columns and keys of the tables and of the marker table, as the source has them. */
    readonly definitions: pulumi.Input<readonly TableDefinition[]>;
    readonly guard: Pick<ReplacementGuard, "optionsFor">;
    /** The people's logins. */
    readonly users?: readonly DatabaseUser[];
    /** A key of the customer's for the secret of DMS's user; undefined: the one that AWS manages. */
    readonly kmsKeyArn?: string | undefined;
    /** Another number gives DMS's user another password. */
    readonly passwordVersion?: number;
    readonly tags: Tags;
}

/** The audit trail inside the audit cluster: roles, schemas, ledgers and, for each table, staging, log and trigger. */
export class AuditDatabase extends pulumi.ComponentResource {
    readonly databaseName: string;
    readonly dmsEngineName: DatabaseServer["dmsEngineName"];
    readonly caBundlePem: string;
    /** Where DMS finds its user of this database. */
    readonly dmsSecretArn: pulumi.Output<string>;
    /** See {@link retireOthers}. */
    private readonly retirement: LateScript;
    /** See {@link letJoin}. */
    private readonly joining: LateScript;

    /** @param opts `providers` must hold a postgresql provider for this database. */
    constructor(name: string, args: AuditDatabaseArgs, opts: pulumi.ComponentResourceOptions) {
        super("auditTrail:index:AuditDatabase", name, {}, opts);
        const owner = databaseOwner(this, name, args);
        const audited = trailTables(args.tables, args.groups);
        const definitions = pulumi
            .output(args.definitions)
            .apply((all) => trailDefinitions(all, args.groups));

        const password = dmsPassword(owner, args.passwordVersion);
        const foundation = foundationScript(owner, audited, [
            ...trailRoles(owner, password),
            ...trailSchemas(owner, audited),
        ]);
        userScript(owner, audited, args.users ?? [], foundation);
        const functions = logFunctions(owner, audited, definitions, foundation);
        const tables = tableScript(owner, args.guard, audited, definitions, functions);
        markerGapScript(owner, audited, args.groups, tables);

        this.retirement = lateScript(
            owner,
            "retired",
            definitions.apply((all) => retirementBatches(audited, all, args.columns)),
        );
        this.joining = lateScript(owner, "joined", joinGroupBatches(audited));
        this.databaseName = args.databaseName;
        this.dmsEngineName = args.server.dmsEngineName;
        this.caBundlePem = args.server.caBundle.pem;
        this.dmsSecretArn = dmsCredentials(owner, roles.target, password);
        this.registerOutputs({ dmsSecretArn: this.dmsSecretArn });
    }

    /**
     * Drops the triggers on the staging of tables that left the list, and staging's columns that the config excludes. The
     * provider deletes the triggers' functions only after that, at the end of the update.
     * @param task The DMS task without these tables and columns. It has to be there first: otherwise a change of theirs that
     *     is on its way would arrive where nothing logs it.
     */
    retireOthers(task: pulumi.Resource): pulumi.Resource {
        return runLate(this.retirement, [task]);
    }

    /**
     * Makes room for the tables that come to another group than they were in.
     * @param tasks The tasks that those tables have left, as far as there are any.
     */
    letJoin(tasks: readonly pulumi.Resource[]): pulumi.Resource {
        return runLate(this.joining, [this, ...tasks]);
    }
}

/** The roles that the trail's scripts name. The operator is an auditor as well. */
function trailRoles(
    { name, inDatabase }: DatabaseOwner,
    password: pulumi.Output<string>,
): pulumi.Resource[] {
    const role = (label: string, args: postgresql.RoleArgs): postgresql.Role =>
        new postgresql.Role(`${name}-${label}`, args, inDatabase);
    const owner = role("owner", { name: roles.owner });
    const auditor = role("auditor", { name: roles.auditor });
    const operator = role("operator", { name: roles.operator, roles: [auditor.name] });
    const target = role("dms", { name: roles.target, login: true, password });
    const collector = role("collector", { name: roles.collector });
    return [owner, auditor, operator, collector, target];
}

/** The schemas of the trail itself, of DMS's control tables and of the audited tables. */
function trailSchemas(
    { name, databaseName, inDatabase }: DatabaseOwner,
    audited: readonly TableName[],
): pulumi.Resource[] {
    const sourceSchemas = audited.map(({ schema }) => schema);
    const added = new Set([schemas.trail, schemas.dmsControl, ...sourceSchemas]);
    // It is there from the start.
    added.delete("public");
    return [...added].map(
        (schema) =>
            new postgresql.Schema(
                `${name}-schema-${schema}`,
                { name: schema, database: databaseName },
                // The logs of tables that are no longer audited stay, and so do the schemas that hold them.
                { ...inDatabase, retainOnDelete: true },
            ),
    );
}

/** The ledgers, the functions that all tables share, and the rights. */
function foundationScript(
    owner: DatabaseOwner,
    audited: readonly GroupedTable[],
    rolesAndSchemas: readonly pulumi.Resource[],
): SqlScript {
    return sqlScript(
        formerly(owner, "machinery"),
        "foundation",
        { batches: foundationBatches(audited), look: dmsSessionLook(roles.target) },
        rolesAndSchemas,
    );
}

/** Makes people's logins, and takes away the rights of those that the config no longer names. */
function userScript(
    owner: DatabaseOwner,
    audited: readonly GroupedTable[],
    users: readonly DatabaseUser[],
    foundation: pulumi.Resource,
): void {
    sqlScript(
        owner,
        "users",
        { batches: databaseUserBatches(audited, users), look: databaseUsersLook(users) },
        [foundation],
    );
}

/** For each table the function that logs its changes. */
function logFunctions(
    { name, opts, server, databaseName }: DatabaseOwner,
    audited: readonly TableName[],
    definitions: pulumi.Output<readonly TableDefinition[]>,
    foundation: pulumi.Resource,
): pulumi.Resource[] {
    return audited.map((table) => {
        const definition = definitions.apply((all) => definitionOf(all, table));
        return new AuditedTable(
            `${name}-${formatTableName(table)}`,
            { table, definition, databaseName, foundation, server },
            opts,
        );
    });
}

/** Creates staging, logs and triggers, which call the functions. */
function tableScript(
    owner: DatabaseOwner,
    guard: AuditDatabaseArgs["guard"],
    audited: readonly GroupedTable[],
    definitions: pulumi.Output<readonly TableDefinition[]>,
    functions: readonly pulumi.Resource[],
): SqlScript {
    return sqlScript(
        owner,
        "tables",
        {
            batches: definitions.apply((all) => trailBatches(audited, all)),
            look: definitions.apply((all) =>
                lookFile(audited.map((table) => definitionOf(all, table))),
            ),
        },
        functions,
        guard,
    );
}

/** Lets the markers that a task brings become rows of the gap ledger. */
function markerGapScript(
    owner: DatabaseOwner,
    audited: readonly GroupedTable[],
    groups: readonly TableGroup[],
    tables: pulumi.Resource,
): void {
    const batches = markerGapBatches(
        audited,
        groups.map((group) => group.name),
    );
    sqlScript(owner, "marker-gaps", { batches }, [tables]);
}
