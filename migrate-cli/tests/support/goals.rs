//! A history with ways back: two apps that depend on each other, a squash, steps that fail.

use migrate_core::__private::{FunctionStep, IntoStepOutput, StepFn, StepOutput};
use migrate_core::{BoxFuture, Context, History, HistoryBuilder, Portable, Result};

const USERS: &str = "\
-- migrate: up
CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT NOT NULL);
INSERT INTO users (email) VALUES ('Ada@example.org'), ('GRACE@example.org');
-- migrate: down
DROP TABLE users;
";
const TEAMS: &str = "\
-- migrate: up
CREATE TABLE teams (id INTEGER PRIMARY KEY);
-- migrate: down
DROP TABLE teams;
";
const MEMBERS: &str = "\
-- migrate: up
CREATE TABLE members (team INTEGER, user INTEGER);
CREATE INDEX members_user ON members (user);
-- migrate: down
DROP INDEX members_user;
DROP TABLE members;
";
const INVOICES: &str = "\
-- migrate: after = [\"users.0002_teams\"]
-- migrate: up
CREATE TABLE invoices (id INTEGER PRIMARY KEY, team INTEGER NOT NULL);
-- migrate: down
DROP TABLE invoices;
";

fn builder(members: &str) -> HistoryBuilder {
    History::builder()
        .sql("users", "0001_initial.sql", USERS)
        .sql("users", "0002_teams.sql", TEAMS)
        .sql("users", "0003_members.sql", members)
        .sql("billing", "0001_invoices.sql", INVOICES)
}

/// Everything can be undone.
pub(crate) fn reversible() -> History {
    builder(MEMBERS)
        .function(&LOWER_EMAILS)
        .build()
        .expect("a history")
}

/// The last SQL file and the function have no way back.
pub(crate) fn one_way() -> History {
    let (up, _) = MEMBERS.split_once("-- migrate: down").expect("two parts");
    builder(&up.replace("-- migrate: up\n", ""))
        .function(&SHOUT)
        .build()
        .expect("a history")
}

/// The way back of the last SQL file fails at its second statement, outside a transaction.
pub(crate) fn stuck() -> History {
    let members = MEMBERS
        .replace(
            "-- migrate: up",
            "-- migrate: atomic = false\n-- migrate: up",
        )
        .replace("DROP TABLE members;", "DROP TABLE memberz;");
    builder(&members).build().expect("a history")
}

/// As [`stuck`], with the way back mended.
pub(crate) fn mended() -> History {
    let members = MEMBERS.replace(
        "-- migrate: up",
        "-- migrate: atomic = false\n-- migrate: up",
    );
    builder(&members).build().expect("a history")
}

/// SQL files alone.
pub(crate) fn plain() -> History {
    builder(MEMBERS).build().expect("a history")
}

/// A release before the last file of users.
pub(crate) fn older() -> History {
    History::builder()
        .sql("users", "0001_initial.sql", USERS)
        .sql("users", "0002_teams.sql", TEAMS)
        .sql("billing", "0001_invoices.sql", INVOICES)
        .build()
        .expect("a history")
}

const BOTH: &str = "\
CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT NOT NULL);
CREATE TABLE teams (id INTEGER PRIMARY KEY);
";

/// The same tables by a squash of the first two files of users, which are gone.
pub(crate) fn squashed() -> History {
    let both = format!("-- migrate: replaces = [\"0001_initial\", \"0002_teams\"]\n{BOTH}");
    History::builder()
        .sql("users", "0001_squashed_0002.sql", &both)
        .sql("users", "0003_members.sql", MEMBERS)
        .sql("billing", "0001_invoices.sql", INVOICES)
        .build()
        .expect("a history")
}

/// The squash beside the files that it replaces.
pub(crate) fn both() -> History {
    let both = format!("-- migrate: replaces = [\"0001_initial\", \"0002_teams\"]\n{BOTH}");
    builder(MEMBERS)
        .sql("users", "0001_squashed_0002.sql", &both)
        .build()
        .expect("a history")
}

/// After the squash: it replaces nothing any more.
pub(crate) fn retired() -> History {
    let invoices = INVOICES.replace("0002_teams", "0001_squashed_0002");
    History::builder()
        .sql("users", "0001_squashed_0002.sql", BOTH)
        .sql("users", "0003_members.sql", MEMBERS)
        .sql("billing", "0001_invoices.sql", &invoices)
        .build()
        .expect("a history")
}

static RUN: StepFn<Portable> = StepFn::new(lower);
static REVERSE: StepFn<Portable> = StepFn::new(capitals);
static LOWER_EMAILS: FunctionStep = FunctionStep {
    reverse: Some(&REVERSE),
    ..function("lower_emails_v1_2026_11_20")
};
static SHOUT: FunctionStep = function("shout_2026_11_20");

const fn function(name: &'static str) -> FunctionStep {
    FunctionStep {
        rank: 0,
        app: "users",
        name,
        crate_name: "shop",
        file: "src/users.rs",
        line: 12,
        description: "Lower-cases every address.",
        checksum: "v1:sha256:0000000000000000000000000000000000000000000000000000000000000000",
        source: "async fn f() {}",
        after: &["0002_teams"],
        before: &[],
        formerly: &[],
        atomic: true,
        disable_audit: false,
        manual: false,
        elidable: false,
        run: &RUN,
        reverse: None,
        verify: None,
    }
}

fn lower<'a>(cx: &'a mut Context<'_, Portable>) -> BoxFuture<'a, Result<StepOutput>> {
    Box::pin(async move {
        let rows = cx
            .execute("UPDATE users SET email = lower(email)", &[])
            .await?;
        Ok(rows.into_step_output())
    })
}

fn capitals<'a>(cx: &'a mut Context<'_, Portable>) -> BoxFuture<'a, Result<StepOutput>> {
    Box::pin(async move {
        let rows = cx
            .execute("UPDATE users SET email = upper(email)", &[])
            .await?;
        Ok(rows.into_step_output())
    })
}
