//! How a migration is written down: names, file names, header directives, the statements of a SQL
//! file, and checksums. It reads text and folders and knows nothing of databases at run time: the
//! macros, the runtime and the command line all use this one implementation, so that they agree.
//!
//! ```
//! use migrate_source::{Database, sql_file::parse_sql_file, statements::statements};
//!
//! let file = parse_sql_file(
//!     "-- migrate: atomic = false\nCREATE TABLE t (id int);\nINSERT INTO t VALUES (1);\n",
//!     Some(Database::Postgres),
//! ).expect("a valid file");
//! assert_eq!(file.header.atomic, Some(false));
//!
//! let parts = statements(&file.up, Database::Postgres).expect("a valid script");
//! assert_eq!(parts[1].text, "INSERT INTO t VALUES (1)");
//! assert_eq!(parts[1].line, 3);
//! ```

mod blocks;
mod cursor;
mod database;
mod error;
mod lexer;

#[cfg(feature = "tokens")]
pub mod canonical;
pub mod checksum;
pub mod classify;
pub mod file_name;
pub mod folder;
pub mod graph;
pub mod header;
pub mod name;
pub mod order;
pub mod shares;
pub mod sql_file;
pub mod statements;

pub use database::{Database, UnknownDatabase};
pub use error::SourceError;
