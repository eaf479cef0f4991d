import assert from "node:assert/strict";
import { Client } from "pg";
import type { Environment } from "../../../testing/command";
import { PrivateNetwork } from "../../../testing/privateNetwork/privateNetwork";
import { type Sshd, startSshd } from "../../../testing/sshd";
import { type FakeSystemsManager, fakeSystemsManager } from "../../../testing/systemsManager";
import { until } from "../../../testing/until";
import { isLiving, type Settings, stackProcess } from "./laptopStack";

/** How a session of the stand-in for Session Manager goes wrong. */
type Faults = Omit<FakeSystemsManager["plan"], "agent">;

/** A network for a stack whose databases only their host reaches: by an SSH server in it, or by Session Manager. */
export class PrivateAccess {
    private constructor(
        private readonly manager: FakeSystemsManager,
        private readonly network: PrivateNetwork,
        private readonly sshd: Sshd,
        private readonly sshPort: number,
    ) {}

    static async open(): Promise<PrivateAccess> {
        const manager = await fakeSystemsManager();
        const network = await PrivateNetwork.make();
        const sshd = await startSshd([], network.inside);
        const access = new PrivateAccess(manager, network, sshd, await network.publish(sshd.port));
        access.plan({});
        return access;
    }

    /** For the commands of the stack. */
    get environment(): Environment {
        return {
            ...this.network.environment,
            AUDIT_TRAIL_SSH_KEY: this.sshd.keyFile,
            SSH_AUTH_SOCK: undefined,
        };
    }

    /** The config keys for the way by SSH. */
    get sshSettings(): Settings {
        return {
            databaseAccess: "ssh",
            sshHost: `${this.sshd.user}@localhost:${String(this.sshPort)}`,
            sshHostKey: this.sshd.hostKey,
        };
    }

    /** Whether a tunnel stands now. */
    get isOpen(): boolean {
        return (
            this.network.connections > 0 ||
            this.manager.started().some(({ pid }) => isLiving(stackProcess("session plugin", pid)))
        );
    }

    /** How the next sessions go wrong; from now on they are counted anew. */
    plan(faults: Faults): void {
        this.manager.calls.length = 0;
        this.manager.plan = { ...faults, agent: this.network.agent };
    }

    /** How many sessions were asked for since {@link plan}. */
    get sessions(): number {
        return this.manager.calls.filter((call) => call === "StartSession").length;
    }

    /** How often somebody logged in by SSH. */
    get logins(): number {
        return this.sshd.log().split("Accepted publickey").length - 1;
    }

    /** Nobody gets to a database past the host. Where nobody may make a network, everybody does. */
    async assertSealed(connectionString: string): Promise<void> {
        const client = new Client({ connectionString });
        const attempt = client.connect();
        if (this.network.isSealed) {
            await assert.rejects(attempt, { code: "ECONNREFUSED" });
        } else {
            await attempt;
            await client.end();
        }
    }

    /** A session from inside. */
    async connected<T>(connectionString: string, work: (client: Client) => Promise<T>): Promise<T> {
        const { host, port } = new Client({ connectionString });
        const connection = this.network.connect(host, port);
        const stream = Object.assign(connection, {
            connect: () => {
                process.nextTick(() => connection.emit("connect"));
                return connection;
            },
        });
        const client = new Client({ connectionString, stream: () => stream });
        await client.connect();
        try {
            return await work(client);
        } finally {
            await client.end();
        }
    }

    /** Waits until no tunnel of any command is left. */
    async assertClosed(): Promise<void> {
        await until(() => Promise.resolve(!this.isOpen));
    }

    async close(): Promise<void> {
        await this.sshd.stop();
        await this.network.stop();
        await this.manager.stop();
    }
}
