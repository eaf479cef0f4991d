import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { clientConfig, connect, disconnect } from "../../../local/dms/connection";
import { parseEndpointSettings } from "../../../local/dms/task/extraAttributes";
import type { Endpoint } from "../../../local/dms/task/task";
import { giveToServerUser } from "../../../local/servers/runAs";
import { ensureAuthority, issueServerCertificate } from "../../../local/servers/tls";
import { type ScratchServer, scratchServer } from "../../../testing/postgres";
import { rowsOf } from "./support";

describe("local/dms/connection: TLS", function () {
    this.timeout(60_000);
    let folder: string;
    let server: ScratchServer;
    let ca: string;
    let strange: string;

    before(async () => {
        folder = mkdtempSync(path.join(realpathSync(tmpdir()), "audit-trail-tls-"));
        chmodSync(folder, 0o755);
        const authority = await ensureAuthority(path.join(folder, "own"));
        ca = authority.cert;
        strange = (await ensureAuthority(path.join(folder, "strange"))).cert;
        const issued = await issueServerCertificate(authority);
        const files = {
            cert: path.join(folder, "server.pem"),
            key: path.join(folder, "server.key"),
        };
        writeFileSync(files.cert, issued.cert, { mode: 0o600 });
        writeFileSync(files.key, issued.key, { mode: 0o600 });
        await giveToServerUser(files.cert);
        await giveToServerUser(files.key);
        server = await scratchServer({
            settings: { ssl: "on", ssl_cert_file: files.cert, ssl_key_file: files.key },
        });
    });
    after(async () => {
        await server.stop();
        rmSync(folder, { recursive: true, force: true });
    });

    /** Whether the connection is encrypted; rejects when there is none. */
    async function encrypted(given: Partial<Endpoint>): Promise<string | null | undefined> {
        const endpoint: Endpoint = {
            host: server.host,
            port: server.port,
            username: server.user,
            password: server.password,
            databaseName: server.database,
            sslMode: "none",
            settings: parseEndpointSettings({}, "", "The endpoint"),
            ...given,
        };
        const client = await connect(clientConfig(endpoint, "tls"), () => undefined);
        try {
            const rows = await rowsOf(
                client,
                "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()",
            );
            return rows[0]?.[0];
        } finally {
            await disconnect(client);
        }
    }

    it("honours each sslMode", async () => {
        assert.equal(await encrypted({ sslMode: "none" }), "f");
        assert.equal(await encrypted({ sslMode: "require" }), "t");
        assert.equal(await encrypted({ sslMode: "verify-ca", caCertificatePem: ca }), "t");
        assert.equal(await encrypted({ sslMode: "verify-full", caCertificatePem: ca }), "t");
    });

    it("trusts only the given authority, and with verify-full only the right name", async () => {
        for (const sslMode of ["verify-ca", "verify-full"] as const) {
            await assert.rejects(
                encrypted({ sslMode, caCertificatePem: strange }),
                /certificate|signature/i,
            );
        }
        // The certificate names localhost, 127.0.0.1 and ::1, not this spelling of the machine.
        const host = "0.0.0.0";
        assert.equal(await encrypted({ sslMode: "verify-ca", caCertificatePem: ca, host }), "t");
        await assert.rejects(
            encrypted({ sslMode: "verify-full", caCertificatePem: ca, host }),
            /altnames|does not match/i,
        );
    });
});
