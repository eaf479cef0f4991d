import type { ClientBase } from "pg";

/** Who has which rights, whatever the order; no list at all means the default one. */
const acl = (list: string, kind: string, owner: string): string => `
    (SELECT string_agg(format('%s=%s%s/%s', CASE e.grantee WHEN 0 THEN 'PUBLIC' ELSE e.grantee::regrole::text END,
        e.privilege_type, CASE WHEN e.is_grantable THEN '*' ELSE '' END, e.grantor::regrole), ' ' ORDER BY
        e.grantee, e.privilege_type, e.grantor, e.is_grantable)
    FROM aclexplode(coalesce(${list}, acldefault(${kind}, ${owner}))) AS e)`;

const OWN =
    "NOT IN ('pg_catalog', 'information_schema', 'pg_toast') AND n.nspname !~ '^pg_temp_|^pg_toast_temp_'";

/** What a catalog holds, by a word for it; each query has one text a row. */
const QUERIES: Readonly<Record<string, string>> = {
    relation: `SELECT format('%I.%I %s owner=%s identity=%s rls=%s,%s options=%s acl=%s', n.nspname, c.relname, c.relkind,
        c.relowner::regrole, c.relreplident, c.relrowsecurity, c.relforcerowsecurity, c.reloptions,
        CASE WHEN c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
            THEN ${acl("c.relacl", `CASE c.relkind WHEN 'S' THEN 's'::"char" ELSE 'r'::"char" END`, "c.relowner")} END)
        FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname ${OWN}`,
    column: `SELECT format('%s.%I %s notnull=%s default=%s acl=%s', a.attrelid::regclass, a.attname,
        format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid),
        ${acl("a.attacl", `'c'::"char"`, "c.relowner")})
        FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
        LEFT JOIN pg_attrdef AS d ON (d.adrelid, d.adnum) = (a.attrelid, a.attnum)
        WHERE a.attnum > 0 AND n.nspname ${OWN}`,
    constraint: `SELECT format('%s on %s: %s', c.conname, c.conrelid::regclass, pg_get_constraintdef(c.oid))
        FROM pg_constraint AS c JOIN pg_namespace AS n ON n.oid = c.connamespace WHERE n.nspname ${OWN}`,
    index: `SELECT pg_get_indexdef(i.indexrelid) FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
        JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname ${OWN}`,
    trigger:
        "SELECT format('%s enabled=%s', pg_get_triggerdef(t.oid), t.tgenabled) FROM pg_trigger AS t",
    rule: `SELECT pg_get_ruledef(r.oid) FROM pg_rewrite AS r JOIN pg_class AS c ON c.oid = r.ev_class
        JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname ${OWN}`,
    policy: "SELECT format('%s on %s for %s to %s', p.polname, p.polrelid::regclass, p.polcmd, p.polroles) FROM pg_policy AS p",
    function: `SELECT format('%s owner=%s acl=%s', CASE WHEN p.prokind = 'a' THEN p.oid::regprocedure::text
        ELSE pg_get_functiondef(p.oid) END, p.proowner::regrole, ${acl("p.proacl", `'f'::"char"`, "p.proowner")})
        FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace WHERE n.nspname ${OWN}`,
    type: `SELECT format('%s owner=%s acl=%s', t.oid::regtype, t.typowner::regrole, ${acl("t.typacl", `'T'::"char"`, "t.typowner")})
        FROM pg_type AS t JOIN pg_namespace AS n ON n.oid = t.typnamespace WHERE n.nspname ${OWN}`,
    schema: `SELECT format('%I owner=%s acl=%s', n.nspname, n.nspowner::regrole, ${acl("n.nspacl", `'n'::"char"`, "n.nspowner")})
        FROM pg_namespace AS n WHERE n.nspname !~ '^pg_temp_|^pg_toast_temp_'`,
    "default rights":
        "SELECT format('%s in %s for %s: %s', d.defaclobjtype, d.defaclnamespace::regnamespace, d.defaclrole::regrole, d.defaclacl) FROM pg_default_acl AS d",
    extension:
        "SELECT format('%s %s in %s', e.extname, e.extversion, e.extnamespace::regnamespace) FROM pg_extension AS e",
    "event trigger":
        "SELECT format('%s on %s enabled=%s', e.evtname, e.evtevent, e.evtenabled) FROM pg_event_trigger AS e",
    publication:
        "SELECT to_jsonb(p.*)::text FROM pg_publication AS p UNION ALL SELECT format('of %s: %s', r.prpubid, r.prrelid::regclass) FROM pg_publication_rel AS r",
    comment: `SELECT format('%s: %s', pg_describe_object(d.classoid, d.objoid, d.objsubid), d.description)
        FROM pg_description AS d WHERE d.objoid >= 16384
        UNION ALL SELECT format('%s: %s', pg_describe_object(d.classoid, d.objoid, 0), d.description) FROM pg_shdescription AS d`,
    role: `SELECT format('%s %s', r.rolname, to_jsonb(r.*) - 'rolpassword' - 'oid') FROM pg_roles AS r`,
    membership: `SELECT format('%s of %s by %s: %s', m.member::regrole, m.roleid::regrole, m.grantor::regrole,
        to_jsonb(m.*) - 'oid' - 'member' - 'roleid' - 'grantor') FROM pg_auth_members AS m`,
    setting: `SELECT format('%s in %s: %s', CASE s.setrole WHEN 0 THEN 'everybody' ELSE s.setrole::regrole::text END, d.datname, s.setconfig)
        FROM pg_db_role_setting AS s LEFT JOIN pg_database AS d ON d.oid = s.setdatabase`,
    "right to a setting": `SELECT format('%s: %s', p.parname, p.paracl) FROM pg_parameter_acl AS p`,
    database: `SELECT format('%s owner=%s acl=%s', d.datname, d.datdba::regrole, ${acl("d.datacl", `'d'::"char"`, "d.datdba")}) FROM pg_database AS d`,
    slot: "SELECT format('%s %s of %s', s.slot_name, s.plugin, s.database) FROM pg_replication_slots AS s WHERE NOT s.temporary",
    "large object":
        "SELECT format('%s owner=%s', l.oid, l.lomowner::regrole) FROM pg_largeobject_metadata AS l",
    "file setting": "SELECT format('%s = %s', f.name, f.setting) FROM pg_file_settings AS f",
};

/**
 * Everything that the database's catalog, and the server's, hold beside PostgreSQL's own, as sorted lines: two of them are
 * equal when no object, right, setting, slot or comment differs.
 *
 * @param superuser a session of a superuser in the database
 */
export async function catalogSnapshot(superuser: ClientBase): Promise<string[]> {
    await superuser.query("SET search_path = pg_catalog, pg_temp");
    const lines: string[] = [];
    for (const [what, text] of Object.entries(QUERIES)) {
        const { rows } = await superuser.query<[string]>({ text, rowMode: "array" });
        lines.push(...rows.map(([line]) => `${what}: ${line}`));
    }
    return lines.sort();
}
