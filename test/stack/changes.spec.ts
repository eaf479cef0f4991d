import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { PROJECT_ROOT } from "../../local/engine/paths";
import type { PlannedChange } from "../../local/engine/plannedChanges";
import type { EngineReport } from "../../local/engine/progress";
import { launch } from "../../testing/command";
import { type ChangeGroup, changeRows, IN_PLACE, REFUSED, REPLACING } from "./support/changes";
import { ARTICLE, LaptopStack, type Settings } from "./support/laptopStack";

const UPGRADES = path.join(PROJECT_ROOT, "test", "upgrade");
const VERSIONS = readdirSync(UPGRADES).sort();
const PREFIX = "audit-trail-local-";

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
        settings: Settings,
        alterations: ChangeGroup["alterations"] = {},
    ): Promise<EngineReport> {
        const stack = await LaptopStack.make({ ...ARTICLE, ...settings });
        stacks.push(stack);
        const worker = path.join(__dirname, "support", "previewState.ts");
        const state = path.join(UPGRADES, version, "state.json.gz");
        const args = ["--import", "tsx", worker, state, JSON.stringify(alterations)];
        const { code, stdout, stderr } = await launch("node", args, stack.environment).ended;
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
            const { errors, planned } = await plan(version, {});
            assert.deepEqual(errors, []);
            assert.deepEqual(losses(planned, ["delete", "replace"]), []);
        });
    }

    const [latest = ""] = VERSIONS.slice(-1);
    const groups = { "in place": IN_PLACE, "replacing something": REPLACING };
    for (const [title, { settings, alterations, changes }] of Object.entries(groups)) {
        it(`is as documented for every change ${title}`, async () => {
            const { errors, planned } = await plan(latest, settings, alterations);
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
            if (settings === IN_PLACE.settings) {
                assert.deepEqual(losses(planned, ["replace"]), []);
            }
        });
    }

    for (const { settings, changes } of REFUSED) {
        it(`is refused in a preview for ${changes.map(({ kind }) => kind).join(" and ")}, named in the config or not`, async () => {
            const names = changes.map(({ resource }) => `${PREFIX}${resource}`);
            const { errors } = await plan(latest, { ...settings, acknowledgeReplacement: names });
            // The engine ends at the first refusal, whichever that is.
            const refusals = names.map((name) => `This update would replace ${name}: `);
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
