import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import fc from "fast-check";
import {
    atLeastVersion,
    auroraFamily,
    majorVersion,
    rdsFamily,
} from "../../components/cluster/engineVersion";
import { finalSnapshotName } from "../../components/cluster/newServer";
import { psqlCommand } from "../../components/cluster/psqlCommand";
import { auditParameters, sourceParameters } from "../../components/cluster/serverParameters";
import { regionBundle } from "../../components/dms/caBundle";
import { readSecrets, trustService } from "../../components/iamPolicies";
import { architecture, hostUserData, imageParameter } from "../../components/network/hostSetup";
import { resourcePrefix } from "../../components/resourcePrefix";
import { editDistance, nearest } from "../../text/nearest";

describe("names of AWS resources", () => {
    it("are what RDS, DMS and IAM accept, for any stack", () => {
        fc.assert(
            fc.property(fc.string({ maxLength: 100 }), (stack) => {
                const prefix = resourcePrefix("audit-trail", stack);
                assert.match(prefix, /^[a-z](-?[a-z0-9])*$/);
                assert.ok(prefix.length <= 24, prefix);
                // IAM allows 38 characters for a name that it ends itself.
                assert.ok(`${prefix}-dms-access-`.length <= 38);
            }),
        );
    });

    it("are readable where they fit and differ where they are cut", () => {
        assert.equal(resourcePrefix("audit-trail", "dev"), "audit-trail-dev");
        assert.equal(resourcePrefix("audit-trail", "Prod_EU"), "audit-trail-prod-eu");
        const long = "a-stack-with-a-very-long-name";
        assert.notEqual(
            resourcePrefix("audit-trail", `${long}-1`),
            resourcePrefix("audit-trail", `${long}-2`),
        );
    });

    it("make final snapshots that a second life of the stack does not repeat", () => {
        const name = finalSnapshotName("audit-trail-dev-audit", "sg-0a1b2c3d4e5f60718");
        assert.equal(name, "audit-trail-dev-audit-final-e5f60718");
        assert.match(name, /^[a-z](-?[a-z0-9])*$/);
    });
});

describe("nearest key", () => {
    it("is a metric", () => {
        const word = fc.string({ maxLength: 8 });
        fc.assert(
            fc.property(word, word, word, (a, b, c) => {
                assert.equal(editDistance(a, b) === 0, a === b);
                assert.equal(editDistance(a, b), editDistance(b, a));
                assert.ok(editDistance(a, c) <= editDistance(a, b) + editDistance(b, c));
            }),
        );
    });

    it("finds the key that was meant", () => {
        assert.equal(editDistance("kitten", "sitting"), 3);
        const keys = ["tables", "sshCidr", "vpcCidr", "databaseName"];
        assert.equal(nearest("sshcidr", keys), "sshCidr");
        assert.equal(nearest("database_name", keys), "databaseName");
    });
});

describe("engine versions", () => {
    it("decide the parameter group family", () => {
        assert.equal(auroraFamily("17.7"), "aurora-postgresql17");
        assert.equal(rdsFamily("16.8"), "postgres16");
        assert.equal(majorVersion("15.10"), 15);
    });

    it("are ordered as numbers", () => {
        const part = fc.integer({ min: 0, max: 30 });
        const version = fc.tuple(part, part, part);
        fc.assert(
            fc.property(version, version, (a, b) => {
                const difference = a.map((one, index) => one - (b[index] ?? 0)).find(Boolean) ?? 0;
                assert.equal(atLeastVersion(a.join("."), b.join(".")), difference >= 0);
            }),
        );
    });
});

describe("cluster parameters", () => {
    it("make the source's WAL readable for DMS and refuse plain connections on both", () => {
        const values = (parameters: ReturnType<typeof sourceParameters>): object =>
            Object.fromEntries(parameters.map(({ name, value }) => [name, value]));
        assert.deepEqual(values(sourceParameters()), {
            "rds.logical_replication": "1",
            wal_sender_timeout: "0",
            track_commit_timestamp: "1",
            "rds.force_ssl": "1",
        });
        assert.deepEqual(values(auditParameters()), { "rds.force_ssl": "1" });
        for (const { applyMethod } of [...sourceParameters(), ...auditParameters()]) {
            assert.equal(applyMethod, "pending-reboot");
        }
    });
});

describe("the psql host's setup", () => {
    it("takes the image of the instance type's architecture", () => {
        const types: [type: string, expected: string][] = [
            ["t2.medium", "x86_64"],
            ["t3.medium", "x86_64"],
            ["g4dn.xlarge", "x86_64"],
            ["m7i-flex.large", "x86_64"],
            ["t4g.small", "arm64"],
            ["m7gd.large", "arm64"],
            ["c6gn.medium", "arm64"],
            ["a1.medium", "arm64"],
        ];
        for (const [type, expected] of types) {
            assert.equal(architecture(type), expected, type);
        }
        assert.match(imageParameter("t2.medium"), /al2023-ami-kernel-default-x86_64$/);
    });

    const setup = { region: "eu-west-1", parameterName: "/audit-trail-dev-host/databases" };

    it("installs the newest psql, the certificate authorities and the commands", () => {
        const file = path.join(__dirname, "..", "..", "certs", "rds-ca-bundle.pem");
        const pem = regionBundle(readFileSync(file, "utf8"), "eu-west-1");
        const bundles = [
            { file: "certs/rds-ca-bundle.pem", pem },
            { file: "own.pem", pem: "PEM OF A SOURCE" },
        ];
        const script = hostUserData({ ...setup, engineVersions: ["16.9", "15.4"], bundles });
        assert.match(script, /^#!\/bin\/bash\nset -euo pipefail\n/);
        assert.match(script, /\ndnf install -y postgresql16\ndnf install -y nodejs24\n$/);
        assert.match(script, /mkdir -p \/home\/ec2-user\/certs\n/);
        const said = (name: string): string | undefined =>
            new RegExp(`cat >/usr/local/${name} <<'END OF FILE'\n([^]*?)\nEND OF FILE\n`).exec(
                script,
            )?.[1];
        assert.equal(said("share/audit-trail/certs/rds-ca-bundle\\.pem"), pem.trimEnd());
        assert.equal(said("share/audit-trail/own\\.pem"), "PEM OF A SOURCE");
        assert.equal(
            said("share/audit-trail/settings"),
            "AUDIT_TRAIL_REGION=eu-west-1\nAUDIT_TRAIL_PARAMETER=/audit-trail-dev-host/databases",
        );
        assert.match(said("bin/psql-source") ?? "", /^#!\/bin\/bash\n[^]*\nexec psql "\$@"$/);
        assert.match(
            said("bin/audit-verify") ?? "",
            /^#!\/bin\/bash\n[^]*\nexec node-24 --input-type=commonjs - "\$@"$/,
        );
        // Comments would take the certificates' room.
        assert.ok(!/^ *#(?!!)/m.test(script));
        assert.ok(Buffer.byteLength(script) < 16 * 1024, String(Buffer.byteLength(script)));
    });

    it("leaves out what EC2 does not take, a source's own authorities first", () => {
        const large = "x".repeat(20_000);
        const script = (usual: string, own: string): string =>
            hostUserData({
                ...setup,
                engineVersions: ["17.7"],
                bundles: [
                    { file: "certs/ca.pem", pem: usual },
                    { file: "own.pem", pem: own },
                ],
            });
        const fetched =
            /\ncurl .* -o \/usr\/local\/share\/audit-trail\/certs\/ca\.pem https:.*\n.*\n.* cp /;
        for (const [usual, own] of [
            ["PEM", "OWN"],
            ["PEM", large],
            [large, "OWN"],
            [large, large],
        ] as const) {
            const text = script(usual, own);
            assert.ok(Buffer.byteLength(text) <= 16 * 1024);
            assert.equal(text.includes("\nPEM\n"), usual === "PEM");
            assert.equal(text.includes("\nOWN\n"), own === "OWN");
            assert.equal(fetched.test(text), usual === large);
        }
    });
});

describe("psql command", () => {
    it("verifies the server and asks for the password", () => {
        const command = psqlCommand({
            host: "db.example.com",
            port: 5432,
            databaseName: "appdb",
            masterUsername: "postgres",
            caBundle: "certs/rds-ca-bundle.pem",
        });
        assert.equal(
            command,
            'psql "host=db.example.com port=5432 dbname=appdb user=postgres sslmode=verify-full sslrootcert=certs/rds-ca-bundle.pem"',
        );
    });
});

describe("IAM policies", () => {
    it("trust one service, for one account where it is named", () => {
        assert.deepEqual(trustService("ec2.amazonaws.com").Statement, [
            {
                Effect: "Allow",
                Principal: { Service: "ec2.amazonaws.com" },
                Action: "sts:AssumeRole",
            },
        ]);
        assert.deepEqual(
            trustService("dms.amazonaws.com", "123456789012").Statement[0]?.["Condition"],
            {
                StringEquals: { "aws:SourceAccount": "123456789012" },
            },
        );
    });

    it("let secrets be read, the named ones only", () => {
        const [statement] = readSecrets(["arn:one", "arn:two"]).Statement;
        assert.deepEqual(statement?.["Resource"], ["arn:one", "arn:two"]);
        assert.ok(!JSON.stringify(statement).includes("*"));
    });
});
