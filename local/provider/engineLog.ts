import * as grpc from "@grpc/grpc-js";
import { EngineClient } from "@pulumi/pulumi/proto/engine_grpc_pb";
import { LogRequest, LogSeverity } from "@pulumi/pulumi/proto/engine_pb";

/** How long the engine may take to take a line, in milliseconds. */
const DEADLINE_MS = 2_000;

/** Tells the engine of an error of a resource, beside what the failed call answers. Never fails itself. */
export type ErrorLog = (urn: string, message: string) => Promise<void>;

/** The log of the engine that started this process, at the address that it gave on the command line. */
export function engineErrorLog(address: string): ErrorLog {
    let client: EngineClient | undefined;
    return (urn, message) => {
        client ??= new EngineClient(address, grpc.credentials.createInsecure());
        const request = new LogRequest();
        request.setSeverity(LogSeverity.ERROR);
        request.setMessage(message);
        request.setUrn(urn);
        const log = client.log.bind(client);
        return new Promise((resolve) => {
            const options = { deadline: Date.now() + DEADLINE_MS };
            log(request, new grpc.Metadata(), options, () => {
                resolve();
            });
        });
    };
}
