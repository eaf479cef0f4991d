import { readValue, type Values } from "./values";

/** The names of the inputs of any of several types. */
type InputName<Args> = Args extends unknown ? keyof Args & string : never;

/** The inputs of one resource. The names are those of its class; the values may be of any type. */
export class Inputs<Args> {
    constructor(private readonly properties: Values) {}

    /** The value as plain data: undefined when absent, `Unknown` (also deep inside) where a preview cannot know it. */
    get(name: InputName<Args>): unknown {
        return readValue(() => this.properties[name]);
    }

    /** True when the program gives a value, known or not. */
    has(name: InputName<Args>): boolean {
        return this.get(name) !== undefined;
    }
}
