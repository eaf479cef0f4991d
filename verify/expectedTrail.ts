import { randomBytes } from "node:crypto";
import { escapeIdentifier, escapeLiteral } from "pg";
import type { SqlFile } from "../database/sqlTemplate";
import { auditGrants } from "../trail/grants";
import { logFunctionFile, triggerObjects } from "../trail/logFunction";
import { roles, schemas } from "../trail/rolesAndSchemas";
import { foundation, tableObjects } from "../trail/statements";
import type { TableDefinition } from "../trail/tableDefinition";
import { markerDefinition, markerGapFiles } from "../trail/tableGroups";
import { asOfTrail, type Fact, readFacts } from "./catalogFacts";
import type { Database } from "./database";
import { defaultReceiversScript } from "./tableScripts";

/** What the trail must be, as this version of the program makes it. */
export interface ExpectedTrail {
    /** The whole schema `audit_trail` of a trail that audits nothing but the markers of each group. */
    readonly schema: readonly Fact[];
    /** The markers' trails as any other table's would be: without the triggers that only markers have. */
    readonly table: readonly Fact[];
    /** What a staging table has besides while a reload is under way. */
    readonly reload: readonly Fact[];
}

/**
 * Finds out what the trail must be by making it: the deployment's own scripts run once more, into a schema of another name,
 * in a transaction that is rolled back. So nothing here lists what the scripts say, and whatever they come to say
 * is compared as well; the same server writes both texts. No statement touches an object of the trail or of anybody else.
 *
 * @param marker the marker table's definition
 * @param groups the names of the groups, each of which has markers of its own
 */
export async function expectedTrail(
    audit: Database,
    marker: TableDefinition,
    groups: readonly string[],
): Promise<ExpectedTrail> {
    const markers = groups.map((group) => markerDefinition(marker, group));
    // As long as the name it stands for, so that names that contain both are cut alike.
    const copy = `at_${randomBytes(4).toString("hex")}`;
    const defaults = await audit.rows<DefaultReceivers>(defaultReceiversScript());
    return await audit.rolledBack(async (run) => {
        for (const file of [...defaults.map(withoutDefault), ...scripts(markers)]) {
            await run(inSchema(file, copy));
        }
        const table = asOfTrail(await readFacts(audit, copy, []), copy);
        for (const file of markerGapFiles(groups)) {
            await run(inSchema(file, copy));
        }
        await run(inSchema(beginReload(markers), copy));
        const all = asOfTrail(await readFacts(audit, copy, []), copy);
        const isOfReload = ({ aspect, item }: Fact): boolean =>
            aspect === "trigger" && item === ROOM;
        return {
            table,
            schema: all.filter((fact) => !isOfReload(fact)),
            reload: all.filter(isOfReload),
        };
    });
}

/** The trigger by which a load's rows take the places of those that are there. */
const ROOM = "make_room";

/** One table tells what a reload adds to any. */
function beginReload([marker]: readonly TableDefinition[]): SqlFile {
    const { schema = "", table = "" } = marker ?? {};
    const names = [schema, table].map((name) => escapeLiteral(name)).join(", ");
    return { file: "a reload", sql: `SELECT ${schemas.trail}.begin_reload(${names})` };
}

/** Who gets rights on `TABLES`, `SEQUENCES` or `FUNCTIONS` that the owner makes; names as SQL takes them. */
interface DefaultReceivers {
    readonly objects: string;
    readonly receivers: string;
}

/** What the copy's objects would get besides what the scripts give. */
function withoutDefault({ objects, receivers }: DefaultReceivers): SqlFile {
    const role = escapeIdentifier(roles.owner);
    return {
        file: "default privileges",
        sql: `ALTER DEFAULT PRIVILEGES FOR ROLE ${role} REVOKE ALL ON ${objects} FROM ${receivers}`,
    };
}

/** A script about a copy of the trail's schema. Names that only begin like the schema, such as those of roles, stay. */
function inSchema({ file, sql }: SqlFile, copy: string): SqlFile {
    return { file, sql: sql.replaceAll(new RegExp(`\\b${schemas.trail}\\b`, "gu"), copy) };
}

/** In the order of a deployment. */
function scripts(markers: readonly TableDefinition[]): SqlFile[] {
    const schema = escapeIdentifier(schemas.trail);
    const rights = auditGrants(markers);
    return [
        { file: "the schema", sql: `CREATE SCHEMA ${schema}` },
        rights,
        ...foundation(),
        ...markers.flatMap((marker) => [
            ...tableObjects(marker),
            logFunctionFile(marker),
            ...triggerObjects(marker),
        ]),
        rights,
    ];
}
