import { type Client, DatabaseError, escapeIdentifier } from "pg";
import { HEADER_COLUMNS } from "../../../trail/headerColumns";
import { trailNames } from "../../../trail/names";
import type { TableDefinition } from "../../../trail/tableDefinition";
import { BASELINE_TIMESTAMP, type Change, type History, type Transaction } from "./history";

/** How DMS behaves in one delivery; see the DMS guide on error handling. */
export interface Behaviour {
    readonly insertConflict: "LOG_ERROR" | "INSERT_RECORD";
    readonly updateConflict: "LOG_ERROR" | "UPDATE_RECORD";
    /** What a flagged delete does to the columns outside the key. */
    readonly deleteImage: "keep" | "null";
    /** Large columns: in the row's own statement, or by a second one with or without the headers. */
    readonly lob: "inline" | "second step" | "second step with headers";
}

/** One target transaction: some source transactions, committed or lost; then perhaps a restart further back. */
export interface Step {
    readonly group: number;
    readonly lost: boolean;
    /** How many source transactions the resume goes back; 0 for no restart. */
    readonly back: number;
    readonly restartSequence: boolean;
    /** After how many changes of a source transaction the target transaction ends and another one goes on; 0 for never. */
    readonly split: number;
}

/** Names the columns of a test table: the key's columns get `keyOf(key)`. */
export interface Target {
    readonly definition: TableDefinition;
    readonly keyOf: (key: number) => readonly unknown[];
    readonly amount: string;
    readonly note: string;
}

/** Issues the statements that DMS issues for a history, with the given steps and then to the end; each restart is a new session. */
export async function deliver(
    client: Client,
    target: Target,
    history: History,
    steps: readonly Step[],
    behaviour: Behaviour,
): Promise<void> {
    // As a new session, without the time that a password takes.
    await client.query("DISCARD ALL");
    const dms = new Statements(client, target, behaviour);
    await client.query("BEGIN");
    for (const [key, values] of history.baseline) {
        await dms.insert(key, [values.amount, values.note, "I", BASELINE_TIMESTAMP, "", ""]);
    }
    await client.query("COMMIT");

    let next = 0;
    let checkpoint = 0;
    let sequence = 0;
    const endless: Step = { group: 3, lost: false, back: 0, restartSequence: false, split: 0 };
    const queue = [...steps];
    while (next < history.transactions.length) {
        const step = queue.shift() ?? endless;
        const group = history.transactions.slice(next, next + step.group);
        await client.query("BEGIN");
        let isSplit = false;
        for (const transaction of group) {
            for (const [at, change] of transaction.changes.entries()) {
                if (step.split > 0 && at > 0 && at % step.split === 0) {
                    isSplit = true;
                    await client.query("COMMIT");
                    await client.query("BEGIN");
                }
                sequence += 1;
                await dms.apply(
                    transaction,
                    change,
                    `20261123100000${String(sequence).padStart(21, "0")}`,
                );
            }
        }
        if (step.lost) {
            await client.query("ROLLBACK");
        } else {
            await client.query("COMMIT");
            next += group.length;
            checkpoint = next;
        }
        // What was committed does not come again within one session.
        if (step.back > 0 || (step.lost && isSplit)) {
            await client.query("DISCARD ALL");
            next = Math.max(0, checkpoint - step.back);
            sequence = step.restartSequence ? 0 : sequence;
        }
    }
}

class Statements {
    readonly #table: string;
    readonly #where: string;
    readonly #columns: string[];
    readonly #keyColumns: string[];

    constructor(
        private readonly client: Client,
        private readonly target: Target,
        private readonly behaviour: Behaviour,
    ) {
        const { definition, amount, note } = target;
        this.#table = `${escapeIdentifier(definition.schema)}.${escapeIdentifier(trailNames(definition).staging)}`;
        this.#keyColumns = definition.primaryKey.map((name) => escapeIdentifier(name));
        this.#columns = [
            ...this.#keyColumns,
            escapeIdentifier(amount),
            escapeIdentifier(note),
            ...HEADER_COLUMNS,
        ];
        this.#where = this.#keyColumns.map((name, i) => `${name} = $${i + 1}`).join(" AND ");
    }

    async insert(key: number, values: readonly unknown[]): Promise<void> {
        const places = this.#columns.map((_, i) => `$${i + 1}`).join(", ");
        await this.client.query(
            `INSERT INTO ${this.#table} (${this.#columns.join(", ")}) VALUES (${places})`,
            [...this.target.keyOf(key), ...values],
        );
    }

    async apply(transaction: Transaction, change: Change, sequence: string): Promise<void> {
        const { operation, key, after, position } = change;
        const headers = [operation, transaction.commitTimestamp, position, sequence];
        const twoSteps =
            this.behaviour.lob !== "inline" && after !== undefined && after.note !== null;
        const row = [after?.amount ?? null, twoSteps ? null : (after?.note ?? null), ...headers];
        if (operation === "I") {
            await this.#insertOrConflict(key, row);
        } else if (operation === "D" && this.behaviour.deleteImage === "keep") {
            await this.#updateOrConflict(key, row, this.#columns.slice(-4), headers);
        } else if (twoSteps && this.behaviour.lob === "second step with headers") {
            // An update leaves the large column as it was until the second step.
            const names = this.#columns.filter(
                (name) => name !== escapeIdentifier(this.target.note),
            );
            await this.#updateOrConflict(key, row, names.slice(this.#keyColumns.length), [
                after.amount,
                ...headers,
            ]);
        } else {
            await this.#updateOrConflict(
                key,
                row,
                this.#columns.slice(this.#keyColumns.length),
                row,
            );
        }
        if (twoSteps) {
            const note = escapeIdentifier(this.target.note);
            await (this.behaviour.lob === "second step"
                ? this.#update(key, [note], [after.note])
                : this.#update(key, [note, ...this.#columns.slice(-4)], [after.note, ...headers]));
        }
    }

    async #insertOrConflict(key: number, row: readonly unknown[]): Promise<void> {
        await this.client.query("SAVEPOINT change");
        try {
            await this.insert(key, row);
        } catch (error) {
            if (!(error instanceof DatabaseError && error.code === "23505")) {
                throw error;
            }
            await this.client.query("ROLLBACK TO SAVEPOINT change");
            if (this.behaviour.insertConflict === "INSERT_RECORD") {
                await this.#deleteAndInsert(key, row);
            }
        }
        await this.client.query("RELEASE SAVEPOINT change");
    }

    async #updateOrConflict(
        key: number,
        row: readonly unknown[],
        names: readonly string[],
        values: readonly unknown[],
    ): Promise<void> {
        const updated = await this.#update(key, names, values);
        if (updated === 0 && this.behaviour.updateConflict === "UPDATE_RECORD") {
            await this.#deleteAndInsert(key, row);
        }
    }

    async #update(
        key: number,
        names: readonly string[],
        values: readonly unknown[],
    ): Promise<number> {
        const keys = this.target.keyOf(key);
        const set = [...this.#keyColumns, ...names].map((name, i) => `${name} = $${i + 1}`);
        const { rowCount } = await this.client.query(
            `UPDATE ${this.#table} SET ${set.join(", ")} WHERE ${this.#where}`,
            [...keys, ...values],
        );
        return rowCount ?? 0;
    }

    async #deleteAndInsert(key: number, row: readonly unknown[]): Promise<void> {
        await this.client.query(`DELETE FROM ${this.#table} WHERE ${this.#where}`, [
            ...this.target.keyOf(key),
        ]);
        await this.insert(key, row);
    }
}
