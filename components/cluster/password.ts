import * as pulumi from "@pulumi/pulumi";
import { outputsOf, stackState } from "../stackState";
// Bound so that the serialised provider requires it in its own process.
import crypto = require("node:crypto");

/** Letters and digits only: valid as an RDS master password, in a DMS secret and in a connection URL alike. */
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/** 32 characters of 62 are 190 bits. RDS allows at most 99, DMS and PostgreSQL more. */
const LENGTH = 32;

/** The version of every password until the config asks for others. */
const FIRST_PASSWORD = 1;

/** So many updates in a row may end between the making of a password and its arrival at the server. */
const MAX_FORMER = 4;

interface PasswordInputs {
    readonly version: number;
}

/** A state of the first version of the program has no version and no former password. */
interface PasswordState extends Partial<PasswordInputs> {
    readonly value: string;
    readonly former?: string;
}

function randomPassword(): string {
    return Array.from({ length: LENGTH }, () => ALPHABET[crypto.randomInt(ALPHABET.length)]).join(
        "",
    );
}

/** Nobody knows whether the last one has come to the server: the ones before it stay too. */
function formerOf({ value, former = "" }: PasswordState): string {
    return [value, ...former.split(" ")].slice(0, MAX_FORMER).join(" ").trim();
}

function isAnother(olds: PasswordState, news: PasswordInputs): boolean {
    return (olds.version ?? FIRST_PASSWORD) !== news.version;
}

/**
 * Whether the stack's state has this password from a program that kept no former ones. An output that the state does not have
 * would be unknown in every preview.
 */
function isWithoutFormer(name: string): boolean {
    const outputs = outputsOf(stackState(), ["pulumi-nodejs:dynamic/auditTrail:Password"], name);
    return outputs !== undefined && !("former" in outputs);
}

/** What is done to a password; apart from the resource, so that it can be asked without an engine. */
export const passwordProvider: pulumi.dynamic.ResourceProvider<PasswordInputs, PasswordState> = {
    create: ({ version }) =>
        // An output that is missing would be unknown in every later preview, and with it all that the password is for.
        Promise.resolve({ id: "password", outs: { value: randomPassword(), former: "", version } }),
    diff: (_id, olds, news) => Promise.resolve({ changes: isAnother(olds, news) }),
    update: (_id, olds, news) =>
        Promise.resolve({
            outs: isAnother(olds, news)
                ? { value: randomPassword(), former: formerOf(olds), version: news.version }
                : olds,
        }),
};

/**
 * A random password. It is kept as a secret in the stack's state, and never changes by itself: another version makes another
 * password.
 */
export class Password extends pulumi.dynamic.Resource {
    /** The password; always a secret. */
    declare readonly value: pulumi.Output<string>;
    /**
     * The ones before, the newest first with a blank between two, "" if there was none; always a secret. An update that ended
     * between the making of a password and its arrival at the server leaves a server that has one of these.
     */
    declare readonly former: pulumi.Output<string>;

    constructor(
        name: string,
        version: number = FIRST_PASSWORD,
        opts?: pulumi.CustomResourceOptions,
    ) {
        const hasFormer = version !== FIRST_PASSWORD || !isWithoutFormer(name);
        super(
            passwordProvider,
            name,
            {
                version,
                value: undefined,
                ...(hasFormer ? { former: undefined } : {}),
            },
            { ...opts, additionalSecretOutputs: ["value", "former"] },
            "auditTrail",
            "Password",
        );
        if (!hasFormer) {
            this.former = pulumi.secret("");
        }
    }
}
