import assert from "node:assert/strict";
import { parseConfig } from "../../../config/config";
import type { Config } from "../../../config/keys";

/** The least that must be set. */
export const LEAST = { "audit-trail:tables": '["public.items"]' };

export const HOST_KEY = `SHA256:${"a".repeat(43)}`;

/** What else keys about SSH to the psql host need. */
const WITH_SSH: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    sshCidr: { "audit-trail:databaseAccess": "direct" },
    keyName: { "audit-trail:databaseAccess": "direct" },
    psqlHost: { "audit-trail:databaseAccess": "direct" },
    sshHost: { "audit-trail:databaseAccess": "ssh", "audit-trail:sshHostKey": HOST_KEY },
    sshHostKey: { "audit-trail:databaseAccess": "ssh", "audit-trail:sshHost": "me@bastion" },
};

export function parseWith(key: string, value: string): Config {
    return parseConfig({ ...LEAST, ...WITH_SSH[key], [`audit-trail:${key}`]: value });
}

/** What a server has where its key says nothing. */
export const USUAL_SERVER = {
    kind: "aurora",
    engineVersion: undefined,
    instanceClass: undefined,
    serverless: undefined,
    multiAz: undefined,
    allocatedStorage: 100,
    maxAllocatedStorage: 1000,
    whenDestroyed: "snapshot",
};

/** An existing network, with other fields. */
export function network(fields: Readonly<Record<string, unknown>>): string {
    return JSON.stringify({
        vpcId: "vpc-0123456789abcdef0",
        privateSubnetIds: ["subnet-01234567", "subnet-0123456789abcdefb"],
        ...fields,
    });
}

/** The message with which a value is refused. */
export function refusal(raw: Record<string, string>): string {
    try {
        parseConfig(raw);
    } catch (error) {
        return (error as Error).message;
    }
    return assert.fail(`accepted ${JSON.stringify(raw)}`);
}
