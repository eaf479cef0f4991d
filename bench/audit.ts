import { type Client, escapeIdentifier } from "pg";
import { ITEMS, trailDatabase } from "../testing/trailDatabase";
import { trailNames } from "../trail/names";
import type { ApplyReply, ApplyRequest } from "./applyClient";
import { Child } from "./children";
import { KEYS } from "./load";
import { note, type Part, runAlone } from "./part";
import { pin } from "./pin";
import { goal, median, roundRatios, spread, table } from "./report";
import { benchServer, databaseOf, session } from "./servers";
import { readBenchSql } from "./sql";

const DATABASE = "audit";
const PER_COMMIT = 1000;
const FILL_CHUNK = 500_000;

/** One table that the same statements are run on. */
interface Target {
    /** Prefix of its prepared statements. */
    readonly name: string;
    readonly label: string;
    /** Rows in the log before the first change; undefined: no trail. */
    readonly logRows?: number;
}

type Figures = Readonly<Record<"perSecond" | "micros" | "backendMicros", number>>;

/** How many changes per second get through staging's trigger into the log. */
export const audit: Part = async ({ quick, millionRows }, defer) => {
    const [rounds, milliseconds] = quick ? [3, 300] : [7, 1500];
    const full = millionRows * 1e6;
    const million = (rows: number): string => `${rows / 1e6} million rows`;
    const targets: Target[] = [
        { name: "bare", label: "bare prepared INSERT into a table without index" },
        { name: "plain", label: "staging without trigger" },
        { name: "least", label: "staging with the least trigger that logs old and new row" },
        { name: "empty", label: "staging with the trail, log empty at first", logRows: 0 },
        { name: "tenth", label: `the same, log of ${million(full / 10)}`, logRows: full / 10 },
        { name: "full", label: `the same, log of ${million(full)}`, logRows: full },
    ];
    note("Audit side: starting a server");
    const server = await benchServer(defer, { wal_level: "replica" });
    const definitions = targets
        .filter(({ logRows }) => logRows !== undefined)
        .map(({ name }) => ({ ...ITEMS, table: name }));
    const deployed = await trailDatabase(server, DATABASE, definitions);
    await deployed.stop();
    const admin = await session(defer, databaseOf(server, DATABASE));
    await makeUntrailed(admin);
    for (const { name, logRows } of targets) {
        await fill(admin, name, logRows);
    }
    await admin.query(readBenchSql("least_trigger.sql").replaceAll("{staging}", staging("least")));

    const child = new Child<ApplyRequest, ApplyReply>("applyClient.ts");
    defer(() => child.end());
    const ask = async (request: ApplyRequest): Promise<ApplyReply> => {
        const reply = await child.ask(request);
        if (reply.error !== undefined) {
            throw new Error(`The apply client failed: ${reply.error}`);
        }
        return reply;
    };
    const connected = await ask({
        kind: "connect",
        database: databaseOf(server, DATABASE),
        statements: [
            readBenchSql("bare_insert_statement.sql"),
            ...targets.slice(1).map(({ name }) => applyStatements(name)),
            ...targets
                .filter(({ logRows = 0 }) => logRows > 0)
                .map(({ name }) => readBenchSql("touch_log.sql").replace("{log}", logOf(name))),
        ].join("\n"),
    });
    const isPinned = await pin([child.pid, connected.pid]);

    const figures = new Map<string, Figures[]>(targets.map(({ name }) => [name, []]));
    const measure = async (target: Target, ms: number): Promise<Figures> => {
        const { name } = target;
        const reply = await ask({
            kind: "apply",
            target: name,
            keys: KEYS,
            perCommit: PER_COMMIT,
            milliseconds: ms,
        });
        return {
            perSecond: reply.changes / reply.seconds,
            micros: (reply.seconds * 1e6) / reply.changes,
            backendMicros: (reply.backendSeconds * 1e6) / reply.changes,
        };
    };
    for (const target of targets) {
        await measure(target, milliseconds / 2); // warms caches and plans up
    }
    for (let round = 0; round < rounds; round += 1) {
        note(`Audit side: round ${round + 1} of ${rounds}`);
        for (let turn = 0; turn < targets.length; turn += 1) {
            const target = targets[(turn + round) % targets.length];
            if (target !== undefined) {
                figures.get(target.name)?.push(await measure(target, milliseconds));
            }
        }
    }
    await refuseUnlogged(admin);
    const column = (name: string, key: keyof Figures): number[] =>
        (figures.get(name) ?? []).map((figure) => figure[key]);
    const ratio = (name: string, base: string): number[] =>
        roundRatios(column(name, "perSecond"), column(base, "perSecond"));
    const kept = median(ratio("empty", "plain"));
    const keptOfLeast = median(ratio("empty", "least"));
    const keptFull = median(ratio("full", "plain"));
    const flat = median(ratio("full", "empty"));
    return [
        "## Audit side",
        "",
        `Staging of ${KEYS} rows, update 70 %, insert 20 %, delete 10 %, one statement at a time on one connection, ` +
            `${PER_COMMIT} changes per commit, synchronous commit, ${rounds} interleaved rounds of ` +
            `${milliseconds / 1000} s, median (min-max). Client and backend ` +
            `${isPinned ? "share one core" : "are not pinned (no taskset)"}; µs/change includes the client's part, ` +
            "backend µs is the server process's CPU time alone. No checkpoint falls into a round.",
        "",
        table(
            ["target", "changes/s", "µs/change", "backend µs/change", "ratio to no trigger"],
            targets.map(({ name, label }) => [
                label,
                spread(column(name, "perSecond")),
                spread(column(name, "micros"), 1),
                spread(column(name, "backendMicros"), 1),
                spread(ratio(name, "plain"), 2),
            ]),
        ),
        "",
        goal("At least 0.5 of the rate without trigger, empty log", kept.toFixed(2), kept >= 0.5),
        `- Of the rate with the least trigger, the trail keeps ${keptOfLeast.toFixed(2)}.`,
        goal(
            `At least 0.5 of the rate without trigger, log of ${million(full)}`,
            keptFull.toFixed(2),
            keptFull >= 0.5,
        ),
        goal(
            `Flat within 10 %: rate at ${million(full)} over the rate of the empty log`,
            flat.toFixed(2),
            flat >= 0.9,
        ),
    ].join("\n");
};

/** Staging tables without trail, and the table of the bare INSERT. */
async function makeUntrailed(admin: Client): Promise<void> {
    for (const name of ["plain", "least"]) {
        await admin.query(
            `CREATE TABLE ${staging(name)} (LIKE ${staging("empty")} INCLUDING INDEXES)`,
        );
    }
    await admin.query(readBenchSql("bare_insert.sql"));
}

async function fill(admin: Client, name: string, logRows: number | undefined): Promise<void> {
    if (name === "bare") {
        return;
    }
    await admin.query("SET synchronous_commit = off");
    // The log gets its rows below, and faster.
    await admin.query(`ALTER TABLE ${staging(name)} DISABLE TRIGGER USER`);
    await admin.query(readBenchSql("fill_staging.sql").replace("{staging}", staging(name)), [KEYS]);
    if (logRows !== undefined) {
        await admin.query(`ALTER TABLE ${staging(name)} ENABLE ALWAYS TRIGGER log_change`);
    }
    const log = logOf(name);
    for (let first = 1; first <= (logRows ?? 0); first += FILL_CHUNK) {
        const last = Math.min(first + FILL_CHUNK - 1, logRows ?? 0);
        note(`Audit side: filling the log, ${(last / 1e6).toFixed(1)} million rows`);
        await admin.query(readBenchSql("fill_log.sql").replace("{log}", log), [
            first,
            last,
            logRows,
            KEYS,
        ]);
    }
    await admin.query(`VACUUM ANALYZE ${staging(name)}`);
    if (logRows !== undefined && logRows > 0) {
        await admin.query(`VACUUM ANALYZE ${log}`);
    }
}

function logOf(name: string): string {
    return `public.${escapeIdentifier(trailNames({ schema: "public", table: name }).auditLog)}`;
}

function staging(name: string): string {
    return `public.${escapeIdentifier(trailNames({ schema: "public", table: name }).staging)}`;
}

function applyStatements(name: string): string {
    return readBenchSql("apply_statements.sql")
        .replaceAll("{name}", name)
        .replaceAll("{staging}", staging(name));
}

/** A fast trigger that does not log is no result. */
async function refuseUnlogged(admin: Client): Promise<void> {
    const { rows } = await admin.query<{ unlogged: number; gaps: number }>(
        `SELECT (SELECT count(*) FROM audit_trail.unlogged_change)::integer AS unlogged,
             (SELECT count(*) FROM audit_trail.gap)::integer AS gaps`,
    );
    const [found] = rows;
    if (found === undefined || found.unlogged + found.gaps > 0) {
        throw new Error(
            `The measured changes were not all logged: ${String(found?.unlogged)} unlogged, ${String(found?.gaps)} gaps.`,
        );
    }
}

runAlone(module, audit);
