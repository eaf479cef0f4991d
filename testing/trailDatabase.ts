import { Client } from "pg";
import { prepareSession } from "../database/session";
import type { SqlFile } from "../database/sqlTemplate";
import { dmsSession } from "../trail/dmsSession";
import { auditGrants, auditRights } from "../trail/grants";
import { MARKER_TABLE } from "../trail/guards";
import { triggerFunction } from "../trail/logFunction";
import { roles } from "../trail/rolesAndSchemas";
import { foundation } from "../trail/statements";
import { tableBatches } from "../trail/tableBatches";
import type { TableDefinition } from "../trail/tableDefinition";
import { type ScratchServer, scratchServer } from "./postgres";

const PASSWORD = "scratch";

/** Opens a connection; with a role other than the superuser as that role. */
export async function connect(
    server: ScratchServer,
    role: { user: string; database?: string } = { user: server.user },
): Promise<Client> {
    const client = new Client({
        host: server.host,
        port: server.port,
        user: role.user,
        password: role.user === server.user ? server.password : PASSWORD,
        database: role.database ?? server.database,
    });
    await client.connect();
    return client;
}

/**
 * What the postgresql provider makes on the audit cluster, by a deploying user that is no superuser: it may create roles, and
 * is a member of none.
 */
async function createRoles(superuser: Client): Promise<void> {
    const { rows } = await superuser.query("SELECT FROM pg_roles WHERE rolname = 'master'");
    if (rows.length > 0) {
        return;
    }
    await superuser.query(`
        CREATE ROLE master LOGIN CREATEROLE CREATEDB PASSWORD '${PASSWORD}';
        GRANT pg_monitor TO master;
        SET ROLE master;
        CREATE ROLE audit_trail_owner NOLOGIN;
        CREATE ROLE audit_trail_collector NOLOGIN;
        CREATE ROLE audit_trail_dms_target LOGIN PASSWORD '${PASSWORD}';
        CREATE ROLE audit_trail_auditor NOLOGIN;
        CREATE ROLE audit_trail_operator NOLOGIN IN ROLE audit_trail_auditor;
        CREATE ROLE operator LOGIN PASSWORD '${PASSWORD}' IN ROLE audit_trail_operator;
        CREATE ROLE reader LOGIN PASSWORD '${PASSWORD}' IN ROLE audit_trail_auditor;
        RESET ROLE;
    `);
}

/** An audit database with its people: the deploying master, DMS, and someone who reads as an auditor. */
export interface Trail {
    readonly master: Client;
    readonly dms: Client;
    readonly reader: Client;
    /** Someone who runs the trail. */
    readonly operator: Client;
    readonly superuser: Client;
    /** Ends DMS's session and opens another one, as a resumed task does. */
    reconnectDms(): Promise<Client>;
    stop(): Promise<void>;
}

/** A server of its own with the trails of these tables deployed. */
export async function trailServer(definitions: readonly TableDefinition[]): Promise<Trail> {
    const server = await scratchServer();
    try {
        const trail = await trailDatabase(server, "audit", definitions);
        return {
            ...trail,
            stop: async () => {
                await trail.stop();
                await server.stop();
            },
        };
    } catch (error) {
        await server.stop();
        throw error;
    }
}

/**
 * A database on a server, with the trails of these tables deployed. `stop` closes the connections only.
 * @param isNew Whether to make the database.
 */
export async function trailDatabase(
    server: ScratchServer,
    database: string,
    definitions: readonly TableDefinition[],
    isNew = true,
): Promise<Trail> {
    const clients: Client[] = [];
    const stop = async (): Promise<void> => {
        await Promise.all(clients.map((client) => client.end()));
    };
    const open = async (user: string, name = database): Promise<Client> => {
        const client = await connect(server, { user, database: name });
        clients.push(client);
        return client;
    };
    try {
        const first = await open(server.user, server.database);
        await createRoles(first);
        if (isNew) {
            await first.query(`CREATE DATABASE ${first.escapeIdentifier(database)} OWNER master`);
        }
        const people = {
            superuser: await open(server.user),
            master: await open("master"),
            dms: await open("audit_trail_dms_target"),
            reader: await open("reader"),
            operator: await open("operator"),
        };
        // As the program's sessions are; the tests' own statements name no schema.
        await prepareSession(people.master);
        await deploy(people.master, definitions);
        await people.master.query("RESET ALL");
        let { dms } = people;
        const reconnectDms = async (): Promise<Client> => {
            clients.splice(clients.indexOf(dms), 1);
            await dms.end();
            dms = await open("audit_trail_dms_target");
            return dms;
        };
        return { ...people, reconnectDms, stop };
    } catch (error) {
        await stop();
        throw error;
    }
}

export async function run(client: Client, files: readonly SqlFile[]): Promise<void> {
    await client.query("BEGIN");
    for (const { file, sql } of files) {
        try {
            await client.query(sql);
        } catch (error) {
            await client.query("ROLLBACK");
            throw new Error(`${file}: ${String(error)}`, { cause: error });
        }
    }
    await client.query("COMMIT");
}

/** Deploys trails the way the program does: schemas, rights, scripts, the function, its triggers, and rights again. */
export async function deploy(
    master: Client,
    definitions: readonly TableDefinition[],
): Promise<void> {
    const quote = (name: string): string => master.escapeIdentifier(name);
    const schemas = definitions.map(({ schema }) => schema);
    for (const schema of new Set(["audit_trail", "awsdms_control", ...schemas])) {
        await master.query(`CREATE SCHEMA IF NOT EXISTS ${quote(schema)}`);
    }
    const rights = [auditGrants([...definitions, MARKER_TABLE])];
    await run(master, rights);
    await run(master, foundation());
    const whole = auditRights([...definitions, MARKER_TABLE], definitions);
    await run(master, whole);
    for (const definition of definitions) {
        await createFunction(master, definition);
        for (const { files } of tableBatches(definition)) {
            await run(master, files);
        }
    }
    await run(master, whole);
    await run(master, [dmsSession(roles.target)]);
}

/** As the postgresql provider writes it. */
export async function createFunction(master: Client, definition: TableDefinition): Promise<void> {
    const { schema, name, body } = triggerFunction(definition);
    const { rows } = await master.query(
        "SELECT FROM pg_proc WHERE pronamespace = $1::regnamespace AND proname = $2",
        [schema, name],
    );
    if (rows.length === 0) {
        await master.query(
            `CREATE FUNCTION ${master.escapeIdentifier(schema)}.${master.escapeIdentifier(name)}()
                RETURNS trigger LANGUAGE plpgsql AS $function$${body}$function$`,
        );
    }
}

/** A definition with plain columns, `name type` each, the first ones being the key. */
export function definitionOf(
    schema: string,
    table: string,
    columns: Readonly<Record<string, string>>,
    primaryKey: readonly string[],
): TableDefinition {
    return {
        schema,
        table,
        oid: "16400",
        columns: Object.entries(columns).map(([name, type], at) => ({
            name,
            type,
            attnum: at + 1,
        })),
        primaryKey,
    };
}

export const ITEMS = definitionOf(
    "public",
    "items",
    { item_id: "integer", name: "character varying(100)", price: "numeric(10,2)" },
    ["item_id"],
);
