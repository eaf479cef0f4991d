import { parseCidr } from "../components/network/cidr";
import { type KeyParser, matching } from "./keyParsers";

/** One of a few words; the last one is the example. */
function oneOf<const T extends string>(...words: readonly T[]): KeyParser<T> {
    const last = words.at(-1) ?? "";
    return {
        type: "string",
        example: last,
        parse(text) {
            const found = words.find((one) => one === text);
            if (found === undefined) {
                throw new Error(`it must be ${words.slice(0, -1).join(", ")} or ${last}`);
            }
            return found;
        },
    };
}

export const databaseAccess = oneOf("auto", "direct", "ssh", "ssm");

export const hostImage = oneOf("pinned", "latest");

export const hostSecrets = oneOf("none", "master");

/** A machine to go through, and who logs in there. */
export interface SshHost {
    readonly user: string;
    readonly host: string;
    readonly port: number;
}

export const sshHost: KeyParser<SshHost | undefined> = {
    type: "string",
    example: "ec2-user@bastion.example.com",
    parse(text) {
        if (text === "") {
            return undefined;
        }
        const found = /^([A-Za-z_][\w.-]*)@([A-Za-z0-9][A-Za-z0-9.-]*)(?::(\d{1,5}))?$/.exec(text);
        const [, user = "", host = "", port = "22"] = found ?? [];
        if (user === "" || Number(port) < 1 || Number(port) > 65_535) {
            throw new Error("it must be user@host or user@host:port");
        }
        return { user, host, port: Number(port) };
    },
};

export const sshHostKey: KeyParser<string | undefined> = {
    type: "string",
    example: "SHA256:tz8gP4bLXiYKVBpGMqGLnSUwzzR4dPbUDVBRWFVjjdU",
    parse(text) {
        if (text === "") {
            return undefined;
        }
        const isLine =
            /^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)) AAAA[A-Za-z0-9+/]{40,}={0,2}( .*)?$/;
        if (!isLine.test(text) && !/^SHA256:[A-Za-z0-9+/]{43}=?$/.test(text)) {
            throw new Error(
                "it must be a public key line (ssh-ed25519 and its text) or a fingerprint (SHA256: and its text)",
            );
        }
        // The comment at the end of a line says nothing about the key.
        return text.split(" ").slice(0, 2).join(" ");
    },
};

/** Of the psql host. */
export const instanceType = matching(
    /^[a-z][a-z0-9-]*\.[a-z0-9-]+$/,
    "it must be an EC2 instance type such as t3.medium",
    "t3.medium",
);

export const keyName: KeyParser<string | undefined> = {
    type: "string",
    example: "my-ec2-keypair",
    parse(text) {
        if (!/^$|^[!-~]([ -~]{0,253}[!-~])?$/.test(text)) {
            throw new Error("it must be the name of an EC2 key pair, up to 255 ASCII characters");
        }
        return text === "" ? undefined : text;
    },
};

export const sshCidr: KeyParser<string | undefined> = {
    type: "string",
    example: "198.51.100.7/32",
    parse(text) {
        if (text === "") {
            return undefined;
        }
        if (text === "::/0" || text === "0.0.0.0/0") {
            throw new Error("it would open SSH to the whole internet");
        }
        const { prefix } = parseCidr(text);
        if (prefix < 8) {
            throw new Error("it is wider than a /8 and would open SSH to strangers");
        }
        return text;
    },
};
