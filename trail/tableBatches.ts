import { createHash } from "node:crypto";
import type { SqlBatch } from "../database/runBatch";
import { triggerFunction, triggerObjects } from "./logFunction";
import { formatTableName } from "./names";
import { partitionObjects, tableObjects } from "./statements";
import type { TableDefinition } from "./tableDefinition";

/** Everything of one table but the function, which its triggers need: one batch, and more for very many partitions. */
export function tableBatches(definition: TableDefinition): SqlBatch[] {
    const batch = {
        about: formatTableName(definition),
        // Another function under the same name would lack its owner and settings, which these files give it.
        rerunWhen: createHash("sha256").update(triggerFunction(definition).body).digest("hex"),
    };
    const [first, ...others] = partitionObjects(definition);
    return [
        {
            ...batch,
            files: [
                ...tableObjects(definition),
                ...triggerObjects(definition),
                ...(first === undefined ? [] : [first]),
            ],
        },
        // Whether there is anything to make is known to the registry: they have to run whenever the first one does.
        ...others.map((file, at) => ({
            ...batch,
            rerunWhen: JSON.stringify([batch.rerunWhen, at, definition.partitions]),
            files: [file],
        })),
    ];
}
