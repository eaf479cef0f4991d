import path from "node:path";
import { parseConfig } from "../../config/config";
import type { Config } from "../../config/keys";
import { PROJECT_ROOT } from "../../local/engine/paths";
import { obtainCli } from "../../local/engine/pulumiCli";
import { LAPTOP_STACK, localStackPlace, readSettings } from "../../local/engine/workspace";
import { ACCESS_KEY, laptopAccess } from "../../local/laptopAccess";
import { messageOf, PlainError } from "../../text/errors";
import { sayAside } from "./command";

/**
 * The config in the settings file of a stack, deployed or not. Needs no login.
 *
 * @throws PlainError when there is no such file, or a value in it is wrong
 */
export async function stackConfig(stackName: string): Promise<Config> {
    const isLaptop = stackName === LAPTOP_STACK;
    try {
        const settings = await settingsOf(stackName);
        const raw = Object.fromEntries(
            Object.entries(settings).map(([key, value]) => [key, configText(value)]),
        );
        return parseConfig(
            isLaptop ? { ...raw, [ACCESS_KEY]: laptopAccess(raw[ACCESS_KEY]) } : raw,
        );
    } catch (cause) {
        throw new PlainError(messageOf(cause), { cause });
    }
}

/** The region in the settings file of a stack; without one AWS's own configuration decides. */
export async function stackRegion(stackName: string): Promise<string | undefined> {
    const region = (await settingsOf(stackName))["aws:region"];
    return typeof region === "string" ? region : undefined;
}

async function settingsOf(stackName: string): Promise<Readonly<Record<string, unknown>>> {
    const place =
        stackName === LAPTOP_STACK
            ? localStackPlace()
            : { ...localStackPlace(), stackName, settingsDir: path.resolve(PROJECT_ROOT) };
    return (await readSettings(await obtainCli(sayAside), place)) ?? {};
}

/** As the engine hands a value to the program: texts as they are, everything else as JSON. */
function configText(value: unknown): string {
    return typeof value === "string" ? value : JSON.stringify(value);
}
