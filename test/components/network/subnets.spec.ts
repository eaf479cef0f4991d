import assert from "node:assert/strict";
import fc from "fast-check";
import { formatCidr, networkSize, parseCidr } from "../../../components/network/cidr";
import { planSubnets } from "../../../components/network/subnets";

const network = (shortest: number, longest: number): fc.Arbitrary<string> =>
    fc
        .record({
            address: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
            prefix: fc.integer({ min: shortest, max: longest }),
        })
        .map(({ address, prefix }) =>
            formatCidr({ address: address - (address % networkSize(prefix)), prefix }),
        );

describe("cidr", () => {
    it("reads what it writes", () => {
        fc.assert(
            fc.property(network(0, 32), (text) => {
                assert.equal(formatCidr(parseCidr(text)), text);
            }),
        );
    });

    it("names the network of an address with host bits", () => {
        fc.assert(
            fc.property(network(1, 31), fc.integer({ min: 1 }), (text, offset) => {
                const { address, prefix } = parseCidr(text);
                const host = address + 1 + (offset % (networkSize(prefix) - 1));
                const written = formatCidr({ address: host, prefix });
                assert.throws(() => parseCidr(written), new RegExp(`the network is ${text} `));
            }),
        );
    });
});

describe("subnet plan", () => {
    const plan = fc.tuple(network(16, 24), fc.integer({ min: 1, max: 16 }));

    it("gives as many subnets as asked for, all of one size, inside the VPC, none overlapping", () => {
        fc.assert(
            fc.property(plan, ([vpc, count]) => {
                const outer = parseCidr(vpc);
                const subnets = planSubnets(vpc, count).map(parseCidr);
                assert.equal(subnets.length, count);
                assert.equal(new Set(subnets.map(({ prefix }) => prefix)).size, 1);
                let free = outer.address;
                for (const { address, prefix } of subnets) {
                    assert.ok(prefix <= 28);
                    assert.ok(address >= free, "overlaps the one before");
                    free = address + networkSize(prefix);
                }
                assert.ok(free <= outer.address + networkSize(outer.prefix), "leaves the VPC");
            }),
        );
    });

    it("uses the VPC as well as equal subnets can", () => {
        fc.assert(
            fc.property(plan, ([vpc, count]) => {
                const used =
                    count * networkSize(parseCidr(planSubnets(vpc, count)[0] ?? "").prefix);
                assert.ok(2 * used > networkSize(parseCidr(vpc).prefix));
            }),
        );
    });

    it("refuses a VPC that is too small and says so", () => {
        assert.deepEqual(planSubnets("10.0.0.0/26", 4).length, 4);
        assert.throws(
            () => planSubnets("10.0.0.0/26", 5),
            /^Error: The VPC network 10\.0\.0\.0\/26 is too small for 5 subnets of \/28; use a larger/,
        );
    });
});
