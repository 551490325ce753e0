//! MySQL and MariaDB: the statements that commit the transaction they stand in, by both manuals'
//! lists of statements that cause an implicit commit.

use super::{Class, transaction_control};
use crate::cursor::Cursor;

pub(super) fn classify(mut cursor: Cursor<'_>) -> Class {
    if cursor.clone().eat_all(&["begin", "not", "atomic"]) {
        // A block, not a transaction; what it does is decided when it runs.
        return Class::Transactional;
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
