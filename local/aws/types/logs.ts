import { arn } from "../account";
import { mustText, type TypeBehaviour } from "../behaviour";

/** In days, https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html; 0 is for ever. */
const RETENTIONS = [
    ...[0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557],
    ...[2922, 3288, 3653],
];

/** Log groups of CloudWatch. Nobody writes to them here. */
export const logTypes: Readonly<Record<string, TypeBehaviour>> = {
    "aws:cloudwatch/logGroup:LogGroup": {
        idFrom: "name",
        autoName: "name",
        texts: {
            name: {
                pattern: /^(?!aws\/)[\w./#-]{1,512}$/,
                reason: "It has at most 512 letters, digits and the characters _-./#, and does not begin with aws/.",
            },
        },
        check: ({ retentionInDays: days }) =>
            typeof days === "number" && !RETENTIONS.includes(days)
                ? [
                      {
                          property: "retentionInDays",
                          reason: `CloudWatch keeps logs for ${RETENTIONS.slice(1).join(", ")} days.`,
                      },
                  ]
                : [],
        replaceOn: ["name", "namePrefix", "logGroupClass"],
        create: (call, inputs) => ({
            arn: arn(call.account, "logs", `log-group:${mustText(inputs, "name")}`),
        }),
    },
};
