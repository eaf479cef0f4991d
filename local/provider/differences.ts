import { isDeepStrictEqual } from "node:util";
import { type Props, UNKNOWN } from "./module";

/** True when the value is, or holds, something that is not known during preview. */
export function hasUnknown(value: unknown): boolean {
    if (value === UNKNOWN) {
        return true;
    }
    if (Array.isArray(value)) {
        return value.some(hasUnknown);
    }
    return typeof value === "object" && value !== null && Object.values(value).some(hasUnknown);
}

/** The top-level properties whose values differ; an unknown value counts as different, absent and null are the same. */
export function changedProperties(olds: Props, news: Props): string[] {
    const names = new Set([...Object.keys(olds), ...Object.keys(news)]);
    return [...names].filter((name) => {
        const before = olds[name] ?? undefined;
        const after = news[name] ?? undefined;
        return hasUnknown(after) || !isDeepStrictEqual(before, after);
    });
}
