import type { RenderOptions } from "./apply/changeStatements";
import type { CatalogTable } from "./apply/columnCatalog";
import type { ValueRules } from "./apply/columnValues";
import type { ReloadFile } from "./load/reload";
import type { Log } from "./log";
import { type Checkpoint, FIRST_SEQUENCE } from "./task/checkpoint";
import type { FaultFile, Faults } from "./task/faults";
import type { StatusFile } from "./task/status";
import type { Task, taskFiles } from "./task/task";

/** What outlives a broken connection. */
export interface TaskContext {
    readonly task: Task;
    readonly files: ReturnType<typeof taskFiles>;
    readonly faults: FaultFile;
    readonly reload: ReloadFile;
    readonly status: StatusFile;
    readonly log: Log;
    readonly signal: AbortSignal;
    checkpoint: Checkpoint | undefined;
    /** Source tables by their quoted names, as they were read when the task began to run; a reload keeps them. */
    readonly definitions: Map<string, CatalogTable | undefined>;
}

/** What one group is applied with; faults and rules may change from group to group. */
export interface GroupOptions {
    readonly faults: Faults;
    readonly render: RenderOptions;
}

export function groupOptions(context: TaskContext): GroupOptions {
    const faults = context.faults.current();
    const { lobTwoStep, deleteImage } = faults;
    return {
        faults,
        render: { rules: valueRules(context), lobTwoStep: lobTwoStep !== false, deleteImage },
    };
}

export function valueRules({ faults, task }: TaskContext): ValueRules {
    const { numericRounding, booleanAsText, lobTruncateAt } = faults.current();
    const { SupportLobs, LimitedSizeLobMode, LobMaxSize } = task.settings.TargetMetadata;
    const limit = lobTruncateAt ?? (LimitedSizeLobMode ? LobMaxSize * 1024 : undefined);
    return {
        supportLobs: SupportLobs,
        ...(limit === undefined ? {} : { lobLimit: limit }),
        numericRounding,
        booleanAsText,
    };
}

/** The sequence a process begins with. */
export function withFaults(
    checkpoint: Checkpoint | undefined,
    faults: Faults,
): Checkpoint | undefined {
    return checkpoint !== undefined && faults.restartChangeSeq
        ? { ...checkpoint, changeSequence: FIRST_SEQUENCE }
        : checkpoint;
}
