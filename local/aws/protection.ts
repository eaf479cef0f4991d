import { codeOf } from "../../text/errors";
import { Store } from "./store";

const SERVERS = ["aws:rds/cluster:Cluster", "aws:rds/instance:Instance"];

/**
 * Whether the stack has a server that its settings protected from deletion when they were last deployed; also where the
 * records cannot be read, so that nobody loses by that what was to be kept.
 */
export async function isProtected(stackDir: string): Promise<boolean> {
    try {
        const store = new Store(stackDir);
        const servers = await Promise.all(SERVERS.map((type) => store.list(type)));
        return servers.flat().some(({ inputs }) => inputs.deletionProtection === true);
    } catch (error) {
        if (["EACCES", "EPERM"].includes(codeOf(error))) {
            throw error; // They are another user's.
        }
        return true;
    }
}
