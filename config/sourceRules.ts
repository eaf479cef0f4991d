import type { ExistingSource } from "../components/cluster/existingSource";
import type { Config } from "./keys";
import { server as serverParser } from "./serverParser";

/** What `sourceServer` is where the config says nothing of it. */
const NEW_SERVER = JSON.stringify(serverParser.parse("{}"));

const KEY = "The config key audit-trail:source";

/**
 * Refuses what contradicts an existing source.
 *
 * @param region The config key `aws:region`, where it is set.
 * @throws Error in one sentence with the key, the reason and what mends it.
 */
export function checkSource(
    {
        source: { existing, password, demoTable, server },
        network,
    }: Pick<Config, "network" | "source">,
    region: string | undefined,
): void {
    if (password !== undefined && existing?.kind !== "address") {
        throw new Error(
            `The config key audit-trail:sourcePassword is the password of a source that is given by its host, and audit-trail:source gives none; run "pulumi config rm sourcePassword", and for RDS name a secret in source.credentialsSecretArn.`,
        );
    }
    if (existing === undefined) {
        return;
    }
    if (JSON.stringify(server) !== NEW_SERVER) {
        throw new Error(
            `The config key audit-trail:sourceServer says what a new source is like, and audit-trail:source names one that exists; run "pulumi config rm sourceServer".`,
        );
    }
    if (demoTable) {
        throw new Error(
            `The config key audit-trail:demoTable would create public.items in a source that is not the stack's; run "pulumi config set demoTable false", and list tables of the source in audit-trail:tables.`,
        );
    }
    if (existing.kind !== "address" && network.existing === undefined) {
        throw new Error(
            `${KEY} names a database of RDS, and audit-trail:network is a new one, from which no way leads there; run "pulumi config set --path network.vpcId <the source's VPC>", and name its private subnets in network.privateSubnetIds.`,
        );
    }
    checkLogin(existing, password);
    checkRegion(existing, region);
}

function checkLogin(source: ExistingSource, password: string | undefined): void {
    if (source.kind !== "address") {
        return;
    }
    const { credentialsSecretArn, username } = source;
    if (credentialsSecretArn !== undefined && (password !== undefined || username !== undefined)) {
        const second = password === undefined ? "source.username" : "audit-trail:sourcePassword";
        throw new Error(
            `${KEY} has a credentialsSecretArn, which holds user and password, and ${second} is set as well; run "pulumi config rm ${password === undefined ? "--path source.username" : "sourcePassword"}".`,
        );
    }
    if (credentialsSecretArn === undefined && (password === undefined || username === undefined)) {
        const missing = username === undefined ? "source.username" : "audit-trail:sourcePassword";
        const mend =
            username === undefined
                ? "--path source.username <login>"
                : "--secret sourcePassword <password>";
        throw new Error(
            `${KEY} names a host and no way to sign in, because ${missing} is not set; run "pulumi config set ${mend}", or name a secret with both in source.credentialsSecretArn.`,
        );
    }
}

/** A database or a secret of another region is out of the program's reach, and so are its network and its keys. */
function checkRegion(source: ExistingSource, region: string | undefined): void {
    if (region === undefined) {
        return;
    }
    const secretRegion = source.credentialsSecretArn?.split(":")[3];
    const placeRegion = source.kind === "address" ? undefined : source.place?.region;
    const [name, other] = [
        [source.kind, placeRegion] as const,
        ["credentialsSecretArn", secretRegion] as const,
    ].find(([, where]) => where !== undefined && where !== region) ?? [undefined, undefined];
    if (name !== undefined) {
        throw new Error(
            `${KEY} has a ${name} in the region ${String(other)}, and aws:region is ${region}; name one of this region, or run "pulumi config set aws:region ${String(other)}" if the stack belongs there.`,
        );
    }
}
