import { createHash } from "node:crypto";

/** Room for the longest suffix in the 38 characters that IAM leaves for a name with a random ending. */
const LONGEST_PREFIX = 24;

/**
 * The beginning of the names of AWS resources that must be unique in an account: lower-case letters, digits and single
 * hyphens, first a letter, which is what RDS, DMS and IAM all accept. A long one is cut and told apart by a hash.
 */
export function resourcePrefix(project: string, stack: string): string {
    const whole = `${project}-${stack}`;
    const plain = whole
        .toLowerCase()
        .replace(/[^a-z0-9]+/g, "-")
        .replace(/^[^a-z]+|-+$/g, "");
    if (plain.length <= LONGEST_PREFIX) {
        return plain;
    }
    const hash = createHash("sha256").update(whole).digest("hex").slice(0, 6);
    const cut = plain.slice(0, LONGEST_PREFIX - hash.length - 1).replace(/-+$/, "");
    return `${cut}-${hash}`;
}
