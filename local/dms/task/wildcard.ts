import { TaskError } from "../errors";

/**
 * Turns a DMS object-locator pattern into a test: `%` any run, `_` any one character, `[_]` a literal, `[ab]` and
 * `[a-d]` sets (DMS guide, "Wildcards in table mapping"). Names are case-sensitive.
 */
export function wildcardTest(pattern: string, where: string): (name: string) => boolean {
    let source = "";
    for (let at = 0; at < pattern.length; at += 1) {
        const character = pattern.charAt(at);
        if (character === "%") {
            source += ".*";
        } else if (character === "_") {
            source += ".";
        } else if (character === "[") {
            const end = pattern.indexOf("]", at + 1);
            if (end <= at + 1) {
                throw new TaskError(`${where}: the pattern "${pattern}" has "[" without a set.`);
            }
            source += `[${pattern.slice(at + 1, end).replaceAll(/[\\^[]/g, String.raw`\$&`)}]`;
            at = end;
        } else {
            source += character.replaceAll(/[\\^$.*+?()|{}\]]/g, String.raw`\$&`);
        }
    }
    let test: RegExp;
    try {
        test = new RegExp(`^${source}$`, "su");
    } catch (cause) {
        throw new TaskError(`${where}: "${pattern}" is not a valid pattern.`, { cause });
    }
    return (name) => test.test(name);
}
