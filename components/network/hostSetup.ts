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
const LARGEST_PEM = 12_000;

/** All regions' database certificate authorities, https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.SSL.html. */
const TRUST_STORE = "https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem";

/**
 * The script that the psql host runs at its first boot: it installs the engine's psql and puts the certificate
 * authorities where the psql commands of the stack's outputs look for them, below the login's home folder. Neither needs
 * the internet: the packages come from S3, and the authorities are in the script, if they are not too many. User data is
 * readable to everyone who may describe the instance, so nothing secret belongs here.
 */
export function hostUserData(engineVersion: string, caBundle: string, pem: string): string {
    const home = "/home/ec2-user";
    const folder = caBundle.includes("/") ? caBundle.slice(0, caBundle.lastIndexOf("/")) : ".";
    const file = `${home}/${caBundle}`;
    return [
        "#!/bin/bash",
        "set -euo pipefail",
        `sudo -u ec2-user mkdir -p ${home}/${folder}`,
        ...(pem.length > LARGEST_PEM
            ? [`sudo -u ec2-user curl -fsS --retry 5 -o ${file} ${TRUST_STORE}`]
            : [`sudo -u ec2-user tee ${file} >/dev/null <<'PEM'`, pem.trimEnd(), "PEM"]),
        `dnf install -y postgresql${majorVersion(engineVersion)}`,
        "",
    ].join("\n");
}
