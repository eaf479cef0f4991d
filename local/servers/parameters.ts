import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Settings } from "./postgres";
import { giveToServerUser, runAsServerUser } from "./runAs";

/** One parameter of an RDS parameter group. */
export interface Parameter {
    readonly name: string;
    readonly value: string;
    /** RDS's own default is `immediate`. */
    readonly applyMethod?: string;
}

/** What a parameter group means to a PostgreSQL server. */
export interface ServerParameters {
    readonly settings: Settings;
    readonly forceSsl: boolean;
}

/** Parameters that RDS and Aurora know and PostgreSQL does not: accepted, recorded, without effect here. */
const AWS_ONLY = /^(rds\.|aurora_|apg_|babelfishpg_)/;

/** AWS parameters that take effect at the next start of the instance only. */
const AWS_STATIC: ReadonlySet<string> = new Set(["rds.logical_replication"]);

/** Aurora's defaults that matter to replication; the others are PostgreSQL's own. */
const DEFAULTS: Settings = { max_replication_slots: "20", max_wal_senders: "20" };

/** Translates a group's parameters; libraries that only AWS ships are left out of shared_preload_libraries. */
export function toServerParameters(
    parameters: readonly Parameter[],
    bin: string,
): ServerParameters {
    const values = new Map(parameters.map(({ name, value }) => [name, value]));
    const settings: Record<string, string> = {
        ...DEFAULTS,
        wal_level: isOn(values.get("rds.logical_replication")) ? "logical" : "replica",
    };
    for (const [name, value] of values) {
        if (name === "shared_preload_libraries") {
            settings[name] = installedLibraries(value, bin);
        } else if (!AWS_ONLY.test(name)) {
            settings[name] = value;
        }
    }
    // On by default: stricter than Aurora before version 17, and what Aurora 17 and RDS 15 do.
    return { settings, forceSsl: isOn(values.get("rds.force_ssl") ?? "1") };
}

function isOn(value: string | undefined): boolean {
    return value === "1" || value === "on" || value === "true";
}

function installedLibraries(value: string, bin: string): string {
    const folder = path.resolve(bin, "..", "lib", "postgresql");
    const names = value.split(",").map((name) => name.trim());
    return names
        .filter((name) =>
            ["so", "dylib"].some((end) => existsSync(path.join(folder, `${name}.${end}`))),
        )
        .join(",");
}

/** The names of parameters that PostgreSQL, or RDS, reads at the start of the server only. */
export async function staticParameters(bin: string): Promise<ReadonlySet<string>> {
    const described = await describeConfig(bin);
    const names = [...described].filter(([, context]) => context === "postmaster");
    return new Set([...names.map(([name]) => name), ...AWS_STATIC, "wal_level"]);
}

/**
 * What RDS would refuse about a parameter group, as one sentence, or undefined: unknown names, values that the server
 * does not take, settings that RDS keeps for itself, and `immediate` for a static parameter.
 */
export async function refusedParameter(
    parameters: readonly Parameter[],
    bin: string,
): Promise<string | undefined> {
    const described = await describeConfig(bin);
    const fixed = await staticParameters(bin);
    const seen = new Set<string>();
    for (const { name, value, applyMethod } of parameters) {
        if (seen.has(name)) {
            return `Parameter "${name}" is given twice.`;
        }
        seen.add(name);
        if (RESERVED.has(name)) {
            return `Parameter "${name}" cannot be modified: RDS sets it itself.`;
        }
        if (!AWS_ONLY.test(name) && !name.includes(".") && !described.has(name)) {
            return `Could not find parameter with name: ${name}.`;
        }
        if ((applyMethod ?? "immediate") === "immediate" && fixed.has(name)) {
            return `Parameter "${name}" is static and cannot use applyMethod "immediate": set applyMethod "pending-reboot".`;
        }
        if (name.startsWith("rds.force_ssl") && !/^[01]$/.test(value)) {
            return `Parameter "${name}" takes 0 or 1, not "${value}".`;
        }
    }
    return await refusedValue(toServerParameters(parameters, bin).settings, bin);
}

/** Settings that a parameter group cannot have: they belong to the place where the server runs. */
const RESERVED: ReadonlySet<string> = new Set([
    "wal_level",
    "data_directory",
    "config_file",
    "hba_file",
    "ident_file",
    "listen_addresses",
    "port",
    "ssl",
    "ssl_cert_file",
    "ssl_key_file",
    "unix_socket_directories",
    "fsync",
    "full_page_writes",
    "archive_command",
]);

/** Lets the server itself judge the values: `postgres -C` reads them and starts nothing. */
async function refusedValue(settings: Settings, bin: string): Promise<string | undefined> {
    const folder = await mkdtemp(path.join(tmpdir(), "audit-trail-parameters-"));
    try {
        await giveToServerUser(folder);
        const file = path.join(folder, "postgresql.conf");
        await writeFile(file, "", { mode: 0o600 });
        await giveToServerUser(file);
        const flags = Object.entries(settings).flatMap(([name, value]) => [
            "-c",
            `${name}=${value}`,
        ]);
        await runAsServerUser(path.join(bin, "postgres"), [
            "-C",
            "wal_level",
            "-D",
            folder,
            ...flags,
        ]);
        return undefined;
    } catch (error) {
        const stderr = (error as { stderr?: unknown }).stderr;
        const reason = typeof stderr === "string" ? /FATAL: {2}(.*)/.exec(stderr)?.[1] : undefined;
        if (reason === undefined) {
            throw error;
        }
        return `PostgreSQL refuses the parameter group: ${reason}.`;
    } finally {
        await rm(folder, { recursive: true, force: true });
    }
}

const describedBy = new Map<string, Promise<ReadonlyMap<string, string>>>();

/** Every setting of this server version with its context (when it can change). */
async function describeConfig(bin: string): Promise<ReadonlyMap<string, string>> {
    let described = describedBy.get(bin);
    if (described === undefined) {
        described = readDescription(bin);
        describedBy.set(bin, described);
    }
    return await described;
}

async function readDescription(bin: string): Promise<ReadonlyMap<string, string>> {
    const { stdout } = await runAsServerUser(path.join(bin, "postgres"), ["--describe-config"]);
    return new Map(
        stdout.split("\n").flatMap((line): [string, string][] => {
            const [name, context] = line.split("\t");
            return name && context ? [[name, context]] : [];
        }),
    );
}
