import assert from "node:assert/strict";
import { codeOf, messageOf } from "../../text/errors";

describe("what was thrown, in words", () => {
    const refused = (at: string): Error =>
        Object.assign(new Error(`connect ECONNREFUSED ${at}`), { code: "ECONNREFUSED" });

    it("is an error's message, and of anything else its text", () => {
        assert.equal(messageOf(new Error("no space left")), "no space left");
        assert.equal(messageOf("no space left"), "no space left");
        assert.equal(messageOf(undefined), "undefined");
    });

    it("is what each attempt said where all of them failed, once each", () => {
        const all = [refused("::1:5432"), refused("127.0.0.1:5432"), refused("::1:5432")];
        const words = "connect ECONNREFUSED ::1:5432; connect ECONNREFUSED 127.0.0.1:5432";
        assert.equal(messageOf(new AggregateError(all)), words);

        assert.equal(messageOf(new AggregateError(all, "told already")), "told already");
    });

    it("has the code of the error, of the first of several, or none", () => {
        assert.equal(codeOf(refused("::1:5432")), "ECONNREFUSED");
        assert.equal(codeOf(new AggregateError([refused("::1:5432")])), "ECONNREFUSED");
        assert.equal(
            codeOf(Object.assign(new AggregateError([]), { code: "ETIMEDOUT" })),
            "ETIMEDOUT",
        );
        for (const none of [new Error("x"), new AggregateError([]), { code: "ENOENT" }, 7]) {
            assert.equal(codeOf(none), "");
        }
    });
});
