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
    let name = pragma_name(cursor);
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
    if pragma_name(&mut cursor) != "query_only"
        || !(cursor.eat_symbol("=") || cursor.eat_symbol("("))
    {
        return false;
    }
    cursor.eat_symbol("+");
    let value = unquoted(&mut cursor);
    !(is_zero(&value) || ["off", "no", "false"].contains(&value.as_str()))
}

/// The name of a pragma without the database before it: `main.query_only` is the same.
fn pragma_name(cursor: &mut Cursor<'_>) -> String {
    let first = unquoted(cursor);
    if cursor.eat_symbol(".") {
        unquoted(cursor)
    } else {
        first
    }
}

/// A word of a pragma, in lower case. SQLite takes names and values in any quotes, those of a string too.
fn unquoted(cursor: &mut Cursor<'_>) -> String {
    let name = cursor.identifier().unwrap_or_else(|| {
        let text = cursor.text().trim_matches('\'').to_owned();
        cursor.advance();
        text
    });
    name.to_ascii_lowercase()
}

/// Whether SQLite reads a number as 0: only what stands before its point counts.
fn is_zero(number: &str) -> bool {
    let digits = number.strip_prefix("0x").unwrap_or(number);
    let whole = digits.split('.').next().unwrap_or_default();
    !whole.is_empty() && whole.bytes().all(|digit| digit == b'0')
}
