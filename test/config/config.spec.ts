import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import fc from "fast-check";
import { formatCidr, networkSize } from "../../components/network/cidr";
import { parseConfig } from "../../config/config";
import { type Config, configGroups, configKeys } from "../../config/keys";
import { LEAST, network, parseWith, refusal, USUAL_SERVER } from "./support/parsing";

const ROOT = path.join(__dirname, "..", "..");

/** The keys whose values no message shows. */
const HIDDEN = ["source", "sourcePassword"];

/** The settings under the names of their keys. */
function byKey(config: Config): Readonly<Record<string, unknown>> {
    const groups: Readonly<Record<string, Readonly<Record<string, unknown>>>> = config;
    return Object.fromEntries(
        configGroups.flatMap(([group, { keys }]) =>
            Object.entries(keys).map(([name, { key }]) => [key, groups[group]?.[name]]),
        ),
    );
}

/** The lines below a top-level key of a YAML file, up to the next one. */
function section(file: string, key: string): string[] {
    const lines = readFileSync(path.join(ROOT, file), "utf8").split("\n");
    const start = lines.indexOf(`${key}:`);
    assert.ok(start >= 0, `${file} has no ${key}`);
    const rest = lines.slice(start + 1);
    const end = rest.findIndex((line) => /^\S/.test(line));
    return rest.slice(0, end < 0 ? rest.length : end);
}

/** The declarations in Pulumi.yaml's config schema: key to its fields. */
function schema(): Map<string, Map<string, string>> {
    const keys = new Map<string, Map<string, string>>();
    let fields = new Map<string, string>();
    for (const line of section("Pulumi.yaml", "config")) {
        const key = /^ {2}(\w+):$/.exec(line)?.[1];
        const [, field, value] = /^ {4}(\w+): (.*)$/.exec(line) ?? [];
        if (key !== undefined) {
            fields = new Map();
            keys.set(key, fields);
        }
        if (field !== undefined) {
            fields.set(field, (value ?? "").replace(/^"(.*)"$/, "$1"));
        }
    }
    return keys;
}

describe("config", () => {
    it("fills in defaults for everything but the tables and the SSH network", () => {
        assert.deepEqual(parseConfig(LEAST), {
            trail: { tables: [{ schema: "public", table: "items" }], columns: [], groups: [] },
            source: {
                existing: undefined,
                password: undefined,
                server: USUAL_SERVER,
                demoTable: false,
                guards: true,
                allowTruncate: [],
                allowKeyUpdates: [],
                fullReplicaIdentity: [],
            },
            cluster: {
                engineVersion: "17.7",
                instanceClass: "db.r6g.large",
                databaseName: "appdb",
                masterUsername: "postgres",
                backupRetentionDays: 7,
                caBundle: "certs/rds-ca-bundle.pem",
            },
            audit: { server: USUAL_SERVER, users: [] },
            dms: {
                instanceClass: "dms.t3.medium",
                engineVersion: "3.6.1",
                allocatedStorage: 50,
                maxLobSizeKb: 64,
                createRoles: true,
            },
            network: { existing: undefined, vpcCidr: "10.20.0.0/16", privateEndpoints: true },
            access: { databaseAccess: "auto", sshHost: undefined, sshHostKey: undefined },
            host: {
                wanted: true,
                image: "pinned",
                secrets: "none",
                sessionLog: false,
                sshCidr: undefined,
                instanceType: "t3.medium",
                keyName: undefined,
            },
            stack: {
                highAvailability: false,
                accountId: undefined,
                kmsKeyArn: undefined,
                passwordVersion: 1,
                deletionProtection: true,
                acknowledgeReplacement: [],
            },
        });
    });

    it("has no key twice", () => {
        const keys = configKeys.map(({ key }) => key);
        assert.deepEqual([...new Set(keys)], keys);
    });

    it("has the same keys and defaults as the schema in Pulumi.yaml", () => {
        const declared = schema();
        assert.deepEqual(
            [...declared.keys()],
            configKeys.map(({ key }) => key),
        );
        for (const { key, default: value } of configKeys) {
            const fields = declared.get(key) ?? new Map<string, string>();
            assert.equal(fields.get("default"), value, key);
            assert.match(fields.get("type") ?? "", /^(string|boolean|integer|array|object)$/, key);
            assert.ok((fields.get("description") ?? "").length > 20, key);
        }
    });

    it("declares each key with the type that its values have", () => {
        const config = byKey(parseConfig(LEAST));
        const types: Record<string, string> = { boolean: "boolean", number: "integer" };
        for (const [key, fields] of schema()) {
            // What is written as an object is read as the list of its entries.
            const list = ["columns", "databaseUsers", "groups"].includes(key) ? "object" : "array";
            if (key === "source") {
                assert.equal(fields.get("type"), "object");
                continue;
            }
            const expected = Array.isArray(config[key]) ? list : types[typeof config[key]];
            assert.equal(
                fields.get("type"),
                (typeof config[key] === "object" && !Array.isArray(config[key])) ||
                    key === "network"
                    ? "object"
                    : (expected ?? "string"),
                key,
            );
        }
    });

    it("reads the development stack", () => {
        const lines = section("Pulumi.dev.yaml", "config");
        const raw = Object.fromEntries(
            lines.flatMap((line) => {
                const [, key, value] = /^ {2}(audit-trail:\w+): (.+)$/.exec(line) ?? [];
                return key === undefined || value === undefined ? [] : [[key, value]];
            }),
        );
        const tables = lines.flatMap((line) => /^ {4}- (.+)$/.exec(line)?.[1] ?? []);
        const config = parseConfig({ ...raw, "audit-trail:tables": JSON.stringify(tables) });
        assert.equal(config.cluster.instanceClass, "db.t3.medium");
        assert.equal(config.dms.instanceClass, "dms.t3.medium");
        assert.equal(config.host.instanceType, "t2.medium");
        assert.equal(config.stack.deletionProtection, false);
        assert.equal(config.source.demoTable, true);
        assert.deepEqual(config.trail.tables, [{ schema: "public", table: "items" }]);
    });

    it("does not look at the keys of providers and other projects", () => {
        parseConfig({ ...LEAST, "aws:region": "us-east-1", "other:sshCidr": "0.0.0.0/0" });
    });

    it("names the nearest key for an unknown one, and keeps its value to itself", () => {
        const message = refusal({ ...LEAST, "audit-trail:sshcider": "hunter2" });
        assert.equal(
            message,
            'The config key audit-trail:sshcider is unknown, the nearest known one is audit-trail:sshCidr; remove it with "pulumi config rm sshcider".',
        );
        assert.match(refusal({ ...LEAST, "audit-trail:table": "x" }), /is audit-trail:tables;/);
    });

    it("asks for what has no default", () => {
        assert.equal(
            refusal({ "audit-trail:vpcCidr": "10.20.0.0/16" }),
            "The config key audit-trail:tables is required but not set; set it with \"pulumi config set --path 'tables[0]' public.items\".",
        );
    });

    const wrong: readonly [key: string, value: string, reason: RegExp][] = [
        ["engineVersion", "13.9", /PostgreSQL 13 is at or near the end of Aurora's standard/],
        ["engineVersion", "14.12", /PostgreSQL 14 is at or near the end of Aurora's standard/],
        ["engineVersion", "18.1", /DMS does not document PostgreSQL 18/],
        ["engineVersion", "17", /must be a major and a minor version/],
        ["engineVersion", "", /must be a major and a minor version/],
        ["databaseName", "App-DB", /lower-case letters/],
        ["databaseName", "a".repeat(64), /1 to 63/],
        ["databaseName", "rdsadmin", /none of PostgreSQL's or RDS's own/],
        ["databaseName", 'x"; drop', /lower-case letters/],
        ["masterUsername", "rdsadmin", /no role of RDS or of the trail/],
        ["masterUsername", "audit_trail_dms_target", /no role of RDS or of the trail/],
        ["masterUsername", "audit_trail_owner", /no role of RDS or of the trail/],
        ["masterUsername", "pg_monitor", /no role of RDS or of the trail/],
        ["masterUsername", "1st", /begin with a letter/],
        ["tables", "public.items", /must be a list of one or more tables/],
        ["tables", "[]", /must be a list of one or more tables/],
        ["tables", '{"a":"public.items"}', /must be a list of one or more tables/],
        ["tables", "[1]", /its entry 1 is not a text/],
        ["tables", '["items"]', /is not a table name/],
        ["tables", '["a.b.c"]', /is not a table name/],
        ["tables", '["public.items","public.items"]', /it lists public\.items twice/],
        ["tables", '["public.items","\\"public\\".\\"items\\""]', /it lists public\.items twice/],
        ["tables", '["pg_catalog.pg_class"]', /schema of pg_catalog\.pg_class cannot be audited/],
        ["tables", '["audit_trail.gap"]', /schema of audit_trail\.gap cannot be audited/],
        ["tables", '["awsdms_control.x"]', /schema of awsdms_control\.x cannot be audited/],
        [
            "tables",
            '["public.items_x","public.itemsAx"]',
            /wildcard that also matches public.itemsAx/,
        ],
        [
            "tables",
            '["public.a%"]',
            /takes no % in a name that is selected explicitly, as public\.a%/,
        ],
        ["tables", '["a%.b"]', /takes no % in a name/],
        ["tables", '["public.a\\nb"]', /"public\.a\\nb" has a control character/],
        ["tables", '["public.t[1]"]', /reads the brackets in public\.t\[1\]/],
        [
            "tables",
            '["sales.Order","Sales.order"]',
            /not support sales\.Order and Sales\.order together, whose names differ in case only/,
        ],
        ["groups", "public.items", /must hold groups, each with a list of tables/],
        ["groups", '["public.items"]', /must hold groups, each with a list of tables/],
        ["groups", '{"billing":"public.items"}', /the group billing is not a list of tables/],
        ["groups", '{"billing":[]}', /the group billing is empty, and a task needs a table/],
        [
            "groups",
            '{"billing":["sales.orders"]}',
            /has "sales\.orders", which is not one of the tables of audit-trail:tables/,
        ],
        ["groups", '{"billing":[7]}', /the group billing has 7, which is not one of the tables/],
        [
            "groups",
            '{"billing":["public.items"],"more":["public.items"]}',
            /public\.items in the group billing and in the group more, and a table has one task/,
        ],
        [
            "groups",
            '{"billing":["public.items","\\"public\\".items"]}',
            /has public\.items twice in the group billing/,
        ],
        [
            "groups",
            '{"default":["public.items"]}',
            /default is that of the tables which no group names/,
        ],
        ["groups", '{"Billing":["public.items"]}', /"Billing" has no name of 1 to 30 lower-case/],
        ["groups", '{"a--b":["public.items"]}', /"a--b" has no name of 1 to 30/],
        ["groups", '{"a_b":["public.items"]}', /"a_b" has no name of 1 to 30/],
        ["groups", '{"a-":["public.items"]}', /"a-" has no name of 1 to 30/],
        ["groups", '{"1a":["public.items"]}', /"1a" has no name of 1 to 30/],
        [
            "groups",
            JSON.stringify({ ["a".repeat(31)]: ["public.items"] }),
            /has no name of 1 to 30 lower-case letters/,
        ],
        ["groups", '{"":["public.items"]}', /"" has no name of 1 to 30 lower-case letters/],
        ["columns", "public.items", /must hold tables, each with its columns/],
        ["columns", "[]", /must hold tables, each with its columns/],
        ["columns", '{"items":{}}', /is not a table name/],
        [
            "columns",
            '{"public.item":{}}',
            /not one of the tables .* nearest of them is public\.items/,
        ],
        ["columns", '{"public.items":"exclude"}', /must be columns with a choice each/],
        ["columns", '{"public.items":{},"\\"public\\".items":{}}', /names public\.items twice/],
        [
            "columns",
            '{"public.items":{"a":"drop"}}',
            /column "a" of public\.items has the choice "drop"/,
        ],
        [
            "columns",
            '{"public.items":{"a":{"exclude":"x","numeric":[1,1]}}}',
            /and it must be "exclude"/,
        ],
        [
            "columns",
            '{"public.items":{"a":{"exclude":" "}}}',
            /text of 1 to 500 characters; set it with "pulumi config set --path 'columns\["public\.items"\]\["a"\]' exclude"\.$/,
        ],
        [
            "columns",
            '{"public.items":{"it\'s":{"varchar":0}}}',
            /; set it with "pulumi config set --path 'columns\["public\.items"\]\["it'\\''s"\]' exclude"\.$/,
        ],
        [
            "columns",
            '{"public.nothing":{"a":"exclude"}}',
            /; remove it with "pulumi config rm --path 'columns\["public\.nothing"\]'"\.$/,
        ],
        [
            "columns",
            '{"public.items":{"a":{"numeric":[38,10]}}}',
            /at most 6 decimals and at most 22/,
        ],
        ["columns", '{"public.items":{"a":{"numeric":[28,5]}}}', /at most 22 digits before them/],
        ["columns", '{"public.items":{"a":{"numeric":[2,3]}}}', /must be \[precision, scale\]/],
        ["columns", '{"public.items":{"a":{"numeric":28}}}', /must be \[precision, scale\]/],
        ["columns", '{"public.items":{"a":{"varchar":2001}}}', /characters from 1 to 2000/],
        ["columns", '{"public.items":{"a":{"varchar":"9"}}}', /characters from 1 to 2000/],
        ["source", "my-cluster", /must hold auroraCluster, rdsInstance or host/],
        ["source", '{"port":5432}', /it names no server/],
        ["sourcePassword", "a\nb", /control character/],
        ["demoTable", "yes", /must be true or false/],
        ["maxLobSizeKb", "0", /whole number from 1 to 102400/],
        ["maxLobSizeKb", "102401", /whole number from 1 to 102400/],
        ["instanceClass", "t3.medium", /such as db\.t3\.medium/],
        ["instanceClass", "dms.t3.medium", /such as db\.t3\.medium/],
        ["network", "vpc-0123456789abcdef0", /an object with vpcId, privateSubnetIds/],
        ["network", "[]", /an object with vpcId, privateSubnetIds/],
        ["network", '{"vpcID":"vpc-01234567"}', /"vpcID" is unknown, the nearest .* is vpcId;/],
        ["network", network({ vpcId: undefined }), /it has no vpcId/],
        ["network", network({ vpcId: "vpc-0123" }), /its vpcId is "vpc-0123", which is not an id/],
        ["network", network({ privateSubnetIds: undefined }), /are 0, and .* need 2 in different/],
        ["network", network({ privateSubnetIds: ["subnet-01234567"] }), /privateSubnetIds\[1\]'/],
        ["network", network({ privateSubnetIds: "subnet-01234567" }), /must be a list of ids/],
        [
            "network",
            network({ privateSubnetIds: ["subnet-01234567", "subnet-01234567"] }),
            /has subnet-01234567 twice; remove it with .*'network.privateSubnetIds\[1\]'/,
        ],
        ["network", network({ hostSubnetId: 7 }), /its hostSubnetId is 7, which is not an id/],
        [
            "network",
            network({ allowedSecurityGroupIds: ["0.0.0.0/0"] }),
            /allowedSecurityGroupIds\[0\] is "0\.0\.0\.0\/0", which is not an id such as sg-/,
        ],
        ["audit", "rds", /an object with kind, engineVersion/],
        ["audit", '{"kinds":"rds"}', /"kinds" is unknown, the nearest known one is kind;/],
        ["audit", '{"kind":"oracle"}', /its kind is "oracle", and it must be aurora or rds/],
        ["audit", '{"kind":["rds"]}', /its kind is \["rds"\], and it must be/],
        ["audit", '{"engineVersion":"18.1"}', /"18\.1", and DMS does not document PostgreSQL 18/],
        ["audit", '{"kind":"rds","engineVersion":"14.9"}', /PostgreSQL 14 is at or near the end/],
        ["audit", '{"engineVersion":"17"}', /must be a major and a minor version/],
        ["audit", '{"engineVersion":null}', /must be a major and a minor version/],
        ["audit", '{"instanceClass":"db.m6g.large"}', /which Aurora PostgreSQL does not have/],
        ["audit", '{"instanceClass":"db.t3.micro"}', /which Aurora PostgreSQL does not have/],
        ["audit", '{"kind":"rds","instanceClass":"m6g.large"}', /RDS for PostgreSQL does not have/],
        ["audit", '{"kind":"rds","instanceClass":"db.serverless"}', /PostgreSQL does not have/],
        ["audit", '{"instanceClass":"db.serverless"}', /nothing says how far it may grow/],
        ["audit", '{"instanceClass":7}', /which is not a text/],
        ["audit", '{"kind":"rds","serverless":{}}', /only Aurora is serverless/],
        ["audit", '{"serverless":true}', /it must have minCapacity and maxCapacity/],
        ["audit", '{"serverless":{"min":1}}', /it must have minCapacity and maxCapacity/],
        ["audit", '{"serverless":{"maxCapacity":8}}', /minCapacity is not there, and it must be/],
        ["audit", '{"serverless":{"minCapacity":0,"maxCapacity":8}}', /minCapacity is 0, and/],
        [
            "audit",
            '{"serverless":{"minCapacity":9,"maxCapacity":8}}',
            /maxCapacity is 8, .* from 9/,
        ],
        ["audit", '{"serverless":{"minCapacity":0.7,"maxCapacity":8}}', /in steps of 0\.5/],
        [
            "audit",
            '{"serverless":{"minCapacity":1,"maxCapacity":8},"instanceClass":"db.r6g.large"}',
            /a serverless cluster has the class db\.serverless alone/,
        ],
        ["audit", '{"multiAz":"yes"}', /its multiAz is "yes", and it must be true or false/],
        ["audit", '{"allocatedStorage":100}', /the kind aurora, whose storage has no size/],
        ["audit", '{"kind":"rds","allocatedStorage":19}', /GB from 20 to 65536/],
        ["audit", '{"kind":"rds","allocatedStorage":100,"maxAllocatedStorage":105}', /from 110 to/],
        ["audit", '{"whenDestroyed":"keep"}', /it must be delete, snapshot or retain/],
        ["sourceServer", '{"kind":"mysql"}', /must be aurora or rds/],
        ["highAvailability", "yes", /must be true or false/],
        ["accountId", "12345678901", /the 12 digits of an AWS account/],
        ...[
            ["[]", /an object with a login's name for each field/],
            ['{"jane":"auditor"}', /"jane" must be an object with role and authentication/],
            [
                '{"jane":{"authentication":"iam"}}',
                /the role of its login "jane" must be auditor or operator/,
            ],
            ['{"jane":{"role":"owner","authentication":"iam"}}', /must be auditor or operator/],
            [
                '{"jane":{"role":"auditor"}}',
                /the authentication of its login "jane" must be iam or existing/,
            ],
            ['{"jane":{"role":"auditor","authentication":"iam","x":1}}', /the unknown field "x"/],
            ...[
                "rdsadmin",
                "RDS_iam",
                "pg_monitor",
                "audit_trail_owner",
                "audit_trail_x",
                "public",
                "none",
            ].map((login) => [
                JSON.stringify({ [login]: { role: "auditor", authentication: "existing" } }),
                /keeps for its own roles/,
            ]),
            ['{"":{"role":"auditor","authentication":"existing"}}', /1 to 63 bytes/],
            [
                `{"${"é".repeat(32)}":{"role":"auditor","authentication":"existing"}}`,
                /1 to 63 bytes/,
            ],
            ['{"a$x$b":{"role":"auditor","authentication":"existing"}}', /a dollar quote/],
            ['{"a\\nb":{"role":"auditor","authentication":"existing"}}', /a control character/],
            ['{"jane*":{"role":"auditor","authentication":"iam"}}', /policies name only letters/],
        ].map(([value, reason]) => ["databaseUsers", value, reason] as [string, string, RegExp]),
        ["passwordVersion", "0", /whole number from 1 to 1000000/],
        ["passwordVersion", "two", /whole number/],
        ["kmsKeyArn", "alias/mine", /the ARN of a KMS key/],
        ["kmsKeyArn", "arn:aws:kms:eu-west-1:123456789012:alias/mine", /not that of an alias/],
        ["vpcCidr", "10.20.0.0/15", /from \/16 to \/26/],
        ["vpcCidr", "10.20.0.0/27", /from \/16 to \/26/],
        ["vpcCidr", "10.20.0.1/16", /host bits set, the network is 10\.20\.0\.0\/16/],
        ["vpcCidr", "10.20.0.0", /CIDR notation/],
        ["vpcCidr", "10.20.0.256/24", /CIDR notation/],
        ["vpcCidr", "010.20.0.0/16", /CIDR notation/],
        ["sshCidr", "0.0.0.0/0", /whole internet/],
        ["sshCidr", "::/0", /whole internet/],
        ["sshCidr", "0.0.0.0/1", /wider than a \/8/],
        ["sshCidr", "128.0.0.0/7", /wider than a \/8/],
        ["sshCidr", "2001:db8::/32", /IPv6/],
        ["sshCidr", "203.0.113.7/24", /network is 203\.0\.113\.0\/24/],
        ["sshCidr", "203.0.113.7", /CIDR notation/],
        ["sshCidr", "me", /CIDR notation/],
        ["psqlHost", "no", /must be true or false/],
        ["hostSecrets", "dms", /must be none or master/],
        ["hostSessionLog", "all", /must be true or false/],
        ["hostImage", "newest", /must be pinned or latest/],
        ["hostImage", "ami-0123456789abcdef0", /must be pinned or latest/],
        ["hostInstanceType", "medium", /such as t3\.medium/],
        ["databaseAccess", "vpn", /auto, direct, ssh or ssm/],
        ["sshHost", "bastion.example.com", /user@host/],
        ["sshHost", "me@host:99999", /user@host/],
        ["sshHost", "-oProxyCommand=x@host", /user@host/],
        ["sshHostKey", "AAAA", /public key/],
        ["sshHostKey", "SHA256:short", /public key/],
        ["keyName", " key", /name of an EC2 key pair/],
        ["keyName", "clé", /ASCII/],
        ["dmsInstanceClass", "db.t3.medium", /such as dms\.t3\.medium/],
        ["dmsEngineVersion", "3.5.4", /3\.6\.1 or later/],
        ["dmsEngineVersion", "3.6", /3\.6\.1 or later/],
        ["dmsAllocatedStorage", "4", /whole number from 5 to 6144/],
        ["dmsAllocatedStorage", "50 GB", /whole number/],
        ["createDmsRoles", "1", /must be true or false/],
        ["privateEndpoints", "", /must be true or false/],
        ["deletionProtection", "True", /must be true or false/],
        ["acknowledgeReplacement", "dev-task", /a list of names or URNs/],
        ["acknowledgeReplacement", '["*"]', /each in full/],
        ["acknowledgeReplacement", '["dev-task",""]', /each in full/],
        ["acknowledgeReplacement", "[1]", /each in full/],
        ["backupRetentionDays", "6", /whole number from 7 to 35/],
        ["backupRetentionDays", "36", /whole number from 7 to 35/],
        ["backupRetentionDays", "7.5", /whole number/],
        ["backupRetentionDays", "-8", /whole number/],
        ["sourceGuards", "on", /true or false/],
        ["allowTruncate", "public.items", /a list of tables/],
        ["allowTruncate", '["public.other"]', /public\.other is not one of the tables/],
        ["allowKeyUpdates", "[1]", /entry 1 is not a text/],
        ["fullReplicaIdentity", '["public.items","public.items"]', /lists public\.items twice/],
        ["caBundle", "/etc/ssl/ca.pem", /relative to the project folder/],
        ["caBundle", "../ca.pem", /inside the project folder/],
        ["caBundle", "certs/", /inside the project folder/],
        ["caBundle", "a b.pem", /plain path/],
        ["caBundle", "", /plain path/],
    ];
    for (const [key, value, reason] of wrong) {
        it(`refuses ${key} ${JSON.stringify(value)} in one sentence`, () => {
            const message = refusal({ ...LEAST, [`audit-trail:${key}`]: value });
            assert.match(message, reason);
            assert.ok(
                message.startsWith(
                    `The config key audit-trail:${key} is ${HIDDEN.includes(key) ? "set" : JSON.stringify(value)}, but `,
                ),
                message,
            );
            assert.match(
                message,
                /; (set it with "pulumi config set|remove it with "pulumi config rm) .+"\.$/,
            );
            assert.equal(message.split("\n").length, 1);
            assert.ok(!message.includes(".;"), message);
        });
    }

    it("has a wrong value for every key in that table", () => {
        assert.deepEqual(
            [...new Set(wrong.map(([key]) => key))].sort(),
            configKeys.map(({ key }) => key).sort(),
        );
    });

    it("suggests values that it accepts itself", () => {
        // A field of an object is mended where it is; those of a source go together: test/config/source.spec.ts.
        const ofFields = [
            "network",
            "audit",
            "sourceServer",
            "databaseUsers",
            "groups",
            "columns",
            ...HIDDEN,
        ];
        for (const [key, value] of wrong.filter(([one]) => !ofFields.includes(one))) {
            const message = refusal({ ...LEAST, [`audit-trail:${key}`]: value });
            const suggestion = / ([^" ]+)"\.$/.exec(message)?.[1] ?? "";
            const list = message.includes("[0]") ? JSON.stringify([suggestion]) : suggestion;
            parseWith(key, list);
        }
        parseWith("columns", JSON.stringify({ "public.items": { notes: "exclude" } }));
    });

    it("takes people's logins in the order of their names, and not the master user", () => {
        const wish = { role: "operator", authentication: "existing" };
        const listed = (...logins: readonly string[]) => ({
            ...LEAST,
            "audit-trail:databaseUsers": JSON.stringify(
                Object.fromEntries(logins.map((login) => [login, wish])),
            ),
        });
        const odd = ['Some "one"', "jane.doe", "Ünal", "boss"];
        assert.deepEqual(
            parseConfig(listed(...odd)).audit.users,
            [...odd].sort().map((login) => ({ login, ...wish })),
        );
        assert.match(refusal(listed("postgres")), /lists postgres, which is the master user/);
    });

    it("refuses a demo table that is not audited", () => {
        const message = refusal({
            ...LEAST,
            "audit-trail:tables": '["sales.orders"]',
            "audit-trail:demoTable": "true",
        });
        assert.match(message, /^The config key audit-trail:demoTable creates public\.items/);
    });

    it("accepts every SSH network from /8 to /32", () => {
        const network = fc
            .record({
                address: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
                prefix: fc.integer({ min: 8, max: 32 }),
            })
            .map(({ address, prefix }) =>
                formatCidr({ address: address - (address % networkSize(prefix)), prefix }),
            );
        fc.assert(
            fc.property(network, (cidr) => {
                assert.equal(parseWith("sshCidr", cidr).host.sshCidr, cidr);
            }),
        );
    });

    it("never accepts an SSH network that is wider than a /8, or text that is no network", () => {
        fc.assert(
            fc.property(fc.integer({ min: 0, max: 7 }), fc.integer({ min: 0 }), (prefix, seed) => {
                const address = (seed % 2 ** prefix) * networkSize(prefix);
                assert.throws(() => parseWith("sshCidr", formatCidr({ address, prefix })));
            }),
        );
        fc.assert(
            fc.property(fc.string(), (text) => {
                fc.pre(text !== "" && !/^[\d.]+\/\d+$/.test(text));
                assert.throws(() => parseWith("sshCidr", text), /^Error: The config key/);
            }),
        );
    });

    it("answers every text for every key with a value or one sentence", () => {
        const key = fc.constantFrom(...configKeys.map((one) => one.key));
        fc.assert(
            fc.property(key, fc.oneof(fc.string(), fc.json()), (name, text) => {
                // Where one of the two is left out, the other one is refused.
                fc.pre(!["sshHost", "sshHostKey"].includes(name) || text !== "");
                try {
                    parseWith(name, text);
                } catch (error) {
                    assert.match(
                        (error as Error).message,
                        new RegExp(`^The config key audit-trail:${name} is `),
                    );
                }
            }),
        );
    });
});
