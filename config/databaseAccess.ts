import { missingHost } from "./hostRules";
import type { Config } from "./keys";

/** How the databases are reached, once it is decided. */
export type DatabaseAccess = "direct" | "ssh" | "ssm";

/** What `databaseAccess` means in this stack: Session Manager in a new network, and in an existing one the way that is there. */
export function databaseAccess({ access, network }: Config): DatabaseAccess {
    if (access.databaseAccess !== "auto") {
        return access.databaseAccess;
    }
    return network.existing === undefined ? "ssm" : "direct";
}

const KEY = "The config key audit-trail";

/** Why no way leads through the psql host; undefined where there is a host. */
function noHost(config: Config): string | undefined {
    const problem = missingHost(config);
    return problem && `goes through the psql host, but ${problem.reason}; ${problem.mend}`;
}

function ssmProblem(config: Config): string | undefined {
    const { sshCidr, keyName } = config.host;
    const none = noHost(config);
    if (none !== undefined) {
        return `${KEY}:databaseAccess is ssm, which ${none}, or set databaseAccess to direct.`;
    }
    const stray = sshCidr === undefined ? keyName && "keyName" : "sshCidr";
    return stray === undefined
        ? undefined
        : `${KEY}:${stray} is about SSH to the psql host, but audit-trail:databaseAccess is ssm, with which the host takes no connection; run "pulumi config rm ${stray}", or "pulumi config set databaseAccess ssh".`;
}

function sshProblem(config: Config): string | undefined {
    const { sshHost, sshHostKey } = config.access;
    if (sshHost !== undefined) {
        return sshHostKey === undefined
            ? `${KEY}:sshHost names a machine whose key is not known; set the line that "ssh-keyscan" prints on that machine itself with "pulumi config set sshHostKey 'ssh-ed25519 AAAA...'".`
            : undefined;
    }
    const none = noHost(config);
    if (none !== undefined) {
        return `${KEY}:databaseAccess is ssh, which ${none}, or name a machine of your own with "pulumi config set sshHost ec2-user@bastion.example.com".`;
    }
    if (config.host.sshCidr === undefined) {
        return `${KEY}:databaseAccess is ssh, but nobody may reach the psql host by SSH; set your own address with "pulumi config set sshCidr 198.51.100.7/32".`;
    }
    if (config.host.keyName === undefined) {
        return `${KEY}:databaseAccess is ssh, but the psql host has no key pair to log in with; name one with "pulumi config set keyName my-ec2-keypair".`;
    }
    return undefined;
}

/**
 * Why these keys contradict each other, in one sentence; undefined where they do not.
 */
export function accessProblem(config: Config): string | undefined {
    const mode = databaseAccess(config);
    if (mode === "ssm") {
        return strayKey(config, mode) ?? ssmProblem(config);
    }
    return mode === "ssh" ? sshProblem(config) : strayKey(config, mode);
}

function strayKey({ access }: Config, mode: DatabaseAccess): string | undefined {
    const stray = access.sshHost === undefined ? access.sshHostKey && "sshHostKey" : "sshHost";
    return stray === undefined
        ? undefined
        : `${KEY}:${stray} is about the way by SSH, but audit-trail:databaseAccess is ${mode}; run "pulumi config rm ${stray}", or "pulumi config set databaseAccess ssh".`;
}
