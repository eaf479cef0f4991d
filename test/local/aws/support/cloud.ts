import { rm } from "node:fs/promises";
import path from "node:path";
import { awsProvider } from "../../../../local/aws/provider";
import { sweepStack } from "../../../../local/aws/revive";
import type { TaskControl } from "../../../../local/aws/taskControl";
import type { Props, ResourceContext } from "../../../../local/provider";
import { makeTempDir } from "../../../../testing/tempDir";

/** A resource as the engine keeps it. */
export interface Made {
    readonly type: string;
    readonly name: string;
    readonly id: string;
    readonly inputs: Props;
    readonly outputs: Props;
}

/** Calls the AWS stand-in as the engine does: check, then create, update or delete. */
export class Cloud {
    readonly stackDir: string;
    private readonly provider;

    private constructor(
        readonly folder: string,
        readonly control: TaskControl,
    ) {
        this.stackDir = path.join(folder, "test");
        this.provider = awsProvider({
            stackDir: (stack) => path.join(folder, stack),
            control,
        });
    }

    static async open(control: TaskControl = idleControl()): Promise<Cloud> {
        return new Cloud(await makeTempDir(), control);
    }

    /** Ends what the stack runs and removes its files. */
    async close(): Promise<void> {
        await sweepStack(this.stackDir, this.control);
        await rm(this.folder, { recursive: true, force: true });
    }

    async configure(config: Record<string, string>): Promise<void> {
        await this.provider.configure?.(config);
    }

    async invoke(token: string, args: Props = {}): Promise<Props> {
        return await this.provider.invoke(token, args);
    }

    /** The reasons that check gives, each as `property: reason`. */
    async failures(type: string, inputs: Props, olds: Props = {}): Promise<string[]> {
        const checked = await this.handler(type).check?.(context(type, "probe"), olds, inputs);
        return (checked?.failures ?? []).map(({ property, reason }) => `${property}: ${reason}`);
    }

    async create(type: string, name: string, inputs: Props): Promise<Made> {
        const ctx = context(type, name);
        const checked = await this.check(type, name, {}, inputs);
        const { id, outputs } = await this.handler(type).create(ctx, checked);
        return { type, name, id, inputs: checked, outputs };
    }

    diff(made: Made, inputs: Props) {
        const ctx = context(made.type, made.name);
        return this.handler(made.type).diff?.(ctx, made.inputs, inputs, made.outputs, []);
    }

    async check(type: string, name: string, olds: Props, news: Props): Promise<Props> {
        const checked = await this.handler(type).check?.(context(type, name), olds, news);
        const [failure] = checked?.failures ?? [];
        if (failure !== undefined) {
            throw new Error(`${failure.property}: ${failure.reason}`);
        }
        return checked?.inputs ?? news;
    }

    async update(made: Made, change: Props): Promise<Made> {
        const { type, name, id } = made;
        const inputs = await this.check(type, name, made.inputs, { ...made.inputs, ...change });
        const outputs = await this.handler(type).update?.(
            context(type, name),
            id,
            made.outputs,
            inputs,
            [],
        );
        return { type, name, id, inputs, outputs: outputs ?? {} };
    }

    async read(made: Made) {
        const { type, name, id, inputs, outputs } = made;
        return await this.handler(type).read?.(context(type, name), id, outputs, inputs);
    }

    async delete(made: Made): Promise<void> {
        const { type, name, id, outputs } = made;
        await this.handler(type).delete?.(context(type, name), id, outputs);
    }

    private handler(type: string) {
        return this.provider.handler(type);
    }
}

function context(type: string, name: string): ResourceContext {
    const urn = `urn:pulumi:test::audit-trail::${type}::${name}`;
    return { urn, type, name, stack: "test", project: "audit-trail" };
}

/** A replicator that only remembers what it was asked. */
export function idleControl(log: string[] = []): TaskControl {
    const running = new Set<string>();
    const done = (what: string, taskDir: string): Promise<void> => {
        log.push(`${what} ${path.basename(taskDir)}`);
        return Promise.resolve();
    };
    return {
        startTask: async (taskDir) => {
            running.add(taskDir);
            await done("start", taskDir);
        },
        stopTask: async (taskDir) => {
            running.delete(taskDir);
            await done("stop", taskDir);
        },
        dropTaskSlot: async (taskDir) => {
            await done("drop slot", taskDir);
        },
        isTaskRunning: (taskDir) => running.has(taskDir),
    };
}

/** A VPC with two subnets in two zones and a security group. */
export async function makeNetwork(
    cloud: Cloud,
): Promise<{ vpc: Made; subnets: Made[]; group: Made }> {
    const vpc = await cloud.create("aws:ec2/vpc:Vpc", "vpc", { cidrBlock: "10.0.0.0/16" });
    const subnets = await Promise.all(
        ["a", "b"].map(
            async (zone, index) =>
                await cloud.create("aws:ec2/subnet:Subnet", `subnet-${zone}`, {
                    vpcId: vpc.id,
                    cidrBlock: `10.0.${index}.0/24`,
                    availabilityZone: `us-east-1${zone}`,
                }),
        ),
    );
    const group = await cloud.create("aws:ec2/securityGroup:SecurityGroup", "group", {
        vpcId: vpc.id,
    });
    return { vpc, subnets, group };
}
