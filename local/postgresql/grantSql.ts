import { escapeIdentifier } from "pg";
import { Props } from "../provider";
import { flag, text, texts } from "./properties";

/** `name` or `name(argument types)`: only the name is quoted, since the types pick one of several functions. */
function objectName(schema: string, object: string): string {
    const parenthesis = object.indexOf("(");
    const name = parenthesis < 0 ? object : object.slice(0, parenthesis);
    const types = parenthesis < 0 ? "" : object.slice(parenthesis);
    return `${escapeIdentifier(schema)}.${escapeIdentifier(name)}${types}`;
}

/** What the privileges are on, as GRANT and REVOKE write it. */
function target(inputs: Props): string {
    const objects = texts(inputs, "objects");
    const schema = text(inputs, "schema");
    const names = objects.map((object) => objectName(schema, object)).join(", ");
    const type = text(inputs, "objectType");
    switch (type) {
        case "database":
            return `DATABASE ${escapeIdentifier(text(inputs, "database"))}`;
        case "schema":
            return `SCHEMA ${escapeIdentifier(schema)}`;
        case "foreign_data_wrapper":
            return `FOREIGN DATA WRAPPER ${objects.map(escapeIdentifier).join(", ")}`;
        case "foreign_server":
            return `FOREIGN SERVER ${objects.map(escapeIdentifier).join(", ")}`;
        case "column":
            return `TABLE ${names}`;
        default:
            return objects.length > 0
                ? `${type.toUpperCase()} ${names}`
                : `ALL ${type.toUpperCase()}S IN SCHEMA ${escapeIdentifier(schema)}`;
    }
}

function columns(inputs: Props): string {
    const names = texts(inputs, "columns").map(escapeIdentifier);
    return names.length === 0 ? "" : ` (${names.join(", ")})`;
}

/** The statement that gives the privileges, or undefined where there are none to give. */
export function grantStatement(inputs: Props): string | undefined {
    const privileges = texts(inputs, "privileges");
    if (privileges.length === 0) {
        return undefined;
    }
    const option = flag(inputs, "withGrantOption") ? " WITH GRANT OPTION" : "";
    const role = escapeIdentifier(text(inputs, "role"));
    return `GRANT ${privileges.join(", ")}${columns(inputs)} ON ${target(inputs)} TO ${role}${option}`;
}

/**
 * The statement that takes privileges away: all of them, but only the given ones for named objects and for columns,
 * since taking all from a table takes away what was granted on its columns.
 */
export function revokeStatement(inputs: Props): string | undefined {
    const privileges = texts(inputs, "privileges");
    const type = text(inputs, "objectType");
    if (type === "column" && privileges.length === 0) {
        return undefined;
    }
    const onObjects = !["database", "schema", "foreign_data_wrapper", "foreign_server"].includes(
        type,
    );
    const some = onObjects && texts(inputs, "objects").length > 0 && privileges.length > 0;
    const taken = some ? privileges.join(", ") : "ALL PRIVILEGES";
    const role = escapeIdentifier(text(inputs, "role"));
    return `REVOKE ${taken}${columns(inputs)} ON ${target(inputs)} FROM ${role}`;
}
