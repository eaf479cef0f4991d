import type { Duplex } from "node:stream";
import { KeptTunnel } from "../keptTunnel";
import { reconnecting } from "../reachError";
import type { SshRoute } from "../route";
import type { ReachSettings } from "../settings";
import { SshConnection } from "./sshConnection";

/** The SSH connection of one route, through which all connections go. */
export class SshTunnel {
    private readonly connection: KeptTunnel<SshConnection>;

    constructor(
        private readonly route: SshRoute,
        settings: ReachSettings,
    ) {
        this.connection = new KeptTunnel(() => SshConnection.open(route, settings));
    }

    connect(host: string, port: number): Promise<Duplex> {
        const where = `through the psql host at ${this.route.host}:${String(this.route.port)} to ${host}:${String(port)}`;
        return reconnecting(where, async () => {
            const connection = await this.connection.get();
            return connection.forward(host, port);
        });
    }

    async close(): Promise<void> {
        (await this.connection.take())?.end();
    }
}
