import assert from "node:assert/strict";
import { parseReload } from "../../../../local/dms/load/reload";
import { parseEndpointSettings } from "../../../../local/dms/task/extraAttributes";
import { parseFaults } from "../../../../local/dms/task/faults";
import { parseTableMappings } from "../../../../local/dms/task/mapping";
import { retryLimit } from "../../../../local/dms/task/retries";
import { parseTaskSettings } from "../../../../local/dms/task/settings";
import type { Task } from "../../../../local/dms/task/task";
import { mappings } from "../support";

describe("local/dms/task/settings", () => {
    it("fills in the documented defaults", () => {
        const settings = parseTaskSettings("{}");
        assert.equal(settings.ErrorBehavior.ApplyErrorDeletePolicy, "IGNORE_RECORD");
        assert.equal(settings.ErrorBehavior.ApplyErrorInsertPolicy, "LOG_ERROR");
        assert.equal(settings.ChangeProcessingTuning.MinTransactionSize, 1000);
        assert.equal(settings.ChangeProcessingTuning.CommitTimeout, 1);
        assert.equal(settings.TargetMetadata.LobMaxSize, 32);
        assert.deepEqual(parseTaskSettings(""), settings);
    });

    it("takes given values and null for features that are off", () => {
        const settings = parseTaskSettings(
            JSON.stringify({
                TargetMetadata: { TargetSchema: null, LobMaxSize: 64 },
                TTSettings: null,
                BeforeImageSettings: null,
                LoopbackPreventionSettings: { EnableLoopbackPrevention: false },
                Logging: {
                    EnableLogging: true,
                    LogComponents: [{ Id: "SORTER", Severity: "LOGGER_SEVERITY_DEFAULT" }],
                    CloudWatchLogGroup: null,
                },
                FailTaskWhenCleanTaskResourceFailed: false,
            }),
        );
        assert.equal(settings.TargetMetadata.LobMaxSize, 64);
        assert.equal(settings.TargetMetadata.TargetSchema, "");
    });

    it("refuses unknown keys, wrong values and what it would treat differently from DMS", () => {
        const bad: readonly (readonly [RegExp, unknown])[] = [
            [/"Extra" is not/, { Extra: {} }],
            [/TargetMetadata: "BatchApply" is not/, { TargetMetadata: { BatchApply: true } }],
            [/BatchApplyEnabled must be false/, { TargetMetadata: { BatchApplyEnabled: true } }],
            [/ParallelApplyThreads must be/, { TargetMetadata: { ParallelApplyThreads: 4 } }],
            [
                /TaskRecoveryTableEnabled must be false/,
                { TargetMetadata: { TaskRecoveryTableEnabled: true } },
            ],
            [/exactly one of FullLobMode/, { TargetMetadata: { FullLobMode: true } }],
            [/EnableValidation must be false/, { ValidationSettings: { EnableValidation: true } }],
            [/TTSettings is not supported/, { TTSettings: { EnableTT: true } }],
            [/BeforeImageSettings is not/, { BeforeImageSettings: { EnableBeforeImage: true } }],
            [/CharacterSetSettings is not/, { CharacterSetSettings: {} }],
            [
                /TargetTablePrepMode must be one of/,
                { FullLoadSettings: { TargetTablePrepMode: "KEEP" } },
            ],
            [
                /StopTaskCachedChangesApplied must be false/,
                { FullLoadSettings: { StopTaskCachedChangesApplied: true } },
            ],
            [
                /FullLoadIgnoreConflicts must be true/,
                { ErrorBehavior: { FullLoadIgnoreConflicts: false } },
            ],
            [
                /FailOnTransactionConsistencyBreached must be false/,
                { ErrorBehavior: { FailOnTransactionConsistencyBreached: true } },
            ],
            [
                /TableErrorEscalationCount must be 0\./,
                { ErrorBehavior: { TableErrorEscalationCount: 3 } },
            ],
            [/EventErrorPolicy must be/, { ErrorBehavior: { EventErrorPolicy: "STOP_TASK" } }],
            [/RecoveryTimeout must be -1\./, { ChangeProcessingTuning: { RecoveryTimeout: 5 } }],
            [
                /ApplyErrorInsertPolicy must be one of/,
                { ErrorBehavior: { ApplyErrorInsertPolicy: "UPDATE_RECORD" } },
            ],
            [
                /CommitTimeout must be a whole number/,
                { ChangeProcessingTuning: { CommitTimeout: "1" } },
            ],
            [/CloudWatchLogGroup must be absent/, { Logging: { CloudWatchLogGroup: "g" } }],
            [/"NOISE" is not known/, { Logging: { LogComponents: [{ Id: "NOISE" }] } }],
            [
                /Severity "LOUD"/,
                { Logging: { LogComponents: [{ Id: "SORTER", Severity: "LOUD" }] } },
            ],
        ];
        for (const [message, settings] of bad) {
            assert.throws(() => parseTaskSettings(JSON.stringify(settings)), message);
        }
    });
});

describe("local/dms/task/extraAttributes", () => {
    it("merges both ways of writing endpoint settings", () => {
        const settings = parseEndpointSettings(
            {
                captureDdls: false,
                heartbeatEnable: true,
                pluginName: "test_decoding",
                slotName: null,
            },
            "ExecuteTimeout=30; AfterConnectScript='SET a = ''b;c'''",
            "The target",
        );
        assert.equal(settings.captureDdls, false);
        assert.equal(settings.heartbeatEnable, true);
        assert.equal(settings.executeTimeout, 30);
        assert.equal(settings.afterConnectScript, "SET a = 'b;c'");
        assert.equal("slotName" in settings, false);
    });

    it("refuses unknown and unsafe ones", () => {
        for (const [message, settings, attributes] of [
            [/"foo" is not a documented/, {}, "foo=1"],
            [/must read "key=value/, {}, "???"],
            [/pluginName "pglogical"/, { pluginName: "pglogical" }, ""],
            [/consumeMonotonicEvents/, { consumeMonotonicEvents: true }, ""],
            [/captureDdls must be true or false/, { captureDdls: "maybe" }, ""],
            [/executeTimeout must be/, { executeTimeout: 0 }, ""],
        ] as const) {
            assert.throws(() => parseEndpointSettings(settings, attributes, "The source"), message);
        }
    });
});

describe("local/dms/task/retries", () => {
    const limit = (settings: Readonly<Record<string, unknown>>): number =>
        retryLimit(parseTaskSettings(JSON.stringify({ ErrorBehavior: settings })).ErrorBehavior);

    it("gives up after the documented nine attempts by default, and when the settings say so", () => {
        assert.equal(limit({}), 9);
        assert.equal(limit({ RecoverableErrorCount: 3 }), 3);
        assert.equal(limit({ RecoverableErrorInterval: 0, RecoverableErrorThrottlingMax: 1 }), 1);
        assert.equal(limit({ RecoverableErrorThrottling: false }), Infinity);
        assert.equal(limit({ RecoverableErrorStopRetryAfterThrottlingMax: false }), Infinity);
    });
});

describe("local/dms/load/reload", () => {
    const mapping = parseTableMappings(mappings(["items"]));
    const entry = { SchemaName: "public", TableName: "items" };
    const parse = (request: unknown, migrationType: Task["migrationType"] = "full-load-and-cdc") =>
        parseReload(JSON.stringify(request), { mapping, migrationType });

    it("takes tables as the API's ReloadTables does", () => {
        assert.deepEqual(parse([entry]), [{ schema: "public", table: "items" }]);
    });

    it("refuses what ReloadTables refuses", () => {
        for (const [message, request] of [
            [/names a table twice/, [entry, entry]],
            [/must name 1 to 10 tables/, []],
            [/must name 1 to 10 tables/, Array.from({ length: 11 }, () => entry)],
            [/do not select "public"."Items"/, [{ ...entry, TableName: "Items" }]],
            [/"Schema" is not a documented key/, [{ Schema: "public" }]],
            [/"TableName" must be a text/, [{ SchemaName: "public" }]],
            [/must be a JSON array/, entry],
        ] as const) {
            assert.throws(() => parse(request), message);
        }
        assert.throws(() => parse([entry], "cdc"), /type cdc loads no tables/);
    });
});

describe("local/dms/task/faults", () => {
    it("refuses unknown names and values", () => {
        assert.equal(parseFaults('{"replayAfterResume": 3}').replayAfterResume, 3);
        assert.equal(parseFaults("{}").deleteImage, "null");
        assert.equal(parseFaults("{}").streamPosition, "change-and-commit");
        // What is true of every load of DMS needs no fault.
        assert.equal(parseFaults("{}").loadOverlap, true);
        assert.equal(parseFaults('{"killBeforeConfirm": 2}').killBeforeConfirm, 2);
        assert.throws(() => parseFaults('{"killBeforeConfirm": 0}'), /has a value/);
        assert.throws(() => parseFaults('{"lobTwoStep": "own"}'), /has a value/);
        assert.throws(() => parseFaults('{"targetSession": {"timezone": 1}}'), /has a value/);
        assert.throws(() => parseFaults('{"sleep": true}'), /"sleep" is not/);
        assert.throws(() => parseFaults('{"replayAfterResume": -1}'), /has a value/);
        assert.throws(() => parseFaults("x"), /faults.json is not valid JSON/);
    });
});
