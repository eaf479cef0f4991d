import assert from "node:assert/strict";
import {
    leastEnvironment,
    ownEnvironment,
    useOwnEnvironment,
    userBackendEnvironment,
} from "../../local/environment";
import { hostileEnvironment } from "../../testing/hostileEnvironment";

describe("the environment of the project's processes", () => {
    const NEUTRAL = { PATH: "/usr/bin", HOME: "/home/somebody" };
    const hostile = { ...NEUTRAL, ...hostileEnvironment("/srv/another") };
    // Said on purpose, or the machine's own affair.
    const kept = ["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY"];

    it("is the same whatever the user's says, but for the machine's own affairs", () => {
        const own = ownEnvironment(hostile);
        const neutral = ownEnvironment(NEUTRAL);
        const differing = Object.keys(own).filter((name) => own[name] !== neutral[name]);
        assert.deepEqual(
            differing.sort(),
            ["NO_PROXY", "PGPASSWORD", "TMPDIR", ...kept, "no_proxy"].sort(),
        );
    });

    it("keeps the user's exceptions from the proxies and adds this machine, without blanks", () => {
        const { no_proxy, NO_PROXY } = ownEnvironment(hostile);
        assert.equal(NO_PROXY, "example.com,example.org,localhost,127.0.0.1,::1");
        assert.equal(no_proxy, NO_PROXY);
    });

    it("keeps where things are: plugins, certificates, passwords, temporary files, Go's caches", () => {
        const places = {
            PULUMI_HOME: "/srv/plugins",
            NODE_EXTRA_CA_CERTS: "/etc/ca.pem",
            PGPASSFILE: "/home/somebody/.pgpass",
            TMPDIR: "/var/tmp",
            GOPROXY: "https://go.example.com",
            GOCACHE: "/srv/go",
            XDG_CACHE_HOME: "/srv/cache",
            AWS_PROFILE: "somebody",
            AUDIT_TRAIL_LOCAL_DIR: "/srv/local",
        };
        const own = ownEnvironment({ ...NEUTRAL, ...places });
        for (const [name, value] of Object.entries(places)) {
            assert.equal(own[name], value);
        }
    });

    it("takes nothing more away from what it made itself", () => {
        const own = ownEnvironment(hostile);
        assert.deepEqual(ownEnvironment(own), own);
    });

    it("knows the user's backend again for a question about a stack there, not what was asked", () => {
        const before = { ...process.env };
        try {
            Object.assign(process.env, {
                PULUMI_BACKEND_URL: "s3://states",
                PULUMI_CONFIG_PASSPHRASE: "theirs",
                PULUMI_OPTION_JSON: "false",
                PULUMI_STACK: "another",
                PGOPTIONS: "-c work_mem=1",
            });
            useOwnEnvironment();
            useOwnEnvironment();
            assert.equal(process.env.PULUMI_BACKEND_URL, undefined);
            assert.equal(process.env.PGOPTIONS, undefined);
            const { PULUMI_BACKEND_URL, PULUMI_CONFIG_PASSPHRASE, ...rest } =
                userBackendEnvironment();
            assert.deepEqual(
                [PULUMI_BACKEND_URL, PULUMI_CONFIG_PASSPHRASE],
                ["s3://states", "theirs"],
            );
            for (const name of ["PULUMI_OPTION_JSON", "PULUMI_STACK", "PGOPTIONS"]) {
                assert.equal(rest[name], undefined);
            }
            assert.deepEqual(
                Object.keys(leastEnvironment()).filter((name) => /^(PG|PULUMI|NODE)/.test(name)),
                [],
            );
        } finally {
            for (const name of Object.keys(process.env)) {
                Reflect.deleteProperty(process.env, name);
            }
            Object.assign(process.env, before);
        }
    });
});
