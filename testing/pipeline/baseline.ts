import assert from "node:assert/strict";
import { type LogRow, possibleStarts, type TableOracle } from "./oracle";
import { fold } from "./trailReader";

/** How many commits the full load saw. Several are possible when commits changed nothing visible. */
export function baselineCommit(
    oracles: readonly TableOracle[],
    logs: readonly (readonly LogRow[])[],
    baselines: readonly (readonly LogRow[])[],
): number {
    const starts = possibleStarts(
        oracles,
        baselines.map((rows) => fold(rows)),
    );
    assert.notDeepEqual(starts, [], "the baseline is the source at one of its commits");
    const fits = starts.find((from) =>
        oracles.every(
            (oracle, at) =>
                oracle.logAfter(from).length ===
                (logs[at]?.length ?? 0) - (baselines[at]?.length ?? 0),
        ),
    );
    return fits ?? starts.at(-1) ?? 0;
}
