import assert from "node:assert/strict";
import { chmodSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import path from "node:path";
import { type Connection, withClient } from "../../database/connection";
import { giveToServerUser } from "../../local/servers/runAs";
import { ensureAuthority, issueServerCertificate } from "../../local/servers/tls";
import { type ScratchServer, scratchServer } from "../../testing/postgres";
import { type Sshd, startSshd } from "../../testing/sshd";
import { makeTempDir } from "../../testing/tempDir";

describe("reach: sessions of PostgreSQL", function () {
    this.timeout(60_000);
    let folder: string;
    let server: ScratchServer;
    let sshd: Sshd;
    let connection: Connection;
    const environment = { ...process.env };

    before(async () => {
        folder = await makeTempDir();
        chmodSync(folder, 0o755);
        const authority = await ensureAuthority(folder);
        const issued = await issueServerCertificate(authority);
        const file = (name: string): string => path.join(folder, name);
        for (const [name, text] of [
            ["server.pem", issued.cert],
            ["server.key", issued.key],
            ["ca.pem", authority.cert],
        ] as const) {
            writeFileSync(file(name), text, { mode: 0o600 });
            await giveToServerUser(file(name));
        }
        const ssl = {
            ssl: "on",
            ssl_cert_file: file("server.pem"),
            ssl_key_file: file("server.key"),
        };
        [server, sshd] = await Promise.all([scratchServer({ settings: ssl }), startSshd()]);
        process.env.AUDIT_TRAIL_SSH_KEY = sshd.keyFile;
        const { host, port, user, hostKey } = sshd;
        connection = {
            ...server,
            caPath: file("ca.pem"),
            route: { kind: "ssh", host, port, user, hostKey },
        };
    });
    after(async () => {
        process.env = environment;
        await Promise.all([server.stop(), sshd.stop()]);
        await rm(folder, { recursive: true, force: true });
    });

    it("come through the tunnel, encrypted to the server itself and shared by two at once", async () => {
        const ask = (): Promise<unknown> =>
            withClient(connection, async (client) => {
                const { rows } = await client.query<Record<string, unknown>>(
                    "SELECT ssl, repeat('x', 1000000) AS x FROM pg_stat_ssl WHERE pid = pg_backend_pid()",
                );
                return rows;
            });
        const expected = [{ ssl: true, x: "x".repeat(1_000_000) }];
        assert.deepEqual(await Promise.all([ask(), ask()]), [expected, expected]);
        assert.equal(sshd.log().split("Accepted publickey").length - 1, 1);
    });

    it("compare the certificate with the server's name, not with the tunnel's", async () => {
        // Another way to write 127.0.0.1, which only the host resolves.
        await assert.rejects(
            withClient({ ...connection, host: "127.1" }, () => Promise.resolve()),
            /certificate .* is not trusted \(.*127\.1/,
        );
    });
});
