import { rules } from "../../../policy/registry";
import { type Breakage, breakages } from "../../policy/support/brokenSettings";

/** A broken setting with its place in the list, by which another process finds it. */
export interface NumberedBreakage extends Breakage {
    readonly index: number;
}

/** The inputs that a broken setting writes, seen by what it does to inputs that hold nothing but what it reads. */
function written({ break: change }: Breakage): string[] {
    const inputs: Readonly<Record<string, unknown>> = {
        replicationTaskSettings: "{}",
        tableMappings: '{"rules":[]}',
        sourceEndpointArn: "source",
        targetEndpointArn: "target",
    };
    const after = change({ ...inputs });
    return Object.keys(after).filter((key) => !(key in inputs) || after[key] !== inputs[key]);
}

/** Inputs that a broken setting edits in place; two of them stand side by side. */
const EDITED = ["replicationTaskSettings", "tableMappings", "parameters", "postgresSettings"];

/** Two that replace the same input of the same resources hide each other. */
function hides(one: Breakage, another: Breakage): boolean {
    const shared = written(one).filter((key) => written(another).includes(key));
    return one.type === another.type && shared.some((key) => !EDITED.includes(key));
}

/**
 * The first broken setting of every rule, in as few previews as show each of them: rules about the stack are asked
 * only when no resource was refused, so they have previews of their own.
 */
export function previewGroups(): NumberedBreakage[][] {
    const numbered = breakages.map((one, index) => ({ ...one, index }));
    const groups: { readonly scope: string; readonly members: NumberedBreakage[] }[] = [];
    for (const { name, scope } of rules) {
        const first = numbered.find(({ rule }) => rule === name);
        if (first === undefined) {
            continue;
        }
        const group = groups.find(
            (one) => one.scope === scope && !one.members.some((member) => hides(member, first)),
        );
        if (group === undefined) {
            groups.push({ scope, members: [first] });
        } else {
            group.members.push(first);
        }
    }
    return groups.map(({ members }) => members);
}
