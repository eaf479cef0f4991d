/**
 * The PostgreSQL majors that both sides document: DMS reads 15 to 17 as a source
 * (https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Source.PostgreSQL.html), and Aurora has them in standard support.
 */
const SUPPORTED_MAJORS = [15, 16, 17];

/** The major PostgreSQL version of an engine version: 17 of "17.7". */
export function majorVersion(engineVersion: string): number {
    return Number(engineVersion.split(".")[0]);
}

/**
 * Checks an engine version of Aurora PostgreSQL or RDS for PostgreSQL, such as "17.7".
 * @throws Error that completes "... but": a reason why the version cannot be used.
 */
export function parseEngineVersion(text: string): string {
    if (!/^\d+\.\d+$/.test(text)) {
        throw new Error("it must be a major and a minor version such as 17.7");
    }
    const major = majorVersion(text);
    if (major < Math.min(...SUPPORTED_MAJORS)) {
        throw new Error(
            `PostgreSQL ${major} is at or near the end of Aurora's standard support and is not tested here, use 15, 16 or 17`,
        );
    }
    if (!SUPPORTED_MAJORS.includes(major)) {
        throw new Error(`DMS does not document PostgreSQL ${major} as a source, use 15, 16 or 17`);
    }
    return text;
}

/** The family of a cluster parameter group, https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/USER_WorkingWithParamGroups.html. */
export function auroraFamily(engineVersion: string): string {
    return `aurora-postgresql${majorVersion(engineVersion)}`;
}

/** The family of a parameter group of RDS for PostgreSQL, https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_WorkingWithParamGroups.html. */
export function rdsFamily(engineVersion: string): string {
    return `postgres${majorVersion(engineVersion)}`;
}

/** Numbers of a dotted version, compared one by one: true when `version` is `minimum` or later. */
export function atLeastVersion(version: string, minimum: string): boolean {
    const wanted = minimum.split(".").map(Number);
    const found = version.split(".").map(Number);
    for (const [index, part] of wanted.entries()) {
        const other = found[index] ?? 0;
        if (other !== part) {
            return other > part;
        }
    }
    return true;
}
