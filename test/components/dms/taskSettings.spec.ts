import assert from "node:assert/strict";
import { taskSettings } from "../../../components/dms/taskSettings";
import { parseTaskSettings } from "../../../local/dms/task/settings";

type Section = Record<string, unknown>;
const settings = taskSettings({ maxLobSizeKb: 64 });
const section = (name: string): Section => settings[name] as Section;

/** The names of all fields, at any depth. */
function keysOf(value: unknown): string[] {
    if (typeof value !== "object" || value === null) {
        return [];
    }
    return Object.entries(value).flatMap(([key, field]) => [key, ...keysOf(field)]);
}

describe("task settings", () => {
    it("lose nothing: no merging, no dropping, no going on after an error", () => {
        assert.equal(section("TargetMetadata")["BatchApplyEnabled"], false);
        assert.equal(section("FullLoadSettings")["TargetTablePrepMode"], "DO_NOTHING");
        assert.equal(section("FullLoadSettings")["StopTaskCachedChangesApplied"], false);
        assert.equal(section("FullLoadSettings")["StopTaskCachedChangesNotApplied"], false);
        assert.deepEqual(section("ChangeProcessingDdlHandlingPolicy"), {
            HandleSourceTableDropped: false,
            HandleSourceTableTruncated: false,
            HandleSourceTableAltered: true,
        });
        const policies = section("ErrorBehavior");
        for (const key of ["DataErrorPolicy", "DataTruncationErrorPolicy", "TableErrorPolicy"]) {
            assert.equal(policies[key], "STOP_TASK", key);
        }
        assert.equal(policies["ApplyErrorInsertPolicy"], "INSERT_RECORD");
        assert.equal(policies["ApplyErrorUpdatePolicy"], "UPDATE_RECORD");
        assert.ok(!Object.values(policies).includes("IGNORE_RECORD"));
    });

    it("report to the control schema and the task log", () => {
        assert.deepEqual(section("ControlTablesSettings"), {
            ControlSchema: "awsdms_control",
            HistoryTimeslotInMinutes: 5,
            HistoryTableEnabled: true,
            SuspendedTablesTableEnabled: true,
            StatusTableEnabled: true,
            FullLoadExceptionTableEnabled: true,
        });
        assert.equal(section("Logging")["EnableLogging"], true);
    });

    it("never hold what DMS sets itself, nor null", () => {
        assert.deepEqual(
            keysOf(settings).filter((key) => key.startsWith("CloudWatch")),
            [],
        );
        assert.ok(!JSON.stringify(settings).includes("null"));
    });

    it("copy large objects up to the declared size", () => {
        const { TargetMetadata: metadata } = taskSettings({ maxLobSizeKb: 512 });
        assert.equal((metadata as Section)["LobMaxSize"], 512);
        assert.equal((metadata as Section)["LimitedSizeLobMode"], true);
        assert.equal((metadata as Section)["FullLobMode"], false);
    });

    it("are the same text every time", () => {
        assert.equal(
            JSON.stringify(taskSettings({ maxLobSizeKb: 64 })),
            JSON.stringify(taskSettings({ maxLobSizeKb: 64 })),
        );
    });

    it("are understood, key by key, by the replicator that stands in for DMS", () => {
        assert.doesNotThrow(() => parseTaskSettings(JSON.stringify(settings)));
    });
});
