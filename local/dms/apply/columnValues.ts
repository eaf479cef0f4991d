/** How DMS treats the values of a column on their way through its own types. */
export interface ValueRules {
    readonly supportLobs: boolean;
    /** Bytes a LOB keeps; undefined in full LOB mode. */
    readonly lobLimit?: number;
    readonly numericRounding: boolean;
    readonly booleanAsText: boolean;
}

export interface Converted {
    readonly value: string | null;
    readonly truncated: boolean;
}

/** Of a varchar without a length (guide, endpoint setting `unboundedVarcharMaxSize`). */
const UNBOUNDED_VARCHAR_BYTES = 8000;

/** Types that DMS maps to STRING(255) (guide, "Source data types for PostgreSQL"), as far as their text may be longer. */
const STRING_255_TYPES = ["numrange", "point", "line", "lseg", "box", "circle"];

const LOB_TYPES = ["text", "citext", "json", "jsonb", "xml", "bytea", "hstore"];

/** Whether DMS maps a PostgreSQL type to a LOB (guide, "Source data types for PostgreSQL"). */
export function isLob(type: string): boolean {
    // An extension's type is qualified where its schema is not in the search path.
    return LOB_TYPES.includes(type.slice(type.lastIndexOf(".") + 1)) || type.endsWith("[]");
}

/** The text that reaches the target for a value's text on the source. `type` is format_type() with modifiers. */
export function convert(value: string | null, type: string, rules: ValueRules): Converted {
    if (value === null) {
        return { value, truncated: false };
    }
    if (isLob(type)) {
        return rules.lobLimit === undefined
            ? { value, truncated: false }
            : limitLob(value, type, rules.lobLimit);
    }
    return { value: convertScalar(value, type, rules), truncated: false };
}

function convertScalar(value: string, type: string, rules: ValueRules): string {
    if (type === "boolean") {
        const isTrue = value === "t" || value === "true";
        return rules.booleanAsText ? String(isTrue) : isTrue ? "t" : "f";
    }
    if (type === "numeric" && rules.numericRounding) {
        return roundDecimal(value, 6);
    }
    if (type === "character varying") {
        return firstBytes(value, UNBOUNDED_VARCHAR_BYTES);
    }
    if (STRING_255_TYPES.includes(type)) {
        return value.slice(0, 255);
    }
    if (type.startsWith("timestamp") || type === "date") {
        // DMS has no infinite times: it writes its first and last moment, here in UTC whatever the target session's zone.
        const zone = type.endsWith("with time zone") ? "+00" : "";
        return value === "infinity"
            ? `9999-12-31 23:59:59${zone}`
            : value === "-infinity"
              ? `4713-01-01 00:00:00${zone} BC`
              : value;
    }
    return value;
}

function limitLob(value: string, type: string, limit: number): Converted {
    if (type === "bytea") {
        // Text form: \x and two digits a byte.
        return value.length <= 2 + 2 * limit
            ? { value, truncated: false }
            : { value: value.slice(0, 2 + 2 * limit), truncated: true };
    }
    const kept = firstBytes(value, limit);
    return { value: kept, truncated: kept !== value };
}

/** The beginning of a text that is no longer than that and ends with a whole character. */
function firstBytes(value: string, limit: number): string {
    if (value.length * 3 <= limit || Buffer.byteLength(value) <= limit) {
        return value;
    }
    let end = limit;
    const bytes = Buffer.from(value);
    // A byte 10xxxxxx continues a character.
    while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) {
        end -= 1;
    }
    return bytes.toString("utf8", 0, end);
}

/** Rounds decimal text half away from zero to `digits` digits after the point; other text stays. */
export function roundDecimal(value: string, digits: number): string {
    const [, sign = "", whole, fraction = ""] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(value) ?? [];
    if (whole === undefined || fraction.length <= digits) {
        return value;
    }
    const kept = BigInt(whole + fraction.slice(0, digits));
    const rounded = (fraction.charAt(digits) >= "5" ? kept + 1n : kept)
        .toString()
        .padStart(digits + 1, "0");
    return `${sign}${rounded.slice(0, -digits)}.${rounded.slice(-digits)}`;
}
