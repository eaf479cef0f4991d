import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { isPortFree } from "../../../local/servers/ports";
import { isCommandOf } from "../../../local/servers/process";
import { until } from "../../../testing/until";

describe("pulumi-resource-aws", function () {
    this.timeout(20_000);

    it("serves from any folder, prints its port and ends with the engine that started it", async () => {
        const plugin = path.resolve(__dirname, "../../../local/aws/pulumi-resource-aws");
        const engine = spawn("sh", ["-c", '"$0" & echo $!; wait', plugin], {
            cwd: tmpdir(),
            stdio: ["ignore", "pipe", "inherit"],
        });
        let pid: number | undefined;
        try {
            const lines = createInterface(engine.stdout);
            const printed: string[] = [];
            lines.on("line", (line) => printed.push(line));
            while (printed.length < 2) {
                await once(lines, "line");
            }
            const [first = 0, port = 0] = printed.map(Number);
            pid = first;
            assert.equal(await isPortFree(port), false);
            engine.kill("SIGKILL");
            await until(async () => await isPortFree(port));
            await until(async () => !(await isCommandOf(first, path.dirname(plugin))));
        } finally {
            engine.kill("SIGKILL");
            if (pid !== undefined && (await isCommandOf(pid, "local/aws/main.ts"))) {
                process.kill(pid, "SIGKILL");
            }
        }
    });
});
