import { UNKNOWN } from "../provider";

/** How the connection is protected, as lib/pq (the real provider's driver) understands it. */
type SslMode = "disable" | "require" | "verify-ca" | "verify-full";

const SSL_MODES: readonly SslMode[] = ["disable", "require", "verify-ca", "verify-full"];

/** Where the provider connects, and as whom. */
export interface ProviderConfig {
    readonly host: string;
    readonly port: number;
    readonly username: string;
    readonly password: string | undefined;
    /** The database that is used where a resource names none. */
    readonly database: string;
    readonly sslMode: SslMode;
    /** Path of a PEM file with the certificate authorities to trust. */
    readonly sslRootCert: string | undefined;
    /** Seconds; 0 waits without limit. */
    readonly connectTimeout: number;
    /** 0 is without limit. */
    readonly maxConnections: number;
}

/** The provider inputs this stand-in serves, with the environment variable and the value the real provider falls back to. */
const SETTINGS: Readonly<Record<string, readonly [variable: string, fallback: string]>> = {
    host: ["PGHOST", "localhost"],
    port: ["PGPORT", "5432"],
    username: ["PGUSER", "postgres"],
    password: ["PGPASSWORD", ""],
    database: ["PGDATABASE", "postgres"],
    sslmode: ["PGSSLMODE", "require"],
    sslrootcert: ["", ""],
    // Only checked: as a superuser the real provider reads role passwords back from the server.
    superuser: ["PGSUPERUSER", "true"],
    connectTimeout: ["PGCONNECT_TIMEOUT", "180"],
    // Only checked: the real provider uses it to tell what servers older than any in use here can do.
    expectedVersion: ["", "9.0.0"],
    maxConnections: ["", "20"],
};

/** What the engine and the SDK add to a provider's arguments by themselves. */
const ENGINE_KEYS = /^(version|pluginDownloadURL|__.*)$/;

/** The key and mark by which Pulumi wraps a secret on the wire. */
const SECRET_KEY = "4dabf18193072939515e22adb298388d";

/** A secret argument can arrive wrapped, then as the JSON text of the wrapper. */
function unwrapped(value: string): string {
    if (!value.includes(SECRET_KEY)) {
        return value;
    }
    const wrapper = JSON.parse(value) as { value?: unknown };
    return typeof wrapper.value === "string" ? wrapper.value : JSON.stringify(wrapper.value);
}

function refuse(key: string, value: string, rule: string): never {
    throw new Error(`The postgresql provider's "${key}" is "${value}" but must be ${rule}.`);
}

function whole(key: string, value: string, least: number, most: number): number {
    const number = Number(value);
    if (!Number.isInteger(number) || number < least || number > most) {
        refuse(key, value, `a whole number between ${least} and ${most}`);
    }
    return number;
}

/**
 * Reads the provider's arguments. Gives undefined while one of them is unknown, as in the preview that creates the server.
 * Throws one sentence naming the argument that is not served or has a wrong value.
 */
export function parseProviderConfig(
    args: Readonly<Record<string, string>>,
    environment: NodeJS.ProcessEnv,
): ProviderConfig | undefined {
    const given = Object.entries(args).filter(
        ([key, value]) => !ENGINE_KEYS.test(key) && value !== "",
    );
    for (const [key] of given) {
        if (!(key in SETTINGS)) {
            throw new Error(
                `The local postgresql provider has no "${key}"; it serves ${Object.keys(SETTINGS).join(", ")}: ` +
                    `remove "${key}" or install the real postgresql plugin.`,
            );
        }
    }
    const values = new Map(given.map(([key, value]) => [key, unwrapped(value)]));
    if ([...values.values()].includes(UNKNOWN)) {
        return undefined;
    }
    const setting = (key: string): string => {
        const [variable, fallback] = SETTINGS[key] ?? ["", ""];
        return values.get(key) ?? (environment[variable] || fallback);
    };
    const sslMode = SSL_MODES.find((mode) => mode === setting("sslmode"));
    if (sslMode === undefined) {
        refuse("sslmode", setting("sslmode"), `one of ${SSL_MODES.join(", ")}`);
    }
    if (setting("superuser") !== "false") {
        refuse("superuser", setting("superuser"), "false: passwords are not read back here");
    }
    if (!/^\d+(\.\d+){0,2}$/.test(setting("expectedVersion"))) {
        refuse("expectedVersion", setting("expectedVersion"), "a version such as 17 or 17.7.0");
    }
    return {
        host: setting("host"),
        port: whole("port", setting("port"), 1, 65535),
        username: setting("username"),
        password: setting("password") || undefined,
        database: setting("database"),
        sslMode,
        sslRootCert: setting("sslrootcert") || undefined,
        connectTimeout: whole("connectTimeout", setting("connectTimeout"), 0, 86400),
        maxConnections: whole("maxConnections", setting("maxConnections"), 0, 10000),
    };
}
