import type { Findings } from "../engine/findings";
import { auditTrail, awsDocs, pages, securityHub } from "../engine/frameworks";
import { programFiles } from "../engine/programFiles";
import { resourceRule } from "../engine/rule";
import { isText, isValues, shown, Unknown } from "../engine/values";

const tls = resourceRule({
    name: "dms-endpoint-tls",
    displayName: "DMS knows whom it talks to",
    description:
        "An endpoint's sslMode is verify-full with a certificate: the default sends clear text, require trusts every server, and verify-ca trusts every server that Amazon has certified.",
    severity: "high",
    frameworks: [
        securityHub("DMS.9", "DMS endpoints should use SSL"),
        auditTrail("Only the source's changes are recorded", "Another server poses as the source"),
    ],
    remediationSteps: "Set sslMode to verify-full and certificateArn to the RDS root certificate.",
    url: pages.hubDms,
    changedIn: programFiles.endpoint,
    types: ["aws:dms/endpoint:Endpoint"],
    check: (endpoint, findings) => {
        const value = endpoint.get("sslMode");
        findings.require(
            value,
            (mode) => mode === "verify-full",
            `sslMode is ${shown(value)}; set "verify-full".`,
        );
        // An ARN that is not known yet is there all the same.
        const certificate = endpoint.get("certificateArn");
        if (!(certificate instanceof Unknown) && !isText(certificate)) {
            findings.violation(
                `certificateArn is ${shown(certificate)}; set the ARN of the RDS root certificate.`,
            );
        }
    },
});

const secret = resourceRule({
    name: "dms-endpoint-secret",
    displayName: "DMS reads its password from a secret",
    description:
        "An endpoint names a secret and the role that reads it, and has no user name and no password: these would be readable in DMS, and wrong after a rotation.",
    severity: "high",
    frameworks: [
        awsDocs(
            "DMS user guide, using secrets to access endpoints",
            "secretsManagerArn and secretsManagerAccessRoleArn instead of clear-text credentials",
        ),
        auditTrail("Only DMS writes staging", "A password that others can read"),
    ],
    remediationSteps:
        "Set secretsManagerArn and secretsManagerAccessRoleArn; remove username and password, also from extraConnectionAttributes.",
    url: pages.dmsSecrets,
    changedIn: programFiles.endpoint,
    types: ["aws:dms/endpoint:Endpoint"],
    check: (endpoint, findings) => {
        // An ARN that is not known yet is there all the same.
        for (const name of ["secretsManagerArn", "secretsManagerAccessRoleArn"] as const) {
            const value = endpoint.get(name);
            if (!(value instanceof Unknown) && !isText(value)) {
                findings.violation(`${name} is ${typeof value}; set the ARN as text.`);
            }
        }
        for (const name of ["username", "password"] as const) {
            if (endpoint.has(name)) {
                findings.violation(`${name} is given; leave it to the secret.`);
            }
        }
        findings.require(
            endpoint.get("extraConnectionAttributes"),
            (text) =>
                text === undefined ||
                (typeof text === "string" &&
                    !/\b(?:password|pwd|username|user|uid)\s*=/i.test(text)),
            "extraConnectionAttributes is not text or holds credentials; leave them to the secret.",
        );
    },
});

const writesNothing = resourceRule({
    name: "dms-source-writes-no-ddl",
    displayName: "DMS creates nothing at the source",
    description:
        "A source endpoint's postgresSettings.captureDdls is false: by default DMS creates a table and an event trigger in the audited database.",
    severity: "high",
    frameworks: [
        awsDocs("DMS user guide, PostgreSQL as a source", "CaptureDdls creates artifacts"),
        auditTrail("Nothing is written on the source", "A table and a trigger on every DDL"),
    ],
    remediationSteps: "Set postgresSettings.captureDdls to false on the source endpoint.",
    url: pages.dmsPostgresqlSource,
    changedIn: programFiles.endpoint,
    types: ["aws:dms/endpoint:Endpoint"],
    check: (endpoint, findings) => {
        if (!isSource(endpoint.get("endpointType"), findings)) {
            return;
        }
        requireSetting("captureDdls", false, endpoint.get("postgresSettings"), findings);
        findings.require(
            endpoint.get("extraConnectionAttributes"),
            (text) =>
                text === undefined ||
                (typeof text === "string" && !/\bcaptureDdls\s*=\s*(?!false|n\b|0)/i.test(text)),
            "extraConnectionAttributes is not text or turns captureDdls on; set it to false in postgresSettings.",
        );
    },
});

const lobTruncation = resourceRule({
    name: "dms-source-fails-on-truncation",
    displayName: "No value is cut short in silence",
    description:
        "A source endpoint's postgresSettings.failTasksOnLobTruncation is true: by default a text, jsonb or bytea value above LobMaxSize is cut with a warning only.",
    severity: "critical",
    frameworks: [
        awsDocs("DMS user guide, PostgreSQL as a source", "failTasksOnLobTruncation"),
        auditTrail("A recorded row is the whole row", "Values end after LobMaxSize"),
    ],
    remediationSteps:
        "Set postgresSettings.failTasksOnLobTruncation to true, and LobMaxSize to what the tables hold.",
    url: pages.dmsPostgresqlSource,
    changedIn: programFiles.endpoint,
    types: ["aws:dms/endpoint:Endpoint"],
    check: (endpoint, findings) => {
        if (isSource(endpoint.get("endpointType"), findings)) {
            const settings = endpoint.get("postgresSettings");
            requireSetting("failTasksOnLobTruncation", true, settings, findings);
        }
    },
});

/**
 * Names of what runs SQL or sets the replication role in each of DMS's sessions: AfterConnectScript, and whatever the
 * service or its driver may call the same.
 */
const SESSION_SQL = /script|sql|stmt|connsettings|replication_?role|^options$/i;

const noSessionScript = resourceRule({
    name: "dms-endpoint-runs-no-script",
    displayName: "DMS's sessions run nothing of their own",
    description:
        "An endpoint has no afterConnectScript and no other session setting in postgresSettings or extraConnectionAttributes: such SQL runs as DMS's user in each of its sessions, and can switch off triggers or change what they write.",
    severity: "critical",
    frameworks: [
        auditTrail(
            "Log rows are written by the trail alone",
            "Whoever can alter the endpoint runs SQL beside the log",
        ),
        awsDocs(
            "DMS user guide, PostgreSQL as a target",
            "afterConnectScript is for bypassing foreign keys and user triggers",
        ),
    ],
    remediationSteps:
        "Remove afterConnectScript and every session setting from postgresSettings and extraConnectionAttributes.",
    url: pages.dmsPostgresqlTarget,
    changedIn: programFiles.endpoint,
    types: ["aws:dms/endpoint:Endpoint"],
    check: (endpoint, findings) => {
        const settings = endpoint.get("postgresSettings");
        findings.require(
            settings,
            (value) => value === undefined || isValues(value),
            "postgresSettings is not an object; give the settings by name.",
        );
        // A value that is not known yet is there all the same.
        const given = isValues(settings) ? Object.entries(settings) : [];
        for (const [name, value] of given) {
            if (value !== undefined && SESSION_SQL.test(name)) {
                findings.violation(`postgresSettings.${name} is given; remove it.`);
            }
        }
        findings.require(
            endpoint.get("extraConnectionAttributes"),
            (text) => text === undefined || (typeof text === "string" && !runsSql(text)),
            "extraConnectionAttributes is not text or runs SQL in DMS's sessions; remove that attribute.",
        );
    },
});

function runsSql(attributes: string): boolean {
    const names = attributes
        .split(";")
        .map((attribute) => attribute.split("=", 1)[0]?.trim() ?? "");
    return names.some((name) => SESSION_SQL.test(name)) || /session_replication/i.test(attributes);
}

/** False for a target, and for an endpoint of which a preview cannot tell. */
function isSource(endpointType: unknown, findings: Findings): boolean {
    if (endpointType instanceof Unknown) {
        findings.undecided(endpointType);
        return false;
    }
    return endpointType !== "target";
}

function requireSetting(
    name: "captureDdls" | "failTasksOnLobTruncation",
    wanted: boolean,
    settings: unknown,
    findings: Findings,
): void {
    const value = isValues(settings) ? settings[name] : settings;
    findings.require(
        value,
        (setting) => isValues(settings) && setting === wanted,
        `postgresSettings.${name} is ${isValues(settings) ? shown(value) : "absent"}; set ${wanted}.`,
    );
}

export const endpointRules = [tls, secret, noSessionScript, writesNothing, lobTruncation] as const;
