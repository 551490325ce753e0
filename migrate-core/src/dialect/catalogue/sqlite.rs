//! SQLite's catalogue. It keeps the text of every `CREATE`; what the text means is in its pragmas, so that
//! a column added later and one that was there from the start are the same.

/// How the text of a table is introduced: most of it is said by other facts.
pub(super) const DETAILS: &str = "constraints of ";

pub(super) const FACTS: &[&str] = &[
    "SELECT name, 'table ' || name, type || ', strict ' || strict || ', without rowid ' || wr
     FROM pragma_table_list WHERE schema = 'main' AND type IN ('table', 'virtual')
       AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
    "SELECT m.name, 'column ' || m.name || '.' || c.name,
            lower(c.type) || ', not null ' || c.\"notnull\" || ', default ' || coalesce(c.dflt_value, 'none')
            || ', place in the primary key ' || c.pk || ', generated ' || c.hidden
     FROM sqlite_schema m JOIN pragma_table_xinfo(m.name) c
     WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
    "SELECT m.name, 'order of the columns of ' || m.name, group_concat(c.name, ', ' ORDER BY c.cid)
     FROM sqlite_schema m JOIN pragma_table_xinfo(m.name) c
     WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' GROUP BY m.name",
    // An index of a constraint has a name that counts the constraints before it.
    "SELECT m.name, CASE l.origin WHEN 'c' THEN 'index ' || l.name ELSE 'key of ' || m.name || ' (' ||
              (SELECT group_concat(coalesce(x.name, '?'), ', ' ORDER BY x.seqno) FROM pragma_index_xinfo(l.name) x WHERE x.key)
              || ')' END,
            'on ' || m.name || ', unique ' || l.\"unique\" || ' (' ||
              (SELECT group_concat(coalesce(x.name, 'an expression') || ' ' || x.coll || CASE x.\"desc\" WHEN 1 THEN ' desc' ELSE '' END, ', ' ORDER BY x.seqno)
               FROM pragma_index_xinfo(l.name) x WHERE x.key) || ')' ||
              CASE WHEN l.partial OR EXISTS (SELECT 1 FROM pragma_index_xinfo(l.name) x WHERE x.key AND x.name IS NULL)
                THEN ' ' || (SELECT sql FROM sqlite_schema WHERE type = 'index' AND name = l.name) ELSE '' END
     FROM sqlite_schema m JOIN pragma_index_list(m.name) l WHERE m.type = 'table'",
    "SELECT m.name, 'foreign key of ' || m.name || ' (' || group_concat(f.\"from\", ', ' ORDER BY f.seq) || ') to ' || f.\"table\",
            coalesce(group_concat(f.\"to\", ', ' ORDER BY f.seq), 'its primary key') || ', on update ' || f.on_update || ', on delete ' || f.on_delete
     FROM sqlite_schema m JOIN pragma_foreign_key_list(m.name) f WHERE m.type = 'table' GROUP BY m.name, f.id",
    "SELECT tbl_name, type || ' ' || name, sql FROM sqlite_schema WHERE type IN ('view', 'trigger')",
    "SELECT name, 'constraints of ' || name, sql FROM sqlite_schema
     WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
    "SELECT NULL, 'user_version', CAST(user_version AS TEXT) FROM pragma_user_version",
    "SELECT NULL, 'application_id', CAST(application_id AS TEXT) FROM pragma_application_id",
];

pub(super) const COLUMNS: &str =
    "SELECT m.name, '\"' || replace(m.name, '\"', '\"\"') || '\"', c.name,
            'quote(\"' || replace(c.name, '\"', '\"\"') || '\")'
     FROM sqlite_schema m JOIN pragma_table_xinfo(m.name) c
     WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY m.name, c.cid";
