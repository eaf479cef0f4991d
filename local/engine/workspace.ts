import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, promises, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";
import {
    LocalWorkspace,
    type OutputMap,
    type ProjectSettings,
    type PulumiCommand,
    type PulumiFn,
    type Stack,
    StackNotFoundError,
    type StackSettings,
} from "@pulumi/pulumi/automation";
import { messageOf } from "../../text/errors";
import { hasBundledPlugins } from "./bundledPlugins";
import { occupy } from "./commandLock";
import { explained, type OperationError } from "./failure";
import { localDir, localSettingsDir, PROJECT_NAME, PROJECT_ROOT, pulumiHome } from "./paths";
import { enginePlugins, realPostgresqlPlugin } from "./plugins";
import { removeEmptySideFiles } from "./stackState";

/** Which stack to open, and where its settings and its state lie. */
export interface StackPlace {
    readonly stackName: string;
    /** The folder of the `Pulumi.<stack>.yaml` that holds the stack's config. */
    readonly settingsDir: string;
    /** The folder of the engine's own files: work folder, state, passphrase. */
    readonly engineDir: string;
    /** The program's main file. */
    readonly main: string;
}

export const LAPTOP_STACK = "local";

const load = createRequire(__filename);

/** What a stack is opened for: a deployment takes its settings file, a destruction needs none. */
export type Purpose = "deployment" | "destruction";

/** The laptop stack's place. Its settings file lies in local/, or in the folder that AUDIT_TRAIL_LOCAL_SETTINGS names. */
export function localStackPlace(): StackPlace {
    return {
        stackName: LAPTOP_STACK,
        settingsDir: localSettingsDir(),
        engineDir: path.join(localDir(), "engine"),
        main: path.join(PROJECT_ROOT, "local", "index.ts"),
    };
}

/**
 * What decides for the engine and for all that it starts, set here on purpose; what the user's environment said about it
 * was set aside, see ../environment.ts.
 */
export function environment(cli: PulumiCommand, place: StackPlace): Record<string, string> {
    const shims = path.join(__dirname, "shims");
    const searchPath = process.env.PATH ?? "";
    return {
        PATH: hasBundledPlugins(cli.command, searchPath)
            ? searchPath
            : [shims, searchPath].join(path.delimiter),
        PULUMI_HOME: pulumiHome(),
        PULUMI_BACKEND_URL: backendUrl(place),
        PULUMI_CONFIG_PASSPHRASE_FILE: passphraseFile(place),
        PULUMI_SKIP_UPDATE_CHECK: "true",
        PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
        // The modules of dynamic providers are looked up from the workspace's real folder, which may lie elsewhere.
        NODE_PATH: path.join(PROJECT_ROOT, "node_modules"),
        AUDIT_TRAIL_LOCAL_DIR: localDir(),
    };
}

/** The engine encrypts secrets in the state with this machine's own passphrase. */
function passphraseFile({ engineDir }: StackPlace): string {
    const file = path.join(engineDir, "passphrase");
    if (!existsSync(file)) {
        mkdirSync(engineDir, { recursive: true, mode: 0o700 });
        writeFileSync(file, randomBytes(24).toString("base64url"), { mode: 0o600 });
    }
    return file;
}

/** The file backend: state, history and backups stay in the stack's own folder. */
function backendUrl({ engineDir }: StackPlace): string {
    return pathToFileURL(path.join(engineDir, "state")).href;
}

/** The project's settings with the stand-ins in the place of the plugins that this machine cannot have. */
async function projectSettings(
    cli: PulumiCommand,
    place: StackPlace,
    postgresqlStandIn: boolean,
    purpose: Purpose,
): Promise<ProjectSettings> {
    const { name, config, description } = await (
        await LocalWorkspace.create({ workDir: PROJECT_ROOT, pulumiCommand: cli })
    ).projectSettings();
    const postgresql = postgresqlStandIn ? "local/postgresql" : "plugins/postgresql";
    const providers = { aws: "local/aws", postgresql };
    return {
        name,
        description,
        // By it the engine judges the settings, also those that were refused when they were to be deployed.
        ...(purpose === "deployment" ? { config } : {}),
        runtime: "nodejs",
        backend: { url: backendUrl(place) },
        plugins: {
            providers: Object.entries(providers).map(([provider, folder]) => ({
                name: provider,
                path: path.join(PROJECT_ROOT, folder),
            })),
        },
    } as ProjectSettings;
}

/** The config in the stack's settings file. */
export async function readSettings(
    cli: PulumiCommand,
    { settingsDir, stackName }: StackPlace,
): Promise<StackSettings["config"]> {
    const file = path.join(settingsDir, `Pulumi.${stackName}.yaml`);
    if (!existsSync(file)) {
        throw new Error(
            `The settings file ${file} does not exist; write one, local/Pulumi.local.yaml is an example.`,
        );
    }
    if ((await promises.readFile(file, "utf8")).trim() === "") {
        throw new Error(
            `The settings file ${file} is empty; write the stack's config into it, local/Pulumi.local.yaml is an example.`,
        );
    }
    try {
        const source = await LocalWorkspace.create({ workDir: settingsDir, pulumiCommand: cli });
        return (await source.stackSettings(stackName)).config;
    } catch (error) {
        const [reason = ""] = messageOf(error).split("\n");
        throw new Error(
            `The settings file ${file} is not valid YAML (${reason}); mend it and run the command again.`,
            { cause: error },
        );
    }
}

/** The stack's settings file, and what the engine itself wrote before (its encryption salt). */
async function stackSettings(
    cli: PulumiCommand,
    place: StackPlace,
    workDir: string,
): Promise<StackSettings> {
    const config = await readSettings(cli, place);
    const written = existsSync(path.join(workDir, `Pulumi.${place.stackName}.yaml`))
        ? await (
              await LocalWorkspace.create({ workDir, pulumiCommand: cli })
          ).stackSettings(place.stackName)
        : {};
    return { ...written, config };
}

/**
 * The program as the Automation API takes it: what a stock CLI would run, a module whose exports are the outputs or
 * whose one export is a function that returns them. As under a stock CLI, its working folder is that of the project
 * file, where the plugins run too.
 */
function program(main: string, workDir: string): PulumiFn {
    return async () => {
        process.chdir(workDir);
        const loaded = exportsOf(load(main) as Outputs);
        return typeof loaded === "function"
            ? exportsOf(((await (loaded as PulumiFn)()) ?? {}) as Outputs)
            : loaded;
    };
}

/** What a module exports by default, or else all that it exports. */
function exportsOf(module: Outputs): Outputs {
    return (module.default as Outputs | undefined) ?? module;
}

type Outputs = Record<string, unknown>;

function workDirOf({ engineDir }: StackPlace): string {
    return path.join(engineDir, "work");
}

function cannotOpen({ stackName, engineDir }: StackPlace, thrown: unknown): OperationError {
    const remedy =
        stackName === LAPTOP_STACK ? '; mend that, or throw the stack away with "npm stop".' : "";
    return explained(
        stackName,
        thrown,
        (reason) =>
            `The engine cannot open the stack "${stackName}", whose files are in ${engineDir}: ${reason}${remedy}`,
    );
}

/**
 * Opens the stack under the real engine. The workspace lies inside the project, because the modules of dynamic
 * providers are looked up from there.
 *
 * @param say receives one line per thing worth knowing.
 * @throws BusyError when another command has opened it.
 * @throws OperationError when the engine cannot open it.
 */
export async function openStack(
    cli: PulumiCommand,
    place: StackPlace,
    say: (line: string) => void,
    purpose: Purpose = "deployment",
): Promise<Stack> {
    occupy(place.engineDir);
    await removeEmptySideFiles(place.engineDir);
    const real = await realPostgresqlPlugin(enginePlugins(cli), say);
    const workDir = workDirOf(place);
    for (const folder of [workDir, path.join(place.engineDir, "state")]) {
        await promises.mkdir(folder, { recursive: true, mode: 0o700 });
    }
    const { stackName } = place;
    const stackSettingsOf =
        purpose === "deployment"
            ? { [stackName]: await stackSettings(cli, place, workDir) }
            : undefined;
    const project = await projectSettings(cli, place, !real, purpose);
    try {
        return await LocalWorkspace.createOrSelectStack(
            { stackName, projectName: PROJECT_NAME, program: program(place.main, workDir) },
            {
                workDir,
                pulumiCommand: cli,
                pulumiHome: pulumiHome(),
                envVars: environment(cli, place),
                projectSettings: project,
                stackSettings: stackSettingsOf,
            },
        );
    } catch (error) {
        throw cannotOpen(place, error);
    }
}

/**
 * The outputs of the last deployment, none when there was none. It writes nothing that a deployment under way could miss,
 * and needs no settings file.
 *
 * @throws OperationError when the engine cannot tell them.
 */
export async function deployedOutputs(cli: PulumiCommand, place: StackPlace): Promise<OutputMap> {
    const workDir = workDirOf(place);
    if (!existsSync(path.join(workDir, "Pulumi.yaml"))) {
        return {};
    }
    await removeEmptySideFiles(place.engineDir);
    try {
        const workspace = await LocalWorkspace.create({
            workDir,
            pulumiCommand: cli,
            pulumiHome: pulumiHome(),
            envVars: environment(cli, place),
        });
        return await workspace.stackOutputs(place.stackName);
    } catch (error) {
        if (error instanceof StackNotFoundError) {
            return {};
        }
        throw cannotOpen(place, error);
    }
}
