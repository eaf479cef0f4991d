import { formatTableName } from "../trail/names";
import type { TableName } from "../trail/tableDefinition";
import type { Finding } from "./finding";
import { judge } from "./judge";
import { lobFindings, type LobSize, readLobSizes } from "./lobSizes";
import { rdsFindings } from "./rds/rdsChecks";
import type { RdsFacts, RdsLogin } from "./rds/rdsFacts";
import { factQueries, type Query, readFacts } from "./readFacts";
import { readVolume, type Volume } from "./volume";
import type { Wishes } from "./wishes";

/** What a preflight has to say. */
export interface PreflightReport {
    /** Whether nothing must be mended before a deployment. */
    readonly ready: boolean;
    readonly database: string;
    /** PostgreSQL's, as the server writes it. */
    readonly version: string;
    readonly server: "Aurora" | "PostgreSQL" | "RDS";
    readonly tables: readonly string[];
    /** The gravest first. */
    readonly findings: readonly Finding[];
    /** The largest values of the columns that DMS carries as large objects. */
    readonly lobSizes: readonly LobSize[];
    /** Estimates; undefined of a reader. */
    readonly volume: Volume | undefined;
}

const ORDER = ["must", "should", "note"];

/**
 * Looks at a source before a trail of it is deployed, and names everything that is to be mended at once. It changes nothing.
 *
 * @param query runs one query on the source, however that is reached, in a session of this program
 * @param tables the tables to be audited
 * @throws Error when the source cannot be asked
 */
export async function preflight(
    query: Query,
    tables: readonly TableName[],
    options: Wishes & {
        /** The config key of that name: the largest value that DMS carries whole. */
        readonly maxLobSizeKb: number;
        /** How long the look at the WAL takes, in milliseconds. */
        readonly windowMs: number;
        /** What RDS's API says of the source; undefined of a server that is not given as one of RDS. */
        readonly rds?: (RdsLogin & { readonly facts: RdsFacts }) | undefined;
    },
): Promise<PreflightReport> {
    const facts = await readFacts(query, factQueries(), tables);
    const { database, version, is_aurora: isAurora, is_managed: isManaged } = facts.server;
    const lobSizes = await readLobSizes(query, facts.catalog, facts.tables, options.choices);
    // A reader has written no WAL.
    const volume = facts.server.is_in_recovery
        ? undefined
        : await readVolume(query, facts.tables, options.windowMs);
    const { rds } = options;
    const findings = [
        ...(rds === undefined ? [] : rdsFindings(rds.facts, rds)),
        ...judge(facts, options),
        ...lobFindings(lobSizes, options.maxLobSizeKb),
    ];
    return {
        ready: findings.every(({ severity }) => severity !== "must"),
        database,
        version,
        server: isAurora ? "Aurora" : isManaged ? "RDS" : "PostgreSQL",
        tables: tables.map(formatTableName),
        lobSizes,
        volume,
        findings: findings.sort(
            (one, two) => ORDER.indexOf(one.severity) - ORDER.indexOf(two.severity),
        ),
    };
}
