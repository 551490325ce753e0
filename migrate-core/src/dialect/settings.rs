//! The settings of a session that a step may leave changed, where no statement resets them all.

use migrate_source::Database;

use crate::session::{Row, Value};

/// Variables of MySQL and MariaDB that change what a statement means or whether it works, each
/// of which any user may set back. `autocommit` is seen to before each transaction.
const VARIABLES: [&str; 47] = [
    "sql_mode",
    "alter_algorithm",
    "auto_increment_increment",
    "auto_increment_offset",
    "character_set_client",
    "character_set_results",
    "check_constraint_checks",
    "collation_connection",
    "default_storage_engine",
    "default_week_format",
    "div_precision_increment",
    "eq_range_index_dive_limit",
    "explicit_defaults_for_timestamp",
    "foreign_key_checks",
    "group_concat_max_len",
    "idle_transaction_timeout",
    "innodb_lock_wait_timeout",
    "innodb_strict_mode",
    "interactive_timeout",
    "lc_messages",
    "lc_time_names",
    "lock_wait_timeout",
    "max_error_count",
    "max_execution_time",
    "max_join_size",
    "max_recursive_iterations",
    "cte_max_recursion_depth",
    "max_sort_length",
    "max_sp_recursion_depth",
    "max_statement_time",
    "net_read_timeout",
    "net_write_timeout",
    "old_alter_table",
    "old_mode",
    "optimizer_switch",
    "print_identified_with_as_hex",
    "sql_auto_is_null",
    "sql_big_selects",
    "sql_notes",
    "sql_quote_show_create",
    "sql_safe_updates",
    "sql_select_limit",
    "system_versioning_alter_history",
    "time_zone",
    "unique_checks",
    "updatable_views_with_limit",
    "wait_timeout",
];

/// The isolation and the access of transactions, under the names of each server.
const TRANSACTIONS: [&str; 4] = [
    "tx_isolation",
    "transaction_isolation",
    "tx_read_only",
    "transaction_read_only",
];

/// Pragmas of SQLite that belong to the connection. `defer_foreign_keys` ends with its transaction,
/// and to end it earlier would forget what it has deferred. Those that cannot be set inside a
/// transaction are not changed in one either.
const PRAGMAS: [&str; 19] = [
    "analysis_limit",
    "automatic_index",
    "busy_timeout",
    "cache_size",
    "cache_spill",
    "cell_size_check",
    "checkpoint_fullfsync",
    "foreign_keys",
    "fullfsync",
    "ignore_check_constraints",
    "legacy_alter_table",
    "query_only",
    "read_uncommitted",
    "recursive_triggers",
    "reverse_unordered_selects",
    "secure_delete",
    "synchronous",
    "trusted_schema",
    "writable_schema",
];

/// A pragma that can be set and not read.
const LIKE: &str = "case_sensitive_like";

/// How the current database of MySQL stands among the settings.
const USE: &str = "database()";

/// How the role stands among them, as `SET ROLE` takes it. Only the server knows whether it has roles,
/// and each reads the comment that is for it.
const ROLE: &str = "current_role()";
const ASK_ROLE: &str = "CONCAT('' /*!80000 , CURRENT_ROLE() */ \
     /*M!100005 , COALESCE(CONCAT('`', REPLACE(CURRENT_ROLE(), '`', '``'), '`'), 'NONE') */)";

/// A setting's name and its value.
pub(crate) type Setting = (String, String);

/// Asks for the settings, as [`parse_settings`] reads them; `None` where one statement resets
/// them all.
pub(crate) fn read_settings(database: Database) -> Option<String> {
    match database {
        Database::Postgres => None,
        Database::MySql => {
            let names = VARIABLES.iter().chain(&TRANSACTIONS);
            let names: Vec<String> = names.map(|name| format!("'{name}'")).collect();
            Some(format!(
                "SELECT '{ROLE}', {ASK_ROLE}; SELECT '{USE}', DATABASE(); \
                 SHOW SESSION VARIABLES WHERE Variable_name IN ({})",
                names.join(", ")
            ))
        }
        // The name of a pragma that this build does not have is followed by no value.
        Database::Sqlite => {
            let each = PRAGMAS.map(|name| format!("SELECT '{name}', NULL; PRAGMA {name}; "));
            let each = each.concat();
            Some(format!(
                "{each}SELECT '{LIKE}', NULL; SELECT 'a' NOT LIKE 'A'"
            ))
        }
    }
}

/// Reads the answer to [`read_settings`].
pub(crate) fn parse_settings(database: Database, rows: &[Row]) -> Vec<Setting> {
    let setting = |name: &Row, value: &Value| {
        let value = match value {
            Value::Int(number) => number.to_string(),
            Value::Text(text) => text.clone(),
            _ => return None,
        };
        Some((name.text(0)?.to_owned(), value))
    };
    match database {
        Database::Postgres => Vec::new(),
        Database::MySql => {
            let pairs = rows.iter().map(|row| setting(row, row.get(1)));
            pairs.flatten().collect()
        }
        Database::Sqlite => {
            let pairs = rows.windows(2).map(|pair| match pair {
                [name, value] if name.len() == 2 && value.len() == 1 => setting(name, value.get(0)),
                _ => None,
            });
            pairs.flatten().collect()
        }
    }
}

/// The statements that set back what is not as it was; `None` where everything is.
pub(crate) fn restore_settings(
    database: Database,
    before: &[Setting],
    now: &[Setting],
) -> Option<String> {
    let changed = before.iter().filter(|setting| !now.contains(setting));
    let statements: Vec<String> = changed
        .map(|(name, value)| match database {
            Database::MySql if name == ROLE => format!("SET ROLE {value}"),
            Database::MySql if name == USE => format!("USE `{}`", value.replace('`', "``")),
            Database::MySql if value.parse::<f64>().is_ok() => {
                format!("SET SESSION {name} = {value}")
            }
            Database::MySql => format!("SET SESSION {name} = '{}'", value.replace('\'', "''")),
            Database::Sqlite | Database::Postgres => format!("PRAGMA {name} = {value}"),
        })
        .collect();
    (!statements.is_empty()).then(|| statements.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_changed_is_set_back() {
        let setting = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let before = [
            setting(ROLE, "NONE"),
            setting("sql_mode", "ANSI,'x'"),
            setting("max_statement_time", "0.000000"),
            setting("time_zone", "+00:00"),
            setting(USE, "a`b"),
        ];
        let now = [setting("time_zone", "+00:00"), setting(USE, "other")];
        assert_eq!(
            restore_settings(Database::MySql, &before, &now).unwrap(),
            "SET ROLE NONE; SET SESSION sql_mode = 'ANSI,''x'''; \
             SET SESSION max_statement_time = 0.000000; USE `a``b`"
        );
        assert_eq!(restore_settings(Database::MySql, &before, &before), None);
    }
}
