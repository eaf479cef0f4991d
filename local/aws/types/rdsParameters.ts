import type { Props } from "../../provider";
import { findBinaries } from "../../servers/binaries";
import { type Parameter, refusedParameter } from "../../servers/parameters";
import { applyParameters } from "../../servers/rds";
import { arn } from "../account";
import { type Call, mustText, text, type TextRule, type TypeBehaviour } from "../behaviour";

export const CLUSTER = "aws:rds/cluster:Cluster";
export const INSTANCE = "aws:rds/instance:Instance";

/** In the RDS API reference for CreateDBParameterGroup. */
const GROUP_NAME: TextRule = {
    pattern: /^[a-z](?!.*--)[a-z0-9-]{0,254}(?<!-)$/,
    reason: "It has up to 255 lower-case letters, digits and hyphens, starts with a letter, and no hyphen ends it or follows another.",
};

/** A kind of parameter groups, and the servers that use them. */
interface GroupKind {
    readonly type: string;
    /** What the major version follows in a family. */
    readonly family: string;
    /** The server's input that names the group. */
    readonly property: string;
    readonly word: "cluster" | "instance";
    readonly arnPath: string;
    readonly notFound: string;
}

/** The kinds, by the type of the servers. */
const KINDS: Readonly<Record<typeof CLUSTER | typeof INSTANCE, GroupKind>> = {
    [CLUSTER]: {
        type: "aws:rds/clusterParameterGroup:ClusterParameterGroup",
        family: "aurora-postgresql",
        property: "dbClusterParameterGroupName",
        word: "cluster",
        arnPath: "cluster-pg",
        notFound: "DBClusterParameterGroupNotFound",
    },
    [INSTANCE]: {
        type: "aws:rds/parameterGroup:ParameterGroup",
        family: "postgres",
        property: "parameterGroupName",
        word: "instance",
        arnPath: "pg",
        notFound: "DBParameterGroupNotFound",
    },
};

function parametersOf(inputs: Props): Parameter[] {
    return Array.isArray(inputs.parameters) ? (inputs.parameters as Parameter[]) : [];
}

/** The parameters of the group that a server names; refuses a group that does not fit. */
export async function parameterGroup(
    call: Call,
    serverType: keyof typeof KINDS,
    inputs: Props,
    major: number,
): Promise<Parameter[]> {
    const { type, family, property, word, notFound } = KINDS[serverType];
    const name = text(inputs, property);
    if (name === undefined || name === `default.${family}${major}`) {
        return [];
    }
    const group = await call.store.get(type, name);
    if (group === undefined) {
        throw new Error(`${notFound}: there is no parameter group "${name}".`);
    }
    if (group.inputs.family !== `${family}${major}`) {
        throw new Error(
            `InvalidParameterCombination: the parameter group "${name}" is of family ${mustText(group.inputs, "family")}, ` +
                `the ${word} needs ${family}${major}.`,
        );
    }
    return parametersOf(group.inputs);
}

async function checkParameters({ family: wanted }: GroupKind, inputs: Props): Promise<void> {
    const family = mustText(inputs, "family");
    const [, prefix, digits] = /^([a-z-]+)(\d+)$/.exec(family) ?? [];
    if (prefix !== wanted) {
        throw new Error(
            `InvalidParameterValue: the local stack knows no parameter group family "${family}" of this kind: use ${wanted}17.`,
        );
    }
    const problem = await refusedParameter(
        parametersOf(inputs),
        await findBinaries(Number(digits)),
    );
    if (problem !== undefined) {
        throw new Error(`InvalidParameterValue: ${problem}`);
    }
}

function groupOf(serverType: string, kind: GroupKind): TypeBehaviour {
    const usersOf = async (call: Call): Promise<string[]> => {
        const servers = await call.store.list(serverType);
        return servers
            .filter(({ inputs }) => inputs[kind.property] === call.id)
            .map(({ id }) => id);
    };
    return {
        idFrom: "name",
        autoName: "name",
        required: ["family"],
        texts: { name: GROUP_NAME },
        replaceOn: ["name", "family", "description"],
        create: async (call, inputs) => {
            await checkParameters(kind, inputs);
            return { arn: arn(call.account, "rds", `${kind.arnPath}:${call.id}`) };
        },
        update: async (call, _before, inputs) => {
            await checkParameters(kind, inputs);
            for (const user of await usersOf(call)) {
                await applyParameters(call.stackDir, user, parametersOf(inputs));
            }
            return {};
        },
        delete: async (call) => {
            const [user] = await usersOf(call);
            if (user !== undefined) {
                throw new Error(
                    `InvalidDBParameterGroupState: ${kind.word} "${user}" still uses the parameter group "${call.id}".`,
                );
            }
        },
    };
}

export const parameterGroupTypes: Readonly<Record<string, TypeBehaviour>> = Object.fromEntries(
    Object.entries(KINDS).map(([serverType, kind]) => [kind.type, groupOf(serverType, kind)]),
);
