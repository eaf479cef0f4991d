/**
 * The one list of what the user's environment may say to the processes that the project starts, and of what is said to
 * them on purpose. A variable that was set for another program must not decide about the stack: such a variable changes
 * what is deployed, or ends a command with an error that names everything but the variable.
 */

/** One kind of variable that is taken away. */
interface Taken {
    /** The names, whatever their case; some programs read both. */
    readonly names: RegExp;
    /** Those of them that stay, because they say where something is or who somebody is, not what is done. */
    readonly kept: readonly string[];
}

const TAKEN: readonly Taken[] = [
    // Backend, passphrase, stack, and a variable for each flag of the CLI. PULUMI_HOME says where plugins are kept.
    { names: /^PULUMI_/i, kept: ["PULUMI_HOME"] },
    // libpq's variables, which pg reads too. An address without a password leaves the password to these two.
    { names: /^PG[A-Z]/i, kept: ["PGPASSWORD", "PGPASSFILE"] },
    // What Node.js loads, checks and prints. Certificates and proxies are the machine's; the last is a test's coverage.
    {
        names: /^NODE_/i,
        kept: [
            "NODE_EXTRA_CA_CERTS",
            "NODE_USE_SYSTEM_CA",
            "NODE_USE_ENV_PROXY",
            "NODE_V8_COVERAGE",
        ],
    },
    // The policy pack's runner loads ts-node where it finds no other loader, and tsx is ours.
    { names: /^(TS_NODE|TSX|TSC|ESBUILD)_/i, kept: [] },
    // The engine, its plugins and its host talk gRPC, always on this machine.
    { names: /^(GRPC_|grpc_proxy$|no_grpc_proxy$)/i, kept: [] },
    // Where and how the CLI's build looks for modules is the machine's; what it makes is not.
    { names: /^(GOOS|GOARCH|GOFLAGS|GOEXPERIMENT|GO(386|AMD64|ARM|ARM64))$/i, kept: [] },
    // These decide how texts, times and numbers are printed that a program reads again.
    { names: /^(LC_|LANG$|LANGUAGE$|TZ$)/i, kept: [] },
    // `cd` in a script prints or leads elsewhere; a shell runs the others before its script.
    { names: /^(CDPATH|ENV|BASH_ENV|SHELLOPTS|BASHOPTS)$/, kept: [] },
];

/** The variables that every process of the project gets. */
const GIVEN: Readonly<Record<string, string>> = {
    // Texts as UTF-8 and in no language; of the two names each system has one.
    LC_ALL: process.platform === "darwin" ? "en_US.UTF-8" : "C.UTF-8",
    TZ: "UTC",
    GOFLAGS: "-mod=readonly",
    GOWORK: "off",
    CGO_ENABLED: "0",
    // AWS's SDK would warn of a Node.js that package.json allows and a later SDK will not.
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true",
};

/** The names and addresses of this machine, which no proxy leads to. */
const LOOPBACK = ["localhost", "127.0.0.1", "::1"];

function isTaken(name: string): boolean {
    return TAKEN.some(({ names, kept }) => names.test(name) && !kept.includes(name.toUpperCase()));
}

/** The user's exceptions from the proxies and this machine's own; without blanks, which not every program takes. */
function noProxy(environment: NodeJS.ProcessEnv): string {
    const { no_proxy: lower = "", NO_PROXY: upper = "" } = environment;
    const users = `${lower},${upper}`.split(/[\s,]+/u).filter((host) => host !== "");
    return [...new Set([...users, ...LOOPBACK])].join(",");
}

/** The environment of the project's processes, made of the user's. Made of an environment that it made, it is the same. */
export function ownEnvironment(user: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
    const kept = Object.entries(user).filter(([name]) => !isTaken(name));
    const proxies = noProxy(user);
    return { ...Object.fromEntries(kept), ...GIVEN, no_proxy: proxies, NO_PROXY: proxies };
}

/** What was taken out of this process's environment. */
let taken: NodeJS.ProcessEnv = {};

/** Gives this process, and so every process that it starts, the project's own environment. */
export function useOwnEnvironment(): void {
    const own = ownEnvironment(process.env);
    for (const [name, value] of Object.entries(process.env)) {
        if (!(name in own)) {
            taken = { ...taken, [name]: value };
            Reflect.deleteProperty(process.env, name);
        }
    }
    Object.assign(process.env, own);
}

/**
 * The environment for a question about a stack of the user's own backend: where that is, and how to log in there, the
 * user's variables say; what is asked they do not.
 */
export function userBackendEnvironment(): NodeJS.ProcessEnv {
    const said = Object.entries(taken).filter(
        ([name]) => /^PULUMI_/i.test(name) && !/^PULUMI_(OPTION_|STACK$)/i.test(name),
    );
    return { ...process.env, ...Object.fromEntries(said) };
}

/** What a process gets that runs on without its command and holds connections or passwords: only what it needs. */
export function leastEnvironment(): NodeJS.ProcessEnv {
    const { PATH = "/usr/bin:/bin", HOME, TMPDIR } = process.env;
    return {
        PATH,
        ...(HOME === undefined ? {} : { HOME }),
        ...(TMPDIR === undefined ? {} : { TMPDIR }),
        // Not C.UTF-8: a server's locale decides about the order of texts.
        LC_ALL: "C",
        TZ: "UTC",
    };
}
