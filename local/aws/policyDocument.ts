import type { Props } from "../provider";
import { text, texts } from "./behaviour";

const DEFAULT_VERSION = "2012-10-17";

interface Statement {
    readonly Sid?: string;
    readonly [key: string]: unknown;
}

interface Document {
    readonly Version?: string;
    readonly Id?: string;
    readonly Statement?: Statement | readonly Statement[];
}

/** What `aws.iam.getPolicyDocument` returns: the IAM policy that its arguments describe, as JSON text. */
export function policyDocument(args: Props): { json: string; minifiedJson: string } {
    const own = objects(args, "statements").map(statement);
    let statements: readonly Statement[] = own;
    for (const source of texts(args, "sourcePolicyDocuments").reverse()) {
        statements = merged(statementsOf(source), statements);
    }
    for (const override of texts(args, "overridePolicyDocuments")) {
        statements = merged(statements, statementsOf(override));
    }
    const id = text(args, "policyId");
    const document: Document = {
        Version: text(args, "version") ?? DEFAULT_VERSION,
        ...(id !== undefined && { Id: id }),
        ...(statements.length > 0 && { Statement: statements }),
    };
    return { json: JSON.stringify(document, undefined, 2), minifiedJson: JSON.stringify(document) };
}

/** Statements of `later` take the place of those with the same Sid in `earlier`. */
function merged(earlier: readonly Statement[], later: readonly Statement[]): readonly Statement[] {
    const kept = earlier.filter(
        ({ Sid }) => Sid === undefined || Sid === "" || !later.some((other) => other.Sid === Sid),
    );
    return [...kept, ...later];
}

function statementsOf(json: string): readonly Statement[] {
    const { Statement: found } = JSON.parse(json) as Document;
    return [found ?? []].flat();
}

function statement(args: Props): Statement {
    const sid = text(args, "sid");
    return {
        ...(sid !== undefined && { Sid: sid }),
        Effect: text(args, "effect") ?? "Allow",
        ...listed("Action", texts(args, "actions")),
        ...listed("NotAction", texts(args, "notActions")),
        ...listed("Resource", texts(args, "resources")),
        ...listed("NotResource", texts(args, "notResources")),
        ...principals("Principal", objects(args, "principals")),
        ...principals("NotPrincipal", objects(args, "notPrincipals")),
        ...conditions(objects(args, "conditions")),
    };
}

function listed(name: string, values: readonly string[]): Record<string, unknown> {
    return values.length === 0 ? {} : { [name]: single(values) };
}

/** One value stands for itself; several are a sorted list, so that their order in the program makes no difference. */
function single(values: readonly string[]): unknown {
    return values.length === 1 ? values[0] : [...new Set(values)].sort();
}

function principals(name: string, all: readonly Props[]): Record<string, unknown> {
    if (all.length === 0) {
        return {};
    }
    const byType = new Map<string, string[]>();
    for (const principal of all) {
        const type = text(principal, "type") ?? "";
        byType.set(type, [...(byType.get(type) ?? []), ...texts(principal, "identifiers")]);
    }
    const anyone = byType.size === 1 && byType.get("*")?.join() === "*";
    const grouped: Record<string, unknown> = {};
    for (const [type, identifiers] of byType) {
        grouped[type] = single(identifiers);
    }
    return { [name]: anyone ? "*" : grouped };
}

function conditions(all: readonly Props[]): Record<string, unknown> {
    const tests: Record<string, Record<string, unknown>> = {};
    for (const condition of all) {
        const test = text(condition, "test") ?? "";
        const variable = text(condition, "variable") ?? "";
        tests[test] = { ...tests[test], [variable]: single(texts(condition, "values")) };
    }
    return all.length === 0 ? {} : { Condition: tests };
}

function objects(props: Props, name: string): Props[] {
    const value = props[name];
    return Array.isArray(value)
        ? value.filter((item): item is Props => typeof item === "object" && item !== null)
        : [];
}
