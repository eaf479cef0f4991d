import { randomUUID } from "node:crypto";
import { arn } from "../account";
import { mustText, text, type TypeBehaviour } from "../behaviour";
import { hex } from "../recorder";

const SECRET = "aws:secretsmanager/secret:Secret";
const SECRET_VERSION = "aws:secretsmanager/secretVersion:SecretVersion";

/** Names of deleted secrets, which stay taken while they can be restored. */
const DELETED_SECRET = "aws:secretsmanager/deletedSecret:DeletedSecret";
const DEFAULT_RECOVERY_DAYS = 30;
/** https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DeleteSecret.html; 0 stands for "at once". */
const LEAST_RECOVERY_DAYS = 7;
/** In bytes, https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html. */
const LARGEST_SECRET = 65_536;
const DAY_MS = 86_400_000;

/** Secrets Manager: the value lies in the version's record, a file that only its owner can read. */
export const secretTypes: Readonly<Record<string, TypeBehaviour>> = {
    [SECRET]: {
        autoName: "name",
        // Six random characters follow a secret's name in its ARN, which is also its id.
        makeId: (inputs, account) =>
            arn(account, "secretsmanager", `secret:${mustText(inputs, "name")}-${hex(6)}`),
        texts: {
            name: {
                pattern: /^[\w/+=.@-]{1,512}$/,
                reason: "It has at most 512 letters, digits and the characters /_+=.@-.",
            },
        },
        ranges: { recoveryWindowInDays: [0, DEFAULT_RECOVERY_DAYS] },
        check: ({ recoveryWindowInDays: days }) =>
            typeof days === "number" && days > 0 && days < LEAST_RECOVERY_DAYS
                ? [
                      {
                          property: "recoveryWindowInDays",
                          reason: `It is 0, or ${LEAST_RECOVERY_DAYS} to ${DEFAULT_RECOVERY_DAYS} days.`,
                      },
                  ]
                : [],
        replaceOn: ["name"],
        create: async (call, inputs) => {
            const name = mustText(inputs, "name");
            if ((await call.store.findBy(SECRET, "name", name)) !== undefined) {
                throw new Error(
                    `ResourceExistsException: the secret "${name}" already exists: choose another name.`,
                );
            }
            const deleted = await call.store.get(DELETED_SECRET, name);
            if (deleted !== undefined && Number(deleted.computed.until) > Date.now()) {
                throw new Error(
                    `InvalidRequestException: the secret "${name}" is already scheduled for deletion: choose another name.`,
                );
            }
            return { arn: call.id };
        },
        delete: async (call, { inputs }) => {
            const id = mustText(inputs, "name");
            const days = Number(inputs.recoveryWindowInDays ?? DEFAULT_RECOVERY_DAYS);
            const computed = { until: Date.now() + days * DAY_MS };
            await call.store.put({ type: DELETED_SECRET, id, urn: "", inputs: {}, computed });
        },
    },
    [SECRET_VERSION]: {
        makeId: (inputs) => `${mustText(inputs, "secretId")}|${randomUUID()}`,
        required: ["secretId"],
        check: (inputs) =>
            Buffer.byteLength(text(inputs, "secretString") ?? "") > LARGEST_SECRET
                ? [{ property: "secretString", reason: `It has at most ${LARGEST_SECRET} bytes.` }]
                : [],
        replaceOn: ["secretId", "secretString", "secretBinary"],
        create: async (call, inputs) => {
            const secretId = mustText(inputs, "secretId");
            const secret = await call.store.get(SECRET, secretId);
            if (secret === undefined) {
                throw new Error(
                    `ResourceNotFoundException: there is no secret "${secretId}": give the secret's id or ARN.`,
                );
            }
            const versionId = call.id.split("|")[1];
            await call.store.put({
                ...secret,
                computed: { ...secret.computed, currentVersion: call.id },
            });
            return { arn: secretId, versionId, versionStages: ["AWSCURRENT"] };
        },
    },
};
