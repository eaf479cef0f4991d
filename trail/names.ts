import { createHash } from "node:crypto";
import type { TableName } from "./tableDefinition";

/** PostgreSQL cuts a longer name without an error (NAMEDATALEN - 1), counted in bytes. */
const MAX_IDENTIFIER_BYTES = 63;

/** The names of everything that one source table gets on the audit cluster. */
export interface TrailNames {
    /** Table in the source's schema that DMS writes. */
    readonly staging: string;
    /** Partitioned table in the source's schema. */
    readonly auditLog: string;
    /** Start of the log's partition names; `default` or `y2026m01` follows. */
    readonly partitionPrefix: string;
    readonly rowKeyIndex: string;
    readonly timeIndex: string;
    /** Table in `audit_trail`. */
    readonly tombstone: string;
}

/**
 * Joins a name and a suffix into an identifier that PostgreSQL keeps whole. A name that is too long
 * is cut on a character and told apart by a hash of it, so that the result is always the same.
 */
export function fitIdentifier(base: string, suffix: string): string {
    if (Buffer.byteLength(base + suffix) <= MAX_IDENTIFIER_BYTES) {
        return base + suffix;
    }
    const ending = `_${createHash("sha256").update(base).digest("hex").slice(0, 8)}${suffix}`;
    const room = MAX_IDENTIFIER_BYTES - Buffer.byteLength(ending);
    let cut = "";
    for (const character of base) {
        if (Buffer.byteLength(cut + character) > room) {
            break;
        }
        cut += character;
    }
    return cut + ending;
}

/** The names that belong to one source table; see {@link TrailNames} for their schemas. */
export function trailNames({ schema, table }: TableName): TrailNames {
    const longestPartition = "y0000m00";
    return {
        staging: fitIdentifier(table, "_staging"),
        auditLog: fitIdentifier(table, "_audit_log"),
        partitionPrefix: fitIdentifier(table, `_audit_log_${longestPartition}`).slice(
            0,
            -longestPartition.length,
        ),
        rowKeyIndex: fitIdentifier(table, "_audit_log_row_key_idx"),
        timeIndex: fitIdentifier(table, "_audit_log_time_idx"),
        tombstone: fitIdentifier(`${schema}_${table}`, "_tombstone"),
    };
}

const QUALIFIED_NAME = /^(?:"((?:[^"]|"")+)"|([^".]+))\.(?:"((?:[^"]|"")+)"|([^".]+))$/u;

/**
 * Reads `schema.table`. Both parts are case-sensitive and taken as written, spaces included; a part
 * with a dot or a double quote stands in double quotes, a quote inside them doubled.
 */
export function parseTableName(text: string): TableName {
    const match = QUALIFIED_NAME.exec(text);
    if (match === null) {
        throw new Error(
            `"${text}" is not a table name: write schema.table, with a part that has a dot or a quote in double quotes.`,
        );
    }
    const name = { schema: part(match[1], match[2]), table: part(match[3], match[4]) };
    for (const value of [name.schema, name.table]) {
        if (Buffer.byteLength(value) > MAX_IDENTIFIER_BYTES) {
            throw new Error(
                `"${value}" in the table name "${text}" is longer than the 63 bytes that PostgreSQL keeps.`,
            );
        }
    }
    return name;
}

function part(quoted: string | undefined, bare: string | undefined): string {
    return quoted?.replaceAll('""', '"') ?? bare ?? "";
}

/** The name as {@link parseTableName} reads it, for messages. */
export function formatTableName({ schema, table }: TableName): string {
    const quote = (name: string): string =>
        /[".]/u.test(name) ? `"${name.replaceAll('"', '""')}"` : name;
    return `${quote(schema)}.${quote(table)}`;
}
