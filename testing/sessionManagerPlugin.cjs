#!/usr/bin/env node
"use strict";
// Stands in for AWS's session-manager-plugin 1.2.650.0: arguments, lines and ends are those of its source code,
// https://github.com/aws/session-manager-plugin (session.go, muxportforwarding.go, streaming.go). The behaviour comes from
// the session's stream URL, which the fake Systems Manager makes: where to connect, whether to be cut.
const { Buffer } = require("node:buffer");
const fs = require("node:fs");
const net = require("node:net");
const { URL } = require("node:url");

const say = (line) => process.stdout.write(`${line}\n`);

const args = process.argv.slice(2);
if (args[0] === "--version") {
    say(process.env.AWS_FAKE_PLUGIN_VERSION || "1.2.650.0");
    process.exit(0);
}
const variable = args[0] || "";
const response = variable.startsWith("AWS_SSM_START_SESSION_RESPONSE")
    ? process.env[variable] || ""
    : variable;
let session;
try {
    session = JSON.parse(response);
} catch (error) {
    // The real one ends with code 0 as well.
    say(`Cannot perform start session: ${error.message}`);
    process.exit(0);
}
const plan = JSON.parse(
    Buffer.from(new URL(session.StreamUrl).searchParams.get("plan"), "base64url").toString(),
);
fs.appendFileSync(
    plan.record,
    `${JSON.stringify({ pid: process.pid, args, names: Object.keys(process.env) })}\n`,
);
process.stdout.write(`\nStarting session with SessionId: ${session.SessionId}\n`);
if (plan.fails) {
    say("Cannot perform start session: websocket: bad handshake");
    process.exit(0);
}

function cut() {
    say(`\n\nSessionId: ${session.SessionId} : Your session timed out due to inactivity.\n\n`);
    process.exit(0);
}

/** To the far end, through the agent of the network that it is in where there is one. */
function connectFar() {
    if (plan.agent === undefined) {
        return net.connect({ host: plan.host, port: plan.port });
    }
    const connection = net.connect({ path: plan.agent });
    connection.write(`${plan.host} ${plan.port}\n`);
    return connection;
}

let carried = 0;
const server = net.createServer((local) => {
    if (plan.cut) {
        cut();
    }
    let isFirst = true;
    const remote = connectFar();
    if (plan.cutAfter !== undefined) {
        remote.on("data", (chunk) => {
            carried += chunk.length;
            if (carried > plan.cutAfter) {
                cut();
            }
        });
    }
    remote.on("error", () => {
        if (isFirst) {
            say("\nConnection to destination port failed, check SSM Agent logs.");
        }
        local.destroy();
    });
    remote.on("connect", () => {
        isFirst = false;
    });
    local.on("error", () => remote.destroy()).on("close", () => remote.destroy());
    remote.on("close", () => local.destroy());
    local.pipe(remote);
    remote.pipe(local);
});
server.listen(0, "127.0.0.1", () => {
    process.stdout.write(
        `Port ${server.address().port} opened for sessionId ${session.SessionId}.`,
    );
    process.stdout.write("\nWaiting for connections...\n");
});
process.on("SIGINT", () => {
    say("Terminate signal received, exiting.");
    say(`\n\nExiting session with sessionId: ${session.SessionId}.\n`);
    process.exit(0);
});
