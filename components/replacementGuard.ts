import * as pulumi from "@pulumi/pulumi";
import { nameOf, type StackState, typeOf } from "./stackState";

/** What a replacement costs, by the types that may not be replaced unasked. The task's slot is what nobody can bring back. */
const LOSSES: Readonly<Record<string, string>> = {
    "aws:dms/replicationTask:ReplicationTask":
        "its replication slot goes with it, and so do the changes that it has not carried yet",
    "aws:ec2/vpc:Vpc": "databases and DMS cannot move to another network, and AWS refuses halfway",
    "aws:rds/cluster:Cluster": "its databases go with it",
    "aws:rds/clusterInstance:ClusterInstance": "nobody reaches the database meanwhile",
    "aws:rds/instance:Instance": "its databases go with it",
    "pulumi-nodejs:dynamic/auditTrail:SqlScript":
        "the logs and the staging tables would begin anew in another database",
};

/** The types of which an update neither replaces nor deletes a resource. */
const LASTING = ["aws:ec2/vpc:Vpc", "aws:rds/cluster:Cluster", "aws:rds/instance:Instance"];

/** The options of a guarded resource. */
export type GuardedOptions = Required<Pick<pulumi.CustomResourceOptions, "hooks" | "protect">>;

/** Arguments of {@link ReplacementGuard}. */
export interface ReplacementGuardArgs {
    /** The value of the config key `deletionProtection`. */
    readonly deletionProtection: boolean;
    /** The value of the config key `acknowledgeReplacement`: names or URNs. */
    readonly acknowledged: readonly string[];
    /** What the stack had before this update, by URN. */
    readonly deployed: Pick<StackState, "has" | "keys">;
}

/**
 * Refuses to replace a resource that cannot be had again as it was, unless the config names it; servers and the network it
 * refuses to replace at all. Two things refuse, because
 * neither is enough:
 * - A hook in front of each creation, which runs in previews as well. Only a replacement creates what is in the state
 *   already, whatever the provider's reason. So `pulumi up` ends before anything is touched, also in a stack without
 *   `deletionProtection`, which has to be destroyed without further ado (a hook for deletions would keep `pulumi destroy`
 *   from running without the program).
 * - `protect` in a protected stack, by which the engine also refuses `pulumi up --skip-preview` and a deletion.
 */
export class ReplacementGuard {
    private readonly hook: pulumi.ResourceHook;
    /** The names of what no update replaces. */
    private readonly lasting = new Set<string>();

    constructor(private readonly args: ReplacementGuardArgs) {
        this.hook = new pulumi.ResourceHook(
            "refuse replacement",
            (step) => {
                this.refuseReplacement(step);
            },
            { onDryRun: true },
        );
    }

    /** The options of the resource with this name, which is replaced when the config acknowledges it. */
    optionsFor(name: string): GuardedOptions {
        const { deletionProtection } = this.args;
        const isAcknowledged = this.isAcknowledged(name);
        if (isAcknowledged) {
            void pulumi.log.warn(
                `Nothing keeps ${name} from being replaced, because audit-trail:acknowledgeReplacement names it: take it out once it was replaced.`,
            );
        }
        return {
            protect: deletionProtection && !isAcknowledged,
            hooks: { beforeCreate: [this.hook] },
        };
    }

    /**
     * The options of a resource that no update replaces, whatever the config acknowledges: the engine deletes what is inside
     * before it comes to the resource, one by one, and ends halfway, where PostgreSQL or AWS refuses.
     */
    lastingOptionsFor(name: string): GuardedOptions {
        this.lasting.add(name);
        if (this.isAcknowledged(name)) {
            void pulumi.log.warn(
                `No update replaces ${name}, although audit-trail:acknowledgeReplacement names it: take it out, and to have it another way destroy the stack and deploy it anew.`,
            );
        }
        return { protect: this.args.deletionProtection, hooks: { beforeCreate: [this.hook] } };
    }

    /**
     * To be called once the network and the servers are made: another kind of server, a source or a network that exists
     * already takes the place of one that the stack has, and no creation shows it.
     *
     * @throws RunError where the state has a server or a network that the program has not made any more
     */
    refuseLeavers(): void {
        const leaver = [...this.args.deployed.keys()].find(
            (urn) => LASTING.includes(typeOf(urn)) && !this.lasting.has(nameOf(urn)),
        );
        if (leaver !== undefined) {
            const loss = LOSSES[typeOf(leaver)] ?? "";
            throw new pulumi.RunError(
                `This update would delete ${nameOf(leaver)}: ${loss}. Take the change back, or destroy the stack and deploy it anew.`,
            );
        }
    }

    private isAcknowledged(name: string): boolean {
        return this.args.acknowledged.some((one) => nameOf(one) === name);
    }

    private refuseReplacement({
        urn,
        name,
        type,
    }: Pick<pulumi.ResourceHookArgs, "urn" | "name" | "type">): void {
        const lasts = this.lasting.has(name);
        if (!lasts && this.args.acknowledged.some((one) => one === name || one === urn)) {
            return;
        }
        if (this.args.deployed.has(urn)) {
            const mend = `name it with "pulumi config set --path 'acknowledgeReplacement[0]' ${name}"`;
            const loss = LOSSES[type] ?? "what it holds goes with it";
            const way = lasts
                ? "or destroy the stack and deploy it anew"
                : `or, if that is meant, ${mend}`;
            throw new Error(
                `This update would replace ${name}: ${loss}. Take the change back, ${way}.`,
            );
        }
    }
}
