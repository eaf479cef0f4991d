import type { Duplex } from "node:stream";
import { KeptTunnel } from "../keptTunnel";
import { CutError, reconnecting } from "../reachError";
import type { SsmRoute } from "../route";
import type { ReachSettings } from "../settings";
import { Forward } from "./forward";

/** The forwards of one route: Session Manager has a session for each server. */
export class SsmTunnel {
    private readonly forwards = new Map<string, KeptTunnel<Forward>>();

    constructor(
        private readonly route: SsmRoute,
        private readonly settings: ReachSettings,
    ) {}

    connect(host: string, port: number): Promise<Duplex> {
        const target = `${host}:${String(port)}`;
        const where = `through the psql host ${this.route.instanceId} to ${target}`;
        const kept = this.forwards.get(target) ?? this.keep(target, host, port);
        return reconnecting(where, async () => {
            const forward = await kept.get();
            try {
                return await forward.connect();
            } catch (error) {
                if (error instanceof CutError) {
                    await forward.close();
                }
                throw error;
            }
        });
    }

    private keep(target: string, host: string, port: number): KeptTunnel<Forward> {
        const kept = new KeptTunnel(() => Forward.open(this.route, host, port, this.settings));
        this.forwards.set(target, kept);
        return kept;
    }

    async close(): Promise<void> {
        const all = [...this.forwards.values()].map(async (kept) => (await kept.take())?.close());
        await Promise.all(all);
    }
}
