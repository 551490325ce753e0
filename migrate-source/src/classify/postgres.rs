//! Postgres: the statements that its server refuses inside a transaction block, by its manual.

use super::{Class, transaction_control};
use crate::cursor::Cursor;

pub(super) fn classify(mut cursor: Cursor<'_>) -> Class {
    if let Some(class) = transaction_control(&mut cursor) {
        return class;
    }
    if cursor.eat("end") {
        return Class::control("END");
    }
    if cursor.eat("abort") {
        return Class::control("ABORT");
    }
    if cursor.eat_all(&["prepare", "transaction"]) {
        return Class::control("PREPARE TRANSACTION");
    }
    if cursor.is("call") {
        // A procedure may commit, if it is called outside a transaction.
        return Class::opaque("CALL");
    }
    if cursor.eat("copy") {
        return copy(&cursor);
    }
    outside_transaction(&mut cursor).map_or(Class::Transactional, Class::outside)
}

fn copy(cursor: &Cursor<'_>) -> Class {
    if cursor.has_sequence(&["from", "stdin"]) {
        Class::CopyStream {
            what: "COPY .. FROM STDIN".to_owned(),
        }
    } else if cursor.has_sequence(&["to", "stdout"]) {
        Class::CopyStream {
            what: "COPY .. TO STDOUT".to_owned(),
        }
    } else {
        Class::Transactional
    }
}

fn outside_transaction(cursor: &mut Cursor<'_>) -> Option<&'static str> {
    if cursor.eat("create") {
        return create(cursor);
    }
    if cursor.eat("drop") {
        return drop_of(cursor);
    }
    if cursor.eat("alter") {
        return alter(cursor);
    }
    if cursor.eat("vacuum") {
        return Some("VACUUM");
    }
    if cursor.eat("reindex") {
        return reindex(cursor);
    }
    if cursor.eat("cluster") {
        cursor.eat("verbose");
        skip_parentheses(cursor);
        return cursor.at_end().then_some("CLUSTER without a table");
    }
    cursor.eat_all(&["discard", "all"]).then_some("DISCARD ALL")
}

fn create(cursor: &mut Cursor<'_>) -> Option<&'static str> {
    cursor.eat("unique");
    if cursor.eat_all(&["index", "concurrently"]) {
        return Some("CREATE INDEX CONCURRENTLY");
    }
    if cursor.eat("database") {
        return Some("CREATE DATABASE");
    }
    if cursor.eat("tablespace") {
        return Some("CREATE TABLESPACE");
    }
    let makes_slot = cursor.eat("subscription")
        && !cursor.has_option("create_slot", &["false", "off", "0", "'false'", "'off'"])
        && !cursor.has_option("connect", &["false", "off", "0", "'false'", "'off'"]);
    makes_slot.then_some("CREATE SUBSCRIPTION")
}

fn drop_of(cursor: &mut Cursor<'_>) -> Option<&'static str> {
    if cursor.eat_all(&["index", "concurrently"]) {
        return Some("DROP INDEX CONCURRENTLY");
    }
    if cursor.eat("database") {
        return Some("DROP DATABASE");
    }
    if cursor.eat("tablespace") {
        return Some("DROP TABLESPACE");
    }
    cursor.eat("subscription").then_some("DROP SUBSCRIPTION")
}

fn alter(cursor: &mut Cursor<'_>) -> Option<&'static str> {
    if cursor.eat("system") {
        return Some("ALTER SYSTEM");
    }
    if cursor.eat("table")
        && cursor.has_sequence(&["detach", "partition"])
        && cursor.has("concurrently")
    {
        return Some("ALTER TABLE .. DETACH PARTITION .. CONCURRENTLY");
    }
    if cursor.eat("database") && cursor.has_sequence(&["set", "tablespace"]) {
        return Some("ALTER DATABASE .. SET TABLESPACE");
    }
    let refreshes = cursor.eat("subscription")
        && (cursor.has_sequence(&["refresh", "publication"])
            || cursor.has("publication") && !cursor.has_option("refresh", &["false", "off", "0"]));
    refreshes.then_some("ALTER SUBSCRIPTION .. PUBLICATION with a refresh")
}

fn reindex(cursor: &mut Cursor<'_>) -> Option<&'static str> {
    let options_say_so = cursor.clone_parenthesised_has("concurrently");
    skip_parentheses(cursor);
    if options_say_so {
        return Some("REINDEX CONCURRENTLY");
    }
    let whole = cursor.is_any(&["schema", "database", "system"]);
    cursor.eat_any(&["index", "table", "schema", "database", "system"]);
    if cursor.is("concurrently") {
        return Some("REINDEX CONCURRENTLY");
    }
    whole.then_some("REINDEX of a schema or database")
}

fn skip_parentheses(cursor: &mut Cursor<'_>) {
    if !cursor.eat_symbol("(") {
        return;
    }
    while cursor.kind().is_some() && !cursor.eat_symbol(")") {
        cursor.advance();
    }
}
