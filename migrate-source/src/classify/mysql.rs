//! MySQL and MariaDB: the statements that commit the transaction they stand in, by both manuals'
//! lists of statements that cause an implicit commit.

use super::{Class, transaction_control};
use crate::cursor::Cursor;

pub(super) fn classify(mut cursor: Cursor<'_>) -> Class {
    if let Some(what) = opaque(cursor.clone()) {
        return Class::opaque(what);
    }
    if let Some(class) = transaction_control(&mut cursor) {
        return class;
    }
    if cursor.eat("xa") {
        return Class::control("XA");
    }
    if cursor.eat_any(&["lock", "unlock"]) {
        return lock(&cursor);
    }
    if cursor.eat("set") {
        return set(&cursor);
    }
    if commits(&mut cursor) {
        Class::ImplicitCommit
    } else {
        Class::Transactional
    }
}

/// What runs statements that the text does not show, or shows inside a block. Any of them may be
/// DDL, which commits.
fn opaque(mut cursor: Cursor<'_>) -> Option<&'static str> {
    if cursor.eat("call") {
        return Some("CALL");
    }
    if cursor.eat("execute") {
        return Some("EXECUTE");
    }
    if cursor.eat_all(&["begin", "not", "atomic"]) {
        return Some("BEGIN NOT ATOMIC");
    }
    let block = ["if", "case", "loop", "repeat", "while", "for", "declare"];
    if cursor.is_any(&block) {
        return Some("a compound statement");
    }
    // A label before a loop.
    cursor.advance();
    (cursor.text() == ":").then_some("a compound statement")
}

fn lock(cursor: &Cursor<'_>) -> Class {
    if cursor.is("tables") {
        Class::control("LOCK TABLES")
    } else if cursor.is("table") {
        Class::control("LOCK TABLE")
    } else {
        Class::Transactional
    }
}

fn set(cursor: &Cursor<'_>) -> Class {
    let values = ["0", "1", "on", "off", "true", "false", "default"];
    if cursor.has_option("autocommit", &values) {
        return Class::control("SET autocommit");
    }
    if cursor.is("password") || cursor.clone().eat_all(&["default", "role"]) {
        return Class::ImplicitCommit;
    }
    Class::Transactional
}

fn commits(cursor: &mut Cursor<'_>) -> bool {
    if cursor.eat("create") {
        cursor.eat_all(&["or", "replace"]);
        return !cursor.is("temporary");
    }
    if cursor.eat("drop") {
        return !cursor.is_any(&["temporary", "prepare"]);
    }
    if cursor.eat_any(&["start", "stop"]) {
        return cursor.is_any(&["slave", "replica", "all", "group_replication"]);
    }
    if cursor.eat("change") {
        return cursor.is_any(&["master", "replication"]);
    }
    if cursor.eat("load") {
        return cursor.is("index");
    }
    if cursor.eat("reset") {
        return !cursor.is("persist");
    }
    cursor.is_any(&[
        "alter",
        "rename",
        "truncate",
        "grant",
        "revoke",
        "install",
        "uninstall",
        "analyze",
        "cache",
        "check",
        "flush",
        "optimize",
        "repair",
        "backup",
        "import",
    ])
}
