import { TRAIL_SCHEMA, ROLES, trailNames } from "../components/trail/names";
import type { TableShape } from "../components/trail/shape";
import { textSettings, triggerFunction } from "../components/trail/statements";
import { renderSql } from "../components/trail/template";
import { checkOf } from "./checks";
import type { Database } from "./database";
import { qualified } from "./fragments";
import type { Check } from "./report";

/** A trigger that must be there, always enabled, with a definition like this. */
interface Expected {
    readonly trigger: string;
    readonly definition: RegExp;
    /** Whether each partition has one of its own. */
    readonly onPartitions: boolean;
}

/** A relation's or its partition's trigger, as sql/verify/triggers.sql finds it. */
export interface FoundTrigger {
    /** The relation that was asked for. */
    readonly relation: string;
    /** It, or one of its partitions. */
    readonly member: string;
    readonly is_partition: boolean;
    readonly trigger: string | null;
    /** `pg_trigger.tgenabled`. */
    readonly enabled: string | null;
    readonly definition: string | null;
}

const truncate = (refusal: string): Expected => ({
    trigger: "append_only_truncate",
    definition: new RegExp(
        `BEFORE TRUNCATE ON .* FOR EACH STATEMENT EXECUTE FUNCTION audit_trail\\.${refusal}\\(\\)$`,
        "su",
    ),
    onPartitions: true,
});

const rows = (refusal: string): Expected => ({
    trigger: "append_only",
    definition: new RegExp(
        `BEFORE DELETE OR UPDATE ON .* FOR EACH ROW EXECUTE FUNCTION audit_trail\\.${refusal}\\(\\)$`,
        "su",
    ),
    onPartitions: true,
});

const LEDGER = [rows("refuse_change"), truncate("refuse_change")];
const LOG = [rows("refuse_change_of_log"), truncate("refuse_change")];
/** @param logArguments of the log's trigger, as SQL */
const staging = (logArguments: string): readonly Expected[] => [
    {
        trigger: "log_change",
        definition: new RegExp(
            `AFTER INSERT OR UPDATE ON .* FOR EACH ROW EXECUTE FUNCTION audit_trail\\..*_log_change"?\\(${logArguments.replaceAll(/[.*+?^${}()|[\]\\]/gu, "\\$&")}\\)$`,
            "su",
        ),
        onPartitions: false,
    },
    {
        trigger: "keep_removed_row",
        definition:
            /AFTER DELETE ON .* FOR EACH ROW WHEN \(\(CURRENT_USER <> 'audit_trail_owner'::name\)\) EXECUTE FUNCTION audit_trail\.keep_removed_row\(\)$/su,
        onPartitions: false,
    },
    {
        trigger: "log_reload",
        definition:
            /BEFORE TRUNCATE ON .* FOR EACH STATEMENT EXECUTE FUNCTION audit_trail\.record_reload\(\)$/su,
        onPartitions: false,
    },
];
const TOMBSTONE: readonly Expected[] = [
    {
        trigger: "unflagged_delete",
        definition:
            /AFTER INSERT OR UPDATE ON .* DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN .*EXECUTE FUNCTION audit_trail\.record_unflagged_delete\(/su,
        onPartitions: false,
    },
];

/** The triggers that write and protect one table's trail. */
export async function checkTriggers(audit: Database, shape: TableShape): Promise<Check> {
    const names = trailNames(shape);
    const { schema, table } = shape;
    const { log_arguments } = await audit.row<{ log_arguments: string }>(
        renderSql("sql/verify/log_trigger_arguments.sql", { schema, table }),
    );
    return await judgeRelations(
        audit,
        new Map([
            [qualified(shape.schema, names.staging), staging(log_arguments)],
            [qualified(shape.schema, names.auditLog), LOG],
            [qualified(TRAIL_SCHEMA, names.tombstone), TOMBSTONE],
        ]),
    );
}

/** The triggers that protect the two ledgers. */
export async function checkLedgerTriggers(audit: Database): Promise<Check> {
    return await judgeRelations(
        audit,
        new Map(["gap", "unlogged_change"].map((name) => [qualified(TRAIL_SCHEMA, name), LEDGER])),
    );
}

async function judgeRelations(
    audit: Database,
    expected: ReadonlyMap<string, readonly Expected[]>,
): Promise<Check> {
    const found = await audit.rows<FoundTrigger>(renderSql("sql/verify/triggers.sql"), [
        [...expected.keys()],
    ]);
    return checkOf("triggers", triggerFindings(found, expected), "all present and ENABLE ALWAYS");
}

/** What is wrong with the triggers that were found. */
export function triggerFindings(
    found: readonly FoundTrigger[],
    expected: ReadonlyMap<string, readonly Expected[]>,
): string[] {
    const findings: string[] = [];
    for (const [relation, wanted] of expected) {
        const members = new Map(
            found
                .filter((one) => one.relation === relation)
                .map((one) => [one.member, one.is_partition]),
        );
        for (const [member, isPartition] of members) {
            for (const { trigger, definition, onPartitions } of wanted) {
                if (isPartition && !onPartitions) {
                    continue;
                }
                const match = found.find((one) => one.member === member && one.trigger === trigger);
                if (match === undefined) {
                    findings.push(`${member} has no trigger ${trigger}`);
                } else if (match.enabled !== "A") {
                    const state = match.enabled === "D" ? "disabled" : "not ENABLE ALWAYS";
                    findings.push(`${trigger} of ${member} is ${state}`);
                } else if (!definition.test(match.definition ?? "")) {
                    findings.push(`${trigger} of ${member} is not as it was made`);
                }
            }
        }
    }
    return findings;
}

/** A function as the catalog has it. */
export interface FoundFunction {
    readonly owner: string;
    readonly security_definer: boolean;
    /** `pg_proc.proconfig`: name=value. */
    readonly settings: readonly string[];
    readonly body: string;
}

/** The function that writes one table's log. */
export async function checkFunction(audit: Database, shape: TableShape): Promise<Check> {
    const { name, body } = triggerFunction(shape);
    const script = renderSql("sql/verify/trigger_function.sql", { trigger_function: name });
    const [found] = await audit.rows<FoundFunction>(script);
    return checkOf(
        "log function",
        found === undefined
            ? [`there is no function ${TRAIL_SCHEMA}.${name}`]
            : functionFindings(found, body, pinnedSettings(shape)),
        "as this version of the program makes it",
    );
}

/** The settings that a table's log function must have. */
export function pinnedSettings(shape: TableShape): string[] {
    return [
        "search_path=pg_catalog, pg_temp",
        ...textSettings(shape).map(({ name, value }) => `${name}=${value}`),
    ];
}

/** What is wrong with a log function. */
export function functionFindings(
    found: FoundFunction,
    body: string,
    settings: readonly string[],
): string[] {
    const findings: string[] = [];
    if (found.body.trim() !== body.trim()) {
        findings.push("its body is not the one that this version of the program makes");
    }
    if (found.owner !== ROLES.owner) {
        findings.push(`it is owned by ${found.owner}`);
    }
    if (!found.security_definer) {
        findings.push("it is not SECURITY DEFINER");
    }
    for (const setting of settings) {
        if (!found.settings.some((one) => one.toLowerCase() === setting.toLowerCase())) {
            findings.push(`it lacks SET ${setting}`);
        }
    }
    return findings;
}
