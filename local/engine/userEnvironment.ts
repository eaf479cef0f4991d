/** What a user set for stacks of their own; see {@link setAsidePulumiVariables}. */
let setAside: NodeJS.ProcessEnv = {};

/**
 * Takes the user's PULUMI_* variables out of this process, and so out of every process that it starts: a backend, a
 * passphrase, a stack or an option (each flag of the CLI has a variable) that was set for another stack must not decide
 * about this one. PULUMI_HOME stays: it says where plugins are kept, not what is done. What the engine needs is set on
 * purpose, in workspace.ts.
 */
export function setAsidePulumiVariables(): void {
    const names = Object.keys(process.env).filter(
        (name) => /^PULUMI_/i.test(name) && name !== "PULUMI_HOME",
    );
    setAside = {
        ...setAside,
        ...Object.fromEntries(names.map((name) => [name, process.env[name]])),
    };
    for (const name of names) {
        Reflect.deleteProperty(process.env, name);
    }
}

/** The environment as the user set it, for a command about a stack of the user's own backend. */
export function userEnvironment(): NodeJS.ProcessEnv {
    return { ...process.env, ...setAside };
}
