import { atLeastVersion, parseEngineVersion } from "../components/cluster/engineVersion";
import { parseCidr } from "../components/network/cidr";
import { refuseCaseTwins, refuseConfusableNames } from "../trail/dmsNames";
import { formatTableName, parseTableName } from "../trail/names";
import { roles, schemas } from "../trail/rolesAndSchemas";
import type { TableName } from "../trail/tableDefinition";
import { hasControlCharacter } from "../trail/tableLimits";

/** How the text of a config key becomes a value. */
export interface KeyParser<T> {
    /** How the value is written, in the words of Pulumi's schema; the items of an array are strings. */
    readonly type: "string" | "boolean" | "integer" | "array" | "object";
    /** @throws Error whose message completes "The config key x is y, but ...". */
    parse(text: string): T;
    /** A value that is allowed, as it is written on a command line. */
    readonly example: string;
    /** What stands in the place of the key in `pulumi config set`, where that differs from the key. */
    readonly setting?: (key: string) => string;
    /** Whether the value is, or may hold, a password: no message shows it. */
    readonly isHidden?: boolean;
}

function matching(pattern: RegExp, must: string, example: string): KeyParser<string> {
    return {
        type: "string",
        example,
        parse(text) {
            if (!pattern.test(text)) {
                throw new Error(must);
            }
            return text;
        },
    };
}

export const flag: KeyParser<boolean> = {
    type: "boolean",
    example: "true",
    parse(text) {
        if (text !== "true" && text !== "false") {
            throw new Error("it must be true or false");
        }
        return text === "true";
    },
};

/** A whole number within limits, both included. */
export function integer(least: number, most: number): KeyParser<number> {
    return {
        type: "integer",
        example: String(least),
        parse(text) {
            const value = Number(text);
            if (!/^\d+$/.test(text) || value < least || value > most) {
                throw new Error(`it must be a whole number from ${least} to ${most}`);
            }
            return value;
        },
    };
}

export const engineVersion: KeyParser<string> = {
    type: "string",
    example: "17.7",
    parse: parseEngineVersion,
};

/** The release from which DMS reads PostgreSQL 17 and keeps large objects under UPDATE_RECORD (its 3.6 release notes). */
const OLDEST_DMS = "3.6.1";

export const dmsEngineVersion: KeyParser<string> = {
    type: "string",
    example: OLDEST_DMS,
    parse(text) {
        if (!/^\d+\.\d+\.\d+$/.test(text) || !atLeastVersion(text, OLDEST_DMS)) {
            throw new Error(`it must be a DMS engine version of ${OLDEST_DMS} or later`);
        }
        return text;
    },
};

const RESERVED_DATABASES = ["template0", "template1", "rdsadmin"];

export const databaseName: KeyParser<string> = {
    type: "string",
    example: "appdb",
    parse(text) {
        if (!/^[a-z][a-z0-9_]{0,62}$/.test(text) || RESERVED_DATABASES.includes(text)) {
            throw new Error(
                "it must be 1 to 63 lower-case letters, digits and underscores, begin with a letter and be none of PostgreSQL's or RDS's own databases",
            );
        }
        return text;
    },
};

const RESERVED_USERS = ["admin", "public", "rdsadmin", "rds_superuser", "rds_replication"];

export const masterUsername: KeyParser<string> = {
    type: "string",
    example: "postgres",
    parse(text) {
        const taken: string[] = [...RESERVED_USERS, ...Object.values(roles)];
        if (
            !/^[a-z][a-z0-9_]{0,62}$/.test(text) ||
            text.startsWith("pg_") ||
            taken.includes(text)
        ) {
            throw new Error(
                "it must be 1 to 63 lower-case letters, digits and underscores, begin with a letter and be no role of RDS or of the trail",
            );
        }
        return text;
    },
};

/** PostgreSQL's own schemas hold nothing to audit, and the trail's are not a source. */
const FORBIDDEN_SCHEMAS: string[] = ["pg_catalog", "information_schema", ...Object.values(schemas)];

function parseTables(text: string): unknown {
    try {
        return JSON.parse(text);
    } catch {
        return undefined;
    }
}

/** The first item of a list, as `pulumi config set` names it. */
function firstItem(key: string): string {
    return `--path '${key}[0]'`;
}

/** The tables that a list names, each once, in its order. */
function tableList(names: readonly unknown[]): TableName[] {
    const seen = new Set<string>();
    return names.map((name) => {
        if (typeof name !== "string") {
            throw new Error(
                `its entry ${JSON.stringify(name)} is not a text of the form schema.table`,
            );
        }
        const table = parseTableName(name);
        if (hasControlCharacter(table.schema) || hasControlCharacter(table.table)) {
            throw new Error(
                `the name ${JSON.stringify(name)} has a control character, and nothing says that DMS takes such a table`,
            );
        }
        if (FORBIDDEN_SCHEMAS.includes(table.schema)) {
            throw new Error(`the schema of ${name} cannot be audited`);
        }
        const written = formatTableName(table);
        if (seen.has(written)) {
            throw new Error(`it lists ${written} twice`);
        }
        seen.add(written);
        return table;
    });
}

export const tables: KeyParser<readonly TableName[]> = {
    type: "array",
    setting: firstItem,
    example: "public.items",
    parse(text) {
        const names = parseTables(text);
        if (!Array.isArray(names) || names.length === 0) {
            throw new Error("it must be a list of one or more tables as schema.table");
        }
        const listed = tableList(names);
        refuseConfusableNames(listed);
        refuseCaseTwins(listed);
        return listed;
    },
};

/** A list, empty perhaps, of tables that are audited. */
export function someOf(audited: readonly TableName[]): KeyParser<readonly TableName[]> {
    return {
        type: "array",
        setting: firstItem,
        example: audited[0] === undefined ? "public.items" : formatTableName(audited[0]),
        parse(text) {
            const names = parseTables(text);
            if (!Array.isArray(names)) {
                throw new Error("it must be a list of tables as schema.table");
            }
            const known = audited.map(formatTableName);
            const listed = tableList(names);
            const stranger = listed.map(formatTableName).find((name) => !known.includes(name));
            if (stranger !== undefined) {
                throw new Error(`${stranger} is not one of the tables of audit-trail:tables`);
            }
            return listed;
        },
    };
}

/** Names or URNs of resources. Nobody knows them all here: a wrong one acknowledges nothing. */
export const resourceNames: KeyParser<readonly string[]> = {
    type: "array",
    setting: firstItem,
    example: "audit-trail-dev-task",
    parse(text) {
        const names = parseTables(text);
        const isName = (name: unknown): boolean =>
            typeof name === "string" && /^[^\s*]+$/.test(name) && !hasControlCharacter(name);
        if (!Array.isArray(names) || !names.every(isName)) {
            throw new Error("it must be a list of names or URNs of resources, each in full");
        }
        return names as string[];
    },
};

/** A class such as db.t3.medium or dms.t3.medium. */
export function instanceClass(service: "db" | "dms", example: string): KeyParser<string> {
    const pattern = new RegExp(`^${service}\\.[a-z0-9-]+\\.[a-z0-9-]+$`);
    return matching(pattern, `it must be an instance class such as ${example}`, example);
}

export const instanceType = matching(
    /^[a-z][a-z0-9-]*\.[a-z0-9-]+$/,
    "it must be an EC2 instance type such as t3.medium",
    "t3.medium",
);

export const keyName: KeyParser<string | undefined> = {
    type: "string",
    example: "my-ec2-keypair",
    parse(text) {
        if (!/^$|^[!-~]([ -~]{0,253}[!-~])?$/.test(text)) {
            throw new Error("it must be the name of an EC2 key pair, up to 255 ASCII characters");
        }
        return text === "" ? undefined : text;
    },
};

const ACCESSES = ["auto", "direct", "ssh", "ssm"] as const;

export const databaseAccess: KeyParser<(typeof ACCESSES)[number]> = {
    type: "string",
    example: "ssm",
    parse(text) {
        const access = ACCESSES.find((one) => one === text);
        if (access === undefined) {
            throw new Error("it must be auto, direct, ssh or ssm");
        }
        return access;
    },
};

/** A machine to go through, and who logs in there. */
export interface SshHost {
    readonly user: string;
    readonly host: string;
    readonly port: number;
}

export const sshHost: KeyParser<SshHost | undefined> = {
    type: "string",
    example: "ec2-user@bastion.example.com",
    parse(text) {
        if (text === "") {
            return undefined;
        }
        const found = /^([A-Za-z_][\w.-]*)@([A-Za-z0-9][A-Za-z0-9.-]*)(?::(\d{1,5}))?$/.exec(text);
        const [, user = "", host = "", port = "22"] = found ?? [];
        if (user === "" || Number(port) < 1 || Number(port) > 65_535) {
            throw new Error("it must be user@host or user@host:port");
        }
        return { user, host, port: Number(port) };
    },
};

export const sshHostKey: KeyParser<string | undefined> = {
    type: "string",
    example: "SHA256:tz8gP4bLXiYKVBpGMqGLnSUwzzR4dPbUDVBRWFVjjdU",
    parse(text) {
        if (text === "") {
            return undefined;
        }
        const isLine =
            /^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)) AAAA[A-Za-z0-9+/]{40,}={0,2}( .*)?$/;
        if (!isLine.test(text) && !/^SHA256:[A-Za-z0-9+/]{43}=?$/.test(text)) {
            throw new Error(
                "it must be a public key line (ssh-ed25519 and its text) or a fingerprint (SHA256: and its text)",
            );
        }
        // The comment at the end of a line says nothing about the key.
        return text.split(" ").slice(0, 2).join(" ");
    },
};

export const accountId: KeyParser<string | undefined> = {
    type: "string",
    example: "123456789012",
    parse(text) {
        if (!/^(\d{12})?$/.test(text)) {
            throw new Error(
                "it must be the 12 digits of an AWS account, in quotes in the settings file",
            );
        }
        return text === "" ? undefined : text;
    },
};

/** The ARN of a key, not of an alias: what a resource shows of its key is the key. */
export const kmsKeyArn: KeyParser<string | undefined> = {
    type: "string",
    example: "arn:aws:kms:eu-west-1:123456789012:key/0123abcd-4567-89ab-cdef-0123456789ab",
    parse(text) {
        if (!/^$|^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key\/(mrk-)?[0-9a-f-]{32,36}$/.test(text)) {
            throw new Error("it must be the ARN of a KMS key, which is not that of an alias");
        }
        return text === "" ? undefined : text;
    },
};

/** Four subnets of at least /28, https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html. */
export const vpcCidr: KeyParser<string> = {
    type: "string",
    example: "10.20.0.0/16",
    parse(text) {
        const { prefix } = parseCidr(text);
        if (prefix < 16 || prefix > 26) {
            throw new Error("a VPC's network must be from /16 to /26");
        }
        return text;
    },
};

export const sshCidr: KeyParser<string | undefined> = {
    type: "string",
    example: "198.51.100.7/32",
    parse(text) {
        if (text === "") {
            return undefined;
        }
        if (text === "::/0" || text === "0.0.0.0/0") {
            throw new Error("it would open SSH to the whole internet");
        }
        const { prefix } = parseCidr(text);
        if (prefix < 8) {
            throw new Error("it is wider than a /8 and would open SSH to strangers");
        }
        return text;
    },
};

/** Also a path below the psql host's home folder: hence relative, inside, and plain in a shell. */
export const caBundle: KeyParser<string> = {
    type: "string",
    example: "certs/rds-ca-bundle.pem",
    parse(text) {
        if (!/^[A-Za-z0-9._/-]+$/.test(text) || text.startsWith("/") || text.startsWith("-")) {
            throw new Error("it must be a plain path relative to the project folder");
        }
        if (text.split("/").includes("..") || text.endsWith("/")) {
            throw new Error("it must be a file inside the project folder");
        }
        return text;
    },
};
