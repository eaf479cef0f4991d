import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { text } from "node:stream/consumers";
import { makeTempDir } from "./tempDir";

const PLUGIN = path.join(__dirname, "sessionManagerPlugin.cjs");

/** How the next sessions behave. */
interface SessionPlan {
    /** The error with which StartSession is refused: its name in the API. */
    readonly refusal?: string;
    /** How many StartSession calls are refused with it; all if not given. */
    readonly refusals?: number;
    /** The plugin does not come to its session. */
    readonly fails?: boolean;
    /** Each session ends with its first connection, as one that was idle for too long. */
    readonly cut?: boolean;
    /** Each session ends when that many bytes have come from the far end. */
    readonly cutAfter?: number;
    /** How many sessions fail or are cut; all if not given. */
    readonly faulty?: number;
    /** The agent of the private network that the far ends are in (privateNetwork/agent.ts); this machine's own if not given. */
    readonly agent?: string;
}

/** What a started plugin was given. */
interface PluginStart {
    readonly pid: number;
    readonly args: readonly string[];
    /** Names of its environment variables. */
    readonly names: readonly string[];
}

/** A stand-in for Systems Manager's sessions, with its plugin on the PATH of this process. */
export interface FakeSystemsManager {
    plan: SessionPlan;
    /** Operations that were called, in order. */
    readonly calls: string[];
    /** The plugins that were started. */
    started(): PluginStart[];
    stop(): Promise<void>;
}

/** Answers StartSession and TerminateSession as the API does, https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_StartSession.html. */
export async function fakeSystemsManager(): Promise<FakeSystemsManager> {
    const folder = await makeTempDir();
    const record = path.join(folder, "record");
    writeFileSync(record, "");
    mkdirSync(path.join(folder, "bin"));
    const program = path.join(folder, "bin", "session-manager-plugin");
    writeFileSync(program, `#!/bin/sh\nexec "${process.execPath}" "${PLUGIN}" "$@"\n`);
    chmodSync(program, 0o755);

    const fake = { plan: {} as SessionPlan, calls: [] as string[] };
    const server = createServer((request, response) => {
        const operation = String(request.headers["x-amz-target"]).replace("AmazonSSM.", "");
        fake.calls.push(operation);
        void text(request).then((body) => {
            const { refusal, refusals = Infinity, faulty = Infinity, agent, ...faults } = fake.plan;
            const ownAgent = agent === undefined ? {} : { agent };
            response.setHeader("content-type", "application/x-amz-json-1.1");
            const asked = fake.calls.filter((call) => call === "StartSession").length;
            if (operation === "StartSession" && refusal !== undefined && asked <= refusals) {
                response.statusCode = 400;
                response.end(JSON.stringify({ __type: refusal, message: `fake ${refusal}` }));
                return;
            }
            if (operation === "TerminateSession") {
                response.end(JSON.stringify({}));
                return;
            }
            const { Parameters } = JSON.parse(body) as {
                Parameters: { host: [string]; portNumber: [string] };
            };
            const target = { host: Parameters.host[0], port: Number(Parameters.portNumber[0]) };
            const plan = { ...(asked <= faulty ? faults : {}), ...ownAgent, ...target, record };
            const encoded = Buffer.from(JSON.stringify(plan));
            response.end(
                JSON.stringify({
                    SessionId: `tests-${String(asked)}`,
                    StreamUrl: `wss://ssmmessages.invalid/v1?plan=${encoded.toString("base64url")}`,
                    TokenValue: "swordfish",
                }),
            );
        });
    });
    await new Promise<void>((resolve) => {
        server.listen(0, "127.0.0.1", resolve);
    });
    const before = { ...process.env };
    Object.assign(process.env, {
        PATH: `${path.join(folder, "bin")}:${before.PATH ?? ""}`,
        AWS_ENDPOINT_URL_SSM: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`,
        AWS_ACCESS_KEY_ID: "AKIAIOSFODNN7EXAMPLE",
        AWS_SECRET_ACCESS_KEY: "example",
    });
    return Object.assign(fake, {
        started: () =>
            readFileSync(record, "utf8")
                .split("\n")
                .filter((line) => line !== "")
                .map((line) => JSON.parse(line) as PluginStart),
        stop: async () => {
            process.env = before;
            server.closeAllConnections();
            server.close();
            await rm(folder, { recursive: true, force: true });
        },
    });
}
