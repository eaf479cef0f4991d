import { TaskError } from "../errors";
import type { TableName } from "../tableName";

/** A TOASTed value that the change left alone: it is not in the WAL. */
export const UNCHANGED = Symbol("unchanged-toast-datum");

export interface ColumnValue {
    readonly name: string;
    /** format_type() without modifiers, e.g. "character varying". */
    readonly type: string;
    readonly value: string | null | typeof UNCHANGED;
}

export interface Change {
    readonly kind: "change";
    readonly operation: "insert" | "update" | "delete";
    readonly table: TableName;
    /** The old key (or whole old row under REPLICA IDENTITY FULL), where test_decoding prints one. */
    readonly oldKey?: readonly ColumnValue[];
    /** New row of an insert or update, key (or old row) of a delete; undefined for "(no-tuple-data)". */
    readonly columns?: readonly ColumnValue[];
}

interface Truncate {
    readonly kind: "truncate";
    readonly tables: readonly TableName[];
}

interface Commit {
    readonly kind: "commit";
    /** As PostgreSQL prints it, e.g. "2026-01-02 03:04:05.678+00". */
    readonly timestamp: string;
}

export type Message = Change | Truncate | Commit | { readonly kind: "begin" | "other" };

/** Parses one message of the test_decoding plugin with include-xids off and include-timestamp on. */
export function parseMessage(text: string): Message {
    if (text.startsWith("table ")) {
        return new Parser(text, 6).tableMessage();
    }
    if (text === "BEGIN") {
        return { kind: "begin" };
    }
    const timestamp = /^COMMIT \(at (.+)\)$/.exec(text)?.[1];
    if (timestamp !== undefined) {
        return { kind: "commit", timestamp };
    }
    if (text.startsWith("message: ")) {
        return { kind: "other" };
    }
    throw new TaskError(`Unexpected output of test_decoding: "${text.slice(0, 40)}"`);
}

/** The tables of a change or truncate message, read without parsing its values. */
export function tablesOf(text: string): readonly TableName[] {
    return new Parser(text, 6).tableNames();
}

class Parser {
    constructor(
        private readonly text: string,
        private at: number,
    ) {}

    tableMessage(): Change | Truncate {
        const tables = this.tableNames();
        const [table] = tables;
        if (this.take("TRUNCATE: ")) {
            return { kind: "truncate", tables };
        }
        if (table === undefined || tables.length > 1) {
            throw this.unexpected();
        }
        if (this.take("INSERT:")) {
            return { kind: "change", operation: "insert", table, ...this.tuple() };
        }
        if (this.take("DELETE:")) {
            return { kind: "change", operation: "delete", table, ...this.tuple() };
        }
        if (!this.take("UPDATE:")) {
            throw this.unexpected();
        }
        if (!this.take(" old-key:")) {
            return { kind: "change", operation: "update", table, ...this.tuple() };
        }
        const oldKey = this.columns();
        if (!this.take(" new-tuple:")) {
            throw this.unexpected();
        }
        return { kind: "change", operation: "update", table, oldKey, ...this.tuple() };
    }

    tableNames(): readonly TableName[] {
        const names: TableName[] = [];
        do {
            const schema = this.identifier();
            this.expect(".");
            names.push({ schema, table: this.identifier() });
        } while (this.take(", "));
        this.expect(": ");
        return names;
    }

    private tuple(): { columns?: readonly ColumnValue[] } {
        const columns = this.take(" (no-tuple-data)") ? undefined : this.columns();
        if (this.at !== this.text.length) {
            throw this.unexpected();
        }
        return columns === undefined ? {} : { columns };
    }

    private columns(): readonly ColumnValue[] {
        const columns: ColumnValue[] = [];
        // An unquoted name never holds "-", so " new-tuple:" cannot be a column.
        while (this.at < this.text.length && !this.text.startsWith(" new-tuple:", this.at)) {
            this.expect(" ");
            const name = this.identifier();
            const type = this.typeName();
            this.expect(":");
            columns.push({ name, type, value: this.value() });
        }
        return columns;
    }

    private identifier(): string {
        if (this.text[this.at] === '"') {
            return this.quoted('"');
        }
        const start = this.at;
        const unquoted = /[a-z0-9_$]*/y;
        unquoted.lastIndex = start;
        this.at += unquoted.exec(this.text)?.[0].length ?? 0;
        if (this.at === start) {
            throw this.unexpected();
        }
        return this.text.slice(start, this.at);
    }

    /** "[type]"; the type may hold brackets (arrays) and quoted names. */
    private typeName(): string {
        this.expect("[");
        const start = this.at;
        for (let depth = 0; depth > 0 || this.text[this.at] !== "]";) {
            const character = this.text[this.at];
            if (character === undefined) {
                throw this.unexpected();
            }
            if (character === '"') {
                this.quoted('"');
                continue;
            }
            depth += character === "[" ? 1 : character === "]" ? -1 : 0;
            this.at += 1;
        }
        this.at += 1;
        return this.text.slice(start, this.at - 1);
    }

    private value(): ColumnValue["value"] {
        if (this.text[this.at] === "'") {
            return this.quoted("'");
        }
        if (this.text.startsWith("B'", this.at)) {
            this.at += 1;
            return this.quoted("'");
        }
        const end = this.text.indexOf(" ", this.at);
        const word = this.text.slice(this.at, end === -1 ? undefined : end);
        if (word === "") {
            throw this.unexpected();
        }
        this.at += word.length;
        return word === "null" ? null : word === "unchanged-toast-datum" ? UNCHANGED : word;
    }

    /** Text between two quotes in which a doubled quote stands for one. */
    private quoted(quote: string): string {
        let result = "";
        for (let start = this.at + 1; ;) {
            const end = this.text.indexOf(quote, start);
            if (end === -1) {
                throw this.unexpected();
            }
            result += this.text.slice(start, end);
            this.at = end + 1;
            if (this.text[this.at] !== quote) {
                return result;
            }
            result += quote;
            start = end + 2;
        }
    }

    private take(word: string): boolean {
        if (!this.text.startsWith(word, this.at)) {
            return false;
        }
        this.at += word.length;
        return true;
    }

    private expect(word: string): void {
        if (!this.take(word)) {
            throw this.unexpected();
        }
    }

    private unexpected(): TaskError {
        return new TaskError(
            `Unexpected output of test_decoding at character ${this.at} of a message of ${this.text.length}.`,
        );
    }
}
