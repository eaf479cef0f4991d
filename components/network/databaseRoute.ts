import * as pulumi from "@pulumi/pulumi";
import type { Route } from "../../reach/route";

/** The login of Amazon Linux. */
const USER = "ec2-user";
const SSH_PORT = 22;

/** What the config and the network say of the way to the databases. */
export interface DatabaseRouteArgs {
    readonly access: "direct" | "ssh" | "ssm";
    readonly host:
        | { readonly instanceId: pulumi.Output<string>; readonly address: pulumi.Output<string> }
        | undefined;
    /** With ssh, a machine to go through in the place of the host. */
    readonly sshHost: Pick<Extract<Route, { kind: "ssh" }>, "host" | "port" | "user"> | undefined;
    /** With ssh, the machine's public key; unknown before a new host has booted. */
    readonly sshHostKey: string | undefined;
    readonly region: pulumi.Output<string>;
    /** Profile of the AWS configuration that the stack is deployed with, if the config names one. */
    readonly profile: string | undefined;
}

/** The way from the machine that runs Pulumi to the databases; known with the host that it goes through. */
export function routeToDatabases(args: DatabaseRouteArgs): pulumi.Output<Route> {
    const { access, host, sshHost, profile } = args;
    const hostKey = args.sshHostKey ?? "";
    if (access === "ssh" && sshHost !== undefined) {
        return pulumi.output<Route>({ kind: "ssh", ...sshHost, hostKey });
    }
    if (access === "direct" || host === undefined) {
        return pulumi.output<Route>({ kind: "direct" });
    }
    if (access === "ssh") {
        return host.address.apply((address): Route => ({
            kind: "ssh",
            host: address,
            port: SSH_PORT,
            user: USER,
            hostKey,
        }));
    }
    return pulumi.all([host.instanceId, args.region]).apply(([instanceId, region]): Route => ({
        kind: "ssm",
        instanceId,
        region,
        ...(profile === undefined ? {} : { profile }),
    }));
}
