import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import path from "node:path";
import { createInterface } from "node:readline";
import * as grpc from "@grpc/grpc-js";
import { ResourceProviderClient } from "@pulumi/pulumi/proto/provider_grpc_pb";
import {
    ConfigureRequest,
    CreateRequest,
    type CreateResponse,
    DeleteRequest,
} from "@pulumi/pulumi/proto/provider_pb";
import { Struct } from "google-protobuf/google/protobuf/struct_pb";
import { parseProviderConfig } from "../../../local/postgresql/config";
import { postgresqlProvider } from "../../../local/postgresql/provider";
import { proxyFor } from "../../../local/postgresql/proxy";
import { type Props, UNKNOWN } from "../../../local/provider";
import { startSocksServer } from "../../../plugins/postgresql/socksServer";
import {
    Driven,
    fresh,
    MASTER_PASSWORD,
    provider,
    providerArguments,
    stopServerAfterwards,
} from "./support";

const PROGRAM = path.join(__dirname, "../../../local/postgresql/pulumi-resource-postgresql");

async function failure(changes: Record<string, string>, program: Props = {}): Promise<string> {
    const role = new Driven(await provider(changes), "role:Role");
    try {
        await role.up({ name: fresh("never"), ...program });
    } catch (error) {
        return String(error);
    }
    throw new Error("the role was created");
}

describe("local postgresql provider: arguments and connection", function () {
    stopServerAfterwards();
    it("reads its arguments, the environment and the real provider's defaults", () => {
        const defaults = parseProviderConfig({ superuser: "false" }, {});
        assert.deepEqual(defaults, {
            host: "localhost",
            port: 5432,
            username: "postgres",
            password: undefined,
            database: "postgres",
            sslMode: "require",
            sslRootCert: undefined,
            connectTimeout: 180,
            maxConnections: 20,
        });
        const given = parseProviderConfig(
            {
                port: "6000",
                superuser: "false",
                version: "3.18.1",
                password: `{"4dabf18193072939515e22adb298388d":"1b47061264138c4ac30d75fd1eb44270","value":"wrapped"}`,
            },
            { PGHOST: "db.example", PGPORT: "1", PGPASSWORD: "p" },
        );
        assert.deepEqual(
            [given?.host, given?.port, given?.password],
            ["db.example", 6000, "wrapped"],
        );
    });

    it("refuses arguments it does not serve and values that are wrong, by name", () => {
        const refused: [Record<string, string>, RegExp][] = [
            [
                { awsRdsIamAuth: "true" },
                /has no "awsRdsIamAuth"; it serves host, .*: remove "awsRdsIamAuth"/,
            ],
            [{ clientcert: "{}" }, /has no "clientcert"/],
            [{ sslmode: "prefer" }, /"sslmode" is "prefer" but must be one of disable, require/],
            [{ port: "0" }, /"port" is "0" but must be a whole number between 1 and 65535/],
            [{ superuser: "true" }, /"superuser" is "true" but must be false/],
            [{ superuser: "maybe" }, /"superuser" is "maybe"/],
            [{ expectedVersion: "new" }, /"expectedVersion" is "new"/],
            [{ maxConnections: "-1" }, /"maxConnections" is "-1"/],
        ];
        for (const [args, message] of refused) {
            assert.throws(() => parseProviderConfig(args, { PGSUPERUSER: "false" }), message);
        }
    });

    it("previews without a server: unknown arguments do not stop check and diff", async () => {
        const module = postgresqlProvider();
        await module.configure?.({ host: UNKNOWN, port: "5432", sslmode: "verify-full" });
        const role = new Driven(module, "role:Role");
        assert.deepEqual(await role.failures({ name: "r", password: UNKNOWN }), []);
        await assert.rejects(
            role.up({ name: "r" }),
            /\* the postgresql provider's arguments are not known yet/,
        );
    });

    it("says what is wrong with the server, and never the password", async () => {
        const listener = createServer().listen(0, "127.0.0.1");
        await once(listener, "listening");
        const address = listener.address();
        const port = typeof address === "object" && address !== null ? String(address.port) : "";
        const silent = failure({ port, host: "127.0.0.1", connectTimeout: "1" });
        const cases: [Promise<string>, RegExp][] = [
            [
                silent,
                /\* error connecting to PostgreSQL server 127.0.0.1 \(scheme: postgres\): dial tcp 127.0.0.1:\d+: i\/o timeout/,
            ],
            [
                failure({ password: "wr0ng pass" }),
                /localhost \(scheme: postgres\): pq: password authentication failed for user "Master 'of' RDS" \(28P01\)/,
            ],
            [failure({ database: "no such" }), /pq: database "no such" does not exist \(3D000\)/],
            [failure({ host: "127.0.0.1" }), /tls: failed to verify certificate: .*127\.0\.0\.1/],
            [failure({ sslrootcert: "" }), /tls: failed to verify certificate: self-signed/],
            [
                failure({ sslrootcert: "/no/such.pem" }),
                /open \/no\/such.pem: no such file or directory/,
            ],
            [
                failure({ host: "no-such-host.invalid" }),
                /dial tcp: lookup no-such-host.invalid: no such host/,
            ],
        ];
        try {
            for (const [message, expected] of cases) {
                const text = await message;
                assert.match(text, expected);
                assert.ok(!text.includes("wr0ng") && !text.includes(MASTER_PASSWORD), text);
            }
        } finally {
            listener.close();
        }
        assert.match(await failure({ port }), /dial tcp .*: connect: connection refused/);
    });

    it("connects through the proxy that the environment names, as Go's programs do", async () => {
        const asked: string[] = [];
        const socks = await startSocksServer(async (host, port) => {
            asked.push(host);
            if (port === 1) {
                throw Object.assign(new Error("no"), { code: "EHOSTUNREACH" });
            }
            const socket = connect(port, "localhost");
            await once(socket, "connect");
            return socket;
        });
        const before = { ...process.env };
        try {
            Object.assign(process.env, { ALL_PROXY: socks.url, NO_PROXY: "", no_proxy: "" });
            const role = new Driven(await provider(), "role:Role");
            await role.up({ name: fresh("proxied") });
            await role.destroy();
            assert.ok(asked.length > 0 && asked.every((host) => host === "localhost"));
            assert.match(
                await failure({ port: "1" }),
                /\(scheme: postgres\): socks connect tcp 127\.0\.0\.1:\d+->localhost:1: unknown error host unreachable/,
            );
            await socks.close();
            assert.match(
                await failure({}),
                /socks connect tcp \S+->localhost:\d+: dial tcp \S+: connect: connection refused/,
            );
        } finally {
            for (const name of ["ALL_PROXY", "NO_PROXY", "no_proxy"]) {
                Reflect.deleteProperty(process.env, name);
            }
            Object.assign(process.env, before);
            await socks.close();
        }
    });

    it("knows the rules for proxies of golang.org/x/net/proxy", () => {
        const through = (host: string, NO_PROXY = "", ALL_PROXY = "socks5://u:p%40@[::1]:99") =>
            proxyFor({ ALL_PROXY, NO_PROXY }, host) !== undefined;
        assert.deepEqual(proxyFor({ all_proxy: "socks5h://proxy" }, "db"), {
            host: "proxy",
            port: 1080,
            user: "",
            password: "",
        });
        assert.deepEqual(proxyFor({ ALL_PROXY: "socks5://u:p%40@[::1]:99" }, "db"), {
            host: "::1",
            port: 99,
            user: "u",
            password: "p@",
        });
        assert.equal(proxyFor({}, "db"), undefined);
        for (const other of ["http://proxy:3128", "socks4://proxy", "proxy:1080", "::"]) {
            assert.ok(!through("db", "", other), other);
        }
        for (const [host, list] of [
            ["localhost", "127.0.0.1,::1"],
            ["127.0.0.1", "localhost"],
            ["db.internal", "*"],
            ["db.internal", "internal,.internal"],
            ["notinternal", "*.internal"],
            ["DB.internal", "db.internal"],
            ["10.1.2.3", "10.1.3.0/24, 10.1.2.3/99"],
        ] as const) {
            assert.ok(through(host, list), `${host} with ${list}`);
        }
        for (const [host, list] of [
            ["localhost", " localhost ,x"],
            ["db.internal", "*.internal"],
            ["internal", "*.internal."],
            ["db.internal", "db.internal."],
            ["10.1.2.3", "x,10.1.0.0/16"],
            ["10.1.2.3", "10.1.2.3"],
            ["fd00::5", "fd00::/8"],
            ["0:0:0:0:0:0:0:1", "::1"],
        ] as const) {
            assert.ok(!through(host, list), `${host} with ${list}`);
        }
    });

    it("takes any certificate for sslmode require, and one for another host for verify-ca", async () => {
        const variants: Record<string, string>[] = [
            { sslmode: "require", sslrootcert: "" },
            { sslmode: "verify-ca", host: "127.0.0.1" },
            { sslmode: "disable", sslrootcert: "" },
        ];
        for (const changes of variants) {
            const role = new Driven(await provider(changes), "role:Role");
            await role.up({ name: fresh("tls") });
            await role.destroy();
        }
    });

    it("does many changes at the same time through one connection", async () => {
        const module = await provider({ maxConnections: "1" });
        const name = fresh("busy");
        const roles = Array.from({ length: 6 }, () => new Driven(module, "role:Role"));
        await Promise.all(roles.map((role, n) => role.up({ name: `${name}_${n}` })));
        const schemas = Array.from({ length: 6 }, () => new Driven(module, "schema:Schema"));
        await Promise.all(schemas.map((schema, n) => schema.up({ name: `${name}_${n}` })));
        await Promise.all([...schemas, ...roles].map((one) => one.destroy()));
    });

    it("names a resource type and a function that it does not have", async () => {
        const module = postgresqlProvider();
        assert.throws(
            () => module.handler("postgresql:index/publication:Publication"),
            /no resource type "postgresql:index\/publication:Publication", only .*role:Role.*: install the real/,
        );
        await assert.rejects(
            module.invoke("postgresql:index/getTables:getTables", {}),
            /no function "postgresql:index\/getTables:getTables"/,
        );
    });
});

describe("local postgresql provider: the program the engine starts", function () {
    stopServerAfterwards();
    let child: ChildProcess | undefined;

    afterEach(async () => {
        if (child?.exitCode === null && child.kill("SIGKILL")) {
            await once(child, "exit");
        }
    });

    function struct(props: Props): Struct {
        return Struct.fromJavaScript(props as Parameters<typeof Struct.fromJavaScript>[0]);
    }

    async function worksWith(environment: NodeJS.ProcessEnv, more: Props): Promise<void> {
        child = spawn(PROGRAM, ["127.0.0.1:1"], {
            cwd: "/",
            env: { ...process.env, ...environment },
            stdio: ["ignore", "pipe", "inherit"],
        });
        assert.ok(child.stdout);
        const [port] = (await once(createInterface(child.stdout), "line")) as [string];
        const client = new ResourceProviderClient(
            `127.0.0.1:${port}`,
            grpc.credentials.createInsecure(),
        );
        const args = await providerArguments();
        const secret = {
            "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
            value: args.password,
        };
        const configure = new ConfigureRequest();
        configure.setArgs(struct({ ...args, ...more, password: secret }));
        await new Promise((resolve, reject) => {
            client.configure(configure, (error, answer) => {
                if (error) {
                    reject(error);
                } else {
                    resolve(answer);
                }
            });
        });
        const name = fresh("grpc");
        const urn = "urn:pulumi:dev::audit-trail::postgresql:index/role:Role::r";
        const request = new CreateRequest();
        request.setUrn(urn);
        request.setProperties(struct({ name, connectionLimit: 4 }));
        const created = await new Promise<CreateResponse>((resolve, reject) => {
            client.create(request, (error, answer) => {
                if (error) {
                    reject(error);
                } else {
                    resolve(answer);
                }
            });
        });
        assert.equal(created.getId(), name);
        assert.equal((created.getProperties()?.toJavaScript() as Props).connectionLimit, 4);
        const removal = new DeleteRequest();
        removal.setUrn(urn);
        removal.setId(name);
        removal.setProperties(created.getProperties());
        await new Promise((resolve, reject) => {
            client.delete(removal, (error, answer) => {
                if (error) {
                    reject(error);
                } else {
                    resolve(answer);
                }
            });
        });
        client.close();
        child.kill("SIGINT");
        const [code] = (await once(child, "exit")) as [number];
        assert.equal(code, 0);
    }

    it("answers from any folder, with secrets wrapped as the engine sends them", () =>
        worksWith({}, {}));

    it("takes the provider's route before any proxy of the user's", () =>
        worksWith(
            { ALL_PROXY: "socks5://127.0.0.1:1", NO_PROXY: "", no_proxy: "*" },
            { databaseRoute: JSON.stringify({ kind: "direct" }) },
        ));
});
