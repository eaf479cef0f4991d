import { isIP, isIPv4 } from "node:net";

/** Fewest prefix bits of a network that may knock: wider ones, such as 0.0.0.0/1, are the internet in all but name. */
const leastPrefix = { ipv4: 8, ipv6: 16 } as const;

/** Why a network must not be let in, or undefined when it may be. */
export function tooOpen(network: unknown): string | undefined {
    const match = typeof network === "string" ? /^([^/]+)\/(\d{1,3})$/.exec(network) : null;
    const [, address = "", bits = ""] = match ?? [];
    if (isIP(address) === 0) {
        return "is not a CIDR network";
    }
    const least = isIPv4(address) ? leastPrefix.ipv4 : leastPrefix.ipv6;
    return Number(bits) < least ? `is wider than /${least}` : undefined;
}
