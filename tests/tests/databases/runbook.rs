//! The runbook of a squash before a launch, played on the service of five apps: its histories are squashed,
//! built again, and met by a database with data and by new ones; its list of what must work is gone
//! through before and after.

mod copies;
mod readme;

use std::fs;
use std::path::Path;

use migrate_tests::{Db, Exit, Scope, Starter, TestDatabase, each_database};
use serde_json::Value;

use self::copies::{COPIES, Copy};
use crate::databases::example::example;

each_database! {
    all: keeps_a_database_with_data, makes_new_databases, starts_again_without_the_old_files,
        forgets_what_was_replaced;
}

/// Everything that the checklist ticks.
const ITEMS: usize = 9;

/// The SQL step that each app is left with.
const FINAL: [(&str, &str); 5] = [
    ("users", "0001_squashed_0003_initial"),
    ("evidence", "0001_squashed_0003_initial"),
    ("journeys", "0001_squashed_0004_initial"),
    ("llmchat", "0001_squashed_0003_initial"),
    ("memory", "0001_squashed_0003_initial"),
];

/// What each step of the final history comes after; `=` stands for the app's SQL file.
const AFTER: [(&str, &[&str]); 8] = [
    ("users.=", &[]),
    ("evidence.=", &["users.="]),
    ("journeys.=", &["users.="]),
    ("llmchat.=", &["users.=", "journeys.="]),
    ("llmchat.setup_checkpointer_v1_2025_01_20", &["llmchat.="]),
    ("memory.=", &["journeys.=", "llmchat.=", "users.="]),
    (
        "journeys.load_journeys_v1_2025_02_03",
        &["journeys.=", "memory.="],
    ),
    ("memory.setup_store_v1_2025_01_27", &["memory.="]),
];

/// What `graph` draws of it: nothing that follows from other lines.
const EDGES: [(&str, &str); 7] = [
    ("users.=", "evidence.="),
    ("users.=", "journeys.="),
    ("journeys.=", "llmchat.="),
    ("llmchat.=", "llmchat.setup_checkpointer_v1_2025_01_20"),
    ("llmchat.=", "memory.="),
    ("memory.=", "journeys.load_journeys_v1_2025_02_03"),
    ("memory.=", "memory.setup_store_v1_2025_01_27"),
];

/// Rows that are there when the squash is deployed, in every table.
const ROWS: [&str; 11] = [
    "INSERT INTO users (id, email, name, onboarded) VALUES (1, 'grace@example.com', 'Grace', 1)",
    "INSERT INTO answers (user_id, journey, position, body) VALUES (1, 'knee', 1, 'since May')",
    "INSERT INTO conversations (id, user_id, journey) VALUES (1, 1, 'knee')",
    "INSERT INTO messages (conversation_id, position, author, body) VALUES (1, 1, 'user', 'Hello')",
    "INSERT INTO checkpoints (thread, position, state) VALUES (1, 1, 'Hello')",
    "INSERT INTO addressed_points (conversation_id, point) VALUES (1, 'knee-goals')",
    "INSERT INTO memories (user_id, position, body) VALUES (1, 1, 'likes hills')",
    "INSERT INTO store (id, body) VALUES (1, 'likes hills')",
    "INSERT INTO sources (id, added_by, title, published) VALUES (1, 1, 'A guide', 2023)",
    "INSERT INTO passages (id, source_id, body) VALUES (1, 1, 'Walk.')",
    "INSERT INTO users (id, email, name) VALUES (2, 'emmy@example.com', 'Emmy')",
];

/// A program of the service, of any of its histories.
struct Service {
    starter: Starter,
}

impl Service {
    fn old() -> Self {
        Self {
            starter: example("journeys"),
        }
    }

    fn of(copy: &Copy) -> Self {
        let starter = Starter::new(&copy.program).folder(&copy.folder);
        Self { starter }
    }

    async fn run(&self, database: &TestDatabase, words: &str) -> Exit {
        let starter = self.starter.clone().env("DATABASE_URL", database.url());
        let starter = words.split_whitespace().fold(starter, Starter::arg);
        starter.run().await
    }

    /// Runs a command that must succeed; what it says on stdout.
    async fn done(&self, database: &TestDatabase, words: &str) -> String {
        let exit = self.run(database, words).await;
        assert_eq!(exit.code, Some(0), "{words}: {exit:?}");
        assert!(!exit.stderr.contains("older than"), "{words}: {exit:?}");
        exit.stdout
    }

    async fn json(&self, database: &TestDatabase, words: &str) -> Value {
        let text = self.done(database, &format!("{words} --format json")).await;
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{words}: {error}: {text}"))
    }

    /// Every step is applied, and every item of the list can be ticked.
    async fn goes_through_the_list(&self, database: &TestDatabase) {
        let status = self.done(database, "migrate status").await;
        let marks: Vec<&str> = status
            .lines()
            .filter_map(|line| {
                line.trim_start()
                    .get(..3)
                    .filter(|mark| mark.starts_with('['))
            })
            .collect();
        assert!(
            !marks.is_empty() && marks.iter().all(|mark| *mark == "[X]"),
            "{status}"
        );
        let before = database.dump(Scope::WithoutLedger).await;
        let ticked = self.done(database, "check").await;
        assert_eq!(ticked.matches("[x] ").count(), ITEMS, "{ticked}");
        assert_eq!(database.dump(Scope::WithoutLedger).await, before);
    }

    /// A new database with this history.
    async fn new_database(&self, db: Db) -> TestDatabase {
        let database = TestDatabase::create(db).await;
        self.done(&database, "migrate").await;
        database
    }

    /// Takes two apps and what depends on them back, and brings them again.
    async fn goes_back_and_forth(&self, database: &TestDatabase) {
        for app in ["memory", "llmchat"] {
            self.done(database, &format!("migrate {app} zero --yes"))
                .await;
        }
        let status = self.done(database, "migrate status").await;
        assert!(
            status.contains("[ ] 0001_squashed_0003_initial"),
            "{status}"
        );
        self.done(database, "migrate").await;
    }
}

/// The steps of a list in a result, each with what a key says of it.
fn steps(result: &Value, key: &str) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let steps = result["result"]["steps"]
        .as_array()
        .expect("a list of steps");
    steps
        .iter()
        .map(|step| (text(&step["step"]), text(&step[key])))
        .collect()
}

/// The lines of a graph, from step to step.
fn edges(graph: &Value) -> Vec<(String, String)> {
    let node = |place: &Value| {
        let place = usize::try_from(place.as_u64()?).ok()?;
        let step = graph["result"]["nodes"][place]["step"].as_str()?;
        Some(step.to_owned())
    };
    let edges = graph["result"]["edges"].as_array().expect("edges");
    edges
        .iter()
        .map(|edge| {
            let ends = node(&edge["from"]).zip(node(&edge["to"]));
            ends.expect("an edge between nodes")
        })
        .collect()
}

fn final_name(name: &str) -> String {
    let (app, step) = name.split_once('.').expect("an app and a step");
    let (_, file) = FINAL
        .iter()
        .find(|(known, _)| *known == app)
        .expect("an app");
    format!("{app}.{}", step.replace('=', file))
}

/// The squash is recorded, nothing is executed, no row is touched, and the history goes on from there.
async fn keeps_a_database_with_data(db: Db) {
    let old = Service::old();
    let new = Service::of(&COPIES.squashed);
    let database = old.new_database(db).await;
    for row in ROWS {
        database.execute(row).await;
    }
    old.goes_through_the_list(&database).await;
    let before = database.dump(Scope::WithoutLedger).await;

    let recorded = |action: &str| -> Vec<(String, String)> {
        let names = AFTER.iter().filter(|(name, _)| name.ends_with('='));
        names
            .map(|(name, _)| (final_name(name), action.to_owned()))
            .collect()
    };
    new.done(&database, "migrate --check").await;
    let plan = new.json(&database, "migrate --plan").await;
    assert_eq!(steps(&plan, "action"), recorded("record"), "{plan}");
    let run = new.json(&database, "migrate").await;
    assert_eq!(steps(&run, "outcome"), recorded("recorded"), "{run}");
    assert_eq!(database.dump(Scope::WithoutLedger).await, before);
    assert_eq!(steps(&new.json(&database, "migrate").await, "outcome"), []);
    new.goes_through_the_list(&database).await;
    // The next release has no old files any more, and nothing to do either.
    let next = Service::of(&COPIES.reset);
    assert_eq!(steps(&next.json(&database, "migrate").await, "outcome"), []);
    next.goes_through_the_list(&database).await;

    new.goes_back_and_forth(&database).await;
    new.goes_through_the_list(&database).await;
    assert_eq!(
        database
            .scalar("SELECT COUNT(*) FROM users")
            .await
            .as_deref(),
        Some("2")
    );
}

/// A new database runs the squashes alone, and is what it was with the old history.
async fn makes_new_databases(db: Db) {
    let new = Service::of(&COPIES.squashed);
    let expected = Service::old().new_database(db).await;
    let expected = expected.dump(Scope::WithoutLedger).await;

    let database = new.new_database(db).await;
    assert_eq!(database.dump(Scope::WithoutLedger).await, expected);
    new.goes_through_the_list(&database).await;
    new.goes_back_and_forth(&database).await;
    assert_eq!(database.dump(Scope::WithoutLedger).await, expected);
    new.goes_through_the_list(&database).await;

    let before = database.dump(Scope::Everything).await;
    let verified = new.json(&database, "migrate squash --verify").await;
    assert_eq!(
        verified["result"]["squashes"].as_array().map(Vec::len),
        Some(5),
        "{verified}"
    );
    assert_eq!(
        verified["result"]["differences"].as_array().map(Vec::len),
        Some(0),
        "{verified}"
    );
    assert_ne!(verified["result"]["rows"], 0, "{verified}");
    assert_eq!(database.dump(Scope::Everything).await, before);
}

/// The replaced files are gone; functions still name them.
async fn starts_again_without_the_old_files(db: Db) {
    let new = Service::of(&COPIES.reset);
    let expected = Service::old().new_database(db).await;
    let expected = expected.dump(Scope::WithoutLedger).await;
    let database = new.new_database(db).await;
    assert_eq!(database.dump(Scope::WithoutLedger).await, expected);
    new.goes_through_the_list(&database).await;
    let graph = new.json(&database, "migrate graph").await;
    assert_eq!(
        edges(&graph),
        EDGES.map(|(from, to)| (final_name(from), final_name(to))),
        "{graph}"
    );
    new.goes_back_and_forth(&database).await;
    assert_eq!(database.dump(Scope::WithoutLedger).await, expected);

    // A database of the old history that never met the release between.
    let old = Service::old().new_database(db).await;
    new.done(&old, "migrate").await;
    assert_eq!(old.dump(Scope::WithoutLedger).await, expected);
    new.goes_through_the_list(&old).await;
}

/// The last of the steps that the squash tells: no line says `replaces`, and the old records go.
async fn forgets_what_was_replaced(db: Db) {
    let last = Service::of(&COPIES.clean);
    let database = Service::old().new_database(db).await;
    let expected = database.dump(Scope::WithoutLedger).await;
    Service::of(&COPIES.squashed)
        .done(&database, "migrate")
        .await;
    for (app, _) in FINAL {
        last.done(&database, &format!("migrate {app} --prune --yes"))
            .await;
    }
    let run = last.json(&database, "migrate").await;
    assert_eq!(steps(&run, "outcome"), [], "{run}");
    assert_eq!(run["result"]["applied_total"], AFTER.len(), "{run}");
    assert_eq!(database.dump(Scope::WithoutLedger).await, expected);
    last.goes_through_the_list(&database).await;
    last.goes_back_and_forth(&database).await;
    assert_eq!(database.dump(Scope::WithoutLedger).await, expected);

    let new = last.new_database(db).await;
    assert_eq!(new.dump(Scope::WithoutLedger).await, expected);
    last.goes_through_the_list(&new).await;
}

/// As the fifth phase of the runbook expects it.
#[test]
fn one_file_and_the_data_migrations_are_left_of_each_app() {
    let Copy {
        folder,
        squash,
        deprecated,
        ..
    } = &COPIES.reset;
    for (app, file) in FINAL {
        let migrations = folder.join("src").join(app).join("migrations");
        let files = names_in(&migrations);
        let sql: Vec<&str> = files
            .iter()
            .map(String::as_str)
            .filter(|name| name.ends_with(".sql"))
            .collect();
        let common = format!("{file}.sql");
        assert!(sql.contains(&common.as_str()), "{app}: {files:?}");
        let is_of_step = |name: &&str| name.split('.').next() == Some(file);
        assert!(sql.iter().all(is_of_step), "{app}: {files:?}");
        let index = fs::read_to_string(migrations.join("index.txt")).unwrap();
        let indexed = index.lines().filter(|line| !line.starts_with('#'));
        assert_eq!(indexed.collect::<Vec<_>>(), sql, "{app}");
        let backup = migrations.join(".squashed");
        let [day] = names_in(&backup).try_into().expect("one backup");
        assert!(names_in(&backup.join(day)).contains(&"0001_initial.sql".to_owned()));
    }

    let graph = squash["result"]["graph"].as_array().expect("a graph");
    let texts = |value: &Value| -> Vec<String> {
        let texts = value.as_array().into_iter().flatten();
        let mut texts: Vec<String> = texts.filter_map(|t| Some(t.as_str()?.to_owned())).collect();
        texts.sort();
        texts
    };
    let found: Vec<(&str, Vec<String>)> = graph
        .iter()
        .map(|node| (node["step"].as_str().unwrap(), texts(&node["after"])))
        .collect();
    let names: Vec<String> = AFTER.iter().map(|(name, _)| final_name(name)).collect();
    let expected: Vec<(&str, Vec<String>)> = names
        .iter()
        .zip(AFTER)
        .map(|(name, (_, after))| {
            let mut after: Vec<String> = after.iter().map(|name| final_name(name)).collect();
            after.sort();
            (name.as_str(), after)
        })
        .collect();
    assert_eq!(found, expected);

    // Each function's `after` names one or two files that are gone.
    assert_eq!(deprecated.len(), 5, "{deprecated:#?}");
    let says = |text: &String| {
        text.contains("replaced by `0001_squashed_") && text.ends_with("write that instead")
    };
    assert!(deprecated.iter().all(says), "{deprecated:#?}");
    for copy in [&COPIES.squashed, &COPIES.clean] {
        assert!(copy.deprecated.is_empty(), "{:#?}", copy.deprecated);
    }
}

fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}
