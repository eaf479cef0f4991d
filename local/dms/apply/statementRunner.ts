import type { Client } from "pg";
import type { Statement } from "./changeStatements";

/** Texts beyond this many run unnamed, so that the server's memory stays bounded. */
const CACHE_SIZE = 200;

/** Runs statements as named prepared ones on one connection that may be pipelined. */
export class StatementRunner {
    private readonly names = new Map<string, string>();
    private readonly unproven = new Set<string>();
    private counter = 0;

    constructor(private readonly client: Client) {}

    /** @returns the number of rows touched */
    async run({ text, values }: Statement): Promise<number> {
        const name = this.nameFor(text);
        const { rowCount } = await this.client.query({
            text,
            values: [...values],
            ...(name === undefined ? {} : { name }),
        });
        this.unproven.delete(text);
        return rowCount ?? 0;
    }

    /** After an error: names whose preparation may have failed with it are never used again. */
    forgetUnproven(): void {
        for (const text of this.unproven) {
            this.names.delete(text);
        }
        this.unproven.clear();
    }

    private nameFor(text: string): string | undefined {
        const known = this.names.get(text);
        if (known !== undefined || this.names.size >= CACHE_SIZE) {
            return known;
        }
        this.counter += 1;
        const name = `awsdms_${this.counter}`;
        this.names.set(text, name);
        this.unproven.add(text);
        return name;
    }
}
