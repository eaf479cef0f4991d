import * as pulumi from "@pulumi/pulumi";
// Bound so that the serialised provider requires it in its own process.
import crypto = require("node:crypto");

/** Letters and digits only: valid as an RDS master password, in a DMS secret and in a connection URL alike. */
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/** 32 characters of 62 are 190 bits. RDS allows at most 99, DMS and PostgreSQL more. */
const LENGTH = 32;

interface PasswordState {
    readonly value: string;
}

const provider: pulumi.dynamic.ResourceProvider<object, PasswordState> = {
    create() {
        const value = Array.from(
            { length: LENGTH },
            () => ALPHABET[crypto.randomInt(ALPHABET.length)],
        );
        return Promise.resolve({ id: "password", outs: { value: value.join("") } });
    },
    diff() {
        return Promise.resolve({ changes: false });
    },
};

/** A random password. It is made once, is kept as a secret in the stack's state, and never changes by itself. */
export class Password extends pulumi.dynamic.Resource {
    /** The password; always a secret. */
    declare readonly value: pulumi.Output<string>;

    constructor(name: string, opts?: pulumi.CustomResourceOptions) {
        super(
            provider,
            name,
            { value: undefined },
            { ...opts, additionalSecretOutputs: ["value"] },
            "auditTrail",
            "Password",
        );
    }
}
