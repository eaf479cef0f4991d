import { parseArgs } from "node:util";
import { failureText } from "../commands/shared/failureText";
import { soak, text } from "../testing/pipeline/soak/soak";

const USAGE = "npm run soak -- [--minutes 10] [--seed N] [--clients 4]";

/** Load and kills for ten minutes, or for `--minutes`; then everything is compared. */
async function main(): Promise<number> {
    const { values } = parseArgs({
        options: {
            minutes: { type: "string", default: "10" },
            seed: { type: "string", default: String(Date.now() % 1_000_000) },
            clients: { type: "string", default: "4" },
        },
    });
    const [minutes, seed, clients] = [values.minutes, values.seed, values.clients].map(Number);
    if (minutes === undefined || seed === undefined || clients === undefined) {
        throw new Error(USAGE);
    }
    if (!(minutes > 0 && Number.isInteger(seed) && Number.isInteger(clients) && clients > 0)) {
        throw new Error(`A number is missing or no number: ${USAGE}`);
    }
    console.log(`Soak: ${minutes} min, ${clients} clients, seed ${seed}.`);
    const started = Date.now();
    const result = await soak({
        seed,
        clients,
        durationMs: minutes * 60_000,
        thinkMs: 10,
        calmMs: 5_000,
        report: (line) => {
            console.log(`${Math.round((Date.now() - started) / 1000)} s: ${line}`);
        },
    });
    console.log(`${result.transactions} transactions; ${text(result.mischief)}`);
    let isGood = result.complaints.length === 0 && result.verify.complete;
    for (const { table, changes, keys, problems } of result.tables) {
        isGood &&= problems.length === 0;
        console.log(`${table}: ${changes} changes of ${keys} rows, ${problems.length} differences`);
        for (const problem of problems.slice(0, 20)) {
            console.log(`  ${problem}`);
        }
    }
    for (const complaint of result.complaints) {
        console.log(`In the ledger: ${JSON.stringify(complaint)}`);
    }
    console.log(`verify: ${result.verify.complete ? "complete" : JSON.stringify(result.verify)}`);
    return isGood ? 0 : 1;
}

main().then(
    (code) => {
        process.exitCode = code;
    },
    (error: unknown) => {
        console.error(failureText(error, true));
        process.exitCode = 2;
    },
);
