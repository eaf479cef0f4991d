import assert from "node:assert/strict";
import * as proto from "@pulumi/pulumi/proto/provider_pb";
import { BinaryWriter } from "google-protobuf";
import { type JavaScriptValue, Struct } from "google-protobuf/google/protobuf/struct_pb";
import { ROUTE_CALLS, ROUTE_INPUT } from "../../../plugins/postgresql/route";
import { proxiedEnvironment } from "../../../plugins/postgresql/vendor";

const ROUTE = '{"kind":"ssm","instanceId":"i-0123456789abcdef0","region":"eu-west-1"}';
const OTHER =
    '{"kind":"ssh","host":"203.0.113.9","port":22,"user":"ec2-user","hostKey":"SHA256:x"}';
const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
const SECRET = { "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270" };

type Values = Record<string, JavaScriptValue>;

const struct = (values: Values): Struct => Struct.fromJavaScript(values);
const values = (found: Struct | undefined): Values => found?.toJavaScript() ?? {};

function call(name: string, request: Uint8Array) {
    const change = ROUTE_CALLS.get(name);
    assert.ok(change !== undefined, name);
    const { request: changed, route, response } = change(request);
    return { changed, route, response: (answer: Uint8Array) => response?.(answer) ?? answer };
}

/** A field of a protocol that is newer than this project's packages. */
function newField(): Uint8Array {
    const writer = new BinaryWriter();
    writer.writeString(99, "new");
    writer.writeUint32(98, 7);
    return writer.getResultBuffer();
}

function diffRequest(before: Values, after: Values): Uint8Array {
    const request = new proto.DiffRequest();
    request.setUrn("urn");
    request.setOlds(struct({ host: "a", ...before }));
    request.setOldInputs(struct({ host: "a", ...before }));
    request.setNews(struct({ host: "b", ...after }));
    return request.serializeBinary();
}

function diffAnswer(): Uint8Array {
    const answer = new proto.DiffResponse();
    answer.setChanges(proto.DiffResponse.DiffChanges.DIFF_NONE);
    return answer.serializeBinary();
}

describe("the route among the postgresql provider's inputs", () => {
    it("is taken out of what the plugin checks, and put back into what the engine keeps", () => {
        const request = new proto.CheckRequest();
        request.setUrn("urn");
        request.setOlds(struct({ host: "a", [ROUTE_INPUT]: OTHER }));
        request.setNews(struct({ host: "a", list: [1, "b"], [ROUTE_INPUT]: ROUTE }));
        const { changed, route, response } = call("CheckConfig", request.serializeBinary());
        const seen = proto.CheckRequest.deserializeBinary(changed);
        assert.equal(route, ROUTE);
        assert.deepEqual(values(seen.getOlds()), { host: "a" });
        assert.deepEqual(values(seen.getNews()), { host: "a", list: [1, "b"] });
        const answer = new proto.CheckResponse();
        answer.setInputs(struct({ host: "a" }));
        const kept = proto.CheckResponse.deserializeBinary(response(answer.serializeBinary()));
        assert.deepEqual(values(kept.getInputs()), { host: "a", [ROUTE_INPUT]: ROUTE });
        const empty = proto.CheckResponse.deserializeBinary(response(new Uint8Array()));
        assert.deepEqual(values(empty.getInputs()), { [ROUTE_INPUT]: ROUTE });
    });

    it("leaves an answer with failures as it is", () => {
        const request = new proto.CheckRequest();
        request.setNews(struct({ [ROUTE_INPUT]: ROUTE }));
        const answer = new proto.CheckResponse();
        answer.setFailuresList([new proto.CheckFailure()]);
        const bytes = answer.serializeBinary();
        const { response } = call("CheckConfig", request.serializeBinary());
        assert.deepEqual(response(bytes), bytes);
    });

    it("changes no byte where there is none, of fields that nobody knows here either", () => {
        for (const name of ROUTE_CALLS.keys()) {
            const given = struct({ host: "ä", port: 5432, nested: { deep: [null, true] } });
            const request =
                name === "Configure" ? new proto.ConfigureRequest() : new proto.CheckRequest();
            request.setUrn("urn");
            if (request instanceof proto.CheckRequest) {
                request.setNews(given);
            } else {
                request.setArgs(given);
            }
            const bytes = Buffer.concat([request.serializeBinary(), newField()]);
            const { changed, route, response } = call(name, bytes);
            assert.ok(Buffer.from(changed).equals(bytes), name);
            assert.equal(route, undefined);
            assert.ok(Buffer.from(response(bytes)).equals(bytes), name);
        }
        const request = new proto.CheckRequest();
        request.setNews(struct({ [ROUTE_INPUT]: ROUTE }));
        const { changed } = call(
            "CheckConfig",
            Buffer.concat([request.serializeBinary(), newField()]),
        );
        assert.ok(Buffer.from(changed).includes(Buffer.from(newField())));
    });

    it("is an update of the provider and no replacement when it changes, comes or goes", () => {
        for (const [before, after] of [
            [{ [ROUTE_INPUT]: ROUTE }, { [ROUTE_INPUT]: OTHER }],
            [{}, { [ROUTE_INPUT]: ROUTE }],
            [{ [ROUTE_INPUT]: ROUTE }, {}],
        ] satisfies [Values, Values][]) {
            const { changed, response } = call("DiffConfig", diffRequest(before, after));
            const seen = proto.DiffRequest.deserializeBinary(changed);
            assert.deepEqual(values(seen.getOlds()), { host: "a" });
            assert.deepEqual(values(seen.getOldInputs()), { host: "a" });
            assert.deepEqual(values(seen.getNews()), { host: "b" });
            const diff = proto.DiffResponse.deserializeBinary(response(diffAnswer()));
            assert.equal(diff.getChanges(), proto.DiffResponse.DiffChanges.DIFF_SOME);
            assert.deepEqual(diff.getDiffsList(), [ROUTE_INPUT]);
            assert.deepEqual(diff.getReplacesList(), []);
        }
    });

    it("is no difference when it stays", () => {
        const same = { [ROUTE_INPUT]: ROUTE };
        const { response } = call("DiffConfig", diffRequest(same, same));
        assert.ok(Buffer.from(response(diffAnswer())).equals(diffAnswer()));
    });

    it("is taken out of both forms of the configuration", () => {
        const request = new proto.ConfigureRequest();
        request.getVariablesMap().set(`postgresql:config:${ROUTE_INPUT}`, ROUTE);
        request.getVariablesMap().set("postgresql:config:host", "a");
        request.setArgs(struct({ host: "a", [ROUTE_INPUT]: ROUTE }));
        request.setAcceptsecrets(true);
        const { changed, route } = call("Configure", request.serializeBinary());
        const seen = proto.ConfigureRequest.deserializeBinary(changed);
        assert.equal(route, ROUTE);
        assert.deepEqual(values(seen.getArgs()), { host: "a" });
        assert.deepEqual([...seen.getVariablesMap().keys()], ["postgresql:config:host"]);
        assert.equal(seen.getAcceptsecrets(), true);
    });

    it("may be secret or unknown, and is refused when it is no text", () => {
        const checked = (value: JavaScriptValue) => {
            const request = new proto.CheckRequest();
            request.setNews(struct({ [ROUTE_INPUT]: value }));
            return call("CheckConfig", request.serializeBinary());
        };
        assert.equal(checked({ ...SECRET, value: ROUTE }).route, ROUTE);
        const { route, response } = checked(UNKNOWN);
        assert.equal(route, undefined);
        const kept = proto.CheckResponse.deserializeBinary(response(new Uint8Array()));
        assert.deepEqual(values(kept.getInputs()), { [ROUTE_INPUT]: UNKNOWN });
        assert.throws(() => checked(7), /input "databaseRoute" is not a text/);
    });

    it("takes the place of every proxy that the user's environment names", () => {
        const environment = proxiedEnvironment(
            { PATH: "/bin", all_proxy: "a", NO_PROXY: "*", no_proxy: "b", HTTPS_PROXY: "c" },
            "socks5://u:p@127.0.0.1:1",
        );
        assert.deepEqual(environment, { PATH: "/bin", ALL_PROXY: "socks5://u:p@127.0.0.1:1" });
    });
});
