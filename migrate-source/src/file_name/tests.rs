use super::*;
use Database::{MySql, Postgres, Sqlite};
use Direction::{Both, Down, Up};

#[test]
fn names_of_every_form() {
    let cases = [
        ("0003_add_email.sql", 3, "0003_add_email", None, Both),
        ("0003_add_email.up.sql", 3, "0003_add_email", None, Up),
        ("0003_add_email.down.sql", 3, "0003_add_email", None, Down),
        (
            "0003_add_email.postgres.sql",
            3,
            "0003_add_email",
            Some(Postgres),
            Both,
        ),
        (
            "0003_add_email.sqlite.up.sql",
            3,
            "0003_add_email",
            Some(Sqlite),
            Up,
        ),
        (
            "0003_add_email.mysql.down.sql",
            3,
            "0003_add_email",
            Some(MySql),
            Down,
        ),
        ("20261120101500_x.sql", 0, "", None, Both),
        ("123456_x2_y.sql", 123_456, "123456_x2_y", None, Both),
        ("0000_x.sql", 0, "0000_x", None, Both),
    ];
    for (text, number, step, database, direction) in cases {
        let parsed = FileName::parse(text);
        if step.is_empty() {
            assert!(parsed.expect_err(text).to_string().contains("too large"));
            continue;
        }
        let step = step.to_owned();
        assert_eq!(
            parsed,
            Ok(FileName {
                number,
                step,
                database,
                direction
            })
        );
    }
}

#[test]
fn wrong_names_say_what_to_write() {
    let cases = [
        ("0003_add_email.txt", "must end in `.sql`"),
        ("0003_add_email.SQL", "must end in `.sql`"),
        ("add_email.sql", "starts with a number"),
        ("3_add_email.sql", "`0003_add_email.sql`"),
        ("0003.sql", "`_` and a description"),
        ("0003-add.sql", "`_` and a description"),
        ("0003_.sql", "description has lower-case"),
        ("0003_Add.sql", "description has lower-case"),
        ("0003_add email.sql", "description has lower-case"),
        ("0003_größe.sql", "description has lower-case"),
        ("0003_x.postgresql.sql", "write `.postgres`"),
        ("0003_x.pg.sql", "write `.postgres`"),
        ("0003_x.mariadb.sql", "write `.mysql`"),
        ("0003_x.sqlite3.sql", "write `.sqlite`"),
        ("0003_x.postgrs.sql", "write `.postgres`"),
        ("0003_x.dwon.sql", "write `.down`"),
        ("0003_x.oracle.sql", "known are"),
        ("0003_x.up.postgres.sql", "`0003_x.postgres.up.sql`"),
        ("0003_x.up.down.sql", "twice"),
        ("0003_x.up.up.sql", "twice"),
        ("0003_x.mysql.postgres.sql", "two databases"),
        ("0003_x..sql", "not known"),
        (".sql", "starts with a number"),
        ("99999999999_x.sql", "too large"),
    ];
    for (text, part) in cases {
        let shown = FileName::parse(text).expect_err(text).to_string();
        assert!(shown.contains(part), "{text}: {shown}");
        assert!(shown.contains(text), "{shown}");
    }
}
