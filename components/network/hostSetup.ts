import { readFileSync } from "node:fs";
import path from "node:path";
import { majorVersion } from "../cluster/engineVersion";

/**
 * The CPU architecture of an EC2 instance type, as AMI names spell it. Graviton families have a "g" behind their
 * generation (t4g, m7gd, c6gn), or are a1; g4dn, where the g comes before, is not one.
 */
export function architecture(instanceType: string): "arm64" | "x86_64" {
    return /^(a1|[a-z]+\d+[a-z]*g[a-z]*)\./.test(instanceType) ? "arm64" : "x86_64";
}

/** The public parameter that names the newest Amazon Linux 2023 image, https://docs.aws.amazon.com/linux/al2023/ug/ec2.html. */
export function imageParameter(instanceType: string): string {
    return `/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-${architecture(instanceType)}`;
}

/** EC2 takes 16 KB of user data, https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/user-data.html. */
const LARGEST_USER_DATA = 16 * 1024;

/** All regions' database certificate authorities, https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.SSL.html. */
const TRUST_STORE = "https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem";

/** Where the host keeps what its commands read; components/network/host/ names it too. */
const SHARE = "/usr/local/share/audit-trail";

const HOME = "/home/ec2-user";

/** Its program is node-24, whatever else is installed: https://docs.aws.amazon.com/linux/al2023/ug/nodejs.html. */
const NODE = "nodejs24";

/** A file of certificate authorities on the host. */
export interface HostBundle {
    /** Its path, relative to the login's home folder. */
    readonly file: string;
    readonly pem: string;
}

/** What the set-up of the psql host is made from. */
export interface HostSetup {
    /** The servers' versions. The psql of the newest major version is installed: it knows older servers too. */
    readonly engineVersions: readonly string[];
    /** The authorities of the servers that the stack makes, first, and of a source that has its own. */
    readonly bundles: readonly HostBundle[];
    readonly region: string;
    /** The parameter of Systems Manager that says where the databases are, see {@link HostDatabases}. */
    readonly parameterName: string;
}

/** A command of the host, out of its file. The room of its comments is for certificates. */
function hostScript(file: string): string {
    const text = readFileSync(path.join(__dirname, "host", file), "utf8").replaceAll("\r\n", "\n");
    return text.replaceAll(/^ *#(?!!).*\n/gm, "");
}

/** Lines that write a text into a file, for everybody to read. */
function written(file: string, text: string, mode = "644"): string[] {
    const folder = file.slice(0, file.lastIndexOf("/"));
    return [
        `mkdir -p ${folder}`,
        `cat >${file} <<'END OF FILE'`,
        text.trimEnd(),
        "END OF FILE",
        `chmod ${mode} ${file}`,
    ];
}

/** Lines that put a file where the psql commands of the stack's outputs look for it, below the login's home folder. */
function inHome(file: string): string[] {
    const folder = file.includes("/") ? `/${file.slice(0, file.lastIndexOf("/"))}` : "";
    return [
        `sudo -u ec2-user mkdir -p ${HOME}${folder}`,
        `sudo -u ec2-user cp ${SHARE}/${file} ${HOME}/${file}`,
    ];
}

/**
 * The script that the psql host runs at its first boot: it installs the engine's psql, the certificate authorities and the
 * commands of components/network/host/. It does not need the internet: the packages come from S3, and all else is in the
 * script. Where the authorities are too many for that, RDS's own are fetched, and those of a server of others are left to
 * who runs psql. User data is readable to everyone who may describe the instance, so nothing secret belongs here.
 */
export function hostUserData(setup: HostSetup): string {
    const { bundles } = setup;
    const [usual, ...own] = bundles;
    const choices: readonly [readonly HostBundle[], HostBundle | undefined][] = [
        [bundles, undefined],
        [bundles.slice(0, 1), undefined],
        [own, usual],
    ];
    const fitting = choices
        .map(([written, fetched]) => setUpScript(setup, written, fetched))
        .find((script) => Buffer.byteLength(script) <= LARGEST_USER_DATA);
    return fitting ?? setUpScript(setup, [], usual);
}

function setUpScript(
    { engineVersions, region, parameterName }: HostSetup,
    bundles: readonly HostBundle[],
    fetched: HostBundle | undefined,
): string {
    const settings = [`AUDIT_TRAIL_REGION=${region}`, `AUDIT_TRAIL_PARAMETER=${parameterName}`];
    return [
        "#!/bin/bash",
        "set -euo pipefail",
        ...written(`${SHARE}/settings`, settings.join("\n")),
        ...bundles.flatMap(({ file, pem }) => [
            ...written(`${SHARE}/${file}`, pem),
            ...inHome(file),
        ]),
        ...written(`${SHARE}/common.sh`, hostScript("common.sh")),
        ...written("/usr/local/bin/psql-source", hostScript("psql.sh"), "755"),
        "ln -sf psql-source /usr/local/bin/psql-audit",
        ...written("/usr/local/bin/audit-verify", hostScript("audit-verify.sh"), "755"),
        `dnf install -y postgresql${newestMajor(engineVersions)}`,
        // By itself: without it there is psql all the same.
        `dnf install -y ${NODE}`,
        ...(fetched === undefined ? [] : fetchedBundle(fetched)),
        "",
    ].join("\n");
}

function newestMajor(versions: readonly string[]): number {
    return Math.max(...versions.map((version) => majorVersion(version)));
}

function fetchedBundle({ file }: HostBundle): string[] {
    return [
        `mkdir -p ${path.posix.dirname(`${SHARE}/${file}`)}`,
        `curl -fsS --retry 5 -o ${SHARE}/${file} ${TRUST_STORE}`,
        ...inHome(file),
    ];
}
