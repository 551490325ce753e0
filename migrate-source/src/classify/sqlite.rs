//! SQLite: what cannot run in a transaction, and which pragmas do nothing there.

use super::{Class, transaction_control};
use crate::Database;
use crate::cursor::Cursor;

/// Inside a transaction these keep their value and say nothing (tried on 3.40): "this pragma is a
/// no-op within a transaction", "the database is created with the encoding", and so on.
const SILENT: [&str; 5] = [
    "foreign_keys",
    "journal_mode",
    "page_size",
    "auto_vacuum",
    "encoding",
];

/// Pragmas that fail inside a transaction.
const REFUSED: [&str; 2] = ["synchronous", "wal_checkpoint"];

pub(super) fn classify(mut cursor: Cursor<'_>) -> Class {
    if let Some(class) = transaction_control(&mut cursor) {
        return class;
    }
    if cursor.eat("end") {
        return Class::control("END");
    }
    if cursor.is("vacuum") {
        return Class::outside("VACUUM");
    }
    // Newer versions attach inside a transaction, but do not detach what it has used, and with WAL
    // a transaction over several files is not atomic.
    if cursor.is("attach") {
        return Class::outside("ATTACH");
    }
    if cursor.is("detach") {
        return Class::outside("DETACH");
    }
    if cursor.eat("pragma") {
        return pragma(&mut cursor);
    }
    Class::Transactional
}

fn pragma(cursor: &mut Cursor<'_>) -> Class {
    let mut name = cursor.text().to_ascii_lowercase();
    cursor.advance();
    if cursor.eat_symbol(".") {
        name = cursor.text().to_ascii_lowercase();
        cursor.advance();
    }
    let sets = !cursor.at_end();
    let what = format!("PRAGMA {name}");
    if SILENT.contains(&name.as_str()) && sets {
        Class::SilentNoOp { what }
    } else if REFUSED.contains(&name.as_str()) && (sets || name == "wal_checkpoint") {
        Class::OutsideTransaction { what }
    } else {
        Class::Transactional
    }
}

/// Whether a statement makes the session read-only.
pub(super) fn forbids_writing(statement: &str) -> bool {
    let mut cursor = Cursor::new(statement, Database::Sqlite);
    if !cursor.eat("pragma") {
        return false;
    }
    // `main.query_only` is the same.
    let mut named = cursor.eat("query_only");
    if !named {
        cursor.advance();
        named = cursor.eat_symbol(".") && cursor.eat("query_only");
    }
    if !named || !(cursor.eat_symbol("=") || cursor.eat_symbol("(")) {
        return false;
    }
    let value = cursor.text().trim_matches(['\'', '"']).to_ascii_lowercase();
    !["0", "off", "no", "false"].contains(&value.as_str())
}
