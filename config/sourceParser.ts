import type {
    AddressSource,
    ExistingSource,
    RdsSource,
    SourceChoices,
} from "../components/cluster/existingSource";
import { parseCidr } from "../components/network/cidr";
import { nearest } from "../text/nearest";
import { hasControlCharacter } from "../trail/tableLimits";
import { caBundle, type KeyParser } from "./keyParsers";

type Fields = Readonly<Record<string, unknown>>;

const KINDS = {
    auroraCluster: "auroraCluster",
    rdsInstance: "rdsInstance",
    host: "address",
} as const;
const COMMON = ["databaseName", "credentialsSecretArn", "allowedSecurityGroup"];
const FIELDS: Readonly<Record<keyof typeof KINDS, readonly string[]>> = {
    auroraCluster: ["auroraCluster", ...COMMON],
    rdsInstance: ["rdsInstance", ...COMMON],
    host: ["host", "port", "username", "cidr", "caBundle", ...COMMON],
};

/** PostgreSQL's port. */
const DEFAULT_PORT = 5432;

/**
 * A source that the stack did not make: `{"auroraCluster": "shop"}`, `{"rdsInstance": "shop"}` or
 * `{"host": "db.example.com", "username": "trail"}`; undefined for `{}`, a new Aurora cluster.
 */
export const existingSource: KeyParser<ExistingSource | undefined> = {
    type: "object",
    setting: (key) => `--path '${key}.auroraCluster'`,
    example: "my-cluster",
    // Somebody may have written a password into it.
    isHidden: true,
    parse(text) {
        const fields = fieldsIn(text);
        if (Object.keys(fields).length === 0) {
            return undefined;
        }
        const kind = kindOf(fields);
        refuseUnknown(fields, kind);
        const common = {
            databaseName: optional(fields, "databaseName", DATABASE),
            credentialsSecretArn: optional(fields, "credentialsSecretArn", SECRET_ARN),
            allowedSecurityGroup: optional(fields, "allowedSecurityGroup", SECURITY_GROUP),
        };
        return kind === "host"
            ? { kind: "address", ...common, ...addressOf(fields, common.allowedSecurityGroup) }
            : { kind, ...common, ...identifierOf(kind, fields[kind]) };
    },
};

/** Anything that a line of a configuration can hold. */
export const sourcePassword: KeyParser<string | undefined> = {
    type: "string",
    setting: (key) => `--secret ${key}`,
    example: "<password>",
    isHidden: true,
    parse(text) {
        if (hasControlCharacter(text)) {
            throw new Error("it has a control character");
        }
        return text === "" ? undefined : text;
    },
};

function fieldsIn(text: string): Fields {
    try {
        const value: unknown = JSON.parse(text);
        if (typeof value === "object" && value !== null && !Array.isArray(value)) {
            return value as Fields;
        }
    } catch {
        // Said below.
    }
    throw new Error("it must hold auroraCluster, rdsInstance or host, and what belongs to it");
}

function kindOf(fields: Fields): keyof typeof KINDS {
    const kinds = (Object.keys(KINDS) as (keyof typeof KINDS)[]).filter((kind) => kind in fields);
    const [kind, second] = kinds;
    if (kind === undefined) {
        throw new Error(
            "it names no server: it must have one of auroraCluster, rdsInstance and host",
        );
    }
    if (second !== undefined) {
        throw new Error(
            `it names two servers, by ${kind} and by ${second}, and a trail has one source`,
        );
    }
    return kind;
}

function refuseUnknown(fields: Fields, kind: keyof typeof KINDS): void {
    const known = FIELDS[kind];
    const stranger = Object.keys(fields).find((field) => !known.includes(field));
    if (stranger !== undefined) {
        const isOthers = Object.values(FIELDS).some((other) => other.includes(stranger));
        if (/password/i.test(stranger)) {
            throw new Error(
                `its ${stranger} would be readable to everybody: a password belongs into the config key sourcePassword, by "pulumi config set --secret sourcePassword"`,
            );
        }
        throw new Error(
            isOthers
                ? `its ${stranger} does not go with ${kind}, which takes ${known.join(", ")}`
                : `its ${stranger} is unknown: an existing server keeps its own settings, and ${kind} takes ${known.join(", ")}; the nearest is ${nearest(stranger, known) ?? ""}`,
        );
    }
}

/** What a text has to look like. */
interface TextPattern {
    readonly pattern: RegExp;
    readonly must: string;
}

/** As psql's command line and a URL take it without quotes. */
const DATABASE: TextPattern = {
    pattern: /^(?!template[01]$|rdsadmin$)[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}$/,
    must: "1 to 63 letters, digits, underscores, dots and hyphens, and none of PostgreSQL's or RDS's own databases",
};
const SECRET_ARN: TextPattern = {
    pattern: /^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:[A-Za-z0-9/_+=.@!-]+$/,
    must: "the ARN of a Secrets Manager secret",
};
const SECURITY_GROUP: TextPattern = {
    pattern: /^sg-[0-9a-f]{8,17}$/,
    must: "the id of a security group such as sg-0123456789abcdef0",
};
/** https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html, DBInstanceIdentifier. */
const IDENTIFIER: TextPattern = {
    pattern: /^[A-Za-z](?!.*--)[A-Za-z0-9-]{0,61}[A-Za-z0-9]$|^[A-Za-z]$/,
    must: "an identifier of RDS (letters, digits and single hyphens, at most 63) or its ARN",
};
const HOST: TextPattern = {
    pattern: /^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/,
    must: "a DNS name or an IPv4 address",
};
const USERNAME: TextPattern = {
    pattern: /^(?!pg_|rdsadmin$|audit_trail_)[A-Za-z_][A-Za-z0-9_.-]{0,62}$/,
    must: "a role of the server (letters, digits, underscores, dots and hyphens) that is none of PostgreSQL, RDS or the trail",
};

function optional(fields: Fields, name: string, expected: TextPattern): string | undefined {
    return name in fields ? matched(name, fields[name], expected) : undefined;
}

function matched(name: string, value: unknown, { pattern, must }: TextPattern): string {
    if (typeof value !== "string" || !pattern.test(value)) {
        throw new Error(`its ${name} is ${JSON.stringify(value)}, and it must be ${must}`);
    }
    return value;
}

const ARN = /^arn:aws[a-z-]*:rds:([a-z0-9-]+):(\d{12}):(cluster|db):(.+)$/;

function identifierOf(
    kind: RdsSource["kind"],
    value: unknown,
): Pick<RdsSource, "identifier" | "place"> {
    const parts = typeof value === "string" ? ARN.exec(value) : null;
    if (parts === null) {
        return { identifier: matched(kind, value, IDENTIFIER).toLowerCase(), place: undefined };
    }
    const [, region = "", accountId = "", type, identifier = ""] = parts;
    const wanted = kind === "auroraCluster" ? "cluster" : "db";
    if (type !== wanted) {
        const other = kind === "auroraCluster" ? "rdsInstance" : "auroraCluster";
        throw new Error(
            `its ${kind} is the ARN of a ${String(type)}, which belongs under ${other}`,
        );
    }
    return {
        identifier: matched(kind, identifier, IDENTIFIER).toLowerCase(),
        place: { region, accountId },
    };
}

function addressOf(
    fields: Fields,
    group: string | undefined,
): Omit<AddressSource, keyof SourceChoices | "kind"> {
    const host = matched("host", fields["host"], HOST);
    return {
        host,
        port: portOf(fields["port"]),
        username: optional(fields, "username", USERNAME),
        cidr: networkOf(host, fields["cidr"], group),
        caBundle:
            "caBundle" in fields
                ? caBundle.parse(JSON.stringify(fields["caBundle"]).slice(1, -1))
                : undefined,
    };
}

function portOf(value: unknown = DEFAULT_PORT): number {
    const port = Number(value);
    if (!/^\d+$/.test(String(value)) || port < 1 || port > 65_535) {
        throw new Error(`its port is ${JSON.stringify(value)}, and it must be from 1 to 65535`);
    }
    return port;
}

/** Where the security groups of DMS and of the psql host let connections out to. */
function networkOf(host: string, value: unknown, group: string | undefined): string | undefined {
    if (value !== undefined) {
        if (group !== undefined) {
            throw new Error("it has both cidr and allowedSecurityGroup, and one of them is enough");
        }
        if (typeof value !== "string") {
            throw new Error(`its cidr is ${JSON.stringify(value)}, and it must be a text`);
        }
        parseCidr(value);
        return value;
    }
    if (group !== undefined) {
        return undefined;
    }
    if (/^\d+(\.\d+){3}$/.test(host)) {
        parseCidr(`${host}/32`);
        return `${host}/32`;
    }
    throw new Error(
        `nothing says in which network ${host} is, and the rules of a security group need that: give its cidr, or the allowedSecurityGroup of the server`,
    );
}
