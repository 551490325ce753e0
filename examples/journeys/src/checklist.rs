//! What must work after every change of the history: the service's whole day, in order.

use std::error::Error;

use migrate_core::{Migrator, Target};

use crate::{Database, MIGRATIONS, evidence, journeys, llmchat, memory, users};

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

/// Goes through the list on a migrated database and calls `tick` with each item that holds. The
/// rows that it makes are gone again at the end, and those that were there are left alone.
///
/// # Errors
///
/// The first item that does not hold, and why.
pub async fn go_through(url: &str, tick: impl Fn(&str)) -> Result {
    every_migration_is_applied(url).await?;
    tick("every migration is applied");
    let mut database = Database::connect(url).await?;
    let database = &mut database;
    let known = Known::read(database).await?;

    let user = users::create(database, "ada@example.com", "Ada").await?;
    tick("a user can be created");
    let questions = journeys::questions(database, "diabetes").await?;
    let answers: Vec<(i64, &str)> = questions.iter().map(|(at, _)| (*at, "yes")).collect();
    ensure(answers.len() == 2, "the journey has its two questions")?;
    journeys::onboard(database, user, "diabetes", &answers).await?;
    tick("a user can go through the onboarding of a journey");
    let conversation = conversation(database, &known, user).await?;
    tick("a conversation is created and keeps its messages and checkpoints");
    let points = memory::points(database, "diabetes").await?;
    ensure(points.len() == 2, "the journey has its two points")?;
    tick("conversation points are loaded and displayed");
    let (point, _) = &points[0];
    let kept = memory::extract(database, user, conversation, point, "cooks on Sundays").await?;
    known.ensure(database, "addressed_points", 1).await?;
    tick("memory extraction updates the points that were addressed");

    llmchat::delete(database, conversation).await?;
    for table in ["messages", "addressed_points", "checkpoints"] {
        known.ensure(database, table, 0).await?;
    }
    tick("a conversation can be deleted with what belongs to it");
    users::delete(database, user).await?;
    for table in ["answers", "memories"] {
        known.ensure(database, table, 0).await?;
    }
    tick("a user can be deleted with everything of theirs");
    let source = evidence::add(database, "A guide", "Eat slowly.").await?;
    evidence::delete(database, source).await?;
    known.ensure(database, "passages", 0).await?;
    tick("evidence can be added and deleted with its passages");
    memory::forget(database, kept).await?;
    Ok(())
}

async fn every_migration_is_applied(url: &str) -> Result {
    let status = Migrator::new(Target::from_url(url)?, &MIGRATIONS)
        .status()
        .await?;
    ensure(status.pending == 0, "nothing is pending")
}

async fn conversation(database: &mut Database, known: &Known, user: i64) -> Result<i64> {
    let opening = journeys::opening(database, "diabetes").await?;
    let conversation = llmchat::begin(database, user, "diabetes", &opening).await?;
    llmchat::say(database, conversation, "user", "The stairs.").await?;
    let messages = llmchat::length(database, conversation).await?;
    ensure(messages == 2, "both messages are kept")?;
    // Each message has its checkpoint.
    known.ensure(database, "checkpoints", 2).await?;
    Ok(conversation)
}

/// How many rows the tables had before the list was begun.
struct Known([(&'static str, i64); 6]);

impl Known {
    async fn read(database: &mut Database) -> Result<Self> {
        let mut known = [
            ("messages", 0),
            ("checkpoints", 0),
            ("addressed_points", 0),
            ("answers", 0),
            ("memories", 0),
            ("passages", 0),
        ];
        for (table, rows) in &mut known {
            *rows = database.count(table).await?;
        }
        Ok(Self(known))
    }

    /// A table must have so many rows more than before.
    async fn ensure(&self, database: &mut Database, table: &str, more: i64) -> Result {
        let before = self.0.iter().find(|(known, _)| *known == table);
        let before = before.map_or(0, |(_, rows)| *rows);
        let added = database.count(table).await? - before;
        let what = format!("{table} has {more} rows more than before, not {added}");
        ensure(added == more, &what)
    }
}

fn ensure(holds: bool, what: &str) -> Result {
    if holds {
        return Ok(());
    }
    Err(format!("this does not hold: {what}").into())
}
