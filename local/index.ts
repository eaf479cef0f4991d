import { createRequire } from "node:module";
import path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { localDir, PROJECT_ROOT } from "./engine/paths";
import { ACCESS_KEY, laptopAccess } from "./laptopAccess";
import { authorityFiles, ensureAuthority } from "./servers/tls";

const load = createRequire(__filename);

/** Before anything is made: what the stand-in says of RDS's databases is for a plan only. */
function refuseRds(source: string): void {
    const kind = /"(auroraCluster|rdsInstance)"/.exec(source)?.[1];
    if (kind !== undefined) {
        throw new pulumi.RunError(
            `The config key audit-trail:source names an ${kind}, and no such database is on this machine; give a server by its host, or deploy to AWS.`,
        );
    }
}

/**
 * The program of the laptop stack: that of the project, with the settings that only this machine knows: the
 * certificate authority of its servers, and the way to them. A file of its own also because a project's main file has to lie in its folder.
 */
export = async function program(): Promise<unknown> {
    const stackDir = path.join(localDir(), pulumi.getStack());
    await ensureAuthority(stackDir);
    const { certPath } = authorityFiles(stackDir);
    pulumi.runtime.setConfig("audit-trail:caBundle", path.relative(PROJECT_ROOT, certPath));
    refuseRds(pulumi.runtime.getConfig("audit-trail:source") ?? "");
    pulumi.runtime.setConfig(ACCESS_KEY, laptopAccess(pulumi.runtime.getConfig(ACCESS_KEY)));
    const main = load("../main") as () => Promise<unknown>;
    return main();
};
