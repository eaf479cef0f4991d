import type { CheckFailure, Props } from "../provider";
import type { Account } from "./account";
import type { ResourceRecord, Store } from "./store";
import type { TaskControl } from "./taskControl";

/** What a behaviour's functions get to work with. */
export interface Call {
    readonly id: string;
    readonly account: Account;
    readonly store: Store;
    readonly stackDir: string;
    readonly control: TaskControl;
}

/** What a text may be. */
export interface TextRule {
    readonly pattern: RegExp;
    /** In words, after the name of the input. */
    readonly reason: string;
}

/** How one resource type behaves beyond being recorded; without any of it, it is only recorded. */
export interface TypeBehaviour {
    /** The input that is the resource's id on AWS. */
    readonly idFrom?: string;
    /** For ids that AWS makes up: what precedes the hexadecimal digits, for example `vpc-`. */
    readonly idPrefix?: string;
    /** An id that is put together from the inputs. */
    readonly makeId?: (inputs: Props, account: Account) => string;
    /** The input that gets the resource's name and a random suffix when the program leaves it out. */
    readonly autoName?: string;
    readonly required?: readonly string[];
    readonly oneOf?: Readonly<Record<string, readonly string[]>>;
    readonly cidrs?: readonly string[];
    /** What AWS, or the plugin before it, asks of texts, by input. */
    readonly texts?: Readonly<Record<string, TextRule>>;
    /** The least and the greatest value of numbers, by input. */
    readonly ranges?: Readonly<Record<string, readonly [least: number, greatest: number]>>;
    /**
     * Inputs that AWS cannot change in place: those with ForceNew in internal/service/ of hashicorp/terraform-provider-aws,
     * from which the AWS plugin is made.
     */
    readonly replaceOn?: readonly string[] | ((inputs: Props, before: Props) => readonly string[]);
    /** Inputs that are in no record, because AWS never shows them again. */
    readonly hidden?: readonly string[];
    /** Further refusals that need nothing but the inputs; unknown values are text like any other. */
    readonly check?: (inputs: Props) => readonly CheckFailure[];
    /** Refuses what AWS would refuse, does what AWS would do, returns what AWS adds to the inputs. */
    readonly create?: (call: Call, inputs: Props) => Promise<Props> | Props;
    /** The same for a change in place; `before` is the record of the resource as it is. */
    readonly update?: (call: Call, before: ResourceRecord, inputs: Props) => Promise<Props> | Props;
    readonly delete?: (call: Call, record: ResourceRecord) => Promise<void>;
}

/** A property as text, or undefined when it is absent, empty or not text. */
export function text(props: Props, name: string): string | undefined {
    const value = props[name];
    return typeof value === "string" && value !== "" ? value : undefined;
}

/** A property as text; for inputs that the check has found present. */
export function mustText(props: Props, name: string): string {
    const value = text(props, name);
    if (value === undefined) {
        throw new Error(`The input "${name}" has no value: give it one.`);
    }
    return value;
}

/** A property as a list of texts; absent is empty. */
export function texts(props: Props, name: string): string[] {
    const value = props[name];
    return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}
