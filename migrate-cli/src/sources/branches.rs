//! Where the SQL files of an app part into branches: two steps with one number, or several steps
//! that nothing comes after. Two people who each add a step leave one or the other behind.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use migrate_source::file_name::Direction;
use migrate_source::folder::{FolderFile, read_folder_partly};
use migrate_source::name::Reference;
use migrate_source::order::{Place, Replaced, files_before};
use migrate_source::sql_file::parse_sql_file;
use migrate_source::statements::statements;

use super::discover::shown;
use crate::exit::Exit;
use crate::failure::Failure;

/// How much of a statement is shown.
const STATEMENT_SHOWN: usize = 68;

/// A SQL step as its files say it is.
#[derive(Clone, Debug)]
pub(crate) struct SourceStep {
    pub(crate) name: String,
    pub(crate) number: u32,
    /// Its files: one, or one for each database and direction.
    pub(crate) files: Vec<PathBuf>,
    /// How its statements begin.
    pub(crate) statements: Vec<String>,
    /// The steps of its own app that its header says it comes after; none where it says nothing.
    after: Vec<String>,
    before: Vec<String>,
    /// The steps of its own app that it stands for.
    replaces: Vec<String>,
}

impl SourceStep {
    /// Whether its header says what it comes after in its own app, whatever its number is.
    pub(crate) fn has_own_place(&self) -> bool {
        !self.after.is_empty()
    }

    /// Whether a header says that it comes before another step of its app.
    pub(crate) fn is_before(&self, other: &Self) -> bool {
        other.after.contains(&self.name) || self.before.contains(&other.name)
    }
}

/// A place at which an app parts into branches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Conflict {
    /// These steps have one number.
    Number(Vec<String>),
    /// Each branch, from behind the last step that all of them share to its own last.
    Leaves {
        shared: Option<String>,
        branches: Vec<Vec<String>>,
    },
}

/// The SQL steps of a folder, by number; `app` is its label, if it is known.
pub(crate) fn read_steps(folder: &Path, app: Option<&str>) -> Result<Vec<SourceStep>, Failure> {
    let mut steps: Vec<SourceStep> = Vec::new();
    for file in read_folder_partly(folder).0.files {
        let read = read_file(&file, app)?;
        match steps.iter_mut().find(|step| step.name == read.name) {
            Some(step) => {
                step.files.extend(read.files);
                step.after.extend(read.after);
                step.before.extend(read.before);
                step.replaces.extend(read.replaces);
            }
            None => steps.push(read),
        }
    }
    steps.sort_by(|a, b| (a.number, &a.name).cmp(&(b.number, &b.name)));
    Ok(steps)
}

fn read_file(file: &FolderFile, app: Option<&str>) -> Result<SourceStep, Failure> {
    let mut step = SourceStep {
        name: file.name.step.clone(),
        number: file.name.number,
        files: vec![file.path.clone()],
        statements: Vec::new(),
        after: Vec::new(),
        before: Vec::new(),
        replaces: Vec::new(),
    };
    if file.name.direction == Direction::Down {
        return Ok(step);
    }
    let parsed = parse_sql_file(&file.text, file.name.database).map_err(|errors| {
        let first = errors.first().map(ToString::to_string).unwrap_or_default();
        let message = format!("{} cannot be read: {first}", shown(&file.path));
        Failure::new(Exit::Failed, "mistakes", message)
            .help("`cargo migrate check` shows every mistake in the SQL files")
    })?;
    let own = |references: &[Reference]| {
        let own =
            |reference: &&Reference| reference.app.is_none() || reference.app.as_deref() == app;
        let names = references.iter().filter(own);
        names.map(|reference| reference.name.clone()).collect()
    };
    step.after = own(parsed.header.after.as_deref().unwrap_or_default());
    step.before = own(&parsed.header.before);
    step.replaces = own(&parsed.header.replaces);
    let database = file
        .name
        .database
        .unwrap_or(migrate_source::Database::Postgres);
    let found = statements(&parsed.up, database).unwrap_or_default();
    step.statements = found.iter().map(|found| beginning(found.text)).collect();
    Ok(step)
}

/// A statement on one line, cut where it becomes too long.
fn beginning(statement: &str) -> String {
    let words: Vec<&str> = statement.split_whitespace().collect();
    let line = words.join(" ");
    if line.chars().count() <= STATEMENT_SHOWN {
        return line;
    }
    let shown: String = line.chars().take(STATEMENT_SHOWN - 1).collect();
    format!("{}…", shown.trim_end())
}

/// The next number that no step has.
pub(crate) fn next_number(steps: &[SourceStep]) -> Result<u32, Failure> {
    let last = steps.iter().map(|step| step.number).max().unwrap_or(0);
    last.checked_add(1)
        .ok_or_else(|| Failure::usage(format!("no number comes after {last}")))
}

/// Where the steps part: equal numbers, and only where there are none, several ends.
pub(crate) fn conflicts(steps: &[SourceStep]) -> Vec<Conflict> {
    let replaced: HashSet<&str> = steps
        .iter()
        .flat_map(|step| step.replaces.iter().map(String::as_str))
        .collect();
    // What a squash stands for is behind it, and no branch of its own.
    let live: Vec<&SourceStep> = steps
        .iter()
        .filter(|step| !replaced.contains(step.name.as_str()))
        .collect();
    let mut found = Vec::new();
    for group in live.chunk_by(|a, b| a.number == b.number) {
        if group.len() > 1 {
            let names = group.iter().map(|step| step.name.clone());
            found.push(Conflict::Number(names.collect()));
        }
    }
    if found.is_empty() {
        found.extend(several_ends(steps, &live));
    }
    found
}

/// The steps that each comes directly after, within the app; a squash has the place of what it replaces.
fn parents<'s>(steps: &'s [SourceStep]) -> HashMap<&'s str, Vec<&'s str>> {
    let replaced = replaced(steps);
    let names: HashSet<&'s str> = steps.iter().map(|step| step.name.as_str()).collect();
    let known = |name: &str| names.get(replaced.last(name)).copied();
    let place = |step: &'s SourceStep| Place {
        app: "",
        number: step.number,
        name: &step.name,
        is_squash: !step.replaces.is_empty(),
        // A function that is named has its own place, which only its Rust source tells.
        has_own_place: step.has_own_place() && step.after.iter().all(|name| known(name).is_some()),
    };
    let places: Vec<Place<'_>> = steps.iter().map(place).collect();
    let before = files_before(&places, |one, other| {
        replaced.are_alternatives(&steps[one].name, &steps[other].name)
    });
    let mut parents: HashMap<&'s str, Vec<&'s str>> = HashMap::new();
    let mut add = |step: Option<&'s str>, earlier: Option<&'s str>| {
        if let (Some(step), Some(earlier)) = (step, earlier)
            && step != earlier
        {
            parents.entry(step).or_default().push(earlier);
        }
    };
    for (step, before) in steps.iter().zip(before) {
        let this = known(&step.name);
        add(this, before.and_then(|before| known(&steps[before].name)));
        for earlier in &step.after {
            add(this, known(earlier));
        }
        for later in &step.before {
            add(known(later), this);
        }
    }
    parents
}

fn replaced(steps: &[SourceStep]) -> Replaced<'_> {
    Replaced::new(steps.iter().map(|step| {
        let names = step.replaces.iter().map(String::as_str);
        (step.name.as_str(), names)
    }))
}

fn several_ends(steps: &[SourceStep], live: &[&SourceStep]) -> Option<Conflict> {
    let parents = parents(steps);
    let inner: HashSet<&str> = parents.values().flatten().copied().collect();
    let ends: Vec<&str> = live
        .iter()
        .map(|step| step.name.as_str())
        .filter(|name| !inner.contains(name))
        .collect();
    if ends.len() < 2 {
        return None;
    }
    let lines: Vec<HashSet<&str>> = ends
        .iter()
        .map(|end| with_ancestors(end, &parents))
        .collect();
    let in_all = |name: &str| lines.iter().all(|line| line.contains(name));
    let shared = live.iter().rev().find(|step| in_all(&step.name));
    let branch = |line: &HashSet<&str>| {
        let of = live.iter().filter(|step| line.contains(step.name.as_str()));
        let own = of.filter(|step| !in_all(&step.name));
        own.map(|step| step.name.clone()).collect()
    };
    Some(Conflict::Leaves {
        shared: shared.map(|step| step.name.clone()),
        branches: lines.iter().map(branch).collect(),
    })
}

fn with_ancestors<'s>(end: &'s str, parents: &HashMap<&'s str, Vec<&'s str>>) -> HashSet<&'s str> {
    let mut seen = HashSet::new();
    let mut waiting = vec![end];
    while let Some(name) = waiting.pop() {
        if seen.insert(name) {
            waiting.extend(parents.get(name).into_iter().flatten());
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(name: &str, after: &[&str], replaces: &[&str]) -> SourceStep {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        SourceStep {
            name: name.to_owned(),
            number: name[..4].parse().expect("a number"),
            files: Vec::new(),
            statements: Vec::new(),
            after: owned(after),
            before: Vec::new(),
            replaces: owned(replaces),
        }
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_line_has_no_conflict() {
        let line = [
            step("0001_a", &[], &[]),
            step("0002_b", &["lower_emails_2026_11_20"], &[]),
            step("0003_c", &["0002_b", "fill_2026_11_21"], &[]),
        ];
        assert_eq!(conflicts(&line), []);
        assert_eq!(conflicts(&[]), []);
    }

    #[test]
    fn equal_numbers_go_before_ends() {
        let steps = [
            step("0001_a", &[], &[]),
            step("0002_b", &[], &[]),
            step("0002_c", &[], &[]),
        ];
        let expected = Conflict::Number(names(&["0002_b", "0002_c"]));
        assert_eq!(conflicts(&steps), [expected]);
    }

    #[test]
    fn a_header_can_start_a_branch_and_another_can_end_it() {
        let mut steps = vec![
            step("0001_a", &[], &[]),
            step("0002_b", &[], &[]),
            step("0003_c", &[], &[]),
            step("0004_d", &["0001_a"], &[]),
        ];
        let expected = Conflict::Leaves {
            shared: Some("0001_a".to_owned()),
            branches: vec![names(&["0002_b", "0003_c"]), names(&["0004_d"])],
        };
        assert_eq!(conflicts(&steps), [expected]);
        steps.push(step("0005_merge", &["0003_c", "0004_d"], &[]));
        assert_eq!(conflicts(&steps), []);
    }

    #[test]
    fn before_joins_a_branch_as_well() {
        let mut steps = [
            step("0001_a", &[], &[]),
            step("0002_b", &[], &[]),
            step("0003_c", &["0001_a"], &[]),
            step("0004_d", &["0002_b"], &[]),
        ];
        assert_eq!(conflicts(&steps).len(), 1);
        steps[2].before = names(&["0004_d"]);
        assert_eq!(conflicts(&steps), []);
    }

    #[test]
    fn a_squash_stands_beside_what_it_replaces() {
        let steps = [
            step("0001_a", &[], &[]),
            step("0001_squashed_0002", &[], &["0001_a", "0002_b"]),
            step("0002_b", &[], &[]),
            step("0003_c", &["0002_b"], &[]),
        ];
        assert_eq!(conflicts(&steps), []);
    }

    /// What comes after a replaced step comes after its squash, and so does what the squash comes after
    /// because a replaced one does.
    #[test]
    fn a_squash_has_the_places_of_what_it_replaces() {
        let steps = [
            step("0001_a", &[], &[]),
            step("0002_b", &[], &[]),
            step("0003_c", &["0001_a"], &[]),
            step("0004_both", &["0002_b", "0003_c"], &[]),
            step("0004_squashed", &[], &["0004_both"]),
        ];
        assert_eq!(conflicts(&steps), []);
    }

    #[test]
    fn long_statements_are_cut() {
        assert_eq!(beginning("SELECT\n  1"), "SELECT 1");
        let long = "x".repeat(80);
        assert_eq!(beginning(&long).chars().count(), STATEMENT_SHOWN);
    }
}
