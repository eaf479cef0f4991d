import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { secretValue } from "../../local/aws/secretValue";
import { type ResourceRecord, Store } from "../../local/aws/store";
import { authorityFiles } from "../../local/servers/tls";
import { type HostResult, PsqlHostFolder } from "../../testing/psqlHost";
import { until } from "../../testing/until";
import type { VerifyReport } from "../../verify/report";
import { connected, LaptopStack, type Settings } from "./support/laptopStack";

const SHOP = path.join(__dirname, "shop");

/** Every table of the shop, as a person lists them: the parent for the payments' 50 partitions. */
const TABLES = [
    "hire.maker",
    "hire.category",
    "hire.model",
    "hire.model_category",
    "hire.depot",
    "hire.opening_hours",
    "hire.employee",
    "hire.customer",
    "hire.address",
    "hire.bike",
    "hire.rate_plan",
    "hire.reservation",
    "hire.hire",
    "hire.payment",
    'hire."Damage Report"',
    "hire.repair",
];

const SETTINGS: Settings = {
    tables: TABLES,
    demoTable: false,
    // The log lives on an instance of RDS, the source on an Aurora cluster.
    audit: { kind: "rds" },
    deletionProtection: false,
    sshCidr: "127.0.0.1/32",
    // The program of the host's audit-verify is made, and its place is recorded.
    hostSecrets: "master",
};

/** What DMS cannot carry, and a secret. */
const COLUMNS = {
    "hire.model": { search: "exclude", rating: "asText" },
    "hire.depot": { place: "exclude" },
    "hire.customer": { last_login: { exclude: "an address of a person" } },
    "hire.employee": { password_hash: { exclude: "a secret" } },
};

const EMPLOYEES = [0.1, 0.2, 0.3];
const TRANSACTIONS = 300;

describe("stack: a shop of 16 tables", function () {
    this.timeout(600_000);
    let stack: LaptopStack;
    before(async () => {
        stack = await LaptopStack.make(SETTINGS);
    });
    after(async () => {
        await stack.dispose();
    });

    const atSource = async (...texts: readonly string[]): Promise<void> => {
        await connected((await stack.outputs()).sourceUrl, async (source) => {
            for (const text of texts) {
                await source.query(text);
            }
        });
    };
    const scripts = (...names: readonly string[]): Promise<string[]> =>
        Promise.all(names.map((name) => readFile(path.join(SHOP, `${name}.sql`), "utf8")));

    it("starts before it has a table, so that they can be made", async () => {
        const { code, output } = await stack.attempt("start");
        assert.equal(code, 1, output);
        assert.match(output, /hire\.maker does not exist/u);
        await atSource(...(await scripts("schema", "stock", "business")));
    });

    it("names every column that DMS cannot carry, with the lines for the config", async () => {
        const { code, output } = await stack.attempt("start");
        assert.equal(code, 1, output);
        for (const column of ["search", "rating", "place", "last_login"]) {
            assert.match(output, new RegExp(`\\b${column}\\b`, "u"));
        }
    });

    it("carries a day's business whole", async () => {
        await stack.configure({ ...SETTINGS, columns: COLUMNS });
        await stack.run("start");
        await Promise.all(
            EMPLOYEES.map((seed) =>
                atSource(`CALL hire.do_business(${String(seed)}, ${String(TRANSACTIONS)})`),
            ),
        );
        const { code, stdout } = await stack.attempt("verify");
        assert.equal(code, 0, stdout);
        assert.equal(stdout.match(/payment/gu)?.length, 1, stdout);
    });

    it("has every payment in one log, each with its whole history", async () => {
        const { sourceUrl, auditUrl } = await stack.outputs();
        const now = await connected(sourceUrl, async (source) => {
            const { rows } = await source.query<{ id: string; amount: string }>(
                "SELECT payment_id AS id, amount FROM hire.payment ORDER BY payment_id",
            );
            return rows;
        });
        const logged = (): Promise<{ id: string; amount: string }[]> =>
            connected(auditUrl, async (audit) => {
                const { rows } = await audit.query<{ id: string; amount: string }>(
                    `SELECT id, amount FROM (
                        SELECT DISTINCT ON (row_key) row_key ->> 'payment_id' AS id, new_row_data ->> 'amount' AS amount
                        FROM hire.payment_audit_log ORDER BY row_key, audit_id DESC
                    ) AS last ORDER BY id::bigint`,
                );
                return rows;
            });
        await until(async () => (await logged()).length === now.length, 30_000);
        assert.deepEqual(await logged(), now);
    });

    it("keeps no excluded value on the audit side", async () => {
        await connected((await stack.outputs()).auditUrl, async (audit) => {
            const { rows } = await audit.query(
                "SELECT FROM hire.employee_audit_log WHERE coalesce(old_row_data, new_row_data) ? 'password_hash'",
            );
            assert.deepEqual(rows, []);
        });
    });

    /** Runs audit-verify as the psql host would, with what the deployment has given to AWS. */
    async function auditVerify(...args: readonly string[]): Promise<HostResult> {
        const store = new Store(stack.stackDir);
        const one = async (type: string): Promise<ResourceRecord> =>
            (await store.list(type))[0] ?? assert.fail(`no ${type}`);
        const parameter = String((await one("aws:ssm/parameter:Parameter")).inputs["value"]);
        const object = await one("aws:s3/bucketObjectv2:BucketObjectv2");
        const places = JSON.parse(parameter) as Record<string, Record<string, string>>;
        const secrets = await Promise.all(
            ["source", "audit"].map(async (side): Promise<[string, unknown]> => {
                const arn = places[side]?.["secretArn"] ?? "";
                return [arn.replace(/^.*:/, ""), await secretValue(store, arn)];
            }),
        );
        const authority = await readFile(authorityFiles(stack.stackDir).certPath, "utf8");
        const host = await PsqlHostFolder.make({
            [places["audit"]?.["caBundle"] ?? ""]: authority,
        });
        try {
            const program = String(object.inputs["content"]);
            const answers = { parameter, secrets: Object.fromEntries(secrets), program };
            return await host.run("audit-verify", args, answers);
        } finally {
            await host.remove();
        }
    }

    it("is verified by the psql host's program alone, without the project", async () => {
        const { code, stdout, stderr, calls } = await auditVerify("--json");
        assert.equal(code, 0, stdout + stderr);
        const { complete, tables } = JSON.parse(stdout) as VerifyReport;
        assert.deepEqual([complete, tables.length], [true, TABLES.length]);
        const { sourceUrl, auditUrl } = await stack.outputs();
        for (const { password } of [new URL(sourceUrl), new URL(auditUrl)]) {
            assert.ok(password.length > 10 && !calls.includes(password));
        }
    });

    it("is said on the psql host to lack a log row that the logs' owner has removed", async () => {
        await connected((await stack.outputs()).auditUrl, async (audit) => {
            await audit.query(`
                BEGIN;
                SET LOCAL ROLE audit_trail_owner;
                ALTER TABLE hire.depot_audit_log DISABLE TRIGGER append_only;
                DELETE FROM hire.depot_audit_log WHERE audit_id = (SELECT min(audit_id) FROM hire.depot_audit_log);
                ALTER TABLE hire.depot_audit_log ENABLE ALWAYS TRIGGER append_only;
                COMMIT`);
        });
        const { code, stdout } = await auditVerify("--table", "hire.depot");
        assert.equal(code, 1, stdout);
        assert.match(stdout, /hire\.depot/);
    });

    it("stops, and nothing is left", async () => {
        await stack.stop();
    });
});
