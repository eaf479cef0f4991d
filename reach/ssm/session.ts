import { setTimeout as pause } from "node:timers/promises";
import type { SSMClient } from "@aws-sdk/client-ssm";
import { messageOf } from "../../text/errors";
import { ReachError } from "../reachError";
import type { SsmRoute } from "../route";
import type { SessionResponse } from "./plugin";

/** https://docs.aws.amazon.com/systems-manager/latest/userguide/session-manager-working-with-sessions-start.html#sessions-remote-port-forwarding */
const DOCUMENT = "AWS-StartPortForwardingSessionToRemoteHost";

const ASK_AGAIN_MS = 3_000;

/** Names of errors that mean: these credentials are none, or no longer. */
const CREDENTIALS =
    /^(CredentialsProviderError|TokenProviderError|ExpiredToken(Exception)?|RequestExpired|UnrecognizedClientException|InvalidClientTokenId|InvalidSignatureException|IncompleteSignature|SSOTokenProviderFailure)$/;

function problem(route: SsmRoute, target: string, cause: unknown): ReachError {
    const name = cause instanceof Error ? cause.name : "";
    const refused = (sentence: string, code: "EROUTE" | "EROUTEREFUSED" = "EROUTE"): ReachError =>
        new ReachError(sentence, code, { cause });
    const { instanceId, region } = route;
    if (name === "TargetNotConnected") {
        return refused(
            `The psql host ${instanceId} is not connected to Systems Manager in ${region}; check that the instance runs and can reach Systems Manager (the VPC endpoints ssm and ssmmessages, or a way out), and run the command again some minutes after its start.`,
        );
    }
    if (CREDENTIALS.test(name)) {
        return refused(
            `AWS does not accept this machine's credentials for a session on the psql host ${instanceId} (${messageOf(cause)}); log in again (for example "aws sso login"), or set AWS_PROFILE, and run the command again.`,
        );
    }
    if (name === "AccessDeniedException") {
        return refused(
            `These AWS credentials may not start a session on the psql host ${instanceId}; allow ssm:StartSession on the instance and on the document ${DOCUMENT}, and ssm:TerminateSession.`,
            "EROUTEREFUSED",
        );
    }
    return refused(
        `Systems Manager in ${region} did not start a session on the psql host ${instanceId} to ${target} (${[name, messageOf(cause)].join(": ")}); check the network and the config key audit-trail:databaseAccess, and run the command again.`,
    );
}

async function withSystemsManager<T>(
    { region, profile }: SsmRoute,
    work: (client: SSMClient) => Promise<T>,
): Promise<T> {
    // Loaded only where somebody takes this route: it takes a while.
    const { SSMClient: Ssm } = await import("@aws-sdk/client-ssm");
    const client = new Ssm({ region, ...(profile === undefined ? {} : { profile }) });
    try {
        return await work(client);
    } finally {
        client.destroy();
    }
}

function isAbsent(error: unknown): boolean {
    return error instanceof Error && error.name === "TargetNotConnected";
}

/**
 * Asks Systems Manager for a session that forwards a port to a server behind the host. Waits for a host that has just
 * booted.
 * @throws ReachError
 */
export async function startSession(
    route: SsmRoute,
    host: string,
    port: number,
    arrivalMs: number,
): Promise<SessionResponse> {
    const deadline = Date.now() + arrivalMs;
    for (;;) {
        try {
            return await requestSession(route, host, port);
        } catch (error) {
            if (!isAbsent(error) || Date.now() > deadline) {
                throw problem(route, `${host}:${String(port)}`, error);
            }
            await pause(Math.min(ASK_AGAIN_MS, arrivalMs));
        }
    }
}

async function requestSession(
    route: SsmRoute,
    host: string,
    port: number,
): Promise<SessionResponse> {
    return await withSystemsManager(route, async (client) => {
        const { StartSessionCommand } = await import("@aws-sdk/client-ssm");
        const { SessionId, StreamUrl, TokenValue } = await client.send(
            new StartSessionCommand({
                Target: route.instanceId,
                DocumentName: DOCUMENT,
                // Without localPortNumber the plugin takes a free port.
                Parameters: { host: [host], portNumber: [String(port)] },
                Reason: "audit-trail",
            }),
        );
        if (SessionId === undefined || StreamUrl === undefined || TokenValue === undefined) {
            throw new Error("the answer has no session");
        }
        return { SessionId, StreamUrl, TokenValue };
    });
}

/** Ends a session at once instead of after its idle time. It may be over already, so a failure says nothing. */
export async function terminateSession(route: SsmRoute, SessionId: string): Promise<void> {
    try {
        await withSystemsManager(route, async (client) => {
            const { TerminateSessionCommand } = await import("@aws-sdk/client-ssm");
            await client.send(new TerminateSessionCommand({ SessionId }));
        });
    } catch {
        // It ends by itself.
    }
}
