import type { Call } from "./behaviour";

/** A property by which resources of a type use another one. */
export interface Use {
    readonly type: string;
    readonly property: string;
    /** What the property holds when it means the resource. */
    readonly value: unknown;
}

/**
 * Fails as AWS does when a resource is to be deleted that another one still uses.
 *
 * @param fault the error's name on AWS
 * @throws Error that names the user
 */
export async function refuseWhileUsed(
    call: Call,
    fault: string,
    uses: readonly Use[],
): Promise<void> {
    for (const { type, property, value } of uses) {
        const user = (await call.store.list(type)).find(({ inputs }) => {
            const held = inputs[property];
            return held === value || (Array.isArray(held) && held.includes(value));
        });
        if (user !== undefined) {
            throw new Error(
                `${fault}: "${call.id}" cannot be deleted while ${type} "${user.id}" uses it: delete that first.`,
            );
        }
    }
}
