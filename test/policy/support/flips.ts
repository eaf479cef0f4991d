/** One changed value of a resource's inputs. */
export interface Flip {
    /** Where: the input's name, and below it the keys; documents of JSON are looked into. */
    readonly path: string;
    readonly how: "absent" | "wrong type" | "dangerous" | "added";
    /** The inputs with the change. */
    readonly inputs: Readonly<Record<string, unknown>>;
    /** The changed input. */
    readonly input: string;
}

type Inputs = Readonly<Record<string, unknown>>;

const EVERYBODY = JSON.stringify({
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Principal: "*", Action: "*", Resource: "*" }],
});

/** The most dangerous value that the service would take, by the last part of the path. */
const DANGEROUS: Readonly<Record<string, readonly unknown[]>> = {
    assumeRolePolicy: [EVERYBODY],
    caCertIdentifier: ["rds-ca-2019"],
    cidrIpv4: ["0.0.0.0/0"],
    endpointType: ["source", "target"],
    engine: ["aurora-mysql"],
    engineName: ["s3", "mysql"],
    engineVersion: ["13.4", "3.4.7"],
    family: ["aurora-postgresql15", "postgres17"],
    finalSnapshotIdentifier: [""],
    fromPort: [0],
    ipProtocol: ["-1"],
    language: ["plpython3u"],
    migrationType: ["full-load", "cdc"],
    policy: [EVERYBODY],
    policyArn: ["arn:aws:iam::aws:policy/AdministratorAccess"],
    roles: [["rds_superuser"], ["audit_trail_owner"]],
    sslMode: ["none", "require", "verify-ca"],
    toPort: [65_535],
    userData: ["export PGPASSWORD=hunter2"],
    value: ["0", "1", "off", "replica", "elsewhere"],
    expression: ["0", "$AR_H_OPERATION"],
    "rule-action": ["include", "exclude", "remove-column", "convert-uppercase"],
    "rule-target": ["schema", "column", "table"],
    "rule-type": ["table-settings"],
    "table-name": ["%"],
    "schema-name": ["%"],
    filters: [[{ "filter-type": "source", "column-name": "item_id", "filter-conditions": [] }]],
    "data-type": [{ type: "int8" }],
    TargetTablePrepMode: ["DROP_AND_CREATE", "TRUNCATE_BEFORE_LOAD"],
    ControlSchema: ["", "public", "elsewhere"],
    Severity: ["LOGGER_SEVERITY_ERROR"],
    pluginName: ["pglogical"],
    heartbeatSchema: ["public"],
};

/** Inputs that the program does not give and a hostile one would. */
const ADDED: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
    "aws:dms/endpoint:Endpoint": {
        extraConnectionAttributes: "afterConnectScript=SET session_replication_role=replica",
        username: "postgres",
        password: "hunter2",
        serverName: "elsewhere.example",
        kafkaSettings: { broker: "elsewhere.example:9092" },
        "postgresSettings.afterConnectScript": "SET session_replication_role=replica",
        "postgresSettings.slotName": "another",
    },
    "aws:dms/replicationTask:ReplicationTask": {
        cdcStartTime: "2030-01-01T00:00:00Z",
        cdcStartPosition: "0/0",
    },
    "aws:dms/replicationInstance:ReplicationInstance": { kerberosAuthenticationSettings: { a: 1 } },
    "aws:ec2/instance:Instance": {
        userDataBase64: Buffer.from("PGPASSWORD=hunter2").toString("base64"),
        networkInterfaces: [{ deviceIndex: 1, networkInterfaceId: "eni-1" }],
        ebsBlockDevices: [{ deviceName: "/dev/sdb", encrypted: false }],
    },
    "aws:ec2/securityGroup:SecurityGroup": {
        ingress: [{ cidrBlocks: ["0.0.0.0/0"] }],
        egress: [{ cidrBlocks: ["0.0.0.0/0"] }],
    },
    "aws:ec2/routeTable:RouteTable": {
        routes: [{ cidrBlock: "0.0.0.0/0", gatewayId: "igw-1" }],
    },
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": {
        cidrIpv6: "::/0",
        prefixListId: "pl-1",
    },
    "aws:iam/role:Role": {
        managedPolicyArns: ["arn:aws:iam::aws:policy/AdministratorAccess"],
        inlinePolicies: [{ name: "all", policy: EVERYBODY }],
    },
    "aws:rds/cluster:Cluster": {
        enableHttpEndpoint: true,
        manageMasterUserPassword: true,
        snapshotIdentifier: "another-trail",
        iamRoles: ["arn:aws:iam::1:role/export"],
        engineMode: "serverless",
    },
    "aws:s3/bucket:Bucket": { acl: "public-read", website: { indexDocument: "a" } },
    "aws:s3/bucketObjectv2:BucketObjectv2": { acl: "public-read", kmsKeyId: "elsewhere" },
    "aws:secretsmanager/secret:Secret": { policy: EVERYBODY, replicas: [{ region: "x" }] },
    "postgresql:index/role:Role": { superuser: true, bypassRowLevelSecurity: true },
    "postgresql:index/schema:Schema": { dropCascade: true, policies: [{ role: "public" }] },
    "postgresql:index/function:Function": { dropCascade: true },
};

function wrongTypes(value: unknown): readonly unknown[] {
    switch (typeof value) {
        case "boolean":
            return [String(value)];
        case "number":
            return [String(value)];
        case "string":
            return [7, [value]];
        default:
            return ["text"];
    }
}

function dangers(name: string, value: unknown): readonly unknown[] {
    const same = JSON.stringify(value);
    return candidates(name, value).filter((other) => JSON.stringify(other) !== same);
}

function candidates(name: string, value: unknown): readonly unknown[] {
    const known = DANGEROUS[name];
    if (known !== undefined) {
        return known;
    }
    switch (typeof value) {
        case "boolean":
            return [!value];
        case "number":
            return [0, 1, 2_000_000_000];
        case "string":
            return ["elsewhere"];
        default:
            return Array.isArray(value) ? [[], ["elsewhere"]] : [{}];
    }
}

/** The value as data when it is a JSON document. */
function opened(value: unknown): unknown {
    if (typeof value !== "string" || !/^\s*[{[]/.test(value)) {
        return value;
    }
    try {
        return JSON.parse(value) as unknown;
    } catch {
        return value;
    }
}

interface Change {
    readonly path: string;
    readonly how: Flip["how"];
    readonly value: unknown;
}

/** Every change of a value: itself absent, of a wrong type, dangerous; then of everything in it. */
function changes(name: string, path: string, value: unknown, depth: number): readonly Change[] {
    const own: Change[] = [
        { path, how: "absent", value: undefined },
        ...wrongTypes(value).map((other): Change => ({ path, how: "wrong type", value: other })),
        ...dangers(name, value).map((other): Change => ({ path, how: "dangerous", value: other })),
    ];
    const inner = opened(value);
    const isText = typeof value === "string";
    if (typeof inner !== "object" || inner === null || depth === 0) {
        return own;
    }
    const close = (changed: unknown): unknown => (isText ? JSON.stringify(changed) : changed);
    const entries = Object.entries(inner).flatMap(([key, item]) =>
        changes(key, `${path}.${Array.isArray(inner) ? "*" : key}`, item, depth - 1).map(
            (change): Change => ({ ...change, value: close(replaced(inner, key, change.value)) }),
        ),
    );
    const added: Change[] = Array.isArray(inner)
        ? []
        : [
              {
                  path: `${path}.+`,
                  how: "added",
                  value: close({ ...inner, somethingNew: "elsewhere" }),
              },
          ];
    return [...own, ...entries, ...added];
}

function replaced(of: object, key: string, value: unknown): unknown {
    if (Array.isArray(of)) {
        const list = of as readonly unknown[];
        return list.flatMap((item, index) =>
            String(index) === key ? (value === undefined ? [] : [value]) : [item],
        );
    }
    const others = Object.entries(of).filter(([name]) => name !== key);
    return Object.fromEntries(value === undefined ? others : [...others, [key, value]]);
}

/** How deep a value is looked into: the document, a section or rule, a setting, and what a setting holds. */
const DEPTH = 4;

/** Every flip of a resource's inputs. */
export function flips(type: string, inputs: Inputs): readonly Flip[] {
    const given = Object.entries(inputs).filter(([, value]) => value !== undefined);
    const changed = given.flatMap(([input, value]) =>
        changes(input, input, value, DEPTH).map((change): Flip => ({
            path: change.path,
            how: change.how,
            inputs: replaced(inputs, input, change.value) as Inputs,
            input,
        })),
    );
    const added = Object.entries({ somethingNew: "elsewhere", ...ADDED[type] }).map(
        ([path, value]): Flip => {
            const [input = "", key] = path.split(".");
            const whole =
                key === undefined
                    ? value
                    : { ...(inputs[input] as object | undefined), [key]: value };
            return { path: `${path}+`, how: "added", inputs: { ...inputs, [input]: whole }, input };
        },
    );
    return [...changed, ...added];
}
