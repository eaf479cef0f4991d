import { codeOf } from "../../text/errors";
import { Store } from "./store";

const CLUSTER = "aws:rds/cluster:Cluster";

/**
 * Whether the stack has a cluster that its settings protected from deletion when they were last deployed; also where the
 * records cannot be read, so that nobody loses by that what was to be kept.
 */
export async function isProtected(stackDir: string): Promise<boolean> {
    try {
        const clusters = await new Store(stackDir).list(CLUSTER);
        return clusters.some(({ inputs }) => inputs.deletionProtection === true);
    } catch (error) {
        if (["EACCES", "EPERM"].includes(codeOf(error))) {
            throw error; // They are another user's.
        }
        return true;
    }
}
