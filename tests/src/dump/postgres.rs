//! Postgres' catalogues as facts.

use super::{Fact, Rows, facts};
use crate::connection::Connection;

/// Each query gives the table that a fact belongs to, or NULL, and the fact. `user_schemas` is a
/// list of the schemas that are not the server's own.
const QUERIES: &[&str] = &[
    "SELECT NULL, format('schema %I: owner %s, rights %s', nspname, nspowner::regrole, nspacl)
     FROM pg_namespace WHERE oid = ANY (user_schemas)",
    "SELECT relname, format('relation %s: kind %s, persistence %s, owner %s, options %s, rights %s, row security %s %s, inherits %s',
            c.oid::regclass, relkind, relpersistence, relowner::regrole, reloptions, relacl, relrowsecurity, relforcerowsecurity,
            (SELECT array_agg(inhparent::regclass ORDER BY inhseqno) FROM pg_inherits WHERE inhrelid = c.oid))
     FROM pg_class c WHERE relnamespace = ANY (user_schemas)",
    "SELECT relname, format('column %s.%I: %s, place %s, not null %s, identity %s, generated %s, default %s, collation %s, rights %s',
            c.oid::regclass, attname, format_type(atttypid, atttypmod),
            row_number() OVER (PARTITION BY attrelid ORDER BY attnum), attnotnull, attidentity, attgenerated,
            pg_get_expr(adbin, adrelid), nullif(attcollation, 0)::regcollation, attacl)
     FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid LEFT JOIN pg_attrdef d ON adrelid = attrelid AND adnum = attnum
     WHERE relnamespace = ANY (user_schemas) AND attnum > 0 AND NOT attisdropped",
    "SELECT relname, format('constraint %I on %s: %s, validated %s', conname, conrelid::regclass, pg_get_constraintdef(k.oid), convalidated)
     FROM pg_constraint k LEFT JOIN pg_class c ON c.oid = conrelid WHERE connamespace = ANY (user_schemas)",
    "SELECT t.relname, format('index %s: valid %s, ready %s', pg_get_indexdef(indexrelid), indisvalid, indisready)
     FROM pg_index i JOIN pg_class t ON t.oid = indrelid WHERE t.relnamespace = ANY (user_schemas)",
    "SELECT relname, format('view %s: %s', c.oid::regclass, pg_get_viewdef(c.oid))
     FROM pg_class c WHERE relkind IN ('v', 'm') AND relnamespace = ANY (user_schemas)",
    "SELECT relname, format('trigger %s, enabled %s', pg_get_triggerdef(t.oid), tgenabled)
     FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid WHERE NOT tgisinternal AND relnamespace = ANY (user_schemas)",
    "SELECT NULL, format('function %s, rights %s', pg_get_functiondef(oid), proacl)
     FROM pg_proc WHERE prokind IN ('f', 'p') AND pronamespace = ANY (user_schemas)",
    "SELECT NULL, format('type %s: kind %s, labels %s, base %s', t.oid::regtype, typtype,
            (SELECT array_agg(enumlabel ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = t.oid), nullif(typbasetype, 0)::regtype)
     FROM pg_type t WHERE typtype IN ('e', 'd', 'r') AND typnamespace = ANY (user_schemas)",
    "SELECT relname, format('sequence %s: start %s, by %s, from %s to %s, cycle %s', c.oid::regclass, seqstart, seqincrement, seqmin, seqmax, seqcycle)
     FROM pg_sequence JOIN pg_class c ON c.oid = seqrelid WHERE relnamespace = ANY (user_schemas)",
    "SELECT tablename, format('rule %s', definition) FROM pg_rules WHERE schemaname IN (SELECT nspname FROM pg_namespace WHERE oid = ANY (user_schemas))",
    "SELECT tablename, format('policy %s', to_jsonb(p)) FROM pg_policies p",
    "SELECT NULL, format('comment on %s: %s', pg_describe_object(classoid, objoid, objsubid), description)
     FROM pg_description WHERE objoid >= 16384",
    "SELECT NULL, format('extension %s %s', extname, extversion) FROM pg_extension",
    "SELECT NULL, format('setting for %s: %s', setrole::regrole, setconfig) FROM pg_db_role_setting
     WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())",
];

const USER_SCHEMAS: &str = "ARRAY(SELECT oid FROM pg_namespace
    WHERE nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema')";

pub(super) async fn read(connection: &mut Connection) -> (Vec<Fact>, Vec<Rows>) {
    // So that every name is written with its schema.
    connection.execute("SET search_path = ''").await;
    let mut out = Vec::new();
    for query in QUERIES {
        facts(
            connection,
            &query.replace("user_schemas", USER_SCHEMAS),
            &mut out,
        )
        .await;
    }
    let tables = connection
        .rows(
            &"SELECT relname, format('SELECT t::text FROM ONLY %s t', c.oid::regclass)
              FROM pg_class c WHERE relkind IN ('r', 'm') AND relnamespace = ANY (user_schemas)
              ORDER BY relname, relnamespace::regnamespace::text"
                .replace("user_schemas", USER_SCHEMAS),
        )
        .await
        .into_iter()
        .map(|row| {
            let [table, query] = <[_; 2]>::try_from(row).expect("a table and its query");
            Rows {
                table: table.unwrap_or_default(),
                query: query.unwrap_or_default(),
            }
        })
        .collect();
    (out, tables)
}
