import { createRequire } from "node:module";
import { setImmediate as nextTurn } from "node:timers/promises";
import { runtime } from "@pulumi/pulumi";

const load = createRequire(__filename);

/** What the program imports that takes the most time to load. */
const MODULES: readonly string[] = [
    "@pulumi/aws",
    "@pulumi/postgresql",
    "../../components/database/auditDatabase",
    "../../components/database/sourceDatabase",
    "../../components/dms/dmsReplication",
    "../../config/config",
];

/**
 * Loads what the program will need: its modules, and what serializes its dynamic providers. To be called while this
 * process waits for the engine, which spends about a second on loading the policy packs. None of the modules does
 * anything when it is loaded; one that cannot be loaded is reported when the program imports it.
 */
export async function preloadProgram(): Promise<void> {
    for (const module of MODULES) {
        // What the engine sent meanwhile is answered in between.
        await nextTurn();
        try {
            load(module);
        } catch {
            // The program's own import will say it.
        }
    }
    await Promise.allSettled([runtime.serializeFunction(() => undefined)]);
}
