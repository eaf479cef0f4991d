import { FieldError, fieldsOf } from "./jsonObject";
import type { KeyParser } from "./keyParsers";

/** A network that is there already, by the ids that AWS gave it. */
export interface ExistingNetworkIds {
    readonly vpcId: string;
    /** For the databases and DMS, in two zones or more. */
    readonly privateSubnetIds: readonly string[];
    /** For the psql host; without it there is none. */
    readonly hostSubnetId: string | undefined;
    /** Groups of others whose members may connect to the databases. */
    readonly allowedSecurityGroupIds: readonly string[];
}

const FIELDS = ["vpcId", "privateSubnetIds", "hostSubnetId", "allowedSecurityGroupIds"];

/** Ids by their first word. */
const EXAMPLES = {
    vpc: "vpc-0123456789abcdef0",
    subnet: "subnet-0123456789abcdefa",
    sg: "sg-0123456789abcdef0",
} as const;

/** Aurora, RDS and DMS all ask for subnets in two zones, and a subnet is in one. */
const LEAST_SUBNETS = 2;

/** An existing network, or undefined where the stack makes its own. */
export const network: KeyParser<ExistingNetworkIds | undefined> = {
    type: "object",
    setting: (key) => `--path ${key}.vpcId`,
    example: EXAMPLES.vpc,
    parse(text) {
        const fields = fieldsOf(text, FIELDS);
        if (Object.keys(fields).length === 0) {
            return undefined;
        }
        if (fields.vpcId === undefined) {
            const reason = "it has no vpcId, and only with one is it an existing network";
            throw new FieldError(reason, "set", "vpcId", EXAMPLES.vpc);
        }
        const privateSubnetIds = ids("privateSubnetIds", "subnet", fields.privateSubnetIds ?? []);
        if (privateSubnetIds.length < LEAST_SUBNETS) {
            throw new FieldError(
                `its privateSubnetIds are ${privateSubnetIds.length}, and the databases and DMS need ${LEAST_SUBNETS} in different availability zones`,
                "set",
                `privateSubnetIds[${privateSubnetIds.length}]`,
                EXAMPLES.subnet,
            );
        }
        const { hostSubnetId } = fields;
        return {
            vpcId: id("vpcId", "vpc", fields.vpcId),
            privateSubnetIds,
            hostSubnetId:
                hostSubnetId === undefined ? undefined : id("hostSubnetId", "subnet", hostSubnetId),
            allowedSecurityGroupIds: ids(
                "allowedSecurityGroupIds",
                "sg",
                fields.allowedSecurityGroupIds ?? [],
            ),
        };
    },
};

/** An id as EC2 gives it: a word, and 8 or 17 hexadecimal digits. */
function id(path: string, kind: keyof typeof EXAMPLES, value: unknown): string {
    const pattern = new RegExp(`^${kind}-([0-9a-f]{8}|[0-9a-f]{17})$`);
    if (typeof value !== "string" || !pattern.test(value)) {
        throw new FieldError(
            `its ${path} is ${JSON.stringify(value)}, which is not an id such as ${EXAMPLES[kind]}`,
            "set",
            path,
            EXAMPLES[kind],
        );
    }
    return value;
}

function ids(field: string, kind: keyof typeof EXAMPLES, values: unknown): string[] {
    if (!Array.isArray(values)) {
        const reason = `its ${field} must be a list of ids such as ${EXAMPLES[kind]}`;
        throw new FieldError(reason, "set", `${field}[0]`, EXAMPLES[kind]);
    }
    const all = values.map((value, index) => id(`${field}[${index}]`, kind, value));
    const twice = all.findIndex((one, index) => all.indexOf(one) !== index);
    if (twice >= 0) {
        throw new FieldError(`its ${field} has ${all[twice]} twice`, "rm", `${field}[${twice}]`);
    }
    return all;
}
