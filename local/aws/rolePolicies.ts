import { text } from "./behaviour";
import type { ResourceRecord, Store } from "./store";

const ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy";

interface Statement {
    readonly Effect?: unknown;
    readonly Action?: unknown;
    readonly Resource?: unknown;
}

/** Whether a role's inline policies let it do something to a resource. Conditions and denials are not looked at. */
export async function roleMay(
    store: Store,
    role: ResourceRecord,
    action: string,
    resource: string,
): Promise<boolean> {
    const ofRole = (record: ResourceRecord): boolean => record.inputs.role === role.id;
    const documents = (await store.list(ROLE_POLICY))
        .filter(ofRole)
        .map(({ inputs }) => text(inputs, "policy") ?? "{}");
    return documents.some((json) => allows(json, action, resource));
}

/** Whether a statement of an IAM policy document allows an action on a resource. */
function allows(json: string, action: string, resource: string): boolean {
    const { Statement } = JSON.parse(json) as { Statement?: Statement | readonly Statement[] };
    return [Statement ?? []]
        .flat()
        .some(
            (one: Statement) =>
                one.Effect === "Allow" &&
                matches(one.Action, action.toLowerCase(), (pattern) => pattern.toLowerCase()) &&
                matches(one.Resource, resource, (pattern) => pattern),
        );
}

function matches(patterns: unknown, value: string, adapt: (pattern: string) => string): boolean {
    return [patterns].flat().some((pattern) => {
        if (typeof pattern !== "string") {
            return false;
        }
        const source = adapt(pattern)
            .replaceAll(/[.+^${}()|[\]\\]/g, String.raw`\$&`)
            .replaceAll("*", ".*")
            .replaceAll("?", ".");
        return new RegExp(`^${source}$`, "u").test(value);
    });
}
