import { type Client, escapeIdentifier, escapeLiteral } from "pg";
import { messageOf } from "../../../text/errors";
import { convert, isLob, type ValueRules } from "../apply/columnValues";
import { currentTimestamp, headerValue } from "../apply/headerValues";
import type { TablePlan } from "../apply/tablePlan";
import { isRowError, TaskError } from "../errors";
import type { Log } from "../log";
import { StopRequested } from "../signals";
import { quoted } from "../tableName";
import type { Faults } from "../task/faults";
import { copyField, copyIn } from "./copyIn";

const BATCH_ROWS = 2_000;
const asText = { getTypeParser: () => (text: unknown) => text };

export interface LoadContext {
    readonly source: Client;
    readonly target: Client;
    readonly rules: ValueRules;
    readonly faults: Faults;
    readonly failOnTruncation: boolean;
    readonly log: Log;
    readonly signal: AbortSignal;
    /** Remembers that the target table is about to hold rows. */
    readonly beforeCommit: (plan: TablePlan) => void;
}

/** Makes the source session see exactly what committed before the slot's consistent point. */
export async function useSnapshot(source: Client, snapshot: string): Promise<void> {
    await source.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    await source.query(`SET TRANSACTION SNAPSHOT ${escapeLiteral(snapshot)}`);
}

/**
 * Copies one table; the source session is inside a transaction. The target sees it in one transaction, unless large
 * columns follow in one of their own.
 *
 * @returns the number of rows
 */
export async function loadTable(
    plan: TablePlan,
    truncateFirst: boolean,
    context: LoadContext,
): Promise<number> {
    const { source, target } = context;
    const names = [...plan.sourceColumns.keys()].filter(
        (name) =>
            plan.targetColumns.has(name) &&
            (context.rules.supportLobs || !isLob(plan.sourceColumns.get(name) ?? "")),
    );
    const list = names.map(escapeIdentifier).join(", ");
    const cursor = `DECLARE awsdms_load NO SCROLL CURSOR FOR SELECT ${list} FROM ${quoted(plan.source)}`;
    await source.query(cursor).catch((error: unknown) => {
        throw loadError(plan, error);
    });
    await target.query("BEGIN");
    try {
        if (truncateFirst) {
            await target.query(`TRUNCATE ${quoted(plan.target)}`);
        }
        let count = 0;
        for (;;) {
            if (context.signal.aborted) {
                throw new StopRequested();
            }
            const { rows } = await source.query<(string | null)[]>({
                text: `FETCH ${BATCH_ROWS} FROM awsdms_load`,
                rowMode: "array",
                types: asText,
            });
            if (rows.length === 0) {
                break;
            }
            await writeRows(plan, names, rows, context);
            count += rows.length;
        }
        context.beforeCommit(plan);
        await target.query("COMMIT");
        return count;
    } catch (error) {
        await target.query("ROLLBACK").catch(() => undefined);
        throw loadError(plan, error);
    } finally {
        await source.query("CLOSE awsdms_load").catch(() => undefined);
    }
}

/** A connection that breaks says nothing of the table. */
function loadError({ source, target }: TablePlan, error: unknown): unknown {
    return isRowError(error)
        ? new TaskError(
              `Full load of ${quoted(source)} into ${quoted(target)} failed: ${messageOf(error)}`,
              { cause: error },
          )
        : error;
}

async function writeRows(
    plan: TablePlan,
    names: readonly string[],
    rows: readonly (readonly (string | null)[])[],
    context: LoadContext,
): Promise<void> {
    const headers = {
        operation: "insert",
        timestamp: currentTimestamp(),
        position: "",
        changeSeq: "",
    } as const;
    const added = plan.added.flatMap((column) => {
        const value = headerValue(column, headers);
        return value === undefined ? [] : [{ name: column.name, field: copyField(value) }];
    });
    const types = names.map((name) => plan.sourceColumns.get(name) ?? "");
    const { lobTwoStep } = context.faults;
    const late = types.map((type) => lobTwoStep !== false && isLob(type));
    const converted = rows.map((row) =>
        row.map((value, at) => {
            const result = convert(value, types[at] ?? "", context.rules);
            if (result.truncated) {
                reportTruncation(plan, names[at] ?? "", context);
            }
            return result.value;
        }),
    );
    const lines = converted.map((row) =>
        [
            ...row.map((value, at) => copyField(late[at] === true ? null : value)),
            ...added.map(({ field }) => field),
        ].join("\t"),
    );
    const columns = [...names, ...added.map(({ name }) => name)].map(escapeIdentifier).join(", ");
    await copyIn(
        context.target,
        `COPY ${quoted(plan.target)} (${columns}) FROM STDIN`,
        `${lines.join("\n")}\n`,
    );
    const lobs = names.filter((_, at) => late[at]);
    if (lobs.length > 0 && plan.key.length > 0) {
        if (lobTwoStep === "own transaction") {
            await commitPart(plan, context);
        }
        await completeLobs(plan, names, lobs, converted, context.target);
        if (lobTwoStep === "own transaction") {
            await commitPart(plan, context);
        }
    }
}

async function commitPart(plan: TablePlan, { target, beforeCommit }: LoadContext): Promise<void> {
    beforeCommit(plan);
    await target.query("COMMIT");
    await target.query("BEGIN");
}

async function completeLobs(
    plan: TablePlan,
    names: readonly string[],
    lobs: readonly string[],
    rows: readonly (readonly (string | null)[])[],
    target: Client,
): Promise<void> {
    const sets = lobs.map((name, at) => `${escapeIdentifier(name)} = $${at + 1}`).join(", ");
    const test = plan.key
        .map((name, at) => `${escapeIdentifier(name)} = $${lobs.length + at + 1}`)
        .join(" AND ");
    for (const row of rows) {
        const values = [...lobs, ...plan.key].map((name) => row[names.indexOf(name)] ?? null);
        if (values.slice(0, lobs.length).some((value) => value !== null)) {
            await target.query(`UPDATE ${quoted(plan.target)} SET ${sets} WHERE ${test}`, values);
        }
    }
}

function reportTruncation(plan: TablePlan, column: string, context: LoadContext): void {
    const message = `A value of ${quoted(plan.source)}."${column}" is longer than LobMaxSize and was cut.`;
    if (context.failOnTruncation) {
        throw new TaskError(`${message} (FailTasksOnLobTruncation is on.)`);
    }
    context.log("W", "SOURCE_UNLOAD", message);
}
