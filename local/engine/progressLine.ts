import type { Share } from "../../text/progressBar";
import { printable } from "../../text/terminalLines";

/** How far an operation of the engine is; what is counted are resources. */
export interface OperationState extends Share {
    readonly seconds: number;
    /** What the engine does now, as a person calls it; undefined before it has come to its first resource. */
    readonly step?: string | undefined;
}

/** `61 of 132 resources, 16 s`, without a total `61 resources done, 16 s`. A total that was exceeded is none. */
function figures({ done, total, seconds }: OperationState): string {
    const noun = (count: number): string => (count === 1 ? "resource" : "resources");
    const count =
        total === undefined || total < done
            ? `${String(done)} ${noun(done)} done`
            : `${String(done)} of ${String(total)} ${noun(total)}`;
    return `${count}, ${String(seconds)} s`;
}

/**
 * `61 of 132 resources, 16 s: creating replication task task`. The engine, its plugins and the policy pack take some seconds before there is
 * anything to count.
 */
export function operationWords(state: OperationState): string {
    const { step, done, seconds } = state;
    if (step === undefined && done === 0) {
        return `the engine starts, ${String(seconds)} s`;
    }
    return step === undefined ? figures(state) : `${figures(state)}: ${printable(step)}`;
}

/**
 * What a person calls a resource, from its URN: `replication task task`. The project's and the stack's name, with which
 * nearly all names begin, would push what tells them apart out of the line.
 *
 * @see https://www.pulumi.com/docs/iac/concepts/resources/names/#urns
 */
export function resourceWords(urn: string): string {
    const [place = "", project = "", types = "", ...rest] = urn.split("::");
    const prefix = `${project}-${place.split(":").at(-1) ?? ""}-`;
    const name = rest.join("::");
    const type = types.split("$").at(-1) ?? "";
    const kind = type.split(":").at(-1) ?? "";
    if (type.startsWith("pulumi:providers:")) {
        return `provider ${kind}`;
    }
    // "DBSubnetGroup" is "DB subnet group".
    const parts = kind.match(/[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+/g) ?? [];
    const text = parts.map((part) => (/^[A-Z]{2,}$/.test(part) ? part : part.toLowerCase()));
    return [
        ...(kind === "Resource" ? [] : text),
        name.startsWith(prefix) ? name.slice(prefix.length) : name,
    ].join(" ");
}

/** The verb for each of the engine's words for what it does to a resource. A preview or an unchanged resource has none. */
const VERBS: Readonly<Record<string, string>> = {
    create: "creating",
    "create-replacement": "replacing",
    replace: "replacing",
    update: "updating",
    delete: "deleting",
    "delete-replaced": "deleting",
    "discard-replaced": "deleting",
    refresh: "reading",
    read: "reading",
};

/** What the engine does to a resource: `creating replication task task`. */
export function stepWords(urn: string, operation: string | undefined): string {
    const verb =
        operation !== undefined && Object.hasOwn(VERBS, operation) ? VERBS[operation] : undefined;
    return [...(verb === undefined ? [] : [verb]), resourceWords(urn)].join(" ");
}
