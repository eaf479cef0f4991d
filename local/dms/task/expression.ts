import { TaskError } from "../errors";

/** Headers the DMS guide lists ("Using transformation rule expressions") and a PostgreSQL source can fill. */
const HEADERS = [
    "AR_H_COMMIT_TIMESTAMP",
    "AR_H_STREAM_POSITION",
    "AR_H_CHANGE_SEQ",
    "AR_H_TIMESTAMP",
    "AR_H_OPERATION",
] as const;

type Header = (typeof HEADERS)[number];

/** What fills an added column. */
export type Expression =
    | { readonly kind: "header"; readonly header: Header }
    | {
          readonly kind: "operationIndicator";
          readonly onDelete: string | null;
          readonly onUpdate: string | null;
          readonly onInsert: string | null;
      };

const LITERAL = String.raw`\s*('(?:[^']|'')*'|NULL)\s*`;
const INDICATOR = new RegExp(
    String.raw`^operation_indicator\s*\(${LITERAL},${LITERAL},${LITERAL}\)$`,
    "i",
);

/** Parses the expression of an add-column rule; what DMS does not document is refused. */
export function parseExpression(text: string, where: string): Expression {
    const trimmed = text.trim();
    const indicator = INDICATOR.exec(trimmed);
    if (indicator !== null) {
        return {
            kind: "operationIndicator",
            onDelete: literal(indicator[1]),
            onUpdate: literal(indicator[2]),
            onInsert: literal(indicator[3]),
        };
    }
    const name = /^\$([A-Z_]+)$/.exec(trimmed)?.[1];
    const header = HEADERS.find((known) => known === name);
    if (header !== undefined) {
        return { kind: "header", header };
    }
    if (name?.startsWith("AR_") === true) {
        throw new TaskError(
            `${where}: $${name} is not a header this stand-in fills (documented and filled are ` +
                `${HEADERS.map((known) => `$${known}`).join(", ")}).`,
        );
    }
    throw new TaskError(
        `${where}: the expression "${trimmed}" is not one of operation_indicator('D', 'U', 'I') and ` +
            `the $AR_H_ headers, the only ones this stand-in evaluates.`,
    );
}

function literal(text: string | undefined): string | null {
    return text === undefined || /^null$/i.test(text)
        ? null
        : text.slice(1, -1).replaceAll("''", "'");
}
