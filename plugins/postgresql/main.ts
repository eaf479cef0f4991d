import { openDialer } from "../../reach/dialer";
import type { Route } from "../../reach/route";
import { messageOf } from "../../text/errors";
import { type Passage, startPassThrough } from "./passThrough";
import { ROUTE_CALLS } from "./route";
import { Vendor } from "./vendor";
import { ENGINE_HOME, pinnedVersion, vendorPlugin } from "./vendorProgram";

/** Names the plugin to start in the place of the vendor's. */
const PLUGIN_OPTION = "--plugin";

/** What an engine says once to a plugin that it has started, before it asks anything. */
const GREETINGS: ReadonlySet<string> = new Set(["Handshake", "Attach", "Parameterize"]);

/** How often to look whether the engine is still there, in milliseconds: one that is killed tells its plugins nothing. */
const LOOK_EVERY_MS = 1000;

function passageTo(vendor: Vendor): Passage {
    return {
        session: () => vendor.session(),
        rewrite(call) {
            if (GREETINGS.has(call)) {
                return (request, headers) => {
                    vendor.greeted(headers, request);
                    return { request };
                };
            }
            const change = ROUTE_CALLS.get(call);
            return (
                change &&
                (async (request) => {
                    const rewritten = change(request);
                    if (rewritten.route !== undefined) {
                        await vendor.use(rewritten.route);
                    }
                    return rewritten;
                })
            );
        },
        explain: (text) => vendor.explained(text),
    };
}

/** Ends this process with the plugin and with what is open to the databases, however the engine ends it. */
function endWithEngine(vendor: Vendor, close: () => void): void {
    let ending = false;
    const end = () => {
        if (!ending) {
            ending = true;
            close();
            void vendor.end().finally(() => process.exit(0));
        }
    };
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
        process.on(signal, end);
    }
    process.once("exit", () => {
        vendor.kill();
    });
    const engine = process.ppid;
    setInterval(() => {
        if (process.ppid !== engine) {
            end();
        }
    }, LOOK_EVERY_MS).unref();
}

/**
 * The plugin that the engine starts for the postgresql provider: the vendor's own, which reaches its database along the
 * route that the provider's inputs name.
 */
async function main(given: readonly string[]): Promise<void> {
    const [option, file] = given;
    const named = option === PLUGIN_OPTION;
    const vendor = new Vendor(
        {
            file:
                named && file !== undefined
                    ? file
                    : await vendorPlugin(pinnedVersion(), ENGINE_HOME),
            args: named ? given.slice(2) : given,
            environment: process.env,
        },
        (route) => openDialer(JSON.parse(route) as Route),
    );
    const { port, close } = await startPassThrough(passageTo(vendor));
    endWithEngine(vendor, close);
    process.stdout.write(`${String(port)}\n`);
}

/** Resolves when the plugin serves. Rejects with one sentence for the user when it cannot. */
export const served = main(process.argv.slice(2)).catch((error: unknown) => {
    throw new Error(messageOf(error), { cause: error });
});
