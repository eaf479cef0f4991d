import { createHash } from "node:crypto";
import type { SqlBatch } from "../database/runBatch";
import { formatTableName } from "./names";
import { partitionObjects, tableObjects, triggerFunction, triggerObjects } from "./statements";
import type { TableShape } from "./tableDefinition";

/** Everything of one table but the function, which its triggers need: one batch, and more for very many partitions. */
export function tableBatches(shape: TableShape): SqlBatch[] {
    const batch = {
        about: formatTableName(shape),
        // Another function under the same name would lack its owner and settings, which these files give it.
        rerunWhen: createHash("sha256").update(triggerFunction(shape).body).digest("hex"),
    };
    const [first, ...others] = partitionObjects(shape);
    return [
        {
            ...batch,
            files: [
                ...tableObjects(shape),
                ...triggerObjects(shape),
                ...(first === undefined ? [] : [first]),
            ],
        },
        // Whether there is anything to make is known to the registry: they have to run whenever the first one does.
        ...others.map((file, at) => ({
            ...batch,
            rerunWhen: JSON.stringify([batch.rerunWhen, at, shape.partitions]),
            files: [file],
        })),
    ];
}
