import type { Client, Connection, Submittable } from "pg";

/**
 * Runs a statement that the session knows by name (SQL's PREPARE), one round trip, without asking for its columns and
 * without making a result: so that the client costs as little as it can next to what is measured.
 */
export async function execute(
    client: Client,
    statement: string,
    values: readonly (string | null)[],
): Promise<void> {
    await new Promise<void>((resolve, reject) => {
        client.query(new Execution(statement, [...values], resolve, reject));
    });
}

class Execution implements Submittable {
    private error: Error | undefined;

    constructor(
        private readonly statement: string,
        private readonly values: (string | null)[],
        private readonly resolve: () => void,
        private readonly reject: (error: Error) => void,
    ) {}

    submit(connection: Connection): void {
        connection.stream.cork();
        connection.bind({ statement: this.statement, values: this.values }, true);
        connection.execute({}, true);
        connection.sync();
        connection.stream.uncork();
    }

    handleError(error: Error): void {
        // A broken connection sends no more; after an error of the statement the server is ready again.
        this.error = error;
        this.reject(error);
    }

    handleCommandComplete(): void {
        // The reply that counts is "ready for query".
    }

    handleReadyForQuery(): void {
        if (this.error === undefined) {
            this.resolve();
        }
    }
}
