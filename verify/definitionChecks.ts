import { qualified, renderSql } from "../database/sqlTemplate";
import { messageOf, PlainError } from "../text/errors";
import type { CatalogRow } from "../trail/catalogRow";
import { catalogParameters, tableDefinitions } from "../trail/catalogTables";
import { MARKER_TABLE } from "../trail/guards";
import { HEADER_COLUMNS, PARTITION_COLUMN } from "../trail/headerColumns";
import { textSettings, triggerFunction, uncommonFunction } from "../trail/logFunction";
import { trailNames } from "../trail/names";
import { schemas } from "../trail/rolesAndSchemas";
import type { TableDefinition, TableName } from "../trail/tableDefinition";
import { markerDefinition } from "../trail/tableGroups";
import { type Fact, LOCKED, readFacts } from "./catalogFacts";
import { checkOf } from "./checkOf";
import type { Database } from "./database";
import { definitionFindings } from "./definitionFindings";
import { type ExpectedTrail, expectedTrail } from "./expectedTrail";
import { LockedError } from "./locks";
import { partitionedFacts, partitionFindings, type StagingPartition } from "./partitionDefinitions";
import { entryOf, groupsIn, type Registry } from "./registry";
import { judgeReload, reloadFacts } from "./reloadChecks";
import { type Check, VERIFICATION } from "./report";
import { checkScripts } from "./tableScripts";

const NAME = "definitions";
const FINE = "as this version of the program makes them";

/** Whether the trail's own objects are what the program makes: all of them, nothing more, nothing else. */
export class DefinitionChecks {
    private constructor(
        private readonly audit: Database,
        private readonly registry: Registry,
        private readonly expected: ExpectedTrail | PlainError,
        private readonly marker: TableDefinition | undefined,
        private readonly found: readonly Fact[],
    ) {}

    /** Reads what the objects of these tables must be, and what they are. */
    static async read(
        source: Database,
        audit: Database,
        tables: readonly TableDefinition[],
        registry: Registry,
    ): Promise<DefinitionChecks> {
        const relations = tables.flatMap((definition) => {
            const { staging, auditLog } = trailNames(definition);
            return [qualified(definition.schema, staging), qualified(definition.schema, auditLog)];
        });
        const found = await readFacts(audit, schemas.trail, relations);
        try {
            const [marker] = tableDefinitions(
                await source.rows<CatalogRow>(
                    renderSql("sql/source/catalog.sql"),
                    catalogParameters([MARKER_TABLE]),
                ),
            );
            if (marker === undefined) {
                throw new PlainError("the source has no marker table");
            }
            const groups = groupsIn(registry.tables());
            const [first] = groups;
            if (first === undefined) {
                throw new PlainError("the registry has no markers of any group");
            }
            const expected = await expectedTrail(audit, marker, groups);
            const reference = markerDefinition(marker, first);
            return new DefinitionChecks(audit, registry, expected, reference, found);
        } catch (error) {
            const problem =
                error instanceof LockedError
                    ? error
                    : new PlainError(
                          `it cannot be found out what the trail must be: ${messageOf(error)}`,
                          { cause: error },
                      );
            return new DefinitionChecks(audit, registry, problem, undefined, found);
        }
    }

    /**
     * Everything in the schema audit_trail but what belongs to a single table; and what works on every table.
     *
     * @throws LockedError where somebody has locked what says what it must be
     */
    async checkSchema(): Promise<Check> {
        if (this.expected instanceof PlainError) {
            return notFoundOut(this.expected);
        }
        const audited = this.registry.tables();
        const own = new Set(this.expected.schema.map(({ name }) => name));
        // What the markers of a group left that is no more.
        const left = audited
            .filter((one) => one.schema === schemas.trail && one.has_left)
            .map(trailNames)
            // A group's name is too short for PostgreSQL to cut the name of the log's sequence.
            .flatMap(({ staging, auditLog }) => [staging, auditLog, `${auditLog}_audit_id_seq`]);
        const markers = audited.filter((one) => one.schema === schemas.trail && !one.has_left);
        const names = await this.quoted([
            schemas.trail,
            ...markers.map((one) => trailNames(one).staging),
            ...left,
            ...audited.map(({ tombstone }) => tombstone),
        ]);
        const ofTables = new Set([
            ...left.map((name) => names(schemas.trail, name)),
            ...audited.map(({ tombstone }) => names(schemas.trail, tombstone)),
            ...audited.flatMap(({ functions }) => functions),
        ]);
        const prefix = `${names(schemas.trail)}.`;
        const found = this.found.filter(
            ({ name, part_of }) =>
                (own.has(name) || !ofTables.has(part_of ?? name)) &&
                [part_of ?? name].some(
                    (one) => one.startsWith(prefix) || one === `schema ${names(schemas.trail)}`,
                ),
        );
        const events = await this.audit.rows<{ finding: string }>(
            renderSql("sql/verify/event_triggers.sql"),
        );
        const locked = found.filter(({ aspect }) => aspect === LOCKED);
        const unseen = new Set(locked.map(({ name, part_of }) => part_of ?? name));
        const seen = ({ name, part_of }: Fact): boolean => !unseen.has(part_of ?? name);
        const expected = [
            ...this.expected.schema,
            ...markers.flatMap((one) =>
                this.reloadFacts(one, names(schemas.trail, trailNames(one).staging)),
            ),
        ];
        const findings = [
            ...definitionFindings(expected.filter(seen), found.filter(seen)),
            ...events.map(({ finding }) => finding),
        ];
        if (locked.length === 0) {
            return checkOf(NAME, findings, FINE);
        }
        const notSeen = locked.map(({ name, value }) => `${name} could not be looked at: ${value}`);
        const name = findings.length === 0 ? VERIFICATION : NAME;
        return checkOf(name, [...findings, ...new Set(notSeen)], "");
    }

    /**
     * One table's staging, log, tombstones and log function.
     *
     * @throws LockedError where somebody has locked what says what they must be
     */
    async checkTable(definition: TableDefinition): Promise<Check> {
        if (this.expected instanceof PlainError) {
            return notFoundOut(this.expected);
        }
        const plain = await this.expectedOf(definition, this.expected.table);
        const { staging, auditLog } = trailNames(definition);
        const { schema } = definition;
        const written = await this.quoted([schema, staging, auditLog]);
        const table = written(schema, staging);
        const isPartitioned = definition.partitions !== undefined;
        const allowed = [...plain, ...this.reloadFacts(definition, table)];
        const expected = isPartitioned
            ? partitionedFacts(allowed, table, written(schema, auditLog))
            : allowed;
        const names = new Set(expected.map(({ name }) => name));
        const found = this.found.filter(({ name, part_of }) => names.has(part_of ?? name));
        const locked = found.find(({ aspect }) => aspect === LOCKED);
        if (locked !== undefined) {
            const words = `${locked.name} could not be looked at: ${locked.value}, so run this again once that transaction has ended.`;
            return checkOf(VERIFICATION, [words], FINE);
        }
        const ofPartitions = isPartitioned
            ? partitionFindings(allowed, table, this.partitionsOf(definition), found)
            : [];
        return checkOf(NAME, [...definitionFindings(expected, found), ...ofPartitions], FINE);
    }

    /**
     * See {@link judgeReload}.
     *
     * @throws LockedError where somebody has locked the registry
     */
    checkReload(definition: TableName): Check {
        return judgeReload(definition, this.reloadOf(definition));
    }

    private reloadFacts(definition: TableName, staging: string): Fact[] {
        const { expected } = this;
        const added = expected instanceof PlainError ? [] : expected.reload;
        return reloadFacts(added, this.found, staging, this.reloadOf(definition));
    }

    private reloadOf(table: TableName): string | null | undefined {
        return entryOf(this.registry.tables(), table)?.reload_began_at;
    }

    private partitionsOf(table: TableName): readonly StagingPartition[] {
        return entryOf(this.registry.partitions(), table)?.partitions ?? [];
    }

    /** The marker's facts, said of another table. */
    private async expectedOf(
        definition: TableDefinition,
        reference: readonly Fact[],
    ): Promise<Fact[]> {
        const { marker } = this;
        if (marker === undefined) {
            return [];
        }
        const [from, to] = [trailNames(marker), trailNames(definition)];
        const [fromFunction, toFunction] = [triggerFunction(marker), triggerFunction(definition)];
        const [fromUncommon, toUncommon] = [uncommonFunction(marker), uncommonFunction(definition)];
        const { schema, table, primaryKey } = definition;
        const names = await this.quoted([
            ...[schemas.trail, schema, ...primaryKey],
            ...[from.staging, from.auditLog, from.tombstone, fromFunction.name, fromUncommon.name],
            ...[to.staging, to.auditLog, to.tombstone, toFunction.name, toUncommon.name],
        ]);
        const { log_arguments } = await this.audit.row<{ log_arguments: string }>(
            checkScripts(definition).triggerArguments,
        );
        const uncommonOf = (name: string, staging: string): string =>
            `${names(schemas.trail, name)}(statement text, old_row ${staging}, new_row ${staging}, new_ctid tid, before_image jsonb, after_image jsonb, is_second_try boolean)`;
        const uncommon = uncommonOf(toUncommon.name, names(schema, to.staging));
        const renamed = new Map([
            [uncommonOf(fromUncommon.name, names(schemas.trail, from.staging)), uncommon],
            [names(schemas.trail, from.staging), names(schema, to.staging)],
            [names(schemas.trail, from.auditLog), names(schema, to.auditLog)],
            [names(schemas.trail, from.tombstone), names(schemas.trail, to.tombstone)],
            [
                `${names(schemas.trail, fromFunction.name)}()`,
                `${names(schemas.trail, toFunction.name)}()`,
            ],
        ]);
        const calls = [
            [
                `${names(schemas.trail, fromFunction.name)}()`,
                `${names(schemas.trail, toFunction.name)}(${log_arguments})`,
            ],
            [
                [marker.schema, marker.table].map(triggerArgument).join(", "),
                [schema, table].map(triggerArgument).join(", "),
            ],
        ] as const;
        const staging = names(schema, to.staging);
        const logFunction = `${names(schemas.trail, toFunction.name)}()`;
        const facts = reference.flatMap((fact): Fact[] => {
            const name = renamed.get(fact.part_of ?? fact.name);
            if (name === undefined) {
                return [];
            }
            const value =
                fact.aspect === "trigger"
                    ? calls.reduce((text, [old, now]) => text.replace(old, () => now), fact.value)
                    : fact.aspect === "text"
                      ? fact.value
                      : fact.value.replaceAll(names(schemas.trail, from.staging), () =>
                            names(schema, to.staging),
                        );
            return [{ ...fact, value, ...(fact.part_of === null ? { name } : { part_of: name }) }];
        });
        return [
            ...facts.filter(
                ({ name, aspect, item }) =>
                    !(name === staging && aspect === "constraint") &&
                    !(name === staging && aspect === "column" && !isHeader(item)) &&
                    !(name === logFunction && (aspect === "text" || aspect === "setting")) &&
                    !(name === uncommon && aspect === "text"),
            ),
            ...this.stagingColumns(definition, staging),
            {
                ...about(staging, "constraint", "valid t"),
                item: `PRIMARY KEY (${primaryKey.map((column) => names(column)).join(", ")})`,
            },
            about(logFunction, "text", toFunction.body),
            about(uncommon, "text", toUncommon.body),
            ...this.logSettings(
                definition,
                reference,
                `${names(schemas.trail, fromFunction.name)}()`,
            ).map((item) => ({ ...about(logFunction, "setting", ""), item })),
        ];
    }

    /**
     * The columns that staging may have: those of the source, as far as they are there, and those that it had. That one is
     * missing is found by another check.
     */
    private stagingColumns(definition: TableDefinition, staging: string): Fact[] {
        const known = new Set(entryOf(this.registry.knownColumns(), definition)?.columns);
        const types = new Map(definition.columns.map(({ name, type }) => [name, type]));
        return this.found
            .filter(
                ({ name, aspect, item }) =>
                    name === staging &&
                    aspect === "column" &&
                    !isHeader(item) &&
                    !(definition.partitions !== undefined && item === PARTITION_COLUMN),
            )
            .flatMap((fact): Fact[] => {
                const type = types.get(fact.item);
                if (type !== undefined) {
                    const key = definition.primaryKey.includes(fact.item) ? " NOT NULL" : "";
                    return [{ ...fact, value: type + key }];
                }
                // Its type is what it was.
                const plain = fact.value.replace(/ (DEFAULT|IDENTITY|GENERATED) .*$/su, "");
                return known.has(fact.item) ? [{ ...fact, value: plain }] : [];
            });
    }

    /** Those of the marker's log function that are not for a type of its columns, and those for this table's types. */
    private logSettings(
        definition: TableDefinition,
        reference: readonly Fact[],
        markerFunction: string,
    ): string[] {
        const { marker } = this;
        const written = (settings: ReturnType<typeof textSettings>): string[] =>
            settings.map(({ name, value }) => `${name}=${value}`);
        const ofMarker = new Set(marker === undefined ? [] : written(textSettings(marker)));
        const common = reference.flatMap(({ name, aspect, item }) =>
            name === markerFunction && aspect === "setting" && !ofMarker.has(item) ? [item] : [],
        );
        return [...common, ...written(textSettings(definition))];
    }

    /** Writes names as the server does, joined by dots. */
    private async quoted(
        names: readonly string[],
    ): Promise<(...parts: readonly string[]) => string> {
        const rows = await this.audit.rows<{ quoted: string }>(
            renderSql("sql/verify/quoted_names.sql"),
            [names],
        );
        const written = new Map(names.map((name, at) => [name, rows[at]?.quoted ?? name]));
        return (...parts) => parts.map((part) => written.get(part) ?? part).join(".");
    }
}

function notFoundOut(problem: PlainError): Check {
    if (problem instanceof LockedError) {
        throw problem;
    }
    return checkOf(NAME, [problem.message], FINE);
}

/** A literal as pg_get_triggerdef() writes it: never as E'...', whatever is in it. */
function triggerArgument(text: string): string {
    return `'${text.replaceAll("'", "''")}'`;
}

function isHeader(column: string): boolean {
    return HEADER_COLUMNS.some((header) => header === column);
}

function about(name: string, aspect: string, value: string): Fact {
    return { name, part_of: null, aspect, item: "", value };
}
