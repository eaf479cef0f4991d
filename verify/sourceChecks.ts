import { renderSql } from "../database/sqlTemplate";
import { LIMIT_GUARD, limitedColumns, markerFiles } from "../trail/guards";
import { formatTableName } from "../trail/names";
import type { TableDefinition, TableName } from "../trail/tableDefinition";
import { checkOf } from "./checkOf";
import type { Database } from "./database";
import type { Check } from "./report";
import { checkScripts } from "./tableScripts";

/** How many partitions of a list are named. */
const NAMED_PARTITIONS = 3;

/** Whether the partitions that a deployment has registered are those that the table has now. */
function judgePartitions(present: readonly TableName[], registered: readonly TableName[]): Check {
    const without = (some: readonly TableName[], others: readonly TableName[]): string[] => {
        const names = new Set(others.map(formatTableName));
        return some.map(formatTableName).filter((name) => !names.has(name));
    };
    const told = (names: readonly string[], one: string, many: string): string[] => {
        const named = names.slice(0, NAMED_PARTITIONS).join(", ");
        const list = names.length > NAMED_PARTITIONS ? `${named}, ...` : named;
        return names.length === 0
            ? []
            : [
                  names.length === 1
                      ? `the partition ${list} ${one}`
                      : `${names.length} partitions (${list}) ${many}`,
              ];
    };
    const came = "since the last deployment: deploy, which loads and audits";
    const went = "of the table: deploy, which closes";
    const findings = [
        ...told(
            without(present, registered),
            `is not audited, it came ${came} it`,
            `are not audited, they came ${came} them`,
        ),
        ...told(
            without(registered, present),
            `is no longer part ${went} its rows`,
            `are no longer part ${went} their rows`,
        ),
    ];
    return checkOf("partitions", findings, `${present.length}, all of them audited`);
}

/** As {@link judgePartitions}; of a plain table, whether it is a partition of one whose others are audited too. */
export async function checkPartitions(
    { source, audit }: { readonly source: Database; readonly audit: Database },
    definition: TableDefinition,
    tables: () => readonly TableName[],
): Promise<Check> {
    const { partitions } = definition;
    const scripts = checkScripts(definition);
    if (partitions !== undefined) {
        const registered = await audit.rows<TableName>(scripts.registeredPartitions);
        return judgePartitions(partitions, registered);
    }
    const audited = tables();
    const others = await source.rows<{ name: string }>(scripts.otherPartitions, [
        audited.map((one) => one.schema),
        audited.map((one) => one.table),
    ]);
    const findings = others.map(
        ({ name }) => `the partition ${name} of the same table is not audited: add it to tables`,
    );
    return checkOf("partitions", findings, "none is left out");
}

/** A trigger of a source table. */
export interface Guard {
    readonly name: string;
    /** Whether it also fires in sessions with another `session_replication_role`. */
    readonly always: boolean;
    /** Whether it calls the function of its name. */
    readonly own_function?: boolean;
    /** Whether a key that is equal and not the same counts as changed. */
    readonly compares_bytes?: boolean;
    /** Triggers that may change a row in a way that it does not see. */
    readonly blind_to?: readonly string[];
    /** Whether it is in all as a deployment makes it. */
    readonly works?: boolean;
    /** Partitions on which it does not fire in every session. */
    readonly missing_on?: readonly string[];
}

/**
 * Whether what DMS does not replicate is refused or recorded at a source table.
 *
 * @param working the guards that the catalog finds as a deployment makes them; undefined when it was not asked
 */
export async function checkGuards(
    source: Database,
    definition: TableDefinition,
    expected: boolean,
    working?: readonly string[],
): Promise<Check> {
    const guards = await source.rows<Guard>(checkScripts(definition).guards);
    return judgeGuards(
        guards.map((guard) => ({ ...guard, works: working?.includes(guard.name) ?? true })),
        expected,
        limitedColumns(definition).map(({ name }) => name),
    );
}

/** A function of the source's schema `audit_trail`, or something about its markers, as sql/verify/source_functions.sql has it. */
interface SourceObject {
    readonly name: string;
    /** Null of what is no function. */
    readonly body: string | null;
    /** Whether it runs with its owner's rights. */
    readonly is_definer: boolean | null;
    /** Its SET clauses, joined by semicolons. */
    readonly settings: string | null;
    /** Its owner where that is not the marker table's. */
    readonly other_owner: string | null;
}

/** Name, SECURITY and SET clauses, and body of each function that sql/source/marker.sql makes. */
const MADE =
    /^CREATE OR REPLACE FUNCTION audit_trail\.(\w+)([^]*?)AS \$function\$([^]*?)\$function\$/gmu;

/**
 * Whether the functions that the guards call are those of this version, with their settings and rights, and nothing keeps
 * markers from being written or takes them away.
 */
export async function checkSourceFunctions(source: Database): Promise<Check> {
    const found = await source.rows<SourceObject>(renderSql("sql/verify/source_functions.sql"));
    const functions = new Map(found.map((one) => [one.name, one]));
    const made = markerFiles().flatMap(({ sql }) => [...sql.matchAll(MADE)]);
    const findings = [
        ...made.flatMap(([, name = "", clauses = "", body = ""]) =>
            functionProblems(functions.get(name), clauses, body).map(
                (problem) => `audit_trail.${name}() ${problem}`,
            ),
        ),
        ...found
            .filter(({ body }) => body === null)
            .map(({ name }) => `${name} is not the trail's: take it away`),
    ];
    return checkOf("source functions", findings, "as this version of the program makes them");
}

function functionProblems(
    present: SourceObject | undefined,
    clauses: string,
    body: string,
): string[] {
    if (present?.body !== body) {
        return ["has not the body that this version of the program makes: deploy again"];
    }
    const settings = [...clauses.matchAll(/^SET (\w+) = (.*)$/gmu)].map(
        ([, name = "", value = ""]) => `${name}=${value}`,
    );
    const isDefiner = /^SECURITY DEFINER$/mu.test(clauses);
    return [
        ...(present.settings === settings.join("; ")
            ? []
            : [
                  `has the settings "${present.settings ?? ""}" and not "${settings.join("; ")}": deploy again`,
              ]),
        ...(present.is_definer === isDefiner
            ? []
            : [
                  isDefiner
                      ? "does not run with its owner's rights: deploy again"
                      : "runs with its owner's rights: deploy again",
              ]),
        ...(present.other_owner === null
            ? []
            : [
                  `belongs to ${present.other_owner}, and audit_trail.marker does not: give it to the marker's owner`,
              ]),
    ];
}

/** See {@link checkGuards}. A guard that is there must work, expected or not. */
export function judgeGuards(
    guards: readonly Guard[],
    expected: boolean,
    limited: readonly string[] = [],
): Check {
    const findings: string[] = [];
    // Without it DMS may have rounded or cut what has changed again since.
    const ofLimits = guards.filter(({ name }) => name === LIMIT_GUARD);
    if (limited.length > 0 && ofLimits.length === 0) {
        findings.push(`no guard of the declared limits of ${limited.join(", ")}`);
    }
    findings.push(...ofLimits.flatMap((guard) => guardProblems(guard, "limits")));
    for (const what of ["truncate", "key_update"]) {
        const found = guards.filter(({ name }) => name.endsWith(`_${what}`));
        if (found.length === 0 && expected) {
            findings.push(`no guard against ${what.replace("_", " ")}`);
        }
        findings.push(...found.flatMap((guard) => guardProblems(guard, what)));
    }
    const mend = findings.length === 0 ? [] : ["deploy again, which makes the guards"];
    const fine = guards.map(({ name }) => name).sort();
    return checkOf(
        "source guards",
        [...findings, ...mend],
        fine.join(", ") || "none, and none is expected",
    );
}

function guardProblems(guard: Guard, what: string): string[] {
    const {
        name,
        always,
        own_function: own,
        compares_bytes: bytes,
        blind_to: blindTo = [],
        works = true,
        missing_on: missingOn = [],
    } = guard;
    const problems = always ? [] : [`${name} is not ENABLE ALWAYS`];
    if (own === false) {
        problems.push(`${name} calls another function than its own`);
    }
    if (missingOn.length > 0) {
        const more = missingOn.length > NAMED_PARTITIONS ? ", ..." : "";
        problems.push(
            `${name} does not guard ${missingOn.length} of the partitions (${missingOn.slice(0, NAMED_PARTITIONS).join(", ")}${more})`,
        );
    }
    if (what === "key_update" && bytes === false) {
        problems.push(`${name} does not see keys that are equal and not the same`);
    }
    if (what === "key_update" && blindTo.length > 0) {
        problems.push(
            `${name} does not see a key that the later BEFORE trigger ${blindTo.join(", ")} changes`,
        );
    }
    if (!works && problems.length === 0) {
        problems.push(`${name} is not as a deployment makes it`);
    }
    return problems;
}
