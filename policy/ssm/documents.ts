import { auditTrail, awsDocs, securityHub } from "../engine/frameworks";
import { readJson } from "../engine/jsonInput";
import { resourceRule } from "../engine/rule";
import { isText, isValues, shown } from "../engine/values";

const DOCUMENT = "aws:ssm/document:Document";
const CHANGED_IN = "components/network/hostSessionLog.ts";

const notShared = resourceRule({
    name: "ssm-documents-private",
    displayName: "Documents of Systems Manager are not shared",
    description:
        "A document is shared with no other account: it says how people get onto the host, and what is written down of it.",
    severity: "high",
    frameworks: [securityHub("SSM.4", "SSM documents should not be public")],
    remediationSteps: "Leave permissions out.",
    url: "https://docs.aws.amazon.com/securityhub/latest/userguide/ssm-controls.html",
    changedIn: CHANGED_IN,
    types: [DOCUMENT],
    check: (document, findings) => {
        findings.require(
            document.get("permissions"),
            (value) => value === undefined,
            "permissions is given; leave it out.",
        );
    },
});

const sessionsLogged = resourceRule({
    name: "ssm-sessions-logged",
    displayName: "Sessions with a document of the stack are logged",
    description:
        "A Session document is for a shell, and sends what the terminal shows to a log group of CloudWatch, and to no bucket, while the session lasts: what is sent at its end only is lost with the host.",
    severity: "medium",
    frameworks: [
        awsDocs("Systems Manager user guide, logging session activity", "Stream the session's log"),
        auditTrail("It is known who was on the host", "A session that nobody can look up"),
    ],
    remediationSteps:
        "Give the document inputs.cloudWatchLogGroupName and inputs.cloudWatchStreamingEnabled true, and the sessionType Standard_Stream.",
    url: "https://docs.aws.amazon.com/systems-manager/latest/userguide/session-manager-schema.html",
    changedIn: CHANGED_IN,
    types: [DOCUMENT],
    check: (document, findings) => {
        const type = document.get("documentType");
        findings.require(
            type,
            (value) => value === "Session",
            `documentType is ${shown(type)}, which the pack does not judge; set "Session".`,
        );
        const format = document.get("documentFormat");
        findings.require(
            format,
            (value) => value === undefined || value === "JSON",
            `documentFormat is ${shown(format)}; set "JSON".`,
        );
        const content = readJson("content", document.get("content"), findings);
        if (content.state === "unreadable") {
            return;
        }
        const whole = content.state === "read" ? content.value : {};
        const inputs = isValues(whole.inputs) ? whole.inputs : {};
        const isLogged =
            whole.sessionType === "Standard_Stream" &&
            isText(inputs.cloudWatchLogGroupName) &&
            inputs.cloudWatchStreamingEnabled === true &&
            ["", undefined].includes(inputs.s3BucketName as string | undefined);
        if (!isLogged) {
            findings.violation(
                "content does not send a session to a log group, and nowhere else; set sessionType, inputs.cloudWatchLogGroupName and inputs.cloudWatchStreamingEnabled, and no inputs.s3BucketName.",
            );
        }
    },
});

export const documentRules = [notShared, sessionsLogged] as const;
