import type { Props } from "../../provider";
import { findBinaries } from "../../servers/binaries";
import { type Parameter, refusedParameter } from "../../servers/parameters";
import { applyParameters } from "../../servers/rds";
import { arn } from "../account";
import { type Call, mustText, text, type TypeBehaviour } from "../behaviour";

export const CLUSTER = "aws:rds/cluster:Cluster";
const PARAMETER_GROUP = "aws:rds/clusterParameterGroup:ClusterParameterGroup";

function parametersOf(inputs: Props): Parameter[] {
    return Array.isArray(inputs.parameters) ? (inputs.parameters as Parameter[]) : [];
}

/** The parameters of the group that a cluster names; refuses a group that does not fit. */
export async function parameterGroup(
    call: Call,
    inputs: Props,
    major: number,
): Promise<Parameter[]> {
    const name = text(inputs, "dbClusterParameterGroupName");
    if (name === undefined || name === `default.aurora-postgresql${major}`) {
        return [];
    }
    const group = await call.store.get(PARAMETER_GROUP, name);
    if (group === undefined) {
        throw new Error(`DBClusterParameterGroupNotFound: there is no parameter group "${name}".`);
    }
    if (group.inputs.family !== `aurora-postgresql${major}`) {
        throw new Error(
            `InvalidParameterCombination: the parameter group "${name}" is of family ${mustText(group.inputs, "family")}, ` +
                `the cluster needs aurora-postgresql${major}.`,
        );
    }
    return parametersOf(group.inputs);
}

async function checkParameters(inputs: Props): Promise<void> {
    const family = mustText(inputs, "family");
    const major = Number(/^aurora-postgresql(\d+)$/.exec(family)?.[1] ?? Number.NaN);
    if (!Number.isInteger(major)) {
        throw new Error(
            `InvalidParameterValue: the local stack knows no parameter group family "${family}": use aurora-postgresql17.`,
        );
    }
    const problem = await refusedParameter(parametersOf(inputs), await findBinaries(major));
    if (problem !== undefined) {
        throw new Error(`InvalidParameterValue: ${problem}`);
    }
}

const clusterParameterGroup: TypeBehaviour = {
    idFrom: "name",
    autoName: "name",
    required: ["family"],
    replaceOn: ["name", "family", "description"],
    create: async (call, inputs) => {
        await checkParameters(inputs);
        return { arn: arn(call.account, "rds", `cluster-pg:${call.id}`) };
    },
    update: async (call, _before, inputs) => {
        await checkParameters(inputs);
        for (const user of await usersOf(call)) {
            await applyParameters(call.stackDir, user, parametersOf(inputs));
        }
        return {};
    },
    delete: async (call) => {
        const [user] = await usersOf(call);
        if (user !== undefined) {
            throw new Error(
                `InvalidDBParameterGroupState: cluster "${user}" still uses the parameter group "${call.id}".`,
            );
        }
    },
};

async function usersOf(call: Call): Promise<string[]> {
    const clusters = await call.store.list(CLUSTER);
    return clusters
        .filter(({ inputs }) => inputs.dbClusterParameterGroupName === call.id)
        .map(({ id }) => id);
}

export const parameterGroupTypes: Readonly<Record<string, TypeBehaviour>> = {
    [PARAMETER_GROUP]: clusterParameterGroup,
};
