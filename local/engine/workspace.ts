import * as crypto from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { pathToFileURL } from "node:url";
import {
    LocalWorkspace,
    ProjectSettings,
    PulumiCommand,
    PulumiFn,
    Stack,
    StackSettings,
} from "@pulumi/pulumi/automation";
import { hasBundledPlugins } from "./bundledPlugins";
import { enginePlugins, pulumiHome, realPostgresqlPlugin } from "./plugins";
import { localDir, PROJECT_NAME, PROJECT_ROOT } from "./paths";

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

/** The laptop stack's place. Its settings file lies in local/, or in the folder that AUDIT_TRAIL_LOCAL_SETTINGS names. */
export function localStackPlace(): StackPlace {
    return {
        stackName: "local",
        settingsDir: process.env.AUDIT_TRAIL_LOCAL_SETTINGS ?? path.join(PROJECT_ROOT, "local"),
        engineDir: path.join(localDir(), "engine"),
        main: path.join(PROJECT_ROOT, "local", "index.ts"),
    };
}

function environment(cli: PulumiCommand, place: StackPlace): Record<string, string> {
    const shims = path.join(__dirname, "shims");
    const searchPath = process.env.PATH ?? "";
    return {
        PATH: hasBundledPlugins(cli.command, searchPath)
            ? searchPath
            : [shims, searchPath].join(path.delimiter),
        PULUMI_HOME: pulumiHome(),
        PULUMI_CONFIG_PASSPHRASE_FILE: passphraseFile(place),
        PULUMI_SKIP_UPDATE_CHECK: "true",
        PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
        AUDIT_TRAIL_LOCAL_DIR: localDir(),
    };
}

/** The engine encrypts secrets in the state with this machine's own passphrase. */
function passphraseFile({ engineDir }: StackPlace): string {
    const file = path.join(engineDir, "passphrase");
    if (!fs.existsSync(file)) {
        fs.mkdirSync(engineDir, { recursive: true, mode: 0o700 });
        fs.writeFileSync(file, crypto.randomBytes(24).toString("base64url"), { mode: 0o600 });
    }
    return file;
}

/** The project's settings with the stand-ins in the place of the plugins that this machine cannot have. */
async function projectSettings(
    cli: PulumiCommand,
    place: StackPlace,
    postgresqlStandIn: boolean,
): Promise<ProjectSettings> {
    const { name, config, description } = await (
        await LocalWorkspace.create({ workDir: PROJECT_ROOT, pulumiCommand: cli })
    ).projectSettings();
    const standIns = postgresqlStandIn ? ["aws", "postgresql"] : ["aws"];
    const stateDir = path.join(place.engineDir, "state");
    await fs.promises.mkdir(stateDir, { recursive: true, mode: 0o700 });
    return {
        name,
        description,
        config,
        runtime: "nodejs",
        backend: { url: pathToFileURL(stateDir).href },
        plugins: {
            providers: standIns.map((standIn) => ({
                name: standIn,
                path: path.join(PROJECT_ROOT, "local", standIn),
            })),
        },
    } as ProjectSettings;
}

/** The config in the stack's settings file. */
async function readSettings(
    cli: PulumiCommand,
    { settingsDir, stackName }: StackPlace,
): Promise<StackSettings["config"]> {
    const file = path.join(settingsDir, `Pulumi.${stackName}.yaml`);
    if (!fs.existsSync(file)) {
        throw new Error(
            `The settings file ${file} does not exist; write one, local/Pulumi.local.yaml is an example.`,
        );
    }
    try {
        const source = await LocalWorkspace.create({ workDir: settingsDir, pulumiCommand: cli });
        return (await source.stackSettings(stackName)).config;
    } catch (error) {
        const [reason = ""] = (error instanceof Error ? error.message : String(error)).split("\n");
        throw new Error(
            `The settings file ${file} is no valid YAML (${reason}); mend it and run the command again.`,
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
    const written = fs.existsSync(path.join(workDir, `Pulumi.${place.stackName}.yaml`))
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
        const loaded = exportsOf((await import(main)) as Outputs);
        return typeof loaded === "function"
            ? exportsOf(((await (loaded as PulumiFn)()) ?? {}) as Outputs)
            : loaded;
    };
}

/** A CommonJS module's own exports, which an import hands over as its default. */
function exportsOf(module: Outputs): Outputs {
    return (module.default as Outputs | undefined) ?? module;
}

type Outputs = Record<string, unknown>;

/**
 * Opens the stack under the real engine. The workspace lies inside the project, because the modules of dynamic
 * providers are looked up from there.
 *
 * @param say receives one line per thing worth knowing.
 */
export async function openStack(
    cli: PulumiCommand,
    place: StackPlace,
    say: (line: string) => void,
): Promise<Stack> {
    const real = await realPostgresqlPlugin(enginePlugins(cli), say);
    const workDir = path.join(place.engineDir, "work");
    await fs.promises.mkdir(workDir, { recursive: true, mode: 0o700 });
    const settings = await stackSettings(cli, place, workDir);
    return LocalWorkspace.createOrSelectStack(
        {
            stackName: place.stackName,
            projectName: PROJECT_NAME,
            program: program(place.main, workDir),
        },
        {
            workDir,
            pulumiCommand: cli,
            pulumiHome: pulumiHome(),
            envVars: environment(cli, place),
            projectSettings: await projectSettings(cli, place, !real),
            stackSettings: { [place.stackName]: settings },
        },
    );
}
