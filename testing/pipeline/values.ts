import { createHash } from "node:crypto";

/** Text of the given length, always the same, which PostgreSQL cannot compress and so stores out of line. */
export function incompressible(length: number): string {
    let text = "";
    for (let block = 0; text.length < length; block += 1) {
        text += createHash("sha512").update(String(block)).digest("base64");
    }
    return text.slice(0, length);
}
