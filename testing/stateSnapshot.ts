/** A stack's state as `pulumi stack export --show-secrets` prints it, as far as a snapshot is made of it. */
export interface Deployment {
    readonly version: number;
    readonly deployment: {
        readonly manifest: Readonly<Record<string, unknown>>;
        readonly resources: readonly Resource[];
    };
}

type Props = Readonly<Record<string, unknown>>;

interface Resource {
    readonly urn: string;
    readonly type: string;
    readonly inputs?: Props;
    readonly outputs?: Props;
}

const DYNAMIC = "pulumi-nodejs:dynamic/";
const PASSWORD = "pulumi-nodejs:dynamic/auditTrail:Password";

/** Nobody listens there, and nobody but root may: what looks for the databases finds at once that nobody is there. */
const NO_SERVER = 1;

/**
 * The inputs of dynamic resources that no comparison reads, and that make the state large: the scripts, of which the outputs
 * have digests, and the code as it was. The engine runs that to ask whether another resource's replacement changes this
 * one, which none of ours answers with a replacement.
 */
const UNREAD: Readonly<Record<string, unknown>> = {
    __provider: "exports.handler = () => ({});",
    batches: [],
    look: "",
};

/** The program of `audit-verify`, which every version has anew. */
const PROGRAM = "aws:s3/bucketObjectv2:BucketObjectv2";

/** When and by which line of the program a resource was made. */
const UNTOLD: readonly string[] = ["created", "modified", "sourcePosition", "stackTrace"];

/** A state for the tests: without the secrets, the ports and the bulk of the stack that it was taken from. */
export function stateSnapshot({ version, deployment }: Deployment): Deployment {
    const { manifest, resources } = deployment;
    const kept = resources.map((resource) => ({
        ...withoutNames(UNTOLD, resource),
        ...(resource.inputs && { inputs: withoutBulk(resource, resource.inputs) }),
        ...(resource.outputs && { outputs: withoutBulk(resource, resource.outputs) }),
    }));
    let text = JSON.stringify({ version, deployment: { manifest, resources: kept } });
    for (const [password, placeholder] of passwordsOf(resources)) {
        text = text.replaceAll(password, placeholder);
    }
    for (const port of portsOf(resources)) {
        text = text.replaceAll(String(port), String(NO_SERVER));
    }
    return JSON.parse(text) as Deployment;
}

function withoutNames(names: readonly string[], value: object): object {
    return Object.fromEntries(Object.entries(value).filter(([name]) => !names.includes(name)));
}

function withoutBulk({ type }: Resource, props: Props): Props {
    const unread: Props = type.startsWith(DYNAMIC)
        ? UNREAD
        : type === PROGRAM
          ? { content: "" }
          : {};
    const kept = Object.entries(props).map(([name, value]) => [name, unread[name] ?? value]);
    return Object.fromEntries(kept) as Props;
}

/** Every generated password, with what takes its place everywhere, as passwords are in scripts and connections too. */
function passwordsOf(resources: readonly Resource[]): [string, string][] {
    const secrets = resources
        .filter(({ type }) => type === PASSWORD)
        .flatMap(({ outputs }) => [outputs?.value, outputs?.former])
        .filter((secret) => secret !== undefined)
        .map((secret) => JSON.parse((secret as { plaintext: string }).plaintext) as string);
    return [...new Set(secrets)]
        .filter((password) => password !== "")
        .map((password, index) => [password, `snapshot-password-${String(index + 1)}`]);
}

/** The ports of the servers: five digits, which are in no number beside them. */
function portsOf(resources: readonly Resource[]): number[] {
    return resources
        .filter(({ type }) => type === "aws:rds/cluster:Cluster")
        .map(({ outputs }) => outputs?.port as number);
}
