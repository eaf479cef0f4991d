import { fit, printable, WIDTH, wrapped } from "../text/terminalLines";
import { bytesText, durationText } from "./amounts";
import { LOAD_BYTES_PER_SECOND, type TableVolume, type Volume } from "./volume";

/** More tables are summed up in one line, the largest shown. */
const SHOWN = 10;
const NAME_WIDTH = 34;

/** Statistics younger than this make rates that nobody should plan with, in seconds. */
const YOUNG_SECONDS = 3600;

/** Sizes and rates for people: estimates, with what they assume. */
export function volumeLines(volume: Volume | undefined): string[] {
    if (volume === undefined) {
        return [];
    }
    const tables = [...volume.tables].sort((one, two) => two.bytes - one.bytes);
    const rest = tables.slice(SHOWN);
    return [
        "",
        "Sizes and rates (estimates)",
        line("table", "rows", "size", "changes/day", "load"),
        ...tables.slice(0, SHOWN).map(tableLine),
        ...(rest.length === 0 ? [] : [tableLine(summed(rest))]),
        ...rateLines(volume),
    ];
}

function line(name: string, ...cells: readonly [string, string, string, string]): string {
    const [rows, size, changes, load] = cells;
    const shown = fit(printable(name), NAME_WIDTH).padEnd(NAME_WIDTH);
    const text = `  ${shown} ${rows.padStart(12)} ${size.padStart(8)} ${changes.padStart(12)} ${load.padStart(7)}`;
    return fit(text, WIDTH);
}

function tableLine({ table, rows, bytes, changesPerDay, loadSeconds }: TableVolume): string {
    const count = (value: number): string => Math.round(value).toLocaleString("en-US");
    return line(
        table,
        count(rows),
        bytesText(bytes),
        count(changesPerDay),
        durationText(Math.ceil(loadSeconds)),
    );
}

function summed(tables: readonly TableVolume[]): TableVolume {
    const sum = (key: Exclude<keyof TableVolume, "table">): number =>
        tables.reduce((total, one) => total + one[key], 0);
    return {
        table: `${tables.length} more`,
        rows: sum("rows"),
        bytes: sum("bytes"),
        changesPerDay: sum("changesPerDay"),
        loadSeconds: sum("loadSeconds"),
        logBytesPerDay: sum("logBytesPerDay"),
    };
}

function rateLines(volume: Volume): string[] {
    const { walBytesPerDay, walBytesPerDayNow, statisticsSeconds, tables } = volume;
    const log = tables.reduce((total, one) => total + one.logBytesPerDay, 0);
    const wal = walBytesPerDay ?? walBytesPerDayNow;
    const age = durationText(Math.round(statisticsSeconds));
    const young =
        statisticsSeconds < YOUNG_SECONDS
            ? " That is too short to plan with: look again later."
            : "";
    const mean =
        walBytesPerDay === undefined
            ? "The server has no count of its WAL"
            : `WAL of the whole server: ${bytesText(walBytesPerDay)} a day in the mean`;
    return [
        ...wrapped(
            `${mean}; ${bytesText(walBytesPerDayNow)} a day as it was written during this look.`,
            "  ",
            "    ",
        ),
        ...wrapped(
            `While the task is stopped the source keeps it: ${bytesText(wal / 24)} each hour.`,
            "  ",
            "    ",
        ),
        ...wrapped(
            `The logs grow by about ${bytesText(log)} a day: images of twice the row, two for an update, and 300 bytes beside them.`,
            "  ",
            "    ",
        ),
        ...wrapped(
            `Assumed: a load of ${bytesText(LOAD_BYTES_PER_SECOND)} a second, one table after the other; rates are the mean of ${age} of statistics.${young}`,
            "  ",
            "    ",
        ),
    ];
}
