import path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { localDir, PROJECT_ROOT } from "./engine/paths";
import { authorityFiles, ensureAuthority } from "./servers/tls";

/**
 * The program of the laptop stack: that of the project, with the one setting that only this machine knows, the
 * certificate authority of its servers. A file of its own also because a project's main file has to lie in its folder.
 */
export = async function program(): Promise<unknown> {
    const stackDir = path.join(localDir(), pulumi.getStack());
    await ensureAuthority(stackDir);
    const { certPath } = authorityFiles(stackDir);
    pulumi.runtime.setConfig("audit-trail:caBundle", path.relative(PROJECT_ROOT, certPath));
    return import("../index.js");
};
