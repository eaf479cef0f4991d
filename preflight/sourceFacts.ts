import type { CatalogRow } from "../trail/catalogRow";
import type { TableName } from "../trail/tableDefinition";

/** What a role may do, as sql/source/preflight/server.sql reads it. */
export interface RoleFacts {
    readonly name: string;
    readonly is_superuser: boolean;
    readonly can_log_in: boolean;
    readonly can_make_roles: boolean;
    readonly can_replicate: boolean;
    readonly can_make_schemas: boolean;
    /** Null where there is no such role, which only RDS and Aurora have. */
    readonly is_rds_superuser: boolean | null;
    /** The same. */
    readonly is_rds_replication: boolean | null;
}

/** A setting of a database or a role; null for every database or role. */
interface SettingOverride {
    readonly database: string | null;
    readonly role: string | null;
    readonly name: string;
    readonly value: string;
}

/** The row of sql/source/preflight/server.sql. */
export interface ServerFacts {
    readonly database: string;
    readonly version: string;
    readonly version_number: number;
    readonly is_in_recovery: boolean;
    readonly encoding: string;
    readonly is_aurora: boolean;
    /** By RDS or Aurora. */
    readonly is_managed: boolean;
    readonly is_limitless: boolean;
    /** Whether the connection that asks is. */
    readonly is_encrypted: boolean;
    readonly has_trail: boolean;
    readonly extensions: readonly string[];
    /** In the unit of `pg_settings`; what the server does not know is absent. */
    readonly settings: Readonly<Record<string, string>>;
    readonly pending_restart: readonly string[];
    readonly overrides: readonly SettingOverride[];
    readonly me: RoleFacts;
    /** DMS's user, where it is there already. */
    readonly dms: RoleFacts | null;
}

/** A replication slot, of whatever kind. */
export interface SlotFacts {
    readonly name: string;
    /** Null for a physical slot. */
    readonly plugin: string | null;
    readonly database: string | null;
    readonly is_active: boolean;
    readonly is_read_by_dms: boolean;
    /** Whether the server has thrown away what the slot had still to read. */
    readonly is_lost: boolean;
    /** Bytes of WAL that the server keeps for it; null where it keeps none. */
    readonly held_bytes: string | null;
}

/** The row of sql/source/preflight/activity.sql. */
export interface ActivityFacts {
    readonly slots: readonly SlotFacts[];
    readonly senders: number;
    readonly prepared: readonly {
        readonly gid: string;
        readonly owner: string;
        readonly seconds: number;
    }[];
    readonly long_transactions: readonly {
        readonly pid: number;
        readonly user: string | null;
        readonly application: string | null;
        readonly database: string | null;
        readonly seconds: number;
    }[];
}

/** A row of sql/source/preflight/tables.sql: numbers as texts, counts since the statistics began. */
export interface TableFacts extends TableName {
    readonly owner: string;
    /** Whether the user that asks has its owner's rights. */
    readonly is_mine: boolean;
    readonly has_full_identity: boolean;
    readonly live_rows: string;
    readonly bytes: string;
    readonly inserted: string;
    readonly updated: string;
    readonly deleted: string;
}

/** All that decides whether a trail can be deployed, apart from what takes long to find out. */
export interface SourceFacts {
    readonly server: ServerFacts;
    readonly activity: ActivityFacts;
    /** Those of the tables, in their order. */
    readonly catalog: readonly CatalogRow[];
    readonly tables: readonly TableFacts[];
    /** What the sessions of DMS's user lack, where a trail is deployed: parts of sentences (sql/dms/session_look.sql). */
    readonly session: readonly string[];
}
