import type { Client } from "pg";
import { disconnect } from "../../../local/dms/connection";
import type { Faults } from "../../../local/dms/task/faults";
import type { Pipeline } from "../pipeline";
import type { MortalServer, Outage } from "../server";
import { Deeds } from "../stress";
import type { Random } from "./random";
import { COMING_AND_GOING, SOAK_TABLES } from "./tables";

const KINDS = [
    ...(["kill", "kill", "stop", "die after commit", "faults", "sessions"] as const),
    ...(["source", "target", "people", "column"] as const),
] as const;
const OUTAGES: readonly [Outage, ...Outage[]] = ["SIGKILL", "immediate", "fast"];

/** Does one random bad thing after the other to a pipeline, and makes good what a person or the service would. */
export class Mischief {
    /** What was done, by kind. */
    readonly done = new Map<string, number>();

    /** Whether the replicator dies with its next commit, which may be under way. */
    private isDoomed = false;
    private hasColumn = false;
    private readonly deeds: Deeds;

    constructor(
        private readonly pipeline: Pipeline,
        private readonly random: Random,
        private faults: Partial<Faults>,
    ) {
        pipeline.setFaults(faults);
        this.deeds = new Deeds(pipeline, SOAK_TABLES);
    }

    async once(): Promise<void> {
        const kind = KINDS[this.random.below(KINDS.length)] ?? "kill";
        const outage = this.random.of(OUTAGES);
        const title = kind === "source" || kind === "target" ? `${kind} ${outage}` : kind;
        this.done.set(title, (this.done.get(title) ?? 0) + 1);
        const { pipeline } = this;
        switch (kind) {
            case "kill":
                await pipeline.kill();
                break;
            case "stop":
                await pipeline.stop();
                break;
            case "die after commit":
                // Nobody comes for it until the next bad thing.
                this.isDoomed = true;
                pipeline.setFaults({ ...this.faults, killBeforeConfirm: true });
                return;
            case "faults":
                this.faults = this.newFaults();
                break;
            case "sessions":
                await this.endSessions(pipeline.source);
                await this.endSessions(pipeline.audit);
                break;
            case "people":
                await this.people();
                break;
            case "column":
                await this.changeColumn();
                await this.people();
                await pipeline.stop();
                break;
            case "source":
            case "target": {
                const server = kind === "source" ? pipeline.source : pipeline.audit;
                await server.takeAway(outage);
                await server.bringBack();
            }
        }
        await this.revive();
    }

    async revive(): Promise<void> {
        this.pipeline.setFaults(this.faults);
        if (this.isDoomed) {
            this.isDoomed = false;
            await this.pipeline.kill();
        }
        if (!this.pipeline.isAlive) {
            await this.pipeline.start();
        }
    }

    /** The form of positions stays: no service changes it on the way. */
    private newFaults(): Partial<Faults> {
        const { random } = this;
        return {
            ...this.faults,
            deleteImage: random.of(["keep", "null"]),
            lobTwoStep: random.below(2) === 0,
            replayAfterResume: random.of([0, 5, 200]),
            restartChangeSeq: random.below(2) === 0,
        };
    }

    /** The audit side's people, all at once. */
    private async people(): Promise<void> {
        const { deeds } = this;
        await Promise.all([deeds.update(), deeds.maintain(), deeds.audit(), deeds.audit()]);
    }

    private async changeColumn(): Promise<void> {
        const admin = await this.pipeline.sourceSession();
        try {
            await admin.query(this.hasColumn ? COMING_AND_GOING.drop : COMING_AND_GOING.add);
            this.hasColumn = !this.hasColumn;
        } finally {
            await disconnect(admin);
        }
    }

    private async endSessions(server: MortalServer): Promise<void> {
        let admin: Client | undefined;
        try {
            admin = await server.administrator();
            await admin.query(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname IS NOT NULL AND random() < 0.5",
            );
        } finally {
            if (admin !== undefined) {
                await disconnect(admin);
            }
        }
    }
}
