import { PARTITION_COLUMN } from "../trail/headerColumns";
import type { Fact } from "./catalogFacts";
import { foldFindings, objectFindings } from "./definitionFindings";

/** The staging table of a partition, as the registry knows it. */
export interface StagingPartition {
    /** `schema.name`, as the server writes it. */
    readonly name: string;
    /** The default of the column that names the partition. */
    readonly column_default: string;
    readonly bound: string;
}

function column(name: string, part_of: string | null, item: string, value: string): Fact {
    return { name, part_of, aspect: "column", item, value };
}

/**
 * What staging and log of a partitioned table have to be, out of what those of a plain table would: staging has its key in
 * each partition, and both say which partition a row is in.
 */
export function partitionedFacts(plain: readonly Fact[], staging: string, log: string): Fact[] {
    const logParts = new Set(plain.flatMap((fact) => (fact.part_of === log ? [fact.name] : [])));
    const facts = plain
        .filter(({ name, aspect }) => !(name === staging && aspect === "constraint"))
        .map((fact): Fact => {
            if (fact.name !== staging) {
                return fact;
            }
            switch (fact.aspect) {
                case "kind":
                    return { ...fact, value: fact.value.replace(/^r/u, "p") };
                case "column":
                    return { ...fact, value: fact.value.replace(/ NOT NULL$/u, "") };
                default:
                    return fact;
            }
        });
    return [
        ...facts,
        column(staging, null, PARTITION_COLUMN, "text"),
        column(log, null, "source_partition", "text"),
        ...[...logParts].map((part) => column(part, log, "source_partition", "text")),
    ];
}

/**
 * What of the staging tables of partitions is otherwise than it has to be.
 *
 * @param plain what the staging table of a plain table would have to be
 * @param found what there is, the partitions of `staging` among it
 */
export function partitionFindings(
    plain: readonly Fact[],
    staging: string,
    registered: readonly StagingPartition[],
    found: readonly Fact[],
): string[] {
    const present = new Map<string, Fact[]>();
    for (const fact of found) {
        if (fact.part_of === staging) {
            present.set(fact.name, [...(present.get(fact.name) ?? []), fact]);
        }
    }
    const common = plain.filter(({ name }) => name === staging);
    const findings = new Map<string, string[]>();
    const add = (finding: string, name: string): void => {
        findings.set(finding, [...(findings.get(finding) ?? []), name]);
    };
    for (const { name, column_default: text, bound } of registered) {
        const wanted = [
            ...common,
            column(staging, null, PARTITION_COLUMN, `text DEFAULT ${text}`),
            { name: staging, part_of: null, aspect: "bound", item: "", value: bound },
        ];
        for (const finding of objectFindings("<partition>", wanted, present.get(name) ?? [])) {
            add(finding, name);
        }
    }
    const known = new Set(registered.map(({ name }) => name));
    for (const name of present.keys()) {
        if (!known.has(name)) {
            add("<partition> is not part of the trail", name);
        }
    }
    return foldFindings(staging, findings);
}
