import type { StepEventMetadata } from "@pulumi/pulumi/automation";

/** What an update would do to one resource. */
export interface PlannedChange {
    /** `create`, `update`, `replace` or `delete`; the engine's own word where it is another. */
    readonly operation: string;
    /** The resource's type, for example `aws:dms/replicationTask:ReplicationTask`. */
    readonly type: string;
    /** The resource's name in the program. */
    readonly name: string;
    readonly urn: string;
    /** The names of the inputs that differ, without their values, which may be secret; none of what is made or deleted. */
    readonly properties: readonly string[];
}

/** The steps that change nothing. */
const IDLE = /^(same|read|refresh)$/;

/** The engine replaces in two or three steps, in an order that depends on the resource. */
const REPLACES = /^(replace|create-replacement|delete-replaced|discard-replaced|read-replacement)$/;

/** A provider that the engine makes by itself, whose steps its own plan leaves out as well. */
const DEFAULT_PROVIDER = /::pulumi:providers:[^:]+::default(_[^:]*)?$/;

/** Gathers the steps of a preview, as the engine announces them, into one change for each resource. */
export class PlannedChanges {
    private readonly changes = new Map<string, PlannedChange>();

    add({ op, urn, type, diffs = [] }: StepEventMetadata): void {
        if (IDLE.test(op) || DEFAULT_PROVIDER.test(urn)) {
            return;
        }
        const before = this.changes.get(urn);
        const isReplaced = REPLACES.test(op) || before?.operation === "replace";
        this.changes.set(urn, {
            operation: isReplaced ? "replace" : op,
            type,
            name: urn.split("::").slice(3).join("::"),
            urn,
            properties: [...new Set([...(before?.properties ?? []), ...diffs])].sort(),
        });
    }

    list(): PlannedChange[] {
        return [...this.changes.values()];
    }
}
