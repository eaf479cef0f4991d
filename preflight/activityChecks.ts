import { bytesText, durationText } from "./amounts";
import { type Finding, PAGES } from "./finding";
import type { ActivityFacts, ServerFacts, SlotFacts } from "./sourceFacts";
import { literal } from "./sqlText";

/** What runs on the server now and would keep a new slot waiting, or competes with it. */
export function activityFindings(
    server: ServerFacts,
    { prepared, long_transactions: transactions, slots }: ActivityFacts,
): Finding[] {
    const findings: Finding[] = [];
    for (const { gid, owner, seconds } of prepared) {
        findings.push({
            check: "prepared transactions",
            severity: "should",
            found: `The transaction "${gid}" of ${owner} has been prepared for ${durationText(seconds)}: a slot is not created before it has ended.`,
            wanted: "No prepared transaction: DMS carries no two-phase commits.",
            mend: `COMMIT PREPARED ${literal(gid)}, or ROLLBACK PREPARED, in its database.`,
            source: PAGES.dmsAssessment,
        });
    }
    for (const { pid, user, application, database, seconds } of transactions) {
        findings.push({
            check: "long transactions",
            severity: "should",
            found: `Process ${pid} (user ${user ?? "?"}, database ${database ?? "?"}${application ? `, ${application}` : ""}) has had a transaction that writes for ${durationText(seconds)}: a slot is not created before it has ended.`,
            wanted: "No transaction of more than a minute while the task starts.",
            mend: `Let it end, or SELECT pg_terminate_backend(${pid}).`,
            source: PAGES.dmsAssessment,
        });
    }
    return [...findings, ...slotFindings(server, slots), ...plugins(server)];
}

function slotFindings(server: ServerFacts, slots: readonly SlotFacts[]): Finding[] {
    return slots.flatMap((slot): Finding[] => {
        const kind = slot.plugin === null ? "physical slot" : `${slot.plugin} slot`;
        const held = bytesText(Number(slot.held_bytes ?? 0));
        if (slot.is_read_by_dms) {
            return [];
        }
        if (slot.is_lost || !slot.is_active) {
            const isPerhapsOurs =
                server.has_trail &&
                slot.plugin === "test_decoding" &&
                slot.database === server.database;
            return [
                {
                    check: "idle slots",
                    severity: isPerhapsOurs ? "note" : "should",
                    found: slot.is_lost
                        ? `The ${kind} ${slot.name} has lost its WAL and can never be read again.`
                        : `Nobody reads the ${kind} ${slot.name}, for which the server keeps ${held} of WAL and all that follows.`,
                    wanted: "Every slot is read, so that the storage does not fill.",
                    mend: isPerhapsOurs
                        ? 'Start the DMS task if it is its slot; "npm run verify" says which slots it knows.'
                        : `Start what reads it, or SELECT pg_drop_replication_slot(${literal(slot.name)}).`,
                    source: PAGES.slots,
                },
            ];
        }
        return slot.plugin === null
            ? []
            : [
                  {
                      check: "other consumers",
                      severity: "note",
                      found: `Somebody else reads the ${kind} ${slot.name} of the database ${slot.database ?? "?"}: each slot decodes the whole WAL once more.`,
                      wanted: "CPU to spare on the source for one more slot.",
                      mend: "",
                      source: PAGES.dmsAssessment,
                  },
              ];
    });
}

function plugins({ extensions }: ServerFacts): Finding[] {
    return extensions.includes("pglogical")
        ? [
              {
                  check: "pglogical",
                  severity: "note",
                  found: "The extension pglogical is installed, which DMS would take by itself and with which REPLICA IDENTITY FULL does not work.",
                  wanted: "test_decoding: the program's endpoint names it.",
                  mend: "DROP EXTENSION pglogical, if nothing else uses it.",
                  source: PAGES.dmsAssessment,
              },
          ]
        : [];
}
