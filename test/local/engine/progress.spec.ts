import assert from "node:assert/strict";
import { mock } from "node:test";
import fc from "fast-check";
import { VerifyDisplay } from "../../../commands/shared/verifyDisplay";
import { ProgressDisplay } from "../../../local/engine/progressDisplay";
import {
    type OperationState,
    operationWords,
    resourceWords,
    stepWords,
} from "../../../local/engine/progressLine";
import { progressBar } from "../../../text/progressBar";
import { terminalOf } from "../../../text/terminal";

const plainLine = (state: OperationState): string => `  ${operationWords(state)}`;
const barLine = (state: OperationState, columns: number, hasColours: boolean): string =>
    progressBar(state, operationWords(state), columns, hasColours);

/* eslint-disable-next-line no-control-regex -- it is about control sequences */
const SEQUENCES = /\u001b\[\d*[mK]/g;

/** A stream as a terminal of that width is, or none without a width, and all that was written to it. */
function stream(columns?: number): { output: NodeJS.WriteStream; text: () => string } {
    const chunks: string[] = [];
    const output = {
        isTTY: columns !== undefined,
        columns,
        write: (text: string) => chunks.push(text),
    };
    return { output: output as unknown as NodeJS.WriteStream, text: () => chunks.join("") };
}

/** What stays on the screen of a terminal that overwrites lines. */
function screen(text: string): string {
    return text
        .split("\n")
        .map((line) => line.split("\r\u001b[K").at(-1))
        .join("\n");
}

const urn = (type: string, name: string): string =>
    `urn:pulumi:local::audit-trail::${type}::${name}`;

describe("the progress of an operation", () => {
    it("is a plain line without a terminal, singular and plural", () => {
        const step = "creating replication task t";
        for (const [state, expected] of [
            [
                { done: 61, total: 132, seconds: 16, step },
                "  61 of 132 resources, 16 s: creating replication task t",
            ],
            [{ done: 61, seconds: 16, step }, `  61 resources done, 16 s: ${step}`],
            [{ done: 1, seconds: 0 }, "  1 resource done, 0 s"],
            [{ done: 0, total: 1, seconds: 0, step }, `  0 of 1 resource, 0 s: ${step}`],
            // Nothing can be counted yet.
            [{ done: 0, seconds: 3 }, "  the engine starts, 3 s"],
            [{ done: 0, total: 9, seconds: 3 }, "  the engine starts, 3 s"],
            // The total was a guess: it was exceeded.
            [{ done: 5, total: 4, seconds: 1 }, "  5 resources done, 1 s"],
            [{ done: 4, total: 4, seconds: 1 }, "  4 of 4 resources, 1 s"],
        ] as const) {
            assert.equal(plainLine(state), expected);
        }
    });

    it("is a bar on a terminal, with colours where they are wanted", () => {
        const state = { done: 66, total: 132, seconds: 16, step: "VPC v" };
        const expected = "  [##########----------] 66 of 132 resources, 16 s: VPC v";
        assert.equal(barLine(state, 80, false), expected);
        const coloured = barLine(state, 80, true);
        assert.equal(coloured.replace(SEQUENCES, ""), expected);
        assert.ok(coloured.includes("\u001b[0m] 66"), "the colours end with the bar");
        assert.equal(
            barLine({ done: 6, seconds: 1, step: "VPC v" }, 80, true),
            "  6 resources done, 1 s: VPC v",
        );
        assert.equal(barLine(state, 30, true), "  66 of 132 resources, 1...");
    });

    it("fits every width and holds no control character, whatever a name holds", () => {
        const wide = (text: string): number =>
            Array.from(text).reduce((sum, character) => sum + (character > "\u024f" ? 2 : 1), 0);
        fc.assert(
            fc.property(
                fc.record({
                    done: fc.nat(500),
                    total: fc.option(fc.nat(500), { nil: undefined }),
                    seconds: fc.nat(5_000),
                    step: fc.option(fc.string({ unit: "binary", maxLength: 60 }), {
                        nil: undefined,
                    }),
                }),
                fc.integer({ min: 1, max: 250 }),
                fc.boolean(),
                (state, columns, hasColours) => {
                    const line = barLine(state, columns, hasColours).replace(SEQUENCES, "");
                    assert.ok(
                        wide(line) < columns - 1 || line === "",
                        `${String(columns)}: ${line}`,
                    );
                    assert.doesNotMatch(line, /\p{Cc}/u);
                },
            ),
        );
    });

    it("calls a resource by what it is for a person", () => {
        for (const [type, expected] of [
            ["aws:dms/replicationTask:ReplicationTask", "replication task n"],
            [
                "my:index:Component$aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
                "security group ingress rule n",
            ],
            ["pulumi:providers:aws", "provider aws"],
            ["pulumi:pulumi:Stack", "stack n"],
            ["pulumi-nodejs:dynamic:Resource", "n"],
            ["aws:x/y:DBSubnetGroup", "DB subnet group n"],
            ["auditTrail:index:AuditedTable", "audited table n"],
        ] as const) {
            assert.equal(resourceWords(urn(type, "n")), expected);
        }
        assert.equal(resourceWords(urn("a:b:Table", 'public."a::b"')), 'table public."a::b"');
        assert.equal(resourceWords(""), "");
        assert.equal(resourceWords(urn("a:b:Table", "audit-trail-local-task")), "table task");
        assert.equal(
            resourceWords(urn("a:b:Table", "audit-trail-local")),
            "table audit-trail-local",
        );
    });

    it("says what is done to a resource, and of an idle step only what it is about", () => {
        for (const [operation, expected] of [
            ["create", "creating table n"],
            ["create-replacement", "replacing table n"],
            ["delete-replaced", "deleting table n"],
            ["same", "table n"],
            ["toString", "table n"],
            [undefined, "table n"],
        ] as const) {
            assert.equal(stepWords(urn("a:b:Table", "n"), operation), expected);
        }
    });

    it("shows of several steps the one that takes the longest, and of none the last", () => {
        const { output, text } = stream(80);
        const display = new ProgressDisplay(output);
        const shown = (): string => screen(text()).replace(/\d s/, "0 s");
        assert.equal(shown(), "  the engine starts, 0 s");
        display.resourceBegun(urn("a:b:Table", "one"), "create");
        display.resourceBegun(urn("a:b:Table", "two"), "update");
        assert.equal(shown(), "  0 resources done, 0 s: creating table one");
        display.resourceDone(urn("a:b:Table", "one"));
        assert.equal(shown(), "  1 resource done, 0 s: updating table two");
        display.resourceDone(urn("a:b:Table", "two"));
        assert.equal(shown(), "  2 resources done, 0 s: updating table two");
        display.end();
        assert.equal(screen(text()), "");
    });

    it("knows terminals, colours and the lack of them", () => {
        const terminal = { isTTY: true, columns: 100 };
        for (const [output, environment, columns, hasColours] of [
            [terminal, { TERM: "xterm" }, 100, true],
            [terminal, { NO_COLOR: "1" }, 100, false],
            [terminal, { NO_COLOR: "" }, 100, true],
            [terminal, { TERM: "dumb" }, undefined, false],
            [{ isTTY: true, columns: 0 }, {}, 80, true],
            [{ isTTY: false, columns: 100 }, {}, undefined, false],
        ] as const) {
            assert.deepEqual(terminalOf(output, environment), { columns, hasColours });
        }
    });

    it("makes room for other lines, counts a replaced resource once, and leaves nothing", () => {
        const { output, text } = stream(80);
        const display = new ProgressDisplay(output, 3);
        display.resourceBegun(urn("a:b:Table", "one"));
        display.resourceDone(urn("a:b:Table", "one"));
        display.resourceDone(urn("a:b:Table", "one"));
        display.interleave("said between\n");
        assert.match(
            screen(text()).replace(SEQUENCES, ""),
            /^said between\n {2}\[#{6}-{14}\] 1 of 3 resources, \d s: table one$/,
        );
        display.end();
        display.resourceDone(urn("a:b:Table", "late"));
        display.interleave("said after\n");
        assert.equal(screen(text()), "said between\nsaid after\n");
    });

    it("of a step that takes long is told now and then, also where nothing else happens", () => {
        mock.timers.enable({ apis: ["setInterval", "Date"] });
        const pass = (seconds: number): void => {
            for (let second = 0; second < seconds; second += 1) {
                mock.timers.tick(1_000);
            }
        };
        try {
            const { output, text } = stream();
            const display = new ProgressDisplay(output, 3);
            pass(14);
            assert.equal(text(), "");
            display.resourceBegun(urn("a:b:Table", "one"), "create");
            pass(45);
            display.end();
            pass(60);
            assert.deepEqual(
                text().match(/\d+ s/g),
                ["14 s", "29 s", "44 s", "59 s"],
                "a line each 15 s",
            );
            const terminal = stream(80);
            const bar = new ProgressDisplay(terminal.output);
            pass(20);
            assert.equal(screen(terminal.text()), "  the engine starts, 20 s");
            bar.end();
        } finally {
            mock.timers.reset();
        }
    });

    it("of a verification is a bar on a terminal, and a line for each table elsewhere", () => {
        const report = (display: VerifyDisplay): void => {
            display.begin(2);
            display.step("public.a: row 50000");
            display.tableDone("public.a");
            display.step('public."b\nc": the log');
        };
        const terminal = stream(80);
        const bar = new VerifyDisplay(terminal.output);
        assert.match(screen(terminal.text()), /^ {2}\d s: the tables at the source$/);
        report(bar);
        assert.match(
            screen(terminal.text()).replace(SEQUENCES, ""),
            /^ {2}\[#{10}-{10}\] 1 of 2 tables, \d s: public\.a$/,
        );
        bar.end();
        assert.equal(screen(terminal.text()), "");
        const file = stream();
        const lines = new VerifyDisplay(file.output);
        report(lines);
        lines.tableDone('public."b\nc"');
        lines.end();
        assert.equal(
            file.text().replace(/\d s/g, "0 s"),
            '  1 of 2 tables, 0 s: public.a\n  2 of 2 tables, 0 s: public."b?c"\n',
        );
    });

    it("writes whole lines and no control sequence without a terminal", () => {
        const { output, text } = stream();
        const display = new ProgressDisplay(output, 3);
        display.resourceBegun(urn("a:b:Table", "one"), "create");
        display.resourceDone(urn("a:b:Table", "one"));
        display.interleave("said between\n");
        display.end();
        assert.match(text(), /^ {2}0 of 3 resources, \d s: creating table one\nsaid between\n$/);
    });
});
