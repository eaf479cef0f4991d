import { changedProperties, type CheckFailure, type Props, UNKNOWN } from "../../provider";
import { arn } from "../account";
import { type Call, mustText, text, type TypeBehaviour } from "../behaviour";
import { hex } from "../recorder";
import { removeTask, startTask, TASK, taskFolder, writeTask } from "../tasks";
import { jsonProblem } from "../validate";
import { dmsIdentifier, REPLICATION_INSTANCE, requireDmsRole } from "./dms";

function refusedTask(inputs: Props): CheckFailure[] {
    const failures = ["tableMappings", "replicationTaskSettings"].flatMap((property) => {
        const reason = jsonProblem(inputs[property]);
        return reason === undefined ? [] : [{ property, reason }];
    });
    const settings = text(inputs, "replicationTaskSettings");
    if (failures.length > 0 || settings === undefined || settings === UNKNOWN) {
        return failures;
    }
    const { Logging: logging } = JSON.parse(settings) as { Logging?: Props };
    const readOnly = Object.keys(logging ?? {}).filter((key) => key.startsWith("CloudWatchLog"));
    return readOnly.map((key) => ({
        property: "replicationTaskSettings",
        reason: `Logging.${key} is read-only and cannot be set, not even to null: leave it out.`,
    }));
}

function logs(inputs: Props): boolean {
    const settings = JSON.parse(text(inputs, "replicationTaskSettings") ?? "{}") as {
        Logging?: { EnableLogging?: boolean };
    };
    return settings.Logging?.EnableLogging === true;
}

async function startIfAsked(call: Call, inputs: Props): Promise<Props> {
    if (inputs.startReplicationTask !== true) {
        return { status: "ready" };
    }
    await startTask(call.control, call.stackDir, call.id);
    return { status: "running" };
}

const replicationTask: TypeBehaviour = {
    idFrom: "replicationTaskId",
    required: [
        "migrationType",
        "replicationInstanceArn",
        "replicationTaskId",
        "sourceEndpointArn",
        "tableMappings",
        "targetEndpointArn",
    ],
    oneOf: { migrationType: ["full-load", "cdc", "full-load-and-cdc"] },
    replaceOn: [
        "replicationInstanceArn",
        "replicationTaskId",
        "resourceIdentifier",
        "sourceEndpointArn",
        "targetEndpointArn",
    ],
    texts: { replicationTaskId: dmsIdentifier(255) },
    check: refusedTask,
    create: async (call, inputs) => {
        const instanceArn = mustText(inputs, "replicationInstanceArn");
        const instance = await call.store.findBy(
            REPLICATION_INSTANCE,
            "replicationInstanceArn",
            instanceArn,
        );
        if (instance === undefined) {
            throw new Error(
                `ResourceNotFoundFault: there is no replication instance ${instanceArn}.`,
            );
        }
        if (logs(inputs)) {
            await requireDmsRole(call, "dms-cloudwatch-logs-role", "AmazonDMSCloudWatchLogsRole");
        }
        // A folder without a record: an earlier attempt died. The same task goes on, any other starts from the beginning.
        if (await writeTask(call, call.id, inputs)) {
            await removeTask(call.control, call.stackDir, call.id);
            await writeTask(call, call.id, inputs);
        }
        try {
            return {
                replicationTaskArn: arn(call.account, "dms", `task:${hex(26).toUpperCase()}`),
                ...(await startIfAsked(call, inputs)),
            };
        } catch (error) {
            await removeTask(call.control, call.stackDir, call.id);
            throw error;
        }
    },
    update: async (call, before, inputs) => {
        const changed = changedProperties(before.inputs, inputs);
        // Tags alone leave the task alone: resourceReplicationTaskUpdate in terraform-provider-aws.
        if (changed.every((name) => name === "tags")) {
            return {};
        }
        await call.control.stopTask(taskFolder(call.stackDir, call.id));
        await writeTask(call, call.id, inputs);
        return await startIfAsked(call, inputs);
    },
    delete: async (call) => {
        await removeTask(call.control, call.stackDir, call.id);
    },
};

export const dmsTaskTypes: Readonly<Record<string, TypeBehaviour>> = { [TASK]: replicationTask };
