import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { Password, passwordProvider } from "../../../components/cluster/password";
import { readStackState } from "../../../components/stackState";

type State = Parameters<NonNullable<typeof passwordProvider.update>>[1];

async function made(version: number): Promise<State> {
    const { outs } = await passwordProvider.create({ version });
    assert.ok(outs);
    return outs;
}

async function asked(olds: State, version: number): Promise<readonly [unknown, State | undefined]> {
    const { changes } = (await passwordProvider.diff?.("id", olds, { version })) ?? {};
    const { outs } = (await passwordProvider.update?.("id", olds, { version })) ?? {};
    return [changes, outs];
}

describe("a password", () => {
    it("is as long as it should be, and no other one's", async () => {
        const passwords = await Promise.all([1, 1, 2].map(made));
        assert.equal(new Set(passwords.map(({ value }) => value)).size, 3);
        for (const { value, former } of passwords) {
            assert.match(value, /^[A-Za-z0-9]{32}$/u);
            assert.equal(former, "");
        }
    });

    it("is another one with another version, and remembers the one before", async () => {
        const first = await made(1);
        const [changes, second] = await asked(first, 2);
        assert.ok(changes === true && second !== undefined);
        assert.notEqual(second.value, first.value);
        assert.equal(second.former, first.value);
        const [, back] = await asked(second, 1);
        assert.notEqual(back?.value, first.value);
        assert.equal(back?.former, `${second.value} ${first.value}`);
    });

    it("remembers as well what came before a rotation that may have been interrupted, and not for ever", async () => {
        let state = await made(1);
        const values = [state.value];
        for (const version of [2, 3, 4, 5, 6]) {
            const [, next] = await asked(state, version);
            assert.ok(next);
            assert.deepEqual(next.former?.split(" "), values.slice(0, 4));
            values.unshift(next.value);
            state = next;
        }
        const [, fromFirstVersion] = await asked({ value: "x" }, 2);
        assert.equal(fromFirstVersion?.former, "x");
    });

    /** Lets the program read this state of its stack. */
    async function know(outputs: object, state: State, isPreview: boolean): Promise<void> {
        const mocks = {
            newResource: () => ({ id: "password", state }),
            call: () => ({ outputs }),
        };
        await pulumi.runtime.setMocks(mocks, "audit-trail", "test", isPreview, "organization");
        await readStackState();
    }

    after(async () => {
        await know({}, await made(1), false);
    });

    /** A password as a program gets it whose stack has one with this state. */
    async function deployed(version: number, state: State, isPreview: boolean): Promise<Password> {
        const urn =
            "urn:pulumi:test::audit-trail::auditTrail:index:Server$pulumi-nodejs:dynamic/auditTrail:Password::password";
        await know({ [urn]: { type: "", outputs: state } }, state, isPreview);
        return new Password("password", version);
    }

    it("is known in a preview once it is made, also with the state of an older program", async () => {
        for (const [version, state] of [
            [1, { value: "x" }],
            [1, await made(1)],
            [2, await made(2)],
        ] as const) {
            const { value, former } = await deployed(version, state, true);
            const isKnown = pulumi.all([value, former]).apply(() => undefined) as unknown as {
                readonly isKnown: Promise<boolean>;
            };
            assert.equal(await isKnown.isKnown, true, JSON.stringify(state));
        }
    });

    it("is told with the one before, whatever number its version has", async () => {
        const state = { value: "new", former: "old", version: 1 };
        for (const version of [1, 2, 7]) {
            const { former } = await deployed(version, { ...state, version }, false);
            const told = await new Promise((resolve) => former.apply(resolve));
            assert.equal(told, "old", `version ${String(version)}`);
        }
    });

    it("stays what it is with the version that it has", async () => {
        const second = await made(2);
        assert.deepEqual(await asked(second, 2), [false, second]);
        // A state of the first version of the program.
        const old = { value: "x" };
        assert.deepEqual(await asked(old, 1), [false, old]);
    });
});
