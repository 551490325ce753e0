//! A history as a small shop would have it, with the functions that the macros would register.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use migrate_core::__private::{FunctionStep, IntoStepOutput, StepFn, StepOutput};
use migrate_core::{BoxFuture, Context, History, HistoryBuilder, Portable, Result, StepError};

const INITIAL: &str = "\
CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT NOT NULL);
INSERT INTO users (email) VALUES ('Ada@example.org'), ('GRACE@example.org'), ('alan@example.org');
";
const EMAIL_LOWER: &str = "ALTER TABLE users ADD email_lower TEXT;\n";
const UNIQUE: &str = "\
-- migrate: after = [\"0002_add_email_lower\", \"lower_emails_v1_2026_11_20\"]
-- migrate: atomic = false
CREATE UNIQUE INDEX users_email_lower ON users (email_lower);
CREATE INDEX users_email ON users (email);
";
const INVOICES: &str = "\
-- migrate: up
CREATE TABLE invoices (id INTEGER PRIMARY KEY, cents INTEGER NOT NULL);
-- migrate: down
DROP TABLE invoices;
";

/// Everything: two apps, SQL and functions, atomic and not, one manual.
pub(crate) fn shop() -> History {
    users()
        .function(&LOWER_EMAILS)
        .function(&TIDY_NAMES)
        .build()
        .expect("a history")
}

/// The shop after somebody edited a file that was applied.
pub(crate) fn edited() -> History {
    let invoices = INVOICES.replace("cents INTEGER NOT NULL", "cents BIGINT NOT NULL");
    base(&invoices)
        .function(&LOWER_EMAILS)
        .function(&TIDY_NAMES)
        .build()
        .expect("a history")
}

/// The shop after somebody edited two files that were applied.
pub(crate) fn edited_twice() -> History {
    let invoices = INVOICES.replace("cents INTEGER NOT NULL", "cents BIGINT NOT NULL");
    base(&invoices)
        .sql("extra", "0001_edited.sql", "SELECT 2;\n")
        .function(&LOWER_EMAILS)
        .function(&TIDY_NAMES)
        .build()
        .expect("a history")
}

/// The same before.
pub(crate) fn not_yet_edited() -> History {
    base(INVOICES)
        .sql("extra", "0001_edited.sql", "SELECT 1;\n")
        .function(&LOWER_EMAILS)
        .function(&TIDY_NAMES)
        .build()
        .expect("a history")
}

/// The shop edited as above, with a step after it that waits for the manual one.
pub(crate) fn edited_and_waiting() -> History {
    let waiting = "-- migrate: after = [\"0003_unique\", \"tidy_names_2026_11_20\"]\nSELECT 1;\n";
    let invoices = INVOICES.replace("cents INTEGER NOT NULL", "cents BIGINT NOT NULL");
    base(&invoices)
        .sql("users", "0004_waiting.sql", waiting)
        .function(&LOWER_EMAILS)
        .function(&TIDY_NAMES)
        .build()
        .expect("a history")
}

/// The shop with a step that waits for the manual one.
pub(crate) fn waiting() -> History {
    let waiting = "-- migrate: after = [\"0003_unique\", \"tidy_names_2026_11_20\"]\nSELECT 1;\n";
    users()
        .sql("users", "0004_waiting.sql", waiting)
        .function(&LOWER_EMAILS)
        .function(&TIDY_NAMES)
        .build()
        .expect("a history")
}

/// The shop without the manual function.
pub(crate) fn without_tidy_names() -> History {
    users().function(&LOWER_EMAILS).build().expect("a history")
}

/// The shop before its last SQL file of users was written.
pub(crate) fn older() -> History {
    History::builder()
        .sql("users", "0001_initial.sql", INITIAL)
        .sql("users", "0002_add_email_lower.sql", EMAIL_LOWER)
        .sql("billing", "0001_initial.sql", INVOICES)
        .function(&LOWER_EMAILS)
        .function(&TIDY_NAMES)
        .build()
        .expect("a history")
}

/// The shop with a function that fails and a step after it.
pub(crate) fn failing() -> History {
    users()
        .function(&LOWER_EMAILS)
        .function(&TIDY_NAMES)
        .function(&FAILS)
        .sql(
            "users",
            "0004_last.sql",
            "-- migrate: after = [\"0003_unique\", \"never_works_2026_11_20\"]\nSELECT 1;\n",
        )
        .build()
        .expect("a history")
}

/// The shop with a SQL file that runs the manual function.
pub(crate) fn running_a_function() -> History {
    let text = "-- migrate: run = \"tidy_names_2026_11_20\"\nSELECT 1;\n";
    users()
        .function(&LOWER_EMAILS)
        .function(&TIDY_NAMES)
        .sql("users", "0004_tidy.sql", text)
        .build()
        .expect("a history")
}

/// One function that runs until [`GO_ON`] is set.
pub(crate) fn slow() -> History {
    users()
        .function(&LOWER_EMAILS)
        .function(&WAITS)
        .build()
        .expect("a history")
}

/// A step whose way back takes for ever at its second statement, unless it is mended.
pub(crate) fn slow_back(atomic: bool, mended: bool) -> History {
    let header = if atomic {
        ""
    } else {
        "-- migrate: atomic = false\n"
    };
    let second = match mended {
        true => "SELECT 1",
        false => {
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) \
             SELECT count(*) FROM n WHERE i < 0"
        }
    };
    let text = format!(
        "{header}-- migrate: up\nCREATE TABLE notes (id INTEGER);\nINSERT INTO notes VALUES (1), (2);\n\
         -- migrate: down\nDELETE FROM notes WHERE id = 1;\n{second};\nDROP TABLE notes;"
    );
    History::builder()
        .sql("shop", "0001_notes.sql", &text)
        .build()
        .expect("a history")
}

/// As [`slow`], with a squash to be compared.
pub(crate) fn slow_squash() -> History {
    let squash = format!("-- migrate: replaces = [\"0001_initial\"]\n{INVOICES}");
    users()
        .sql("billing", "0001_squashed_0001.sql", &squash)
        .function(&LOWER_EMAILS)
        .function(&WAITS)
        .build()
        .expect("a history")
}

fn users() -> HistoryBuilder {
    base(INVOICES)
}

fn base(invoices: &str) -> HistoryBuilder {
    History::builder()
        .sql("users", "0001_initial.sql", INITIAL)
        .sql("users", "0002_add_email_lower.sql", EMAIL_LOWER)
        .sql("users", "0003_unique.sql", UNIQUE)
        .sql("billing", "0001_initial.sql", invoices)
}

static LOWER_EMAILS_FN: StepFn<Portable> = StepFn::new(lower_emails);
static LOWER_EMAILS: FunctionStep = FunctionStep {
    description: "Lower-cases every address.",
    after: &["0002_add_email_lower"],
    run: &LOWER_EMAILS_FN,
    ..function("lower_emails_v1_2026_11_20")
};

static TIDY_NAMES_FN: StepFn<Portable> = StepFn::new(tidy_names);
static TIDY_NAMES: FunctionStep = FunctionStep {
    description: "Deletes users without a name.\nAsk support first.",
    manual: true,
    after: &["0001_initial"],
    run: &TIDY_NAMES_FN,
    ..function("tidy_names_2026_11_20")
};

static FAILS_FN: StepFn<Portable> = StepFn::new(fails);
static FAILS: FunctionStep = FunctionStep {
    after: &["0003_unique"],
    run: &FAILS_FN,
    ..function("never_works_2026_11_20")
};

static WAITS_FN: StepFn<Portable> = StepFn::new(waits);
static WAITS: FunctionStep = FunctionStep {
    after: &["0003_unique"],
    atomic: false,
    run: &WAITS_FN,
    ..function("waits_2026_11_20")
};

static NOTHING_FN: StepFn<Portable> = StepFn::new(nothing);

fn nothing<'a>(_: &'a mut Context<'_, Portable>) -> BoxFuture<'a, Result<StepOutput>> {
    Box::pin(async move { Ok(().into_step_output()) })
}

/// A data migration that does nothing, of any app; it lives as long as the test.
pub(crate) fn data(
    app: &'static str,
    name: &'static str,
    after: &[&'static str],
    elidable: bool,
) -> &'static FunctionStep {
    Box::leak(Box::new(FunctionStep {
        app,
        elidable,
        after: after.to_vec().leak(),
        run: &NOTHING_FN,
        ..function(name)
    }))
}

const fn function(name: &'static str) -> FunctionStep {
    FunctionStep {
        rank: 0,
        app: "users",
        name,
        crate_name: "shop",
        file: "src/users.rs",
        line: 12,
        description: "",
        checksum: "v1:sha256:0000000000000000000000000000000000000000000000000000000000000000",
        source: "async fn f() {}",
        after: &[],
        before: &[],
        formerly: &[],
        atomic: true,
        disable_audit: false,
        manual: false,
        elidable: false,
        run: &LOWER_EMAILS_FN,
        reverse: None,
        verify: None,
    }
}

fn lower_emails<'a>(cx: &'a mut Context<'_, Portable>) -> BoxFuture<'a, Result<StepOutput>> {
    Box::pin(async move {
        cx.progress(0, Some(3));
        cx.detail("looking at every user");
        let rows = cx
            .execute("UPDATE users SET email_lower = lower(email)", &[])
            .await?;
        cx.progress(rows, Some(3));
        cx.log("two of them had capitals");
        Ok(rows.into_step_output())
    })
}

fn tidy_names<'a>(cx: &'a mut Context<'_, Portable>) -> BoxFuture<'a, Result<StepOutput>> {
    Box::pin(async move {
        cx.execute("DELETE FROM users WHERE email LIKE 'alan%'", &[])
            .await?;
        cx.execute("INSERT INTO users (email) VALUES ('kurt@example.org')", &[])
            .await?;
        Ok("Removed 1 user, added 1".into_step_output())
    })
}

fn fails<'a>(cx: &'a mut Context<'_, Portable>) -> BoxFuture<'a, Result<StepOutput>> {
    Box::pin(async move {
        cx.execute("DELETE FROM users", &[]).await?;
        Err(StepError::msg("the mail server said no"))
    })
}

/// Lets [`slow`] come to its end.
pub(crate) static GO_ON: AtomicBool = AtomicBool::new(false);
/// Set when the function of [`slow`] is under way.
pub(crate) static UNDER_WAY: AtomicBool = AtomicBool::new(false);

fn waits<'a>(cx: &'a mut Context<'_, Portable>) -> BoxFuture<'a, Result<StepOutput>> {
    Box::pin(async move {
        cx.progress(1, Some(2));
        cx.log("under way");
        UNDER_WAY.store(true, Ordering::SeqCst);
        while !GO_ON.load(Ordering::SeqCst) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(().into_step_output())
    })
}
