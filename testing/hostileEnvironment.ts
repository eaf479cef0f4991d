import path from "node:path";
import { pathToFileURL } from "node:url";
import type { Environment } from "./command";

/**
 * What people set for other programs, all at once.
 *
 * @param folder an existing, empty folder: another stack's backend.
 */
export function hostileEnvironment(folder: string): Environment {
    const nowhere = path.join(folder, "no-such-place");
    const proxy = "http://127.0.0.1:9";
    return {
        PULUMI_BACKEND_URL: pathToFileURL(folder).href,
        PULUMI_CONFIG_PASSPHRASE: "of another stack",
        PULUMI_CONFIG_PASSPHRASE_FILE: nowhere,
        PULUMI_ACCESS_TOKEN: "of another backend",
        PULUMI_CONFIG: "{}",
        PULUMI_STACK: "another",
        PULUMI_OPTION_STACK: "another",
        PULUMI_OPTION_TARGET: "another",
        PULUMI_OPTION_REFRESH: "true",
        PULUMI_OPTION_JSON: "true",
        PULUMI_OPTION_PARALLEL: "1",
        PULUMI_DIY_BACKEND_GZIP: "true",
        PULUMI_DEBUG_PROVIDERS: "aws:1",
        PGHOST: nowhere,
        PGHOSTADDR: "192.0.2.1",
        PGPORT: "1",
        PGUSER: "another",
        PGPASSWORD: "of another",
        PGDATABASE: "another",
        PGSERVICE: "another",
        PGDATA: nowhere,
        PGSSLMODE: "disable",
        PGSSLNEGOTIATION: "x",
        PGSSLROOTCERT: nowhere,
        PGREPLICATION: "database",
        PGOPTIONS: "-c default_transaction_read_only=on -c statement_timeout=50",
        PGCLIENTENCODING: "LATIN1",
        PGDATESTYLE: "SQL, DMY",
        PGTZ: "Asia/Kathmandu",
        NODE_OPTIONS: "--import=tsx",
        NODE_ENV: "production",
        NODE_PATH: nowhere,
        NODE_PG_FORCE_NATIVE: "1",
        NODE_TLS_REJECT_UNAUTHORIZED: "1",
        TS_NODE_PROJECT: nowhere,
        HTTP_PROXY: proxy,
        HTTPS_PROXY: proxy,
        http_proxy: proxy,
        https_proxy: proxy,
        grpc_proxy: proxy,
        ALL_PROXY: proxy,
        NO_PROXY: "example.com, example.org",
        GRPC_VERBOSITY: "DEBUG",
        TMPDIR: nowhere,
        CDPATH: folder,
        BASH_ENV: nowhere,
        GOOS: "plan9",
        GOFLAGS: "-mod=vendor",
        LANG: "tr_TR.UTF-8",
        LC_ALL: "tr_TR.UTF-8",
        TZ: "Asia/Kathmandu",
    };
}
