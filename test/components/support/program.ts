import { createRequire } from "node:module";
import * as pulumi from "@pulumi/pulumi";
import { Recorder } from "./mocks";
import { type RecordedResource, recordStack } from "./recordedStack";

/** A finished run of the whole program. */
export interface ProgramRun {
    readonly recorder: Recorder;
    /** The custom resources, with what they were made from. */
    readonly resources: () => RecordedResource[];
    /** The stack's outputs. */
    readonly outputs: Readonly<Record<string, unknown>>;
    /** Names of the outputs that are secrets. */
    readonly secretOutputs: readonly string[];
}

const load = createRequire(__filename);

/** The least config that a stack needs. */
export const leastConfig: Readonly<Record<string, string>> = {
    "audit-trail:tables": '["public.items"]',
};

/** Runs index.ts anew with this config, as a stack of this name. */
export async function runProgram(
    config: Readonly<Record<string, string>>,
    stack = "dev",
): Promise<ProgramRun> {
    const recorder = new Recorder();
    await recorder.install(stack);
    const resources = recordStack(recorder);
    pulumi.runtime.setAllConfig({ ...config });
    const program = load.resolve("../../../index");
    // A program acts when it is loaded, so it has to be loaded again for every run.
    Reflect.deleteProperty(load.cache, program);
    const exported = load(program) as Record<string, pulumi.Output<unknown>>;
    const names = Object.keys(exported);
    const values = await recorder.settle(...Object.values(exported));
    const secrets = await Promise.all(
        names.map(async (name) => ({
            name,
            secret: await pulumi.isSecret(pulumi.output(exported[name])),
        })),
    );
    return {
        recorder,
        resources,
        outputs: Object.fromEntries(names.map((name, index) => [name, values[index]])),
        secretOutputs: secrets.filter(({ secret }) => secret).map(({ name }) => name),
    };
}
