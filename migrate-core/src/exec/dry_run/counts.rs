//! Counting rows that a dry run changed, by the means each database has.
//!
//! Postgres counts per table and transaction (`pg_stat_xact_user_tables`); SQLite tells an update
//! hook about each row, and `total_changes()` the sum; MySQL and MariaDB only have the session's
//! handler counters, so there the sum is all there is.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use migrate_source::Database;

use crate::db_error::database_error;
use crate::error::Error;
use crate::ledger::Tables;
use crate::report::TableChange;
use crate::session::Session;

/// Inserted, updated, deleted.
type Rows = [u64; 3];

/// The counters at one moment.
#[derive(Clone, Debug, Default)]
pub(super) struct Reading {
    tables: BTreeMap<String, Rows>,
    total: Option<u64>,
}

impl Reading {
    /// What was counted between an earlier reading and this one, table by table.
    pub(super) fn tables_since(&self, before: &Self) -> Vec<TableChange> {
        self.tables
            .iter()
            .filter_map(|(table, now)| {
                let then = before.tables.get(table).copied().unwrap_or_default();
                let [inserted, updated, deleted] =
                    [0, 1, 2].map(|i| now[i].saturating_sub(then[i]));
                (inserted + updated + deleted > 0).then(|| TableChange {
                    table: table.clone(),
                    inserted,
                    updated,
                    deleted,
                })
            })
            .collect()
    }

    pub(super) fn total_since(&self, before: &Self) -> Option<u64> {
        Some(self.total?.saturating_sub(before.total?))
    }
}

/// Reads the counters of one session.
pub(super) struct Counts {
    tables: Tables,
    hooked: Arc<Mutex<BTreeMap<String, Rows>>>,
}

impl Counts {
    pub(super) fn new(tables: Tables) -> Self {
        Self {
            tables,
            hooked: Arc::default(),
        }
    }

    fn is_ours(&self, table: &str) -> bool {
        let prefix = &self.tables.prefix;
        ["meta", "steps", "runs", "lock", "lease", "audit_state"]
            .iter()
            .any(|suffix| table == format!("{prefix}_{suffix}"))
    }

    /// The counters now.
    pub(super) async fn read(&self, session: &mut dyn Session) -> Result<Reading, Error> {
        let database = session.database();
        let failed = |error| database_error(database, "count the rows changed", error);
        match database {
            Database::Postgres => {
                let sql = "SELECT CASE WHEN schemaname = 'public' THEN relname::text \
                           ELSE schemaname || '.' || relname END, n_tup_ins, n_tup_upd, n_tup_del \
                           FROM pg_stat_xact_user_tables \
                           WHERE n_tup_ins + n_tup_upd + n_tup_del > 0";
                let rows = session.query(sql, &[]).await.map_err(failed)?;
                let tables = rows
                    .iter()
                    .filter_map(|row| {
                        let table = row.text(0)?.to_owned();
                        let count =
                            |column| row.int(column).and_then(|n| n.try_into().ok()).unwrap_or(0);
                        (!self.is_ours(&table)).then(|| (table, [count(1), count(2), count(3)]))
                    })
                    .collect();
                Ok(Reading {
                    tables,
                    total: None,
                })
            }
            Database::Sqlite => {
                let rows = session
                    .query("SELECT total_changes()", &[])
                    .await
                    .map_err(failed)?;
                let total: Option<u64> = rows
                    .first()
                    .and_then(|row| row.int(0))
                    .and_then(|n| n.try_into().ok());
                let hooked = self.hooked.lock();
                let all = hooked.map(|map| map.clone()).unwrap_or_default();
                let (ours, tables): (BTreeMap<_, _>, _) =
                    all.into_iter().partition(|(table, _)| self.is_ours(table));
                let ours: u64 = ours.values().flatten().sum();
                let total = total.map(|total| total.saturating_sub(ours));
                Ok(Reading { tables, total })
            }
            Database::MySql => {
                let sql = "SHOW SESSION STATUS WHERE Variable_name IN \
                           ('Handler_write', 'Handler_update', 'Handler_delete')";
                let rows = session.query(sql, &[]).await.map_err(failed)?;
                let counts = rows.iter().filter_map(|row| row.int(1));
                let total = counts.filter_map(|n| u64::try_from(n).ok()).sum();
                Ok(Reading {
                    tables: BTreeMap::new(),
                    total: Some(total),
                })
            }
        }
    }

    /// Starts listening to SQLite.
    #[cfg(feature = "sqlite")]
    pub(super) async fn start(&self, session: &mut dyn Session) {
        use sqlx::sqlite::SqliteOperation;

        let Some(connection) = session.as_any().downcast_mut::<sqlx::SqliteConnection>() else {
            return;
        };
        let Ok(mut handle) = connection.lock_handle().await else {
            return;
        };
        let counted = Arc::clone(&self.hooked);
        handle.set_update_hook(move |change| {
            let which = match change.operation {
                SqliteOperation::Insert => 0,
                SqliteOperation::Update => 1,
                SqliteOperation::Delete => 2,
                SqliteOperation::Unknown(_) => return,
            };
            if let Ok(mut counted) = counted.lock() {
                counted.entry(change.table.to_owned()).or_default()[which] += 1;
            }
        });
    }

    /// Stops listening.
    #[cfg(feature = "sqlite")]
    pub(super) async fn stop(&self, session: &mut dyn Session) {
        if let Some(connection) = session.as_any().downcast_mut::<sqlx::SqliteConnection>()
            && let Ok(mut handle) = connection.lock_handle().await
        {
            handle.remove_update_hook();
        }
    }

    #[cfg(not(feature = "sqlite"))]
    pub(super) async fn start(&self, _: &mut dyn Session) {}

    #[cfg(not(feature = "sqlite"))]
    pub(super) async fn stop(&self, _: &mut dyn Session) {}
}
