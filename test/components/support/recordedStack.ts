import type { PolicyResource } from "@pulumi/policy";
import * as pulumi from "@pulumi/pulumi";
import { type Recorder, unwrap } from "./mocks";

/** A resource as a policy pack would see it, with what it was made from. */
export interface RecordedResource {
    readonly urn: string;
    readonly type: string;
    readonly name: string;
    /** With secrets in clear, as a policy pack gets them. */
    readonly inputs: Readonly<Record<string, unknown>>;
    /** Inputs, and what the provider adds. */
    readonly outputs: Readonly<Record<string, unknown>>;
    /** Input to the URNs of the resources that it was made from. */
    readonly madeFrom: Readonly<Record<string, readonly string[]>>;
    readonly protect: boolean;
    /** Names of the hooks in front of its creation. */
    readonly beforeCreate: readonly string[];
}

interface RegisterRequest {
    getType(): string;
    getName(): string;
    getCustom(): boolean;
    getProtect(): boolean;
    getHooks(): { getBeforeCreateList(): string[] } | undefined;
    getPropertydependenciesMap(): {
        forEach(each: (urns: { getUrnsList(): string[] }, input: string) => void): void;
    };
}

type Callback = (
    error: unknown,
    response?: { getUrn(): string; getObject(): { toJavaScript(): unknown } | undefined },
) => void;

interface Monitor {
    registerResource: (request: RegisterRequest, callback: Callback) => void;
}

/** Listens to what the program registers with the mocks: they do not tell what a resource was made from. */
export function recordStack(recorder: Recorder): () => RecordedResource[] {
    const monitor = pulumi.runtime.getMonitor() as unknown as Monitor;
    const register = monitor.registerResource.bind(monitor);
    const found: Omit<RecordedResource, "inputs">[] = [];
    monitor.registerResource = (request, callback) => {
        register(request, (error, response) => {
            if (response !== undefined && request.getCustom()) {
                const madeFrom: Record<string, readonly string[]> = {};
                request.getPropertydependenciesMap().forEach((urns, input) => {
                    madeFrom[input] = urns.getUrnsList();
                });
                found.push({
                    urn: response.getUrn(),
                    type: request.getType(),
                    name: request.getName(),
                    outputs: unwrap(response.getObject()?.toJavaScript()) as Record<
                        string,
                        unknown
                    >,
                    madeFrom,
                    protect: request.getProtect(),
                    beforeCreate: request.getHooks()?.getBeforeCreateList() ?? [],
                });
            }
            callback(error, response);
        });
    };
    return () => found.map((one) => ({ ...one, inputs: recorder.inputs(one.type, one.name) }));
}

/** The stack as rules about stacks see it. */
export function policyResources(stack: readonly RecordedResource[]): PolicyResource[] {
    const all = stack.map((one): PolicyResource => ({
        type: one.type,
        name: one.name,
        urn: one.urn,
        props: { ...one.outputs },
        opts: {
            protect: one.protect,
            ignoreChanges: [],
            aliases: [],
            customTimeouts: { createSeconds: 0, updateSeconds: 0, deleteSeconds: 0 },
            additionalSecretOutputs: [],
        },
        dependencies: [],
        propertyDependencies: {},
        isType: () => false,
        asType: () => undefined,
    }));
    const byUrn = new Map(all.map((one) => [one.urn, one]));
    stack.forEach((one, index) => {
        const resource = all[index];
        if (resource !== undefined) {
            resource.propertyDependencies = Object.fromEntries(
                Object.entries(one.madeFrom).map(([input, urns]) => [
                    input,
                    urns.map((urn) => byUrn.get(urn)).filter((made) => made !== undefined),
                ]),
            );
        }
    });
    return all;
}
