import * as grpc from "@grpc/grpc-js";
import * as plugin from "@pulumi/pulumi/proto/plugin_pb";
import * as services from "@pulumi/pulumi/proto/provider_grpc_pb";
import * as proto from "@pulumi/pulumi/proto/provider_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { Struct } from "google-protobuf/google/protobuf/struct_pb";
import { messageOf } from "../../text/errors";
import { changedProperties } from "./differences";
import { engineErrorLog, type ErrorLog } from "./engineLog";
import {
    parseUrn,
    type Props,
    type ProviderModule,
    type ResourceContext,
    type ResourceDiff,
} from "./module";

// @pulumi/pulumi/provider has a server too, but it drops the provider's own arguments (Configure), which the
// postgresql provider lives on, and it hands secrets over in their wrapped form.

/** As large as the engine's own limit: a message holds every property of a resource. */
const MAX_MESSAGE_BYTES = 400 * 1024 * 1024;

/** Where the engine's address stands among the arguments of a plugin that run.cjs runs. */
const ENGINE_ADDRESS = 3;

type Unary<Req, Res> = (
    call: grpc.ServerUnaryCall<Req, Res>,
    done: grpc.sendUnaryData<Res>,
) => void;

/** Turns an async function into a gRPC method; a failure reaches the user as its message, without a stack. */
function unary<Req, Res>(answer: (request: Req) => Promise<Res>): Unary<Req, Res> {
    return (call, done) => {
        answer(call.request).then(
            (response) => {
                done(null, response);
            },
            (error: unknown) => {
                const details = messageOf(error);
                done({ code: grpc.status.UNKNOWN, details });
            },
        );
    };
}

function props(struct: Struct | undefined): Props {
    return struct === undefined ? {} : struct.toJavaScript();
}

function struct(values: Props): Struct {
    // Round trip through JSON: a Struct holds no undefined and no Date.
    return Struct.fromJavaScript(JSON.parse(JSON.stringify(values)) as Record<string, never>);
}

function diffResponse(result: ResourceDiff, changed: readonly string[]): proto.DiffResponse {
    const response = new proto.DiffResponse();
    const { DIFF_NONE, DIFF_SOME } = proto.DiffResponse.DiffChanges;
    response.setChanges(result.changes ? DIFF_SOME : DIFF_NONE);
    response.setReplacesList([...(result.replaces ?? [])]);
    response.setDiffsList(result.changes ? [...(result.differing ?? changed)] : []);
    response.setDeletebeforereplace(result.deleteBeforeReplace ?? false);
    return response;
}

function diffConfig(request: proto.DiffRequest): proto.DiffResponse {
    const changed = changedProperties(
        props(request.getOldInputs() ?? request.getOlds()),
        props(request.getNews()),
    );
    return diffResponse({ changes: changed.length > 0 }, changed);
}

async function configure(
    module: ProviderModule,
    request: proto.ConfigureRequest,
): Promise<proto.ConfigureResponse> {
    const args = Object.entries(props(request.getArgs())).map(([key, value]): [string, string] => [
        key,
        typeof value === "string" ? value : JSON.stringify(value),
    ]);
    await module.configure?.(Object.fromEntries(args));
    const response = new proto.ConfigureResponse();
    response.setAcceptsecrets(false);
    // Without it the engine takes every output of what an update changes for unknown, and plans what follows from that.
    response.setSupportspreview(true);
    return response;
}

async function check(
    module: ProviderModule,
    request: proto.CheckRequest,
): Promise<proto.CheckResponse> {
    const ctx = parseUrn(request.getUrn());
    const news = props(request.getNews());
    const handler = module.handler(ctx.type);
    const result = (await handler.check?.(ctx, props(request.getOlds()), news)) ?? {
        inputs: news,
        failures: [],
    };
    const response = new proto.CheckResponse();
    response.setInputs(struct(result.inputs));
    response.setFailuresList(
        result.failures.map(({ property, reason }) => {
            const failure = new proto.CheckFailure();
            failure.setProperty(property);
            failure.setReason(reason);
            return failure;
        }),
    );
    return response;
}

function diff(module: ProviderModule, request: proto.DiffRequest): proto.DiffResponse {
    const ctx = parseUrn(request.getUrn());
    const olds = props(request.getOldInputs() ?? request.getOlds());
    const news = props(request.getNews());
    const changed = changedProperties(olds, news);
    const result = module
        .handler(ctx.type)
        .diff?.(ctx, olds, news, props(request.getOlds()), request.getIgnorechangesList());
    return diffResponse(result ?? { changes: changed.length > 0 }, changed);
}

async function create(
    module: ProviderModule,
    request: proto.CreateRequest,
    ctx: ResourceContext,
): Promise<proto.CreateResponse> {
    const response = new proto.CreateResponse();
    if (request.getPreview()) {
        // Outputs that are missing here are unknown to the program.
        response.setProperties(request.getProperties());
        return response;
    }
    const created = await module.handler(ctx.type).create(ctx, props(request.getProperties()));
    response.setId(created.id);
    response.setProperties(struct(created.outputs));
    return response;
}

async function read(
    module: ProviderModule,
    request: proto.ReadRequest,
    ctx: ResourceContext,
): Promise<proto.ReadResponse> {
    const state = props(request.getProperties());
    const handler = module.handler(ctx.type);
    const inputs = props(request.getInputs());
    const live = (await handler.read?.(ctx, request.getId(), state, inputs)) ?? {
        id: request.getId(),
        outputs: state,
        inputs: undefined,
    };
    const response = new proto.ReadResponse();
    response.setId(live.id);
    response.setProperties(struct(live.outputs));
    response.setInputs(live.inputs === undefined ? request.getInputs() : struct(live.inputs));
    return response;
}

async function update(
    module: ProviderModule,
    request: proto.UpdateRequest,
    ctx: ResourceContext,
): Promise<proto.UpdateResponse> {
    const olds = props(request.getOlds());
    const news = props(request.getNews());
    const response = new proto.UpdateResponse();
    if (request.getPreview()) {
        // As the plugins for Terraform providers plan it: what an update does not name stays as it was.
        response.setProperties(struct({ ...olds, ...news }));
        return response;
    }
    const handler = module.handler(ctx.type);
    const ignored = request.getIgnorechangesList();
    const outputs = await handler.update?.(ctx, request.getId(), olds, news, ignored);
    response.setProperties(struct(outputs ?? { ...olds, ...news }));
    return response;
}

/** The methods about the provider as a whole. */
function providerMethods(module: ProviderModule): grpc.UntypedServiceImplementation {
    return {
        checkConfig: unary((request: proto.CheckRequest) => {
            const response = new proto.CheckResponse();
            response.setInputs(request.getNews());
            return Promise.resolve(response);
        }),
        diffConfig: unary((request: proto.DiffRequest) => Promise.resolve(diffConfig(request))),
        configure: unary((request: proto.ConfigureRequest) => configure(module, request)),
        invoke: unary(async (request: proto.InvokeRequest) => {
            const answer = await module.invoke(request.getTok(), props(request.getArgs()));
            const response = new proto.InvokeResponse();
            response.setReturn(struct(answer));
            return response;
        }),
        getSchema: unary(() => {
            const response = new proto.GetSchemaResponse();
            response.setSchema(JSON.stringify({ name: module.name, version: module.version }));
            return Promise.resolve(response);
        }),
        getPluginInfo: unary(() => {
            const response = new plugin.PluginInfo();
            response.setVersion(module.version);
            return Promise.resolve(response);
        }),
        cancel: unary(() => Promise.resolve(new Empty())),
        attach: unary(() => Promise.resolve(new Empty())),
    };
}

/** The methods about one resource. */
function resourceMethods(module: ProviderModule, log: ErrorLog): grpc.UntypedServiceImplementation {
    /** Does something to a resource; the engine's log gets what the module has to say about an error. */
    const logged = async <T>(
        urn: string,
        work: (ctx: ResourceContext) => Promise<T>,
    ): Promise<T> => {
        try {
            return await work(parseUrn(urn));
        } catch (error) {
            const line = error instanceof Error ? module.logLine?.(error) : undefined;
            if (line !== undefined) {
                await log(urn, line);
            }
            throw error;
        }
    };
    return {
        check: unary((request: proto.CheckRequest) => check(module, request)),
        diff: unary((request: proto.DiffRequest) => Promise.resolve(diff(module, request))),
        create: unary((request: proto.CreateRequest) =>
            logged(request.getUrn(), (ctx) => create(module, request, ctx)),
        ),
        read: unary((request: proto.ReadRequest) =>
            logged(request.getUrn(), (ctx) => read(module, request, ctx)),
        ),
        update: unary((request: proto.UpdateRequest) =>
            logged(request.getUrn(), (ctx) => update(module, request, ctx)),
        ),
        delete: unary((request: proto.DeleteRequest) =>
            logged(request.getUrn(), async (ctx) => {
                const state = props(request.getProperties());
                await module.handler(ctx.type).delete?.(ctx, request.getId(), state);
                return new Empty();
            }),
        ),
    };
}

/** Every method of the service: those that the module has no need of answer "unimplemented", as the protocol expects. */
function implementation(module: ProviderModule, log: ErrorLog): grpc.UntypedServiceImplementation {
    const implemented = { ...providerMethods(module), ...resourceMethods(module, log) };
    const unimplemented: Unary<unknown, unknown> = (_call, done) => {
        done({ code: grpc.status.UNIMPLEMENTED, details: "not implemented by this stand-in" });
    };
    const names = Object.keys(services.ResourceProviderService);
    return Object.fromEntries(names.map((name) => [name, implemented[name] ?? unimplemented]));
}

/**
 * Serves a provider to the Pulumi engine until the engine ends the process: listens on a free port of the loopback
 * interface and prints the port, as the plugin protocol asks.
 */
export function serve(module: ProviderModule): void {
    // The engine interrupts a provider that it needs no more and waits five seconds for its end.
    process.on("SIGINT", () => process.exit(0));
    const server = new grpc.Server({
        "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
        "grpc.max_send_message_length": MAX_MESSAGE_BYTES,
    });
    server.addService(
        // The generated typings describe the service, but not as the definition type that addService wants.
        services.ResourceProviderService,
        implementation(module, engineErrorLog(process.argv[ENGINE_ADDRESS] ?? "")),
    );
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
        if (error) {
            process.stderr.write(
                `The ${module.name} stand-in cannot listen on 127.0.0.1: ${error.message}.\n`,
            );
            process.exit(1);
        }
        process.stdout.write(`${port}\n`);
    });
}
