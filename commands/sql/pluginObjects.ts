import { escapeIdentifier } from "pg";
import type { SqlFile } from "../../database/sqlTemplate";
import { logFunctionFile } from "../../trail/logFunction";
import { roles, schemas } from "../../trail/rolesAndSchemas";
import type { TableDefinition, TableName } from "../../trail/tableDefinition";
import { DEPLOYER, type Side, type Step } from "./step";

const MADE_BY = "by the postgresql plugin of Pulumi";

function step(side: Side, when: string, files: readonly SqlFile[]): Step {
    return { side, role: DEPLOYER, when, files, isBatch: false };
}

/** A role as the plugin makes it; its password is in a secret and no part of the text. */
function role(name: string, isLogin: boolean, memberOf: readonly string[] = []): string {
    const login = isLogin ? "LOGIN" : "NOLOGIN";
    const groups = memberOf.length === 0 ? "" : ` IN ROLE ${memberOf.map(quoted).join(", ")}`;
    return `CREATE ROLE ${quoted(name)} ${login}${groups};`;
}

function quoted(name: string): string {
    return escapeIdentifier(name);
}

function schemaLines(names: readonly string[]): string[] {
    // The schema public is there from the start.
    return [...new Set(names)]
        .filter((name) => name !== "public")
        .map((name) => `CREATE SCHEMA ${quoted(name)};`);
}

/** DMS's user of the source, and the schemas that the trail adds there. */
export function sourceObjects(): Step {
    const lines = [
        role(roles.source, true, ["rds_replication", "rds_superuser"]),
        ...schemaLines([schemas.dmsHeartbeat, schemas.trail]),
    ];
    return step("source", "once", [{ file: MADE_BY, sql: lines.join("\n") }]);
}

/** The roles of the audit cluster, and the schemas of the trail and of the tables. */
export function auditObjects(audited: readonly TableName[]): Step {
    const lines = [
        role(roles.owner, false),
        role(roles.auditor, false),
        role(roles.operator, false, [roles.auditor]),
        role(roles.target, true),
        role(roles.collector, false),
        ...schemaLines([schemas.trail, schemas.dmsControl, ...audited.map(({ schema }) => schema)]),
    ];
    return step("audit", "once", [{ file: MADE_BY, sql: lines.join("\n") }]);
}

/** A table's log function, which has nobody's rights until the table's script gives them. */
export function logFunctionStep(definition: TableDefinition): Step {
    const { sql } = logFunctionFile(definition);
    return step("audit", "when its text is another one, under another name", [
        { file: `sql/audit/log_change.sql, ${MADE_BY}`, sql },
    ]);
}
