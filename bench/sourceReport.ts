import { goal, median, roundRatios, spread, table } from "./report";

/** What one run of one variant showed. CPU in microseconds and WAL in bytes, per change. */
export interface Run {
    readonly perSecond: number;
    readonly p50: number;
    readonly p95: number;
    readonly backends: number;
    readonly walsender: number;
    readonly background: number;
    readonly wal: number;
    /** Bytes of WAL not in the log at the end of the run, and milliseconds until they were. */
    readonly backlog: number;
    readonly drain: number;
}

/** How long the runs of bench/source.ts are. */
export interface Durations {
    /** Rounds as fast as it goes, and at half load, where small differences count. */
    readonly saturated: number;
    readonly half: number;
    readonly warmUpMs: number;
    readonly measureMs: number;
}

/** One figure of one variant, by round. */
export function column(
    runs: readonly (readonly Run[])[],
    variant: number,
    key: keyof Run,
): number[] {
    return (runs[variant] ?? []).map((run) => run[key]);
}

/** What the variants showed with transactions of one size. */
export interface WorkloadRuns {
    readonly changesPerTransaction: number;
    /** Half of the unaudited rate, at which the half load ran. */
    readonly changesPerSecond: number;
    /** By variant, then by round. */
    readonly saturated: readonly (readonly Run[])[];
    readonly half: readonly (readonly Run[])[];
}

/** The section in Markdown. The first variant is the base of the ratios. */
export function report(
    variants: readonly string[],
    workloads: readonly WorkloadRuns[],
    durations: Durations,
    favoured: boolean,
): string {
    return [
        "## Source side",
        "",
        "Update 70 %, insert 20 %, delete 10 %, 8 clients, prepared statements, interleaved rounds " +
            `(${durations.saturated} as fast as it goes, ${durations.half} at half load) of ${durations.measureMs / 1000} s, ` +
            "median (min-max). Clients, source, stand-in and audit server share this machine's cores. Ratios are to " +
            '"no audit" in the same round. A latency is that of a whole transaction.',
        "",
        ...workloads.flatMap((workload) => workloadReport(variants, workload, favoured)),
    ].join("\n");
}

function workloadReport(
    variants: readonly string[],
    { changesPerTransaction, changesPerSecond, saturated, half }: WorkloadRuns,
    favoured: boolean,
): string[] {
    const saturation = variants.map((name, index) => {
        const tps = column(saturated, index, "perSecond");
        return [
            name,
            spread(tps),
            spread(roundRatios(tps, column(saturated, 0, "perSecond")), 2),
            spread(column(saturated, index, "backends"), 1),
            spread(column(saturated, index, "walsender"), 1),
            spread(column(saturated, index, "wal")),
            spread(
                column(saturated, index, "backlog").map((bytes) => bytes / 2 ** 20),
                1,
            ),
            spread(
                column(saturated, index, "drain").map((ms) => ms / 1000),
                1,
            ),
        ];
    });
    const halfLoad = variants.map((name, index) => {
        const [p50, p95] = [column(half, index, "p50"), column(half, index, "p95")];
        return [
            name,
            spread(column(half, index, "perSecond")),
            spread(p50, 3),
            spread(roundRatios(p50, column(half, 0, "p50")), 2),
            spread(p95, 3),
            spread(roundRatios(p95, column(half, 0, "p95")), 2),
            spread(column(half, index, "backends"), 1),
            spread(column(half, index, "walsender"), 1),
            spread(column(half, index, "background"), 1),
            spread(column(half, index, "wal")),
        ];
    });
    return [
        `### ${changesPerTransaction === 1 ? "One change" : `${changesPerTransaction} changes`} per transaction`,
        "",
        "As fast as it goes:",
        "",
        table(
            [
                "variant",
                "changes/s",
                "ratio",
                "backends µs/change",
                "walsender µs/change",
                "WAL B/change",
                "not yet logged at the end, MB of WAL",
                "s until logged",
            ],
            saturation,
        ),
        "",
        `At ${changesPerSecond.toFixed(0)} changes/s, half of the unaudited rate, random gaps. ` +
            (favoured
                ? "Clients and source, its walsender included, go before stand-in and audit server:"
                : "No process goes before another, because this machine does not allow it:"),
        "",
        table(
            [
                "variant",
                "changes/s",
                "p50 ms",
                "ratio",
                "p95 ms",
                "ratio",
                "backends µs/change",
                "walsender µs/change",
                "background µs/change",
                "WAL B/change",
            ],
            halfLoad,
        ),
        "",
        ...goals(saturated, half),
        "",
    ];
}

/** The variants' places in the list. */
const [NONE, AGAIN, TRIGGER, READ, TRAIL] = [0, 1, 2, 5, 6];

function goals(
    saturated: readonly (readonly Run[])[],
    half: readonly (readonly Run[])[],
): string[] {
    const ratio = (key: "p50" | "p95", variant = TRAIL): number =>
        median(roundRatios(column(half, variant, key), column(half, NONE, key)));
    const addedCpu = (runs: readonly (readonly Run[])[]): number => {
        const onSource = (variant: number): number[] =>
            (runs[variant] ?? []).map((run) => run.backends + run.walsender);
        return shareAdded(onSource(TRAIL), onSource(TRIGGER), onSource(NONE));
    };
    const cpuGoal = (load: string, added: number): string =>
        goal(
            `${load}, source CPU added per change (backends and walsender), at most 0.5 of the minimal trigger's`,
            added.toFixed(2),
            added <= 0.5,
        );
    const addedWal = shareAdded(
        column(half, TRAIL, "wal"),
        column(half, TRIGGER, "wal"),
        column(half, NONE, "wal"),
    );
    const tps = (variant: number): number[] => column(saturated, variant, "perSecond");
    const lost = (variant: number): string => {
        const share = (1 - median(roundRatios(tps(variant), tps(NONE)))) * 100;
        return `${share.toFixed(0)} %`;
    };
    const percent = (value: number): string => `${((value - 1) * 100).toFixed(1)} %`;
    return [
        goal("Half load, p50 within 3 % of no audit", percent(ratio("p50")), ratio("p50") <= 1.03),
        goal("Half load, p95 within 3 % of no audit", percent(ratio("p95")), ratio("p95") <= 1.03),
        `- Two databases without audit differ by ${percent(ratio("p50", AGAIN))} and ${percent(ratio("p95", AGAIN))}.`,
        cpuGoal("Half load", addedCpu(half)),
        cpuGoal("As fast as it goes", addedCpu(saturated)),
        goal(
            "Half load, WAL added per change, at most 0.25 of the minimal trigger's",
            addedWal.toFixed(2),
            addedWal <= 0.25,
        ),
        "",
        `Lost at saturation, where everything shares the cores: ${lost(TRAIL)} of the unaudited rate with this trail ` +
            `and its stand-in, ${lost(TRIGGER)} with the minimal trigger. On AWS neither DMS nor the audit cluster runs ` +
            "on the source; of the trail only the walsender does. With the changes sent but not applied, so without most " +
            `of what runs elsewhere on AWS: ${lost(READ)} lost at saturation, at half load p50 ${percent(ratio("p50", READ))} ` +
            `and p95 ${percent(ratio("p95", READ))} over no audit.`,
    ];
}

/** What one variant adds to the base, as a share of what another adds; the median over the rounds. */
function shareAdded(
    some: readonly number[],
    other: readonly number[],
    base: readonly number[],
): number {
    const added = (values: readonly number[]): number[] =>
        values.map((value, round) => value - (base[round] ?? NaN));
    return median(added(some)) / median(added(other));
}
