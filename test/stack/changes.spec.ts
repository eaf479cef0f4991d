import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { configKeys } from "../../config/keys";
import { PROJECT_ROOT } from "../../local/engine/paths";
import type { PlannedChange } from "../../local/engine/plannedChanges";
import type { EngineReport } from "../../local/engine/progress";
import { launch } from "../../testing/command";
import {
    type ChangeGroup,
    changeRows,
    IN_PLACE,
    LEAVING,
    REFUSED,
    REPLACING,
    WITHOUT_ROW,
} from "./support/changes";
import { ARTICLE, LaptopStack, type Settings } from "./support/laptopStack";

const UPGRADES = path.join(PROJECT_ROOT, "test", "upgrade");
const VERSIONS = readdirSync(UPGRADES).sort();
const PREFIX = "audit-trail-local-";

/** The settings of the stack that a version left. */
function settingsOf(version: string): Settings {
    const file = path.join(UPGRADES, version, "settings.json");
    return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Settings) : ARTICLE;
}

/** What a preview may replace or delete in an upgrade without a loss: it holds nothing. */
const HOLDS_NOTHING = [/:SecretVersion$/, /:Certificate$/, /function:Function$/];

describe("stack: the plan of a change", function () {
    this.timeout(600_000);
    const stacks: LaptopStack[] = [];
    after(async () => {
        await Promise.all(stacks.map((stack) => stack.dispose()));
    });

    /** What an update would do to a stack that an earlier version left, by the engine's own plan. */
    async function plan(
        version: string,
        { settings, alterations }: Pick<ChangeGroup, "settings" | "alterations">,
        ...mode: readonly "unguarded"[]
    ): Promise<EngineReport> {
        const stack = await LaptopStack.make({ ...settingsOf(version), ...settings });
        stacks.push(stack);
        const worker = path.join(__dirname, "support", "previewState.ts");
        const state = path.join(UPGRADES, version, "state.json.gz");
        const args = ["--import", "tsx", worker, state, JSON.stringify(alterations), ...mode];
        // A preview opens no tunnel for a change of the way.
        const environment = { ...stack.environment, AUDIT_TRAIL_SSH_KEY: __filename };
        const { code, stdout, stderr } = await launch("node", args, environment).ended;
        assert.equal(code, 0, stderr);
        return JSON.parse(stdout) as EngineReport;
    }

    /** What a plan replaces or deletes although it holds something. */
    function losses(planned: readonly PlannedChange[], operations: readonly string[]): string[] {
        return planned
            .filter(({ operation }) => operations.includes(operation))
            .filter(({ type }) => !HOLDS_NOTHING.some((harmless) => harmless.test(type)))
            .map(({ operation, type, name }) => `${operation} ${type} ${name}`);
    }

    for (const version of VERSIONS) {
        it(`replaces nothing of a stack that version ${version} deployed`, async () => {
            const { errors, planned } = await plan(version, { settings: {}, alterations: {} });
            assert.deepEqual(errors, []);
            assert.deepEqual(losses(planned, ["delete", "replace"]), []);
        });
    }

    const [latest = ""] = VERSIONS.slice(-1);
    const groups = { "in place": IN_PLACE, "replacing something": REPLACING, refused: REFUSED };
    for (const [title, group] of Object.entries(groups)) {
        it(`is as documented for every change ${title}`, async () => {
            const mode = group === REFUSED ? (["unguarded"] as const) : [];
            const { errors, planned } = await plan(latest, group, ...mode);
            const { changes } = group;
            assert.deepEqual(errors, []);
            const seen = changes.map(({ kind, resource, input }) => {
                const found = planned.find(
                    ({ name, properties }) =>
                        name === `${PREFIX}${resource}` &&
                        (input === undefined || properties.includes(input)),
                );
                return [kind, found?.operation ?? "none"];
            });
            assert.deepEqual(
                seen,
                changes.map(({ kind, operation }) => [kind, operation]),
                JSON.stringify(planned, null, 1),
            );
            if (group === IN_PLACE) {
                assert.deepEqual(losses(planned, ["replace"]), []);
            }
        });
    }

    for (const [verb, { settings, changes }] of [
        ["replace", REFUSED],
        ["delete", LEAVING],
    ] as const) {
        it(`is refused in a preview for what would ${verb} a server or the network, named in the config or not`, async () => {
            const names = changes
                .filter(({ operation }) => operation === verb)
                .map(({ resource }) => `${PREFIX}${resource}`);
            const acknowledged = { ...settings, acknowledgeReplacement: names };
            const { errors } = await plan(latest, { settings: acknowledged, alterations: {} });
            // The engine ends at the first refusal, whichever that is.
            const refusals = names.map((name) => `This update would ${verb} ${name}: `);
            const way = "Take the change back, or destroy the stack and deploy it anew.";
            assert.ok(
                errors.some(
                    (error) =>
                        refusals.some((refusal) => error.startsWith(refusal)) &&
                        error.endsWith(way),
                ),
                errors.join("\n"),
            );
        });
    }

    it("is told of every config key", () => {
        const told = changeRows().flatMap(([kind = ""]) =>
            [...kind.matchAll(/`(\w+)/g)].map(([, key]) => key),
        );
        const keys = configKeys.map(({ key }) => key);
        assert.deepEqual(
            keys.filter((key) => !told.includes(key)),
            keys.filter((key) => key in WITHOUT_ROW),
        );
        const page = readFileSync(path.join(PROJECT_ROOT, "docs", "changes.md"), "utf8");
        for (const [key, reason] of Object.entries(WITHOUT_ROW)) {
            assert.ok(page.includes(`- \`${key}\`: ${reason}`), key);
        }
    });

    it("is the one that docs/changes.md has", () => {
        const page = readFileSync(path.join(PROJECT_ROOT, "docs", "changes.md"), "utf8");
        const rows = page
            .split("\n")
            .filter((line) => /^\|.*\| (create|delete|none|replace|update) +\|/.test(line))
            .map((line) => line.split("|").slice(1, -1))
            .map((cells) => cells.map((cell) => cell.trim()));
        assert.deepEqual(rows, changeRows());
    });
});
