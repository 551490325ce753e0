//! MySQL's and MariaDB's catalogue, as far as both have it.

pub(super) const FACTS: &[&str] = &[
    "SELECT NULL, 'the database', concat(default_character_set_name, ' ', default_collation_name)
     FROM information_schema.schemata WHERE schema_name = DATABASE()",
    "SELECT table_name, concat('table ', table_name),
            concat_ws(', ', table_type, engine, table_collation, create_options, table_comment)
     FROM information_schema.tables WHERE table_schema = DATABASE()",
    "SELECT table_name, concat('column ', table_name, '.', column_name),
            concat(column_type, ', nullable ', is_nullable, ', default ', ifnull(column_default, 'none'),
                   ', collation ', ifnull(collation_name, 'none'), ', ', extra, ' ', ifnull(generation_expression, ''), ' ', column_comment)
     FROM information_schema.columns WHERE table_schema = DATABASE()",
    "SELECT table_name, concat('order of the columns of ', table_name), group_concat(column_name ORDER BY ordinal_position SEPARATOR ', ')
     FROM information_schema.columns WHERE table_schema = DATABASE() GROUP BY table_name",
    "SELECT table_name, concat('index ', table_name, '.', index_name),
            concat(if(non_unique = 1, '', 'unique '), index_type, ' (',
                   group_concat(concat(ifnull(column_name, 'an expression'), ifnull(concat('(', sub_part, ')'), ''), ' ', ifnull(collation, ''))
                                ORDER BY seq_in_index SEPARATOR ', '), ')')
     FROM information_schema.statistics WHERE table_schema = DATABASE() GROUP BY table_name, index_name, non_unique, index_type",
    "SELECT k.table_name, concat('foreign key ', k.table_name, '.', k.constraint_name),
            concat('(', group_concat(k.column_name ORDER BY k.ordinal_position SEPARATOR ', '), ') to ', k.referenced_table_name, ' (',
                   group_concat(k.referenced_column_name ORDER BY k.ordinal_position SEPARATOR ', '), '), on update ', r.update_rule, ', on delete ', r.delete_rule)
     FROM information_schema.key_column_usage k JOIN information_schema.referential_constraints r
       ON r.constraint_schema = k.constraint_schema AND r.constraint_name = k.constraint_name AND r.table_name = k.table_name
     WHERE k.table_schema = DATABASE() AND k.referenced_table_name IS NOT NULL
     GROUP BY k.table_name, k.constraint_name, k.referenced_table_name, r.update_rule, r.delete_rule",
    "SELECT t.table_name, concat('check ', t.table_name, '.', t.constraint_name), c.check_clause
     FROM information_schema.table_constraints t JOIN information_schema.check_constraints c
       ON c.constraint_schema = t.constraint_schema AND c.constraint_name = t.constraint_name
     WHERE t.constraint_type = 'CHECK' AND t.table_schema = DATABASE()",
    "SELECT table_name, concat('view ', table_name), concat(view_definition, ' ', check_option, ' ', security_type)
     FROM information_schema.views WHERE table_schema = DATABASE()",
    "SELECT event_object_table, concat('trigger ', trigger_name),
            concat(action_timing, ' ', event_manipulation, ' ON ', event_object_table, ' ', action_order, ': ', action_statement)
     FROM information_schema.triggers WHERE trigger_schema = DATABASE()",
    "SELECT NULL, concat(lower(routine_type), ' ', routine_name), concat(ifnull(dtd_identifier, ''), ': ', routine_definition)
     FROM information_schema.routines WHERE routine_schema = DATABASE()",
    "SELECT NULL, concat('parameter of ', specific_name, ' ', ordinal_position),
            concat(ifnull(parameter_mode, ''), ' ', ifnull(parameter_name, ''), ' ', dtd_identifier)
     FROM information_schema.parameters WHERE specific_schema = DATABASE()",
    "SELECT NULL, concat('event ', event_name), concat(status, ' ', event_definition)
     FROM information_schema.events WHERE event_schema = DATABASE()",
];

pub(super) const COLUMNS: &str = "SELECT c.table_name, concat('`', replace(c.table_name, '`', '``'), '`'), c.column_name,
            concat(CASE WHEN c.data_type LIKE '%blob' OR c.data_type LIKE '%binary' OR c.data_type IN ('bit', 'geometry', 'point', 'polygon', 'linestring')
                        THEN 'hex(`' ELSE 'concat(`' END,
                   replace(c.column_name, '`', '``'), CASE WHEN c.data_type = 'bit' THEN '` + 0)' ELSE '`)' END)
     FROM information_schema.columns c JOIN information_schema.tables t ON t.table_schema = c.table_schema AND t.table_name = c.table_name
     WHERE c.table_schema = DATABASE() AND t.table_type = 'BASE TABLE' ORDER BY c.table_name, c.ordinal_position";
