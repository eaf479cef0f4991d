import type { CheckFailure, Props } from "../../provider";
import { arn } from "../account";
import { mustText, text, type TypeBehaviour } from "../behaviour";
import { jsonProblem } from "../validate";

const TYPES = ["String", "StringList", "SecureString"];

/** Of the tier Standard, https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html. */
const LARGEST_VALUE = 4096;

/** https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-su-create.html. */
function parameterProblems(inputs: Props): CheckFailure[] {
    const name = text(inputs, "name") ?? "";
    const size = Buffer.byteLength(text(inputs, "value") ?? text(inputs, "insecureValue") ?? "");
    const failures: CheckFailure[] = [];
    if (!/^[\w./-]+$/.test(name) || /^\/?(aws|ssm)/i.test(name) || name.split("/").length > 16) {
        failures.push({
            property: "name",
            reason: "must be letters, digits and the characters ._-/ in at most 15 levels, and not begin with aws or ssm",
        });
    }
    if (size === 0 || (text(inputs, "tier") !== "Advanced" && size > LARGEST_VALUE)) {
        failures.push({ property: "value", reason: "must have 1 to 4096 bytes" });
    }
    return failures;
}

/** https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_CreateDocument.html. */
function documentProblems(inputs: Props): CheckFailure[] {
    const failures: CheckFailure[] = [];
    const name = text(inputs, "name") ?? "";
    if (!/^[\w.-]{3,128}$/.test(name) || /^(aws|amazon|amzn)/i.test(name)) {
        failures.push({
            property: "name",
            reason: "must be 3 to 128 letters, digits and the characters _-., and not begin with aws, amazon or amzn",
        });
    }
    const isJson = (text(inputs, "documentFormat") ?? "JSON") === "JSON";
    const reason = isJson ? jsonProblem(inputs.content) : undefined;
    return reason === undefined ? failures : [...failures, { property: "content", reason }];
}

/** Parameters and documents of Systems Manager. No host reads them here. */
export const systemsManagerTypes: Readonly<Record<string, TypeBehaviour>> = {
    "aws:ssm/document:Document": {
        idFrom: "name",
        autoName: "name",
        required: ["content", "documentType"],
        replaceOn: ["name", "documentType"],
        check: documentProblems,
        create: (call, inputs) => ({
            arn: arn(call.account, "ssm", `document/${mustText(inputs, "name")}`),
            status: "Active",
            documentVersion: "1",
        }),
        update: (_call, before, inputs) => {
            const isOld = /"schemaVersion": *"1\./.test(mustText(inputs, "content"));
            if (isOld && before.inputs.content !== inputs.content) {
                throw new Error(
                    `InvalidDocumentSchemaVersion: the document "${before.id}" has a schema version that cannot be updated: make another one.`,
                );
            }
            return {};
        },
    },
    "aws:ssm/parameter:Parameter": {
        idFrom: "name",
        autoName: "name",
        required: ["type"],
        oneOf: { type: TYPES },
        replaceOn: ["name", "dataType"],
        check: parameterProblems,
        create: (call, inputs) => ({
            arn: arn(
                call.account,
                "ssm",
                `parameter/${mustText(inputs, "name").replace(/^\//, "")}`,
            ),
            version: 1,
        }),
    },
};
