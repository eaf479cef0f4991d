import { roles } from "../trail/rolesAndSchemas";
import type { Fact } from "./catalogFacts";

/** How many partitions of a list are named. */
const NAMED_PARTITIONS = 2;

/** Roles that must not get any privilege beyond those that the scripts give. */
const NEVER_READERS = [roles.target, "PUBLIC"];

/**
 * What is otherwise than it has to be, one sentence for each fact.
 *
 * @param expected what the objects must be; a partition's facts stand for all partitions of its table
 * @param found what they are
 */
export function definitionFindings(expected: readonly Fact[], found: readonly Fact[]): string[] {
    const wanted = byObject(expected.filter(({ part_of }) => part_of === null));
    const present = byObject(found.filter(({ part_of }) => part_of === null));
    const findings = [...wanted].flatMap(([name, facts]) =>
        objectFindings(name, facts, present.get(name) ?? []),
    );
    for (const name of present.keys()) {
        if (!wanted.has(name)) {
            findings.push(`${name} is not part of the trail`);
        }
    }
    return [...findings, ...partitionFindings(expected, found)];
}

function byObject(facts: readonly Fact[]): Map<string, Fact[]> {
    const objects = new Map<string, Fact[]>();
    for (const fact of facts) {
        objects.set(fact.name, [...(objects.get(fact.name) ?? []), fact]);
    }
    return objects;
}

/** What of one object is otherwise than it has to be; the facts may name it otherwise. */
export function objectFindings(
    name: string,
    wanted: readonly Fact[],
    found: readonly Fact[],
): string[] {
    if (found.length === 0) {
        return [`there is no ${name}`];
    }
    const key = ({ aspect, item }: Fact): string => JSON.stringify([aspect, item]);
    const wantedFacts = new Map(wanted.map((fact) => [key(fact), fact]));
    const foundFacts = new Map(found.map((fact) => [key(fact), fact]));
    const changed = [...wantedFacts].flatMap(([at, fact]) => {
        const now = foundFacts.get(at);
        if (now === undefined) {
            return [missing(name, fact)];
        }
        return fact.value.trim() === now.value.trim() ? [] : [different(name, fact, now)];
    });
    const added = [...foundFacts]
        .filter(([at, fact]) => !wantedFacts.has(at) && !isHarmless(fact, wanted))
        .map(([, fact]) => extra(name, fact));
    return [...changed, ...added];
}

/** Whoever the people of the trail let read what auditors may read; an index that only finds rows. */
function isHarmless({ aspect, item }: Fact, wanted: readonly Fact[]): boolean {
    if (aspect === "plain index") {
        return true;
    }
    const [, role = "", right = ""] = /^(.*) (SELECT|EXECUTE|USAGE)$/su.exec(item) ?? [];
    return (
        aspect === "privilege" &&
        right !== "" &&
        !NEVER_READERS.includes(role) &&
        wanted.some((one) => one.aspect === aspect && one.item === `${roles.auditor} ${right}`)
    );
}

function missing(name: string, { aspect, item }: Fact): string {
    switch (aspect) {
        case "privilege":
            return `the privilege ${item} is missing on ${name}`;
        case "setting":
            return `SET ${item} is missing on ${name}`;
        default:
            return `the ${aspect} ${item} is missing on ${name}`;
    }
}

function extra(name: string, { aspect, item }: Fact): string {
    switch (aspect) {
        case "privilege":
            return `the privilege ${item} on ${name} is not one that the trail gives`;
        case "setting":
            return `SET ${item} on ${name} is not the trail's`;
        default:
            return `the ${aspect} ${item} on ${name} is not the trail's`;
    }
}

function different(name: string, wanted: Fact, { value }: Fact): string {
    const { aspect, item } = wanted;
    switch (aspect) {
        case "owner":
            return `${name} is owned by ${value}, and not by ${wanted.value}`;
        case "kind":
            return value.endsWith("u") ? `${name} is UNLOGGED` : `${name} is of another kind`;
        case "column":
            return `the column ${item} of ${name} is ${value}, and not ${wanted.value}`;
        case "trigger":
            return value.startsWith("ALWAYS")
                ? `the trigger ${item} of ${name} is not as it was made`
                : `the trigger ${item} of ${name} is ${/^(not ALWAYS|\S*)/u.exec(value)?.[0] ?? ""}`;
        case "text":
            return `the body of ${name} is not the one that this version of the program makes`;
        case "row":
            return `the row ${item} of ${name} says ${value}, and not ${wanted.value}`;
        case "row security":
            return `row security is on for ${name}`;
        case "constraint":
        case "index":
        case "plain index":
            return `the ${aspect} ${item} of ${name} is not valid`;
        default:
            return `the ${aspect} of ${name} is ${value}, and not ${wanted.value}`;
    }
}

/** A month's partition is named for the month that it holds. */
const PARTITION = /_(?:default|y(\d{4})m(\d\d))"?$/u;

function partitionFindings(expected: readonly Fact[], found: readonly Fact[]): string[] {
    const tables = new Set(expected.flatMap(({ part_of }) => (part_of === null ? [] : [part_of])));
    return [...tables].flatMap((table) => {
        const [example] = byObject(expected.filter(({ part_of }) => part_of === table)).values();
        const partitions = byObject(found.filter(({ part_of }) => part_of === table));
        const findings = new Map<string, string[]>();
        for (const [name, facts] of partitions) {
            const [bound] = facts.filter(({ aspect }) => aspect === "bound");
            const others = facts.filter(({ aspect }) => aspect !== "bound");
            const wanted = (example ?? []).filter(({ aspect }) => aspect !== "bound");
            for (const finding of [
                ...objectFindings("<partition>", wanted, others),
                ...(bound?.value === boundOf(name)
                    ? []
                    : ["<partition> is not one of the trail's"]),
            ]) {
                findings.set(finding, [...(findings.get(finding) ?? []), name]);
            }
        }
        return foldFindings(table, findings);
    });
}

/** One sentence for each finding about `<partition>`, whatever the number of partitions that it is true of. */
export function foldFindings(
    table: string,
    findings: ReadonlyMap<string, readonly string[]>,
): string[] {
    return [...findings].map(([finding, names]) =>
        (names.length > 1 ? finding.replace(/^<partition> is/u, "<partition> are") : finding)
            // A function, because a name may have a dollar sign.
            .replace("<partition>", () => partitionNames(table, names)),
    );
}

function boundOf(partition: string): string {
    const [, year, month] = PARTITION.exec(partition) ?? [];
    if (year === undefined || month === undefined) {
        return partition.replace(/"$/u, "").endsWith("_default") ? "DEFAULT" : "";
    }
    const start = (at: number): string =>
        `'${new Date(Date.UTC(Number(year), at)).toISOString().slice(0, 10)} 00:00:00+00'`;
    return `FOR VALUES FROM (${start(Number(month) - 1)}) TO (${start(Number(month))})`;
}

function partitionNames(table: string, names: readonly string[]): string {
    return names.length <= NAMED_PARTITIONS
        ? names.join(" and ")
        : `${names.length} partitions of ${table} (${names[0] ?? ""} to ${names.at(-1) ?? ""})`;
}
