import { readdirSync } from "node:fs";
import path from "node:path";

const ROOT = path.resolve(__dirname, "..");

/** What a spec needs, which is who runs it: `npm run test:unit`, `test:sql` or `test:stack`. `npm test` runs them all. */
export type SpecGroup = "sql" | "stack" | "unit";

/** Where the specs of each group lie, from the root. Of two places that hold a spec, the longer decides. */
export const PLACES: Readonly<Record<SpecGroup, readonly string[]>> = {
    // No server and no engine: plans, policies, decisions, text.
    unit: [
        "test/",
        "test/local/dms/apply/",
        "test/local/dms/capture/spool.spec.ts",
        "test/local/dms/task/",
        "test/trail/names.spec.ts",
        "test/trail/tableLimits.spec.ts",
        "test/preflight/decisions.spec.ts",
        "test/preflight/rds.spec.ts",
        "test/verify/decisions.spec.ts",
    ],
    // Real servers (PostgreSQL, SSH), without the Pulumi engine.
    sql: [
        "test/bench/quick.spec.ts",
        "test/commands/sql.spec.ts",
        "test/components/network/hostCommands.spec.ts",
        "test/database/",
        "test/hostileEnvironment.spec.ts",
        "test/local/aws/rds.spec.ts",
        "test/local/aws/replication.spec.ts",
        "test/local/dms/",
        "test/local/postgresql/",
        "test/local/servers/",
        "test/pipeline/",
        "test/preflight/",
        "test/reach/",
        "test/trail/",
        "test/verify/",
    ],
    // The laptop stack under the real Pulumi engine.
    stack: ["test/stack/"],
};

/** Every spec, as a path from the root. */
export function specs(): string[] {
    return readdirSync(path.join(ROOT, "test"), { encoding: "utf8", recursive: true })
        .map((file) => `test/${file.split(path.sep).join("/")}`)
        .filter((file) => file.endsWith(".spec.ts"))
        .sort();
}

/** The groups whose places hold a spec most closely: one, unless {@link PLACES} names a place twice. */
export function groupsOf(spec: string): SpecGroup[] {
    const lengths = (Object.keys(PLACES) as SpecGroup[]).map((group) => {
        const holding = PLACES[group].filter((place) => spec.startsWith(place));
        return { group, length: Math.max(0, ...holding.map((place) => place.length)) };
    });
    const longest = Math.max(...lengths.map(({ length }) => length));
    return lengths.filter(({ length }) => length === longest).map(({ group }) => group);
}

/** The specs of a group, as mocha takes them in a configuration file. */
export function specFiles(group: SpecGroup): string[] {
    return specs()
        .filter((spec) => groupsOf(spec).includes(group))
        .map((spec) => path.join(ROOT, spec));
}
