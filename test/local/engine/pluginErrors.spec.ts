import assert from "node:assert/strict";
import type { EngineEvent } from "@pulumi/pulumi/automation";
import fc from "fast-check";
import { pluginProblem } from "../../../local/engine/pluginErrors";
import { Progress } from "../../../local/engine/progress";
import { bridgeLogLine, pluginError } from "../../../local/postgresql/failures";

describe("engine: errors of plugins that are made from Terraform providers", () => {
    // As the postgresql plugin 3.18.1 was seen to write them.
    const seen: [string, string][] = [
        [
            '1 error occurred:\n\t* pq: syntax error at or near "(" at column 43 (42601)\n\n',
            'syntax error at or near "("',
        ],
        [
            'updating urn:pulumi:dev::audit-trail::postgresql:index/function:Function::with: a "blank": 1 error occurred:\n\t* pq: syntax error at or near "nonsense" at position 5:20 (42601)\n\n',
            'syntax error at or near "nonsense"',
        ],
        [
            '1 error occurred:\n\t* error creating role x: pq: role "x" already exists (42710)\n\n',
            'error creating role x: role "x" already exists; adopt it with pulumi import, or remove it from the server',
        ],
        [
            "1 error occurred:\n\t* could not check if role nobody is superuser: sql: no rows in result set\n\n",
            'role "nobody" does not exist; create it first',
        ],
        [
            'refreshing urn:pulumi:dev::audit-trail::postgresql:index/role:Role::r: 1 error occurred:\n\t* error reading statement_timeout: strconv.Atoi: parsing "5s": invalid syntax\n\n',
            'the time-out "5s" of a role has a unit, with which the plugin cannot read it; write it in milliseconds, with ALTER ROLE ... SET, for statement_timeout and idle_in_transaction_session_timeout',
        ],
        [
            "1 error occurred:\n\t* function ID appdb.audit_trail.public_a.b() has not the expected format 'database.schema.function_name(arguments)'\n\n",
            "the plugin made the function appdb.audit_trail.public_a.b() but cannot find a function whose name has a dot; drop it and choose another name",
        ],
        [
            "expected non-nil error with nil state during Create of urn:pulumi:dev::audit-trail::postgresql:index/function:Function::f",
            "the plugin made it but cannot find it again, as with a parenthesis in its name; drop it and choose another name",
        ],
        [
            '1 error occurred:\n\t* error connecting to PostgreSQL server localhost (scheme: postgres): pq: password authentication failed for user "postgres" (28P01)\n\n',
            'error connecting to PostgreSQL server localhost (scheme: postgres): password authentication failed for user "postgres"; correct the user name and the password that the provider connects with',
        ],
        [
            "1 error occurred:\n\t* error connecting to PostgreSQL server localhost (scheme: postgres): dial tcp 127.0.0.1:1: connect: connection refused\n\n",
            "error connecting to PostgreSQL server localhost (scheme: postgres): dial tcp 127.0.0.1:1: connection refused; start the server and run the command again",
        ],
        ["2 errors occurred:\n\t* one: thing\n\t* another\n\n", "one: thing; another"],
        [
            "sdk-v2/provider2.go:571: sdk.helper_schema: could not check if role nobody is superuser: sql: no rows in result set: provider=postgresql@3.18.1\n",
            'role "nobody" does not exist; create it first',
        ],
        [
            // A quote in the resource's name spoils the line, as it does the URN that comes with it.
            "sdk-v2/provider2.go:571: sdk.helper_schema: function ID a.b.c.d() has not the expected format 'database.schema.function_name(arguments)':a.b\\\"-function\" provider=postgresql@3.18.1",
            "the plugin made the function a.b.c.d() but cannot find a function whose name has a dot; drop it and choose another name",
        ],
    ];

    it("become one sentence with the way out", () => {
        for (const [text, expected] of seen) {
            assert.equal(pluginProblem(text.trim()), expected);
            assert.equal(pluginProblem(text), expected);
        }
    });

    it("are told from all others", () => {
        for (const text of [
            "The config key sshCidr is required but not set.",
            "1 error occurred while reading the file",
            "update failed",
            "",
        ]) {
            assert.equal(pluginProblem(text), undefined);
        }
    });

    it("keep every other text as it is, in the answer and in the log alike", () => {
        const words = fc
            .string({ unit: "grapheme-ascii", minLength: 1, maxLength: 40 })
            .map((text) => `the ${text.trim()}.`)
            .filter((text) => !/pq: |provider=/.test(text));
        fc.assert(
            fc.property(
                words,
                fc.constantFrom("", "updating urn:a::b::c::d e: "),
                (text, action) => {
                    const answer = pluginError(action, new Error(text));
                    assert.equal(pluginProblem(answer), text);
                    assert.equal(pluginProblem(bridgeLogLine(answer, "3.18.1") ?? ""), text);
                },
            ),
        );
    });

    it("are reported once for each resource, with its type and name", () => {
        const progress = new Progress();
        const urn = (name: string) =>
            `urn:pulumi:dev::audit-trail::auditTrail:index:AuditDatabase$postgresql:index/function:Function::${name}`;
        const failed = (name: string, message: string): void => {
            progress.onEvent({
                diagnosticEvent: { severity: "error", urn: urn(name), message },
            } as EngineEvent);
        };
        const text = "function ID a.b.c.d() has not the expected format 'x'";
        failed(
            'public."\\',
            `${bridgeLogLine(pluginError("", new Error(text)), "3.18.1") ?? ""}\n`,
        );
        failed('public."a.b"-function', pluginError("", new Error(text)));
        failed("other", pluginError("", new Error(text)));
        failed("other", "update failed");
        const sentence =
            "the plugin made the function a.b.c.d() but cannot find a function whose name has a dot; drop it and choose another name.";
        assert.deepEqual(progress.finish().errors, [
            `postgresql:Function public."a.b"-function: ${sentence}`,
            `postgresql:Function other: ${sentence}`,
            "update failed",
        ]);
    });

    it("say once that the disk is full, and where", () => {
        const progress = new Progress();
        for (const file of ["local.json.1.tmp", "local.json.2.tmp"]) {
            const message = `error: pre-step event returned an error: failed to save snapshot: An IO error occurred while writing the new snapshot file: blob (key "x") (code=Unknown): write /srv/a b/stacks/${file}: no space left on device`;
            progress.onEvent({
                sequence: 1,
                timestamp: 1,
                diagnosticEvent: { urn: "", prefix: "", color: "", message, severity: "error" },
            });
        }
        assert.deepEqual(progress.finish().errors, [
            "There is no space left in /srv/a b/stacks; free some and run the command again.",
        ]);
    });
});
