import assert from "node:assert/strict";
import { parseConfig } from "../../config/config";
import { HOST_KEY, LEAST, network, parseWith, refusal, USUAL_SERVER } from "./support/parsing";

describe("the values of config keys", () => {
    it("takes table names with everything that DMS's guide forbids in the names of columns only", () => {
        const names = [
            "a b",
            " ",
            " x ",
            "\u3000",
            "Ünï",
            "O'Rian",
            "f(x)",
            "a#b",
            "a\\b",
            "a/b",
            "a-b",
            "שלום",
            "a.b",
            'a"b',
        ];
        const tables = names.map((table) => `"Sa.les"."${table.replaceAll('"', '""')}"`);
        const config = parseConfig({ ...LEAST, "audit-trail:tables": JSON.stringify(tables) });
        assert.deepEqual(
            config.trail.tables,
            names.map((table) => ({ schema: "Sa.les", table })),
        );
    });

    it("reads the choices for columns, whatever their names are", () => {
        const columns = {
            '"public"."items"': {
                fulltext: "exclude",
                "a.b": { exclude: "secret" },
                constructor: "asText",
                amount: { numeric: [28, 6] },
                note: { varchar: 2000 },
            },
        };
        const limit = { type: "numeric", precision: 28, scale: 6 };
        assert.deepEqual(parseWith("columns", JSON.stringify(columns)).trail.columns, [
            {
                schema: "public",
                table: "items",
                columns: [
                    {
                        name: "fulltext",
                        choice: { kind: "exclude", reason: "no reason given" },
                    },
                    { name: "a.b", choice: { kind: "exclude", reason: "secret" } },
                    { name: "constructor", choice: { kind: "asText" } },
                    { name: "amount", choice: { kind: "limit", limit } },
                    {
                        name: "note",
                        choice: { kind: "limit", limit: { type: "varchar", length: 2000 } },
                    },
                ],
            },
        ]);
        assert.match(
            refusal({
                ...LEAST,
                "audit-trail:columns": '{"public.items":{"a":{"varchar":9}}}',
                "audit-trail:sourceGuards": "false",
            }),
            /declares a limit for a column of public\.items, which only a guard/,
        );
    });

    it("refuses keys that are about another way to the databases, or that lack a part of it", () => {
        const access = (databaseAccess: string, more: Record<string, string> = {}): string =>
            refusal({
                ...LEAST,
                "audit-trail:databaseAccess": databaseAccess,
                ...Object.fromEntries(
                    Object.entries(more).map(([key, value]) => [`audit-trail:${key}`, value]),
                ),
            });
        const sshCidr = "203.0.113.0/24";
        const cases: [string, RegExp][] = [
            [access("auto", { sshCidr }), /:sshCidr is about SSH .* is ssm, .*config rm sshCidr/],
            [access("ssm", { keyName: "k" }), /:keyName is about SSH .*config rm keyName/],
            [access("ssm", { network: network({}) }), /is ssm, .* no subnet .*hostSubnetId/],
            [
                access("ssm", { sshHostKey: HOST_KEY }),
                /:sshHostKey is about .* is ssm; .*rm sshHostKey/,
            ],
            [access("direct", { sshHost: "me@b" }), /:sshHost is about .* is direct; /],
            [access("ssh"), /is ssh, but nobody .* set sshCidr/],
            [access("ssh", { sshCidr }), /no key pair .* set keyName/],
            [access("ssh", { network: network({}) }), /is ssh, .* no subnet .* set sshHost/],
            [access("ssh", { sshHost: "me@b" }), /whose key is not known; .* set sshHostKey/],
            [access("tunnel"), /it must be auto, direct, ssh or ssm; set it with/],
        ];
        for (const [message, expected] of cases) {
            assert.match(message, expected);
            assert.match(message, /^The config key audit-trail:\w+ .*\.$/);
        }
    });

    it("refuses keys that are about a psql host that is not made", () => {
        const off = (more: Record<string, string>): string =>
            refusal({
                ...LEAST,
                "audit-trail:psqlHost": "false",
                "audit-trail:databaseAccess": "direct",
                ...Object.fromEntries(
                    Object.entries(more).map(([key, value]) => [`audit-trail:${key}`, value]),
                ),
            });
        const existing = { psqlHost: "true", network: network({}) };
        const cases: [string, RegExp][] = [
            [off({ databaseAccess: "auto" }), /is ssm, .*psqlHost is false; .*to direct\.$/],
            [off({ databaseAccess: "ssh" }), /is ssh, .*psqlHost is false; .* set sshHost/],
            [off({ sshCidr: "203.0.113.0/24" }), /:sshCidr is about .*psqlHost is false; .*rm ssh/],
            [off({ keyName: "k" }), /:keyName is about the psql host, .*config rm keyName/],
            [off({ hostImage: "latest" }), /:hostImage is about .*config rm hostImage/],
            [off({ hostSecrets: "master" }), /config rm hostSecrets/],
            [off({ hostSessionLog: "true" }), /config rm hostSessionLog/],
            [off({ hostInstanceType: "t3.large" }), /config rm hostInstanceType/],
            [
                off({ network: network({ hostSubnetId: "subnet-01234567" }) }),
                /:psqlHost is false, .* subnet-01234567 .*rm --path network\.hostSubnetId/,
            ],
            [off({ ...existing, hostImage: "latest" }), /no subnet .*hostSubnetId .*rm hostImage/],
        ];
        for (const [message, expected] of cases) {
            assert.match(message, expected);
            assert.match(message, /^The config key audit-trail:\w+ .*\.$/);
        }
        const off2 = { "audit-trail:psqlHost": "false", "audit-trail:databaseAccess": "direct" };
        assert.equal(parseConfig({ ...LEAST, ...off2 }).host.wanted, false);
    });

    it("reads where SSH goes through, and by which key the machine is known", () => {
        const line = `ssh-ed25519 AAAA${"C".repeat(64)}`;
        const config = parseConfig({
            ...LEAST,
            "audit-trail:databaseAccess": "ssh",
            "audit-trail:sshHost": "ec2-user@bastion.example.com",
            "audit-trail:sshHostKey": `${line} root@bastion`,
        });
        assert.deepEqual(config.access, {
            databaseAccess: "ssh",
            sshHost: { user: "ec2-user", host: "bastion.example.com", port: 22 },
            sshHostKey: line,
        });
    });

    it("takes an existing network", () => {
        assert.deepEqual(parseWith("network", network({})).network.existing, {
            vpcId: "vpc-0123456789abcdef0",
            privateSubnetIds: ["subnet-01234567", "subnet-0123456789abcdefb"],
            hostSubnetId: undefined,
            allowedSecurityGroupIds: [],
        });
        const both = { "audit-trail:network": network({}), "audit-trail:vpcCidr": "10.9.0.0/16" };
        assert.equal(
            refusal({ ...LEAST, ...both }),
            'The config key audit-trail:vpcCidr is 10.9.0.0/16, but audit-trail:network names a VPC that exists and has its own; remove it with "pulumi config rm vpcCidr".',
        );
    });

    it("takes servers of both kinds", () => {
        const audit = (fields: Readonly<Record<string, unknown>>): unknown =>
            parseWith("audit", JSON.stringify(fields)).audit.server;
        const rds = { kind: "rds", instanceClass: "db.m8g.xlarge", engineVersion: 16.8 };
        assert.deepEqual(audit({ ...rds, multiAz: true, allocatedStorage: 50_000 }), {
            ...USUAL_SERVER,
            ...rds,
            engineVersion: "16.8",
            multiAz: true,
            allocatedStorage: 50_000,
            maxAllocatedStorage: 65_536,
        });
        // `pulumi config set --path audit.serverless.minCapacity 0.5` writes a text.
        assert.deepEqual(audit({ serverless: { minCapacity: "0.5", maxCapacity: 16 } }), {
            ...USUAL_SERVER,
            instanceClass: "db.serverless",
            serverless: { minCapacity: 0.5, maxCapacity: 16 },
        });
        for (const instanceClass of [
            "db.t4g.medium",
            "db.r8g.large",
            "db.x2g.2xlarge",
            "db.r6id.large",
        ]) {
            assert.deepEqual(audit({ instanceClass }), { ...USUAL_SERVER, instanceClass });
        }
    });

    it("refuses a class of all servers that one of them cannot have, and has no own instead of", () => {
        const message = refusal({ ...LEAST, "audit-trail:instanceClass": "db.m6g.large" });
        assert.match(
            message,
            /^The config key audit-trail:instanceClass is "db\.m6g\.large", which Aurora PostgreSQL does not have: .*; set it with "pulumi config set instanceClass db\.r6g\.large"\.$/,
        );
        const own = '{"instanceClass":"db.r6g.large"}';
        parseConfig({
            ...LEAST,
            "audit-trail:instanceClass": "db.m6g.large",
            "audit-trail:sourceServer": '{"kind":"rds"}',
            "audit-trail:audit": own,
        });
    });
});
