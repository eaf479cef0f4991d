import { readFileSync } from "node:fs";
import path from "node:path";
import { escapeIdentifier, escapeLiteral } from "pg";

/** A rendered script and the file it came from, so that an error can name the file. */
export interface SqlFile {
    /** Path from the project's root, for example `sql/audit/staging.sql`. */
    readonly file: string;
    readonly sql: string;
}

const ROOT = path.join(__dirname, "..");

/** The scripts of `sql/` by their paths, in a program that is one file (components/network/hostProgram.ts). */
declare const AUDIT_TRAIL_SCRIPTS: Readonly<Record<string, string>> | undefined;

/** A script of `sql/` as it is written. */
function readTemplate(file: string): string {
    const own = typeof AUDIT_TRAIL_SCRIPTS === "undefined" ? undefined : AUDIT_TRAIL_SCRIPTS[file];
    return own ?? readFileSync(path.join(ROOT, file), "utf8");
}

/**
 * A piece of SQL that is put into a script as it is. Only the functions below make one, out of names and values that
 * they quote themselves.
 */
export class SqlFragment {
    private constructor(readonly sql: string) {}

    /** `"a", "b"`. */
    static identifiers(names: readonly string[]): SqlFragment {
        return new SqlFragment(names.map((name) => escapeIdentifier(name)).join(", "));
    }

    /** `'a', 'b'`. */
    static literals(values: readonly string[]): SqlFragment {
        return new SqlFragment(values.map((value) => escapeLiteral(value)).join(", "));
    }

    /** Renders one template per entry and joins them; each entry's variables are quoted as in a file. */
    static each(
        template: string,
        entries: readonly Variables[],
        separator = ",\n    ",
    ): SqlFragment {
        return new SqlFragment(
            entries.map((entry) => interpolate(template, entry, "fragment")).join(separator),
        );
    }

    /** `'a'`, or `NULL` for undefined. */
    static nullable(value: string | undefined): SqlFragment {
        return new SqlFragment(value === undefined ? "NULL" : escapeLiteral(value));
    }

    static integer(value: number): SqlFragment {
        return new SqlFragment(String(Math.trunc(value)));
    }

    static boolean(value: boolean): SqlFragment {
        return new SqlFragment(String(value));
    }

    /** A column's type as the catalog's `format_type()` wrote it, which quotes what needs quoting. */
    static type(formatted: string): SqlFragment {
        if (!/^(?:,-(?=\d)|[\w .,()[\]]|"(?:[^"]|"")+")+$/u.test(formatted)) {
            throw new Error(`"${formatted}" is not a column type as format_type() writes one.`);
        }
        return new SqlFragment(formatted);
    }
}

/** Strings are quoted where they are used; fragments are not. */
export type Variables = Readonly<Record<string, string | SqlFragment>>;

/** `"schema"."name"`, as a regclass takes it. */
export function qualified(schema: string, name: string): string {
    return `${escapeIdentifier(schema)}.${escapeIdentifier(name)}`;
}

/**
 * Reads a script from the project's sql folder and fills in its variables, in psql's notation: `:"name"` becomes a
 * quoted identifier, `:'name'` a quoted literal, `:name` a {@link SqlFragment}. Dollar-quoted bodies, strings and
 * comments are filled in too; `::` is left alone.
 *
 * @param file path from the project's root, for example `sql/audit/staging.sql`
 * @throws Error that names the file and the variable when a variable has no value or the wrong kind of value
 */
export function renderSql(file: string, variables: Variables = {}): SqlFile {
    // The same function whatever line ends a checkout has: its body is kept by the server, hashed and compared.
    const template = readTemplate(file).replaceAll("\r\n", "\n");
    return { file, sql: interpolate(template, variables, file) };
}

const VARIABLE = /(?<!:):(?:"(\w+)"|'(\w+)'|([a-z]\w*))/gu;

function interpolate(template: string, variables: Variables, where: string): string {
    return template.replace(
        VARIABLE,
        (written, identifier?: string, literal?: string, fragment?: string) => {
            const name = identifier ?? literal ?? fragment ?? "";
            const value = Object.hasOwn(variables, name) ? variables[name] : undefined;
            if (value === undefined) {
                throw new Error(`${where} uses ${written}, and no variable "${name}" is given.`);
            }
            const isFragment = value instanceof SqlFragment;
            if (isFragment !== (fragment !== undefined)) {
                throw new Error(
                    `${where} uses ${written}, and "${name}" is ${isFragment ? "a fragment" : "a plain value"}.`,
                );
            }
            if (isFragment) {
                return value.sql;
            }
            return identifier === undefined ? escapeLiteral(value) : escapeIdentifier(value);
        },
    );
}
