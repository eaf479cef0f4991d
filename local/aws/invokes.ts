import type { Props } from "../provider";
import { type Account, arn } from "./account";
import { mustText, text, texts } from "./behaviour";
import { describeCluster, describeInstance, readSecret } from "./existingDatabases";
import { existingResource } from "./existingNetwork";
import { policyDocument } from "./policyDocument";

/** An image that does not exist; no instance runs here. */
const AMI = "ami-0123456789abcdef0";
const PUBLIC_AMI_PARAMETER = /^\/aws\/service\/ami-amazon-linux-latest\/[\w.-]+$/;

type Invoke = (account: Account, args: Props) => Props;

const functions: Readonly<Record<string, Invoke>> = {
    "aws:index/getAvailabilityZones:getAvailabilityZones": ({ region }, args) => {
        const excluded = texts(args, "excludeNames");
        const letters = ["a", "b", "c"].filter(
            (letter) => !excluded.includes(`${region}${letter}`),
        );
        return {
            id: region,
            region,
            groupNames: [region],
            names: letters.map((letter) => `${region}${letter}`),
            zoneIds: letters.map(
                (letter) => `${zonePrefix(region)}-az${"abc".indexOf(letter) + 1}`,
            ),
        };
    },
    "aws:index/getRegion:getRegion": ({ region }, args) => {
        const asked = text(args, "region") ?? text(args, "name") ?? region;
        return {
            id: asked,
            name: asked,
            region: asked,
            description: asked,
            endpoint: `ec2.${asked}.amazonaws.com`,
        };
    },
    "aws:index/getCallerIdentity:getCallerIdentity": (account) => ({
        id: account.accountId,
        accountId: account.accountId,
        arn: arn(account, "iam", "root"),
        userId: account.accountId,
    }),
    "aws:index/getPartition:getPartition": ({ partition }) => ({
        id: partition,
        partition,
        dnsSuffix: "amazonaws.com",
        reverseDnsPrefix: "com.amazonaws",
    }),
    "aws:iam/getPolicyDocument:getPolicyDocument": (_account, args) => ({
        ...policyDocument(args),
        id: "policy-document",
        version: text(args, "version") ?? "2012-10-17",
    }),
    // The make-believe account has no roles but those of the stack.
    "aws:iam/getRoles:getRoles": () => ({ id: "roles", names: [], arns: [] }),
    "aws:ssm/getParameter:getParameter": ({ region, partition }, args) => {
        const name = mustText(args, "name");
        if (!PUBLIC_AMI_PARAMETER.test(name)) {
            throw new Error(
                `ParameterNotFound: the local stack has no SSM parameter "${name}", only the public ones of Amazon Linux.`,
            );
        }
        return {
            id: name,
            name,
            arn: `arn:${partition}:ssm:${region}::parameter${name}`,
            type: "String",
            value: AMI,
            insecureValue: AMI,
            version: 1,
        };
    },
    "aws:ec2/getSubnet:getSubnet": (account, args) => {
        const id = mustText(args, "id");
        const subnet = existingResource(account, "aws:ec2/subnet:Subnet", id);
        if (subnet === undefined) {
            throw new Error(
                `InvalidSubnetID.NotFound: the subnet ID "${id}" does not exist; the local stack has those of docs/aws.md.`,
            );
        }
        return subnet;
    },
    "aws:ec2/getAmi:getAmi": (account) => ({
        id: AMI,
        imageId: AMI,
        arn: arn(account, "ec2", `image/${AMI}`),
        architecture: "x86_64",
    }),
    "aws:rds/getCluster:getCluster": describeCluster,
    "aws:rds/getInstance:getInstance": describeInstance,
    "aws:secretsmanager/getSecretVersion:getSecretVersion": readSecret,
    "aws:rds/getOrderableDbInstance:getOrderableDbInstance": (_account, args) => {
        const instanceClass =
            text(args, "instanceClass") ??
            texts(args, "preferredInstanceClasses")[0] ??
            "db.t3.medium";
        return { id: instanceClass, ...args, instanceClass };
    },
    "aws:rds/getEngineVersion:getEngineVersion": (_account, args) => {
        const version =
            text(args, "version") ??
            texts(args, "preferredVersions")[0] ??
            text(args, "latest") ??
            "17.7";
        return {
            id: version,
            ...args,
            version,
            versionActual: version,
            parameterGroupFamily: `${mustText(args, "engine")}${version.split(".")[0] ?? ""}`,
        };
    },
};

/** Answers a function (data source) of the AWS plugin. */
export function invokeFunction(account: Account, token: string, args: Props): Props {
    const answer = functions[token];
    if (answer === undefined) {
        throw new Error(
            `The local stack cannot answer ${token}: give the value in the program's configuration, or deploy to AWS.`,
        );
    }
    return answer(account, args);
}

/** The short form of a region in zone ids: us-east-1 is use1. */
function zonePrefix(region: string): string {
    const [area = "", direction = "", number = ""] = region.split("-");
    const short = direction.replace(/(north|south|east|west|central)/g, (word) => word.charAt(0));
    return `${area}${short}${number}`;
}
