import { renderSql, type SqlFile, SqlFragment } from "../database/sqlTemplate";

/** The scripts of a destroy that leaves the source as it was. */
export interface UndoScripts {
    /** A query for what would keep it from that. */
    readonly look: SqlFile;
    readonly noteSlots: SqlFile;
    /** A query for statements, one a table. */
    readonly guards: SqlFile;
    readonly slots: SqlFile;
    readonly rest: SqlFile;
    /** A query whether the trail is there. */
    readonly there: SqlFile;
    /** A query for slots that may be DMS's and that nobody saw it read; $1 has those from before the trail. */
    readonly straySlots: SqlFile;
}

/** The tables of the schema audit_trail at the source, those of all versions. */
const RELATIONS = ["marker", "task_slot", "identity_before"];

/** Its functions, those of all versions. */
const FUNCTIONS = [
    "refuse_truncate",
    "record_truncate",
    "refuse_key_update",
    "record_key_update",
    "refuse_over_limit",
    "guarded_relations",
    "borrow_owners",
    "return_owners",
    "remove_guards",
    "guard_partitions",
    "identify_by_all_columns",
    "identify_as_before",
    "revoke_truncate",
];

/** See {@link UndoScripts}. */
export function undoScripts(): UndoScripts {
    const own = {
        relations: SqlFragment.literals(RELATIONS),
        functions: SqlFragment.literals(FUNCTIONS),
    };
    return {
        look: renderSql("sql/source/undo_look.sql", own),
        noteSlots: renderSql("sql/source/note_slots.sql"),
        guards: renderSql("sql/source/undo_guards.sql"),
        slots: renderSql("sql/source/undo_slots.sql"),
        rest: renderSql("sql/source/undo.sql", own),
        there: renderSql("sql/source/undo_there.sql"),
        straySlots: renderSql("sql/source/undo_stray_slots.sql"),
    };
}
