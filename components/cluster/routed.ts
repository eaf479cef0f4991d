import * as pulumi from "@pulumi/pulumi";
import type { Route } from "../../reach/route";
import type { DatabaseServer } from "./databaseServer";

/** The server with the way to it from the machine that runs Pulumi, for every session of the program. */
export function routed(server: DatabaseServer, route: pulumi.Output<Route>): DatabaseServer {
    const masterConnection = pulumi
        .all([server.masterConnection, route])
        .apply(([connection, way]) =>
            way.kind === "direct" ? connection : { ...connection, route: way },
        );
    return { ...server, masterConnection };
}
