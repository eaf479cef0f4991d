import assert from "node:assert/strict";
import { refuseMajorUpgrade } from "../../../components/cluster/majorUpgrade";
import type { StackState } from "../../../components/stackState";

const state = (type: string, outputs: unknown): StackState =>
    new Map([
        [
            `urn:pulumi:dev::audit-trail::auditTrail:index:Some$aws:rds/${type}::dev-audit`,
            { outputs },
        ],
    ]);
const cluster = state("cluster:Cluster", { engineVersion: "16.4", engineVersionActual: "16.6" });
const instance = state("instance:Instance", { engineVersion: "16.4" });

describe("a change of PostgreSQL's major version", () => {
    it("is refused with the version that runs, for clusters and instances, up and down", () => {
        for (const [deployed, wanted, says] of [
            [
                cluster,
                "17.7",
                /dev-audit runs PostgreSQL 16\.6, and .* asks for 17\.7: .* Set a version of 16;/u,
            ],
            [instance, "17.7", /dev-audit runs PostgreSQL 16\.4, /u],
            [instance, "15.9", /asks for 15\.9: /u],
        ] as const) {
            assert.throws(() => {
                refuseMajorUpgrade(deployed, "dev-audit", wanted);
            }, says);
        }
    });

    it("is none where the minor version changes, the server is another one, or none is there yet", () => {
        refuseMajorUpgrade(cluster, "dev-audit", "16.9");
        refuseMajorUpgrade(cluster, "dev-source", "17.7");
        refuseMajorUpgrade(state("subnetGroup:SubnetGroup", {}), "dev-audit", "17.7");
        refuseMajorUpgrade(state("cluster:Cluster", undefined), "dev-audit", "17.7");
        refuseMajorUpgrade(new Map(), "dev-audit", "17.7");
    });
});
