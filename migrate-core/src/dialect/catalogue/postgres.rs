//! Postgres' catalogue.

/// The schemas that are not the server's own.
pub(super) const USER_SCHEMAS: &str = "ARRAY(SELECT oid FROM pg_namespace WHERE nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema')";

pub(super) const FACTS: &[&str] = &[
    "SELECT NULL::text, format('schema %I', nspname), format('owner %s, rights %s', nspowner::regrole, nspacl)
     FROM pg_namespace WHERE oid = ANY (user_schemas)",
    "SELECT relname::text, format('%s %s', CASE relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table' WHEN 'v' THEN 'view'
              WHEN 'm' THEN 'materialized view' WHEN 'S' THEN 'sequence' WHEN 'f' THEN 'foreign table' ELSE 'relation' END, c.oid::regclass),
            format('persistence %s, owner %s, options %s, rights %s, row security %s %s, inherits %s', relpersistence, relowner::regrole,
              reloptions, relacl, relrowsecurity, relforcerowsecurity,
              (SELECT array_agg(inhparent::regclass ORDER BY inhseqno) FROM pg_inherits WHERE inhrelid = c.oid))
     FROM pg_class c WHERE relnamespace = ANY (user_schemas) AND relkind NOT IN ('i', 'I', 'c')",
    "SELECT relname::text, format('column %s.%I', c.oid::regclass, attname),
            format('%s, not null %s, default %s, identity %s, generated %s, collation %s, rights %s', format_type(atttypid, atttypmod), attnotnull,
              coalesce(pg_get_expr(adbin, adrelid), 'none'), attidentity, attgenerated, nullif(attcollation, 0)::regcollation, attacl)
     FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid LEFT JOIN pg_attrdef d ON adrelid = attrelid AND adnum = attnum
     WHERE relnamespace = ANY (user_schemas) AND attnum > 0 AND NOT attisdropped AND relkind NOT IN ('i', 'I')",
    "SELECT relname::text, format('order of the columns of %s', c.oid::regclass), string_agg(attname::text, ', ' ORDER BY attnum)
     FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid
     WHERE relnamespace = ANY (user_schemas) AND attnum > 0 AND NOT attisdropped AND relkind NOT IN ('i', 'I') GROUP BY c.oid, relname",
    "SELECT relname::text, format('constraint %I of %s', conname, conrelid::regclass), format('%s, validated %s', pg_get_constraintdef(k.oid), convalidated)
     FROM pg_constraint k LEFT JOIN pg_class c ON c.oid = conrelid WHERE connamespace = ANY (user_schemas)",
    "SELECT t.relname::text, format('index %s', indexrelid::regclass), format('%s, valid %s', pg_get_indexdef(indexrelid), indisvalid)
     FROM pg_index i JOIN pg_class t ON t.oid = indrelid WHERE t.relnamespace = ANY (user_schemas)",
    "SELECT relname::text, format('definition of %s', c.oid::regclass), pg_get_viewdef(c.oid)
     FROM pg_class c WHERE relkind IN ('v', 'm') AND relnamespace = ANY (user_schemas)",
    "SELECT relname::text, format('trigger %I on %s', tgname, tgrelid::regclass), format('%s, enabled %s', pg_get_triggerdef(t.oid), tgenabled)
     FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid WHERE NOT tgisinternal AND relnamespace = ANY (user_schemas)",
    "SELECT NULL::text, format('function %s', oid::regprocedure), format('%s, rights %s', pg_get_functiondef(oid), proacl)
     FROM pg_proc WHERE prokind IN ('f', 'p') AND pronamespace = ANY (user_schemas)
       AND NOT EXISTS (SELECT 1 FROM pg_depend WHERE objid = pg_proc.oid AND deptype = 'e')",
    "SELECT NULL::text, format('type %s', t.oid::regtype), format('kind %s, labels %s, base %s', typtype,
              (SELECT array_agg(enumlabel ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = t.oid), nullif(typbasetype, 0)::regtype)
     FROM pg_type t WHERE typtype IN ('e', 'd', 'r') AND typnamespace = ANY (user_schemas)",
    "SELECT relname::text, format('values of %s', c.oid::regclass), format('start %s, by %s, from %s to %s, cycle %s', seqstart, seqincrement, seqmin, seqmax, seqcycle)
     FROM pg_sequence JOIN pg_class c ON c.oid = seqrelid WHERE relnamespace = ANY (user_schemas)",
    "SELECT tablename::text, format('rule %I on %I.%I', rulename, schemaname, tablename), definition FROM pg_rules
     WHERE schemaname IN (SELECT nspname FROM pg_namespace WHERE oid = ANY (user_schemas))",
    "SELECT tablename::text, format('policy %I on %I.%I', policyname, schemaname, tablename), to_jsonb(p)::text FROM pg_policies p",
    "SELECT NULL::text, format('comment on %s', pg_describe_object(classoid, objoid, objsubid)), description
     FROM pg_description WHERE objoid >= 16384",
    "SELECT NULL::text, format('extension %I', extname), extversion FROM pg_extension",
];

pub(super) const COLUMNS: &str = "SELECT c.oid::regclass::text, c.oid::regclass::text, attname::text, format('%I::text', attname)
     FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid
     WHERE relnamespace = ANY (user_schemas) AND relkind IN ('r', 'm') AND attnum > 0 AND NOT attisdropped
     ORDER BY c.oid::regclass::text, attnum";
