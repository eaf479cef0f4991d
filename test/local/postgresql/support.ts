import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Client, escapeIdentifier, type QueryResultRow } from "pg";
import { generate } from "selfsigned";
import { postgresqlProvider } from "../../../local/postgresql/provider";
import {
    type CheckFailure,
    parseUrn,
    type Props,
    type ProviderModule,
} from "../../../local/provider";
import { giveToServerUser } from "../../../local/servers/runAs";
import { type ScratchServer, scratchServer } from "../../../testing/postgres";

/** The user the provider works as: no superuser, but CREATEROLE and CREATEDB, as on RDS. */
export const MASTER = "Master 'of' RDS";
export const MASTER_PASSWORD = "m4st3r pass";
/** The master's own database. */
export const DATABASE = 'Audit "db"';

interface Shared {
    readonly server: ScratchServer;
    /** Certificate of the server, which signs itself, for localhost only. */
    readonly certificate: string;
    readonly folder: string;
}

let starting: Promise<Shared> | undefined;

async function start(): Promise<Shared> {
    const folder = await mkdtemp(path.join(tmpdir(), "audit-trail-tls-"));
    const pems = await generate([{ name: "commonName", value: "localhost" }], {
        extensions: [{ name: "subjectAltName", altNames: [{ type: 2, value: "localhost" }] }],
    });
    const certificate = path.join(folder, "server.pem");
    const key = path.join(folder, "server.key");
    await writeFile(certificate, pems.cert);
    await writeFile(key, pems.private, { mode: 0o600 });
    for (const file of [folder, certificate, key]) {
        await giveToServerUser(file);
    }
    const server = await scratchServer({
        settings: {
            ssl: "on",
            ssl_cert_file: certificate,
            ssl_key_file: key,
            log_statement: "all",
            logging_collector: "on",
        },
    });
    await sql(server, "postgres", [
        `CREATE ROLE ${escapeIdentifier(MASTER)} LOGIN CREATEROLE CREATEDB PASSWORD '${MASTER_PASSWORD}'`,
        "CREATE ROLE rds_replication",
        "CREATE ROLE rds_superuser",
        `GRANT rds_replication, rds_superuser TO ${escapeIdentifier(MASTER)} WITH ADMIN OPTION`,
        `CREATE DATABASE ${escapeIdentifier(DATABASE)} OWNER ${escapeIdentifier(MASTER)}`,
    ]);
    return { server, certificate, folder };
}

/** One server for all tests of a file, which use names of their own. */
function shared(): Promise<Shared> {
    starting ??= start();
    return starting;
}

/** Stops the server after the tests of the `describe` that calls this. Not a root hook: one would run for one file only. */
export function stopServerAfterwards(): void {
    after(async () => {
        if (starting !== undefined) {
            const { server, folder } = await starting;
            starting = undefined;
            await server.stop();
            await rm(folder, { recursive: true });
        }
    });
}

/** Runs statements as the superuser and gives the rows of the last one. */
async function sql(
    server: ScratchServer,
    database: string,
    statements: readonly string[],
): Promise<QueryResultRow[]> {
    const { host, port, user, password } = server;
    const client = new Client({ host, port, user, password, database });
    await client.connect();
    try {
        let rows: QueryResultRow[] = [];
        for (const statement of statements) {
            rows = (await client.query<QueryResultRow>(statement)).rows;
        }
        return rows;
    } finally {
        await client.end();
    }
}

/** Runs statements in the test database as the superuser. */
export async function asSuperuser(...statements: readonly string[]): Promise<QueryResultRow[]> {
    return sql((await shared()).server, DATABASE, statements);
}

/** Runs statements in the test database as a role that logs in with a password. */
export async function asRole(
    user: string,
    password: string,
    ...statements: readonly string[]
): Promise<QueryResultRow[]> {
    const { server } = await shared();
    return sql({ ...server, user, password }, DATABASE, statements);
}

/** Everything the server has logged. */
export async function serverLog(): Promise<string> {
    const [row] = await asSuperuser("SELECT pg_read_file(pg_current_logfile()) AS log");
    return String(row?.log);
}

/** The provider's arguments for the shared server as the master. */
export async function providerArguments(): Promise<Record<string, string>> {
    const { server, certificate } = await shared();
    return {
        host: server.host,
        port: String(server.port),
        username: MASTER,
        password: MASTER_PASSWORD,
        database: DATABASE,
        superuser: "false",
        sslmode: "verify-full",
        sslrootcert: certificate,
        connectTimeout: "10",
    };
}

/** The provider, configured for the shared server with some arguments changed. */
export async function provider(changes: Record<string, string> = {}): Promise<ProviderModule> {
    const module = postgresqlProvider();
    await module.configure?.({ ...(await providerArguments()), ...changes });
    return module;
}

/** The key by which Pulumi wraps a secret on the wire. */
const SECRET_KEY = "4dabf18193072939515e22adb298388d";

/** Values as the engine hands them back to a provider that does not ask for secrets: plain. */
function revealed(values: Props): Props {
    return Object.fromEntries(
        Object.entries(values).map(([key, value]) =>
            typeof value === "object" && value !== null && SECRET_KEY in value
                ? [key, (value as Props).value]
                : [key, value],
        ),
    );
}

/** Which of the values are marked as secrets. */
export function secretsOf(values: Props): string[] {
    return Object.keys(values).filter((key) =>
        JSON.stringify(values[key] ?? null).includes(SECRET_KEY),
    );
}

/** What a step did with a resource. */
export type Step = "created" | "same" | "updated" | "replaced";

/** One resource in the hands of an engine: checks, compares, creates, updates, replaces, refreshes and deletes as Pulumi does. */
export class Driven {
    id = "";
    inputs: Props = {};
    outputs: Props = {};
    /** The properties whose changes the program ignores. */
    ignored: readonly string[] = [];
    /** What the last check and the last answer about outputs held, secrets as they came. */
    raw: { inputs: Props; outputs: Props } = { inputs: {}, outputs: {} };
    private readonly ctx;
    private readonly handler;

    constructor(
        module: ProviderModule,
        readonly type: string,
        readonly name = "thing",
    ) {
        this.ctx = parseUrn(`urn:pulumi:test::audit-trail::postgresql:index/${type}::${name}`);
        this.handler = module.handler(`postgresql:index/${type}`);
    }

    async failures(program: Props): Promise<readonly CheckFailure[]> {
        return (await this.handler.check?.(this.ctx, this.inputs, program))?.failures ?? [];
    }

    private async checked(program: Props): Promise<Props> {
        const result = await this.handler.check?.(this.ctx, this.inputs, program);
        if (result === undefined || result.failures.length > 0) {
            throw new Error(JSON.stringify(result?.failures));
        }
        this.raw.inputs = result.inputs;
        const inputs = revealed(result.inputs);
        const kept = Object.entries(this.inputs).filter(([key]) => this.ignored.includes(key));
        return this.id === ""
            ? inputs
            : {
                  ...Object.fromEntries(
                      Object.entries(inputs).filter(([key]) => !this.ignored.includes(key)),
                  ),
                  ...Object.fromEntries<unknown>(kept),
              };
    }

    private take(outputs: Props): void {
        this.raw.outputs = outputs;
        this.outputs = revealed(outputs);
    }

    async up(program: Props): Promise<Step> {
        const news = await this.checked(program);
        if (this.id === "") {
            await this.create(news);
            return "created";
        }
        const diff = this.handler.diff?.(this.ctx, this.inputs, news, this.outputs, this.ignored);
        if (diff?.changes !== true) {
            return "same";
        }
        if ((diff.replaces ?? []).length > 0) {
            const old = this.outputs;
            const oldId = this.id;
            if (diff.deleteBeforeReplace === true) {
                await this.destroy();
                await this.create(news);
            } else {
                await this.create(news);
                await this.handler.delete?.(this.ctx, oldId, old);
            }
            return "replaced";
        }
        this.take(
            (await this.handler.update?.(this.ctx, this.id, this.outputs, news, this.ignored)) ??
                {},
        );
        this.inputs = news;
        return "updated";
    }

    private async create(news: Props): Promise<void> {
        const created = await this.handler.create(this.ctx, news);
        this.id = created.id;
        this.take(created.outputs);
        this.inputs = news;
    }

    /** Reads the live state; false when the resource is gone. */
    async refresh(): Promise<boolean> {
        const live = await this.handler.read?.(this.ctx, this.id, this.outputs, this.inputs);
        this.id = live?.id ?? "";
        this.take(live?.outputs ?? {});
        this.inputs = revealed(live?.inputs ?? {});
        return this.id !== "";
    }

    async destroy(): Promise<void> {
        await this.handler.delete?.(this.ctx, this.id, this.outputs);
        this.id = "";
    }
}

/** A name that no other test uses. */
export function fresh(prefix: string): string {
    return `${prefix}_${randomBytes(4).toString("hex")}`;
}
