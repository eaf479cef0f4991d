import { atLeastVersion, parseEngineVersion } from "../components/cluster/engineVersion";
import { parseCidr } from "../components/network/cidr";
import { roles } from "../trail/rolesAndSchemas";

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

/** A text of a pattern; `must` says what it must be where it is another one. */
export function matching(pattern: RegExp, must: string, example: string): KeyParser<string> {
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

/** A class such as db.t3.medium or dms.t3.medium. */
export function instanceClass(service: "db" | "dms", example: string): KeyParser<string> {
    const pattern = new RegExp(`^${service}\\.[a-z0-9-]+\\.[a-z0-9-]+$`);
    return matching(pattern, `it must be an instance class such as ${example}`, example);
}

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

/** The psql host has the same path below its home folder. So the path is relative, stays inside, and is plain in a shell. */
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
