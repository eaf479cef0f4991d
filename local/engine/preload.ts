import { runtime } from "@pulumi/pulumi";

/**
 * Loads what the program will need: its modules, and what serializes its dynamic providers. To be called while this
 * process waits for the engine, which spends about a second on loading the policy packs. None of the modules does
 * anything when it is loaded; one that cannot be loaded is reported when the program imports it.
 */
export async function preloadProgram(): Promise<void> {
    await Promise.allSettled([
        import("@pulumi/aws"),
        import("@pulumi/postgresql"),
        import("../../components/database/auditDatabase.js"),
        import("../../components/database/sourceDatabase.js"),
        import("../../components/dms/dmsReplication.js"),
        import("../../config/config.js"),
    ]);
    await Promise.allSettled([runtime.serializeFunction(() => undefined)]);
}
