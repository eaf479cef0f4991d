"use strict";
// Starts the wrapper: `node run.cjs <arguments of the engine>`, from any folder. In JavaScript and without a package, so that
// what is missing is said in one sentence: the engine hides what a plugin prints, and shows what its calls answer.
const fs = require("fs");
const http2 = require("http2");
const path = require("path");

const root = path.resolve(__dirname, "../..");

/** UNKNOWN, after which the engine asks no second time. */
const FAILED = "2";

function missingPackages() {
    const { dependencies } = JSON.parse(fs.readFileSync(path.join(root, "package.json"), "utf8"));
    return Object.keys(dependencies).filter(
        (name) => !fs.existsSync(path.join(root, "node_modules", name, "package.json")),
    );
}

/** Serves a plugin that answers every call with the sentence. */
function answerAll(sentence) {
    const server = http2.createServer();
    server.on("stream", (stream) => {
        stream.on("error", () => undefined);
        stream.resume();
        stream.respond(
            {
                ":status": 200,
                "content-type": "application/grpc",
                "grpc-status": FAILED,
                "grpc-message": encodeURI(sentence),
            },
            { endStream: true },
        );
    });
    server.listen(0, "127.0.0.1", () => {
        process.stdout.write(`${server.address().port}\n`);
    });
    process.on("SIGINT", () => process.exit(0));
    const engine = process.ppid;
    setInterval(() => {
        if (process.ppid !== engine) process.exit(0);
    }, 1000).unref();
}

const missing = missingPackages();
if (missing.length > 0) {
    answerAll(
        `The project's packages are not all installed (missing: ${missing.slice(0, 3).join(", ")}); run "npm ci" in ${root}, and then this command again.`,
    );
} else {
    try {
        require("../../policy/typeScript.cjs");
        require("./main.ts").served.catch((error) => {
            answerAll(error.message);
        });
    } catch (error) {
        answerAll(
            `The project's programs cannot be loaded (${String(error.message).split("\n")[0]}); run "npm ci" in ${root}, and then this command again.`,
        );
    }
}
