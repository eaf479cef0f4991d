import type { ProviderModule } from "../provider";
import { parseProviderConfig } from "./config";
import { Server } from "./connection";
import { bridgeLogLine } from "./failures";
import { fn } from "./function";
import { resourceHandler } from "./handler";
import { role } from "./role";
import { schema } from "./schema";

/** The version of the plugin whose inputs and behaviour this stand-in follows. */
const VERSION = "3.18.1";

const RESOURCES = {
    "postgresql:index/function:Function": fn,
    "postgresql:index/role:Role": role,
    "postgresql:index/schema:Schema": schema,
};

/**
 * The postgresql provider in the place of the real plugin, for machines that can neither find nor download that: the
 * resource types and inputs that the program uses, no others. Facts on the real one's behaviour:
 * github.com/cyrilgdn/terraform-provider-postgresql and pulumi/pulumi-postgresql.
 */
export function postgresqlProvider(): ProviderModule {
    let server = new Server(undefined);
    const handlers = new Map(
        Object.entries(RESOURCES).map(([type, resource]) => [
            type,
            resourceHandler(resource, () => server),
        ]),
    );
    return {
        name: "postgresql",
        version: VERSION,
        configure(config) {
            server = new Server(parseProviderConfig(config, process.env));
            return Promise.resolve();
        },
        handler(type) {
            const handler = handlers.get(type);
            if (handler === undefined) {
                throw new Error(
                    `The local postgresql provider has no resource type "${type}", only ${[...handlers.keys()].join(", ")}: install the real postgresql plugin to use it.`,
                );
            }
            return handler;
        },
        logLine: (error) => bridgeLogLine(error.message, VERSION),
        invoke(token) {
            return Promise.reject(
                new Error(
                    `The local postgresql provider has no function "${token}": install the real postgresql plugin to use it.`,
                ),
            );
        },
    };
}
