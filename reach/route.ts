/** The servers are reachable from this machine as they are. */
interface DirectRoute {
    readonly kind: "direct";
}

/** Through Session Manager and the psql host; the credentials are this machine's AWS credentials. */
export interface SsmRoute {
    readonly kind: "ssm";
    /** Id of the psql host, for example `i-0123456789abcdef0`. */
    readonly instanceId: string;
    readonly region: string;
    /** Profile of the AWS configuration; without one the usual order of AWS's tools decides. */
    readonly profile?: string;
}

/**
 * Through SSH to the psql host. The private key is not here, because a route is kept in the stack's state and the key is
 * elsewhere on each machine: it comes from the SSH agent, or from the file that AUDIT_TRAIL_SSH_KEY names.
 */
export interface SshRoute {
    readonly kind: "ssh";
    readonly host: string;
    readonly port: number;
    readonly user: string;
    /** The host's public key as a line (`ssh-ed25519 AAAA…`), or its fingerprint (`SHA256:…`). No other key is accepted. */
    readonly hostKey: string;
}

/**
 * The way from this machine to the private databases. Plain JSON without a secret and without anything of this machine: it
 * stands in inputs of resources and in outputs of the stack.
 */
export type Route = DirectRoute | SsmRoute | SshRoute;
