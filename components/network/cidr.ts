/** An IPv4 network. */
export interface Cidr {
    /** The network address as an unsigned 32-bit number. */
    readonly address: number;
    /** The number of leading bits that are fixed, 0 to 32. */
    readonly prefix: number;
}

const PATTERN = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/;

/** The number of addresses of a network with this prefix. */
export function networkSize(prefix: number): number {
    return 2 ** (32 - prefix);
}

/**
 * Reads an IPv4 network such as `10.20.0.0/16`.
 * @throws Error that completes "... but": a reason why the text is not a network.
 */
export function parseCidr(text: string): Cidr {
    if (text.includes(":")) {
        throw new Error("it is an IPv6 network, and the VPC of this program has IPv4 only");
    }
    const [, ...parts] = PATTERN.exec(text) ?? [];
    const [a = 256, b = 256, c = 256, d = 256, prefix = 33] = parts.map(Number);
    // 010 would be octal 8 to some readers and 10 to others.
    const padded = parts.some((part) => part.length > 1 && part.startsWith("0"));
    if (padded || prefix > 32 || [a, b, c, d].some((octet) => octet > 255)) {
        throw new Error("it must be an IPv4 network in CIDR notation such as 10.20.0.0/16");
    }
    const address = ((a * 256 + b) * 256 + c) * 256 + d;
    if (address % networkSize(prefix) !== 0) {
        const network = formatCidr({ address: address - (address % networkSize(prefix)), prefix });
        throw new Error(
            `it has host bits set, the network is ${network} and one address ends in /32`,
        );
    }
    return { address, prefix };
}

/** Writes a network as text; the inverse of {@link parseCidr}. */
export function formatCidr({ address, prefix }: Cidr): string {
    const octets = [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256);
    return `${octets.join(".")}/${prefix}`;
}
