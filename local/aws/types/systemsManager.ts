import type { CheckFailure, Props } from "../../provider";
import { arn } from "../account";
import { mustText, text, type TypeBehaviour } from "../behaviour";

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

/** Parameters of Systems Manager. No host reads them here. */
export const systemsManagerTypes: Readonly<Record<string, TypeBehaviour>> = {
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
