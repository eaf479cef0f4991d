import assert from "node:assert/strict";
import type { ExistingSource } from "../../components/cluster/existingSource";
import { parseConfig } from "../../config/config";

const LEAST = {
    "aws:region": "eu-west-1",
    "audit-trail:tables": '["sales.orders"]',
    "audit-trail:network": JSON.stringify({
        vpcId: "vpc-0123456789abcdef0",
        privateSubnetIds: ["subnet-0123456789abcdefa", "subnet-0123456789abcdefb"],
    }),
};
const SECRET = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:rds!cluster-ab12-XyZ";
const GROUP = "sg-0123456789abcdef0";

type Keys = Readonly<Record<string, string>>;

function parse(source: unknown, others: Keys = {}): ExistingSource | undefined {
    const raw = { ...LEAST, "audit-trail:source": JSON.stringify(source), ...others };
    return parseConfig(raw).source.existing;
}

function refusal(source: unknown, others: Keys = {}): string {
    try {
        parse(source, others);
    } catch (error) {
        return (error as Error).message;
    }
    return assert.fail(`accepted ${JSON.stringify(source)}`);
}

const ADDRESS = { host: "db.example.com", username: "trail", cidr: "10.1.0.0/16" };
const PASSWORD = { "audit-trail:sourcePassword": "swordfish" };

describe("the config keys of an existing source", () => {
    it("name a cluster or an instance by identifier or ARN", () => {
        const nothing = {
            databaseName: undefined,
            credentialsSecretArn: undefined,
            allowedSecurityGroup: undefined,
        };
        assert.equal(parse({}), undefined);
        assert.deepEqual(parse({ auroraCluster: "Shop-1" }), {
            kind: "auroraCluster",
            ...nothing,
            identifier: "shop-1",
            place: undefined,
        });
        const arn = "arn:aws:rds:eu-west-1:123456789012:db:shop";
        assert.deepEqual(parse({ rdsInstance: arn, databaseName: "Shop-DB" }), {
            kind: "rdsInstance",
            ...nothing,
            databaseName: "Shop-DB",
            identifier: "shop",
            place: { region: "eu-west-1", accountId: "123456789012" },
        });
    });

    it("name a host, with a login whose password is a key of its own or in a secret", () => {
        const least = parse(ADDRESS, PASSWORD);
        assert.ok(least?.kind === "address");
        assert.deepEqual([least.port, least.cidr, least.username], [5432, "10.1.0.0/16", "trail"]);
        // As "pulumi config set --path source.port 6432" writes it.
        const numeric = parse({ ...ADDRESS, port: 6432 }, PASSWORD);
        assert.ok(numeric?.kind === "address" && numeric.port === 6432);
        const address = parse({ host: "10.1.2.3", credentialsSecretArn: SECRET });
        assert.ok(address?.kind === "address" && address.cidr === "10.1.2.3/32");
        const grouped = parse({
            host: "db.internal",
            credentialsSecretArn: SECRET,
            allowedSecurityGroup: GROUP,
            caBundle: "certs/own.pem",
        });
        assert.ok(grouped?.kind === "address" && grouped.cidr === undefined);
        assert.equal(grouped.caBundle, "certs/own.pem");
    });

    const refused: readonly [what: string, source: unknown, others: Keys, reason: RegExp][] = [
        ["two kinds", { auroraCluster: "a", host: "b" }, {}, /names two servers, by auroraCluster/],
        ["a list", ["shop"], {}, /must hold auroraCluster, rdsInstance or host/],
        ["no kind", { databaseName: "a" }, {}, /it names no server/],
        ["what another kind takes", { auroraCluster: "a", port: 1 }, {}, /port does not go with/],
        [
            "settings of the server",
            { rdsInstance: "a", parameterGroup: "x" },
            {},
            /parameterGroup is unknown: an existing server keeps its own settings/,
        ],
        [
            "a password in clear",
            { ...ADDRESS, password: "swordfish" },
            {},
            /password would be readable to everybody/,
        ],
        ["no identifier", { auroraCluster: "a--b" }, {}, /must be an identifier of RDS/],
        ["a number", { auroraCluster: 1 }, {}, /its auroraCluster is 1/],
        [
            "an instance's ARN for a cluster",
            { auroraCluster: "arn:aws:rds:eu-west-1:123456789012:db:a" },
            {},
            /the ARN of a db, which belongs under rdsInstance/,
        ],
        [
            "another region",
            { rdsInstance: "arn:aws:rds:eu-west-2:123456789012:db:a" },
            {},
            /rdsInstance in the region eu-west-2, and aws:region is eu-west-1/,
        ],
        [
            "a secret of another region",
            { auroraCluster: "a", credentialsSecretArn: SECRET.replace("west-1", "west-3") },
            {},
            /credentialsSecretArn in the region eu-west-3/,
        ],
        ["a secret by name", { auroraCluster: "a", credentialsSecretArn: "a" }, {}, /the ARN of/],
        ["no group", { auroraCluster: "a", allowedSecurityGroup: "default" }, {}, /security group/],
        ["template1", { auroraCluster: "a", databaseName: "template1" }, {}, /none of PostgreSQL/],
        ["a database to quote", { auroraCluster: "a", databaseName: "a b" }, {}, /1 to 63/],
        ["a URL", { ...ADDRESS, host: "postgresql://a" }, PASSWORD, /a DNS name or an IPv4/],
        ["a socket", { ...ADDRESS, host: "/tmp" }, PASSWORD, /a DNS name or an IPv4/],
        ["no address", { ...ADDRESS, host: "10.1.2.300", cidr: undefined }, PASSWORD, /IPv4/],
        ["port 0", { ...ADDRESS, port: 0 }, PASSWORD, /from 1 to 65535/],
        ["half a port", { ...ADDRESS, port: 5432.5 }, PASSWORD, /from 1 to 65535/],
        ["a role of the trail", { ...ADDRESS, username: "audit_trail_x" }, PASSWORD, /username/],
        ["no network", { host: "db.internal", username: "a" }, PASSWORD, /in which network/],
        ["a bad network", { ...ADDRESS, cidr: "10.1.0.1/16" }, PASSWORD, /host bits/],
        ["a network and a group", { ...ADDRESS, allowedSecurityGroup: GROUP }, PASSWORD, /enough/],
        ["authorities elsewhere", { ...ADDRESS, caBundle: "/ca.pem" }, PASSWORD, /relative/],
        ["no password", ADDRESS, {}, /audit-trail:sourcePassword is not set; run .*--secret/],
        ["no login", { ...ADDRESS, username: undefined }, PASSWORD, /source.username is not set/],
        [
            "two passwords",
            { host: "10.1.2.3", credentialsSecretArn: SECRET },
            PASSWORD,
            /audit-trail:sourcePassword is set as well; run "pulumi config rm sourcePassword"/,
        ],
        [
            "two logins",
            { host: "10.1.2.3", credentialsSecretArn: SECRET, username: "a" },
            {},
            /source.username is set as well; run "pulumi config rm --path source.username"/,
        ],
        [
            "a database of RDS from a new network",
            { auroraCluster: "a" },
            { "audit-trail:network": "{}" },
            /audit-trail:network is a new one, from which no way leads there; run/,
        ],
        ["a password of RDS", { auroraCluster: "a" }, PASSWORD, /source.credentialsSecretArn\.$/],
        ["a password of nothing", {}, PASSWORD, /pulumi config rm sourcePassword/],
        [
            "the demo table",
            { auroraCluster: "a" },
            { "audit-trail:tables": '["public.items"]', "audit-trail:demoTable": "true" },
            /demoTable would create public\.items in a source that is not the stack's/,
        ],
    ];
    for (const [what, source, others, reason] of refused) {
        it(`refuse ${what} in one sentence without the value`, () => {
            const message = refusal(source, others);
            assert.match(message, reason);
            assert.match(message, /^The config key audit-trail:/);
            assert.match(message, /[;,] .+\.$/);
            assert.doesNotMatch(message, /swordfish|\n/);
        });
    }
});
