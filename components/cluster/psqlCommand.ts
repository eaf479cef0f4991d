import * as pulumi from "@pulumi/pulumi";

/** A database as psql is told about it. */
export interface PsqlTarget {
    readonly host: string;
    readonly port: number;
    readonly databaseName: string;
    readonly masterUsername: string;
    /** Path of the certificate authorities' PEM file. */
    readonly caBundle: string;
}

/** A psql command that asks for the password and checks the server's name; it can be pasted into a shell. */
export function psqlCommand(target: PsqlTarget): string {
    const settings = {
        host: target.host,
        port: target.port,
        dbname: target.databaseName,
        user: target.masterUsername,
        sslmode: "verify-full",
        sslrootcert: target.caBundle,
    };
    const words = Object.entries(settings).map(([key, value]) => `${key}=${value}`);
    return `psql "${words.join(" ")}"`;
}

/** The same for a server whose place is known when it answers. */
export function psqlOutput(target: {
    readonly [Key in keyof PsqlTarget]: pulumi.Input<PsqlTarget[Key]>;
}): pulumi.Output<string> {
    return pulumi.output(target).apply(psqlCommand);
}
