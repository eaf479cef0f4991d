import assert from "node:assert/strict";
import type { CommandResult } from "../../../testing/command";

/** The engine's lines of progress and what it says while all goes well. */
const PROGRESS = [
    /^$/,
    /^ {2}(\d+ (of \d+ )?resources?( done)?|the engine starts), \d+ s/,
    /^Deploying the audit trail: /,
    /^and every other AWS resource is recorded\. /,
    /^Started again: /,
    /^\d+ (PostgreSQL server|DMS task).* on running until "npm stop"\.$/,
    /^The postgresql plugin \S+ cannot be downloaded: the stand-in in local\/postgresql serves\.$/,
];

/** How what an update says of its failure begins. */
export const FAILED = /^The update failed:$/;

/** What a person is told of a failure: the command's lines without those of progress, without indentation. */
export function refusal({ code, output }: CommandResult): string[] {
    assert.equal(code, 1, output);
    assert.doesNotMatch(output, /^\s+at .+:\d+/m, "a stack trace");
    return output
        .split("\n")
        .filter((line) => !PROGRESS.some((pattern) => pattern.test(line)))
        .map((line) => line.trim());
}

/** Checks that a command failed with exactly these sentences, each one line, and nothing besides. */
export function assertRefused(result: CommandResult, ...sentences: readonly RegExp[]): void {
    const lines = refusal(result);
    assert.equal(lines.length, sentences.length, lines.join("\n"));
    for (const [index, sentence] of sentences.entries()) {
        assert.match(lines[index] ?? "", sentence);
    }
}
