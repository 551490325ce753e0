//! Writes one test per database for each function of a suite.

/// Makes tests `sqlite::name`, `postgres::name`, .. of functions `async fn name(db: Db)`, once per
/// module. Those after `servers:` are for databases with [`Capabilities::server`] alone.
///
/// ```
/// # mod suite {
/// use migrate_tests::{Db, TestDatabase, each_database};
///
/// each_database! {
///     all: starts_empty;
///     servers: has_no_sessions;
/// }
///
/// async fn starts_empty(db: Db) {
///     assert!(TestDatabase::create(db).await.rows("SELECT 1 WHERE 1 = 0").await.is_empty());
/// }
///
/// async fn has_no_sessions(db: Db) {
///     assert!(TestDatabase::create(db).await.sessions().await.is_empty());
/// }
/// # }
/// ```
///
/// [`Capabilities::server`]: crate::Capabilities::server
#[macro_export]
macro_rules! each_database {
    ($(all: $($all:ident),* $(,)?;)? $(servers: $($server:ident),* $(,)?;)?) => {
        $crate::__tests_of!(sqlite, $crate::Db::Sqlite, $($($all),*)?);
        $crate::__tests_of!(postgres, $crate::Db::Postgres, $($($all,)*)? $($($server),*)?);
        $crate::__tests_of!(mysql, $crate::Db::MySql, $($($all,)*)? $($($server),*)?);
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __tests_of {
    ($module:ident, $db:expr, $($name:ident),* $(,)?) => {
        mod $module {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    super::$name($db).await;
                }
            )*
        }
    };
}
