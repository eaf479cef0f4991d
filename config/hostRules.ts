import { type Config, KEY_GROUPS } from "./keys";

/** Why the stack has no psql host, and how it gets one. */
export interface MissingHost {
    readonly reason: string;
    readonly mend: string;
}

/** Undefined where the stack has a psql host. */
export function missingHost({ host, network }: Config): MissingHost | undefined {
    if (!host.wanted) {
        return {
            reason: "audit-trail:psqlHost is false",
            mend: 'run "pulumi config rm psqlHost"',
        };
    }
    return network.existing === undefined || network.existing.hostSubnetId !== undefined
        ? undefined
        : {
              reason: "audit-trail:network names no subnet for one",
              mend: 'name it with "pulumi config set --path network.hostSubnetId subnet-0123456789abcdef0"',
          };
}

const { keys: HOST_KEYS } = KEY_GROUPS.host;

/** What a host is made with, each by its name in the group. */
const SETTINGS = ["image", "secrets", "sessionLog", "sshCidr", "instanceType", "keyName"] as const;

/** Why the keys about the psql host contradict each other, in one sentence; undefined where they do not. */
export function hostProblem(config: Config): string | undefined {
    const missing = missingHost(config);
    if (missing === undefined) {
        return undefined;
    }
    const { hostSubnetId } = config.network.existing ?? {};
    if (hostSubnetId !== undefined) {
        return `The config key audit-trail:psqlHost is false, but audit-trail:network names the subnet ${hostSubnetId} for a psql host; ${missing.mend}, or "pulumi config rm --path network.hostSubnetId".`;
    }
    const stray = SETTINGS.find((name) => {
        const value = config.host[name];
        return value !== undefined && String(value) !== HOST_KEYS[name].default;
    });
    return (
        stray &&
        `The config key audit-trail:${HOST_KEYS[stray].key} is about the psql host, but ${missing.reason}; ${missing.mend}, or "pulumi config rm ${HOST_KEYS[stray].key}".`
    );
}
