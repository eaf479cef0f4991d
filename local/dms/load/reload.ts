import { rmSync } from "node:fs";
import { messageOf } from "../../../text/errors";
import { TaskError } from "../errors";
import type { Log } from "../log";
import { quoted, type TableName } from "../tableName";
import type { Checkpoint } from "../task/checkpoint";
import {
    asArray,
    asObject,
    isUnfinishedJson,
    parseJson,
    refuseUnknownKeys,
    textAt,
} from "../task/jsonFields";
import type { Task } from "../task/task";
import { ChangingFile } from "../taskFiles";

type Selection = Pick<Task, "mapping" | "migrationType">;

/** DMS guide, "Reloading tables during a task". */
const MAX_TABLES = 10;
const WHERE = "reload.json";

/**
 * Parses a request: an array of `{"SchemaName": ..., "TableName": ...}`, the TableToReload of the API's ReloadTables.
 *
 * @throws TaskError for what ReloadTables refuses
 */
export function parseReload(json: string, task: Selection): readonly TableName[] {
    const tables = asArray(parseJson(json, WHERE), WHERE).map((entry): TableName => {
        const object = asObject(entry, WHERE);
        refuseUnknownKeys(object, ["SchemaName", "TableName"], WHERE);
        return {
            schema: textAt(object, "SchemaName", WHERE),
            table: textAt(object, "TableName", WHERE),
        };
    });
    if (task.migrationType === "cdc") {
        throw new TaskError(`${WHERE}: a task of the type cdc loads no tables.`);
    }
    if (tables.length === 0 || tables.length > MAX_TABLES) {
        throw new TaskError(`${WHERE} must name 1 to ${MAX_TABLES} tables.`);
    }
    if (new Set(tables.map(quoted)).size < tables.length) {
        throw new TaskError(`${WHERE} names a table twice.`);
    }
    const unknown = tables.find((table) => task.mapping.map(table) === undefined);
    if (unknown !== undefined) {
        throw new TaskError(`${WHERE}: the table mappings do not select ${quoted(unknown)}.`);
    }
    return tables;
}

/** A checkpoint that has forgotten the load of some tables, so that the next session loads them as it loads new ones. */
export function withoutLoads(checkpoint: Checkpoint, tables: readonly TableName[]): Checkpoint {
    const names = new Set(tables.map(quoted));
    const others = (entries: Readonly<Record<string, string>> = {}): Record<string, string> =>
        Object.fromEntries(Object.entries(entries).filter(([name]) => !names.has(name)));
    return {
        ...checkpoint,
        tables: others(checkpoint.tables),
        overlaps: others(checkpoint.overlaps),
        suspended: checkpoint.suspended.filter((name) => !names.has(name)),
    };
}

/**
 * The file reload.json, by which a person asks for a reload. A request that DMS would refuse goes with an error in the
 * log and leaves the task as it is.
 */
export class ReloadFile {
    private readonly file: ChangingFile;
    private request: readonly TableName[] = [];

    constructor(
        path: string,
        private readonly task: Selection,
        private readonly log: Log,
    ) {
        this.file = new ChangingFile(path);
    }

    /** The tables of the present request. */
    pending(): readonly TableName[] {
        const change = this.file.change();
        if (change !== undefined) {
            this.request = change.text === undefined ? [] : this.parse(change.text);
        }
        return this.request;
    }

    remove(): void {
        rmSync(this.file.path, { force: true });
    }

    private parse(json: string): readonly TableName[] {
        try {
            return parseReload(json, this.task);
        } catch (error) {
            if (!(error instanceof TaskError)) {
                throw error;
            }
            if (isUnfinishedJson(error)) {
                this.log("W", "TASK_MANAGER", messageOf(error));
            } else {
                this.log("E", "TASK_MANAGER", `Nothing is reloaded: ${messageOf(error)}`);
                this.remove();
            }
            return [];
        }
    }
}
