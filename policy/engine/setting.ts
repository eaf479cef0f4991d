/** A range of whole numbers, both ends included. */
export interface Range {
    readonly min: number;
    readonly max: number;
}

/** What one setting of an AWS service may be, and what it may be beside an audit trail. */
interface Judged<Value> {
    /** What the service takes when the setting is absent. */
    readonly default: Value;
    /** Why other values are not safe, or why every documented one is; completes "because ...". */
    readonly reason: string;
    /** The rule that judges this setting, where it has one of its own. */
    readonly rule?: string;
}

export interface BooleanSetting extends Judged<boolean> {
    readonly kind: "boolean";
    /** The safe values; absent: both. */
    readonly safe?: readonly boolean[];
    /** The values that the stand-in supports; absent: both. */
    readonly supported?: readonly boolean[];
}

export interface IntegerSetting extends Judged<number> {
    readonly kind: "integer";
    /** What the service takes. */
    readonly range: Range;
    readonly safe?: Range;
    readonly supported?: Range;
}

export interface ChoiceSetting extends Judged<string> {
    readonly kind: "choice";
    /** What the service takes. */
    readonly of: readonly string[];
    readonly safe?: readonly string[];
    readonly supported?: readonly string[];
}

export interface TextSetting extends Judged<string> {
    readonly kind: "text";
    /** Pattern of the safe texts, and the same in words. */
    readonly safe?: { readonly pattern: RegExp; readonly words: string };
    readonly supported?: undefined;
}

/** One documented setting. */
export type Setting = BooleanSetting | IntegerSetting | ChoiceSetting | TextSetting;

/** True of a value that the setting's documentation allows and the trail can live with. */
export function isSafe(setting: Setting, value: unknown): boolean {
    switch (setting.kind) {
        case "boolean":
            return typeof value === "boolean" && (setting.safe ?? [true, false]).includes(value);
        case "integer":
            return isWithin(value, setting.range) && isWithin(value, setting.safe ?? setting.range);
        case "choice":
            return typeof value === "string" && (setting.safe ?? setting.of).includes(value);
        case "text":
            return typeof value === "string" && (setting.safe?.pattern.test(value) ?? true);
    }
}

/** The safe values in words, as they follow "set". */
export function safeValues(setting: Setting): string {
    switch (setting.kind) {
        case "boolean":
            return (setting.safe ?? [true, false]).map(String).join(" or ");
        case "integer":
            return inWords(setting.safe ?? setting.range);
        case "choice":
            return (setting.safe ?? setting.of).map((word) => JSON.stringify(word)).join(" or ");
        case "text":
            return setting.safe?.words ?? "any text";
    }
}

export function isWithin(value: unknown, { min, max }: Range): boolean {
    return typeof value === "number" && Number.isInteger(value) && value >= min && value <= max;
}

/** A range as it follows "set" or "must be". */
export function inWords({ min, max }: Range): string {
    if (min === max) {
        return String(min);
    }
    return max >= MOST ? `a whole number from ${min}` : `a whole number from ${min} to ${max}`;
}

/** The largest whole number of a setting whose documentation names no other. */
export const MOST = 2_147_483_647;
