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

/** All regions' database certificate authorities, https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.SSL.html. */
const TRUST_STORE = "https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem";

/**
 * The script that the psql host runs at its first boot: it installs the engine's psql and puts the certificate
 * authorities where the psql commands of the stack's outputs look for them, below the login's home folder. User data is
 * readable to everyone who may describe the instance, so nothing secret belongs here.
 */
export function hostUserData(engineVersion: string, caBundle: string): string {
    const home = "/home/ec2-user";
    const folder = caBundle.includes("/") ? caBundle.slice(0, caBundle.lastIndexOf("/")) : ".";
    return [
        "#!/bin/bash",
        "set -euo pipefail",
        `dnf install -y postgresql${majorVersion(engineVersion)}`,
        `sudo -u ec2-user mkdir -p ${home}/${folder}`,
        `sudo -u ec2-user curl -fsS --retry 5 -o ${home}/${caBundle} ${TRUST_STORE}`,
        "",
    ].join("\n");
}
