use std::sync::atomic::{AtomicU32, Ordering};

use super::*;

/// A folder that is removed when the test ends.
struct Scratch(PathBuf);

impl Scratch {
    fn new(files: &[(&str, &str)]) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "migrate-source-{}-{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).expect("a temporary folder");
        for (name, text) in files {
            fs::write(path.join(name), text).expect("a file");
        }
        Self(path)
    }

    fn codes(&self) -> Vec<(&'static str, String)> {
        let errors = read_folder(&self.0).expect_err("mistakes");
        assert!(
            errors
                .iter()
                .all(|error| !error.message.is_empty() && !error.help.is_empty())
        );
        let name = |path: &Path| {
            path.file_name()
                .expect("a name")
                .to_string_lossy()
                .into_owned()
        };
        errors
            .iter()
            .map(|error| (error.code, name(&error.path)))
            .collect()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn files_are_sorted_by_number_and_others_left_alone() {
    let scratch = Scratch::new(&[
        ("10000_late.sql", ""),
        ("0002_b.down.sql", "DROP"),
        ("0002_b.up.sql", "CREATE"),
        ("0001_a.sql", "\u{feff}SELECT 1;\r\n"),
        ("0002_b.postgres.up.sql", ""),
        ("README.md", "not UTF-8 matters not"),
        (".0003_hidden.sql", ""),
        (INDEX_FILE, ""),
    ]);
    fs::create_dir(scratch.0.join("0009_folder.sql")).expect("a folder");
    let folder = read_folder(&scratch.0).expect("valid");
    let names: Vec<&str> = folder
        .files
        .iter()
        .map(|file| file.file_name.as_str())
        .collect();
    assert_eq!(
        names,
        [
            "0001_a.sql",
            "0002_b.down.sql",
            "0002_b.postgres.up.sql",
            "0002_b.up.sql",
            "10000_late.sql"
        ]
    );
    assert_eq!(folder.files[0].text, "\u{feff}SELECT 1;\r\n");
    assert_eq!(folder.files[0].path, scratch.0.join("0001_a.sql"));
    assert_eq!(folder.files[4].name.number, 10_000);
}

#[test]
fn an_empty_folder_is_in_order() {
    let scratch = Scratch::new(&[]);
    assert_eq!(read_folder(&scratch.0).expect("valid").files, []);
}

#[test]
fn a_missing_folder_and_a_file_in_its_place() {
    let scratch = Scratch::new(&[("0001_a.sql", "")]);
    let errors = read_folder(&scratch.0.join("none")).expect_err("missing");
    assert_eq!(errors[0].code, "missing_folder");
    assert!(
        errors[0].to_string().contains("there is no such folder"),
        "{}",
        errors[0]
    );
    let errors = read_folder(&scratch.0.join("0001_a.sql")).expect_err("a file");
    assert_eq!(errors[0].code, "missing_folder");
}

#[test]
fn every_mistake_is_reported_at_once() {
    let scratch = Scratch::new(&[
        ("initial.sql", ""),
        ("0001_a.sql", ""),
        ("0001_b.sql", ""),
        ("0002_c.sql", ""),
        ("0002_c.up.sql", ""),
        ("0003_d.down.sql", ""),
        ("0004_e.postgres.down.sql", ""),
        ("0004_e.sqlite.up.sql", ""),
        ("0005_f.sql", "SELECT\n\0"),
        ("0006_g.SQL", ""),
    ]);
    fs::write(scratch.0.join("0007_h.sql"), b"SELECT 1;\n-- \xff").expect("a file");
    let mut codes = scratch.codes();
    codes.sort();
    let expected = [
        ("bad_file_name", "0006_g.SQL"),
        ("bad_file_name", "initial.sql"),
        ("down_without_up", "0003_d.down.sql"),
        ("down_without_up", "0004_e.postgres.down.sql"),
        ("duplicate_file", "0002_c.up.sql"),
        ("duplicate_number", "0001_b.sql"),
        ("not_utf8", "0007_h.sql"),
        ("nul_character", "0005_f.sql"),
    ];
    assert_eq!(codes, expected.map(|(code, name)| (code, name.to_owned())));
    let errors = read_folder(&scratch.0).expect_err("mistakes");
    let utf8 = errors
        .iter()
        .find(|error| error.code == "not_utf8")
        .expect("it");
    assert!(utf8.message.contains("line 2"), "{utf8}");
}

#[test]
fn variants_of_one_step_and_a_common_way_back_are_in_order() {
    let scratch = Scratch::new(&[
        ("0001_a.sql", ""),
        ("0001_a.postgres.sql", ""),
        ("0001_a.mysql.down.sql", ""),
        ("0002_b.sqlite.up.sql", ""),
        ("0002_b.sqlite.down.sql", ""),
    ]);
    assert_eq!(read_folder(&scratch.0).expect("valid").files.len(), 5);
}

#[test]
fn the_index_lists_every_file_below_two_lines_of_comment() {
    let scratch = Scratch::new(&[
        ("0002_b.up.sql", ""),
        ("0002_b.down.sql", ""),
        ("0001_a.sql", ""),
    ]);
    let text = render_index(&read_folder(&scratch.0).expect("valid"));
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with('#') && lines[1].starts_with('#'));
    assert!(text.contains("cargo migrate index"));
    assert_eq!(
        lines[2..],
        ["0001_a.sql", "0002_b.down.sql", "0002_b.up.sql"]
    );
    assert!(text.ends_with(".sql\n"));
}

#[test]
fn index_and_folder_are_compared() {
    let scratch = Scratch::new(&[("0001_a.sql", ""), ("0002_b.sql", "")]);
    let folder = read_folder(&scratch.0).expect("valid");
    let text = render_index(&folder);
    assert_eq!(check_index(&folder, &text), Ok(()));
    assert_eq!(
        check_index(&folder, &format!("\u{feff}{}", text.replace('\n', "\r\n"))),
        Ok(())
    );
    assert_eq!(check_index(&folder, "0002_b.sql\n\n  0001_a.sql"), Ok(()));
    let error = check_index(&folder, "0001_a.sql\n0003_c.sql\n0001_a.sql\n").expect_err("differs");
    assert_eq!(error.missing, ["0002_b.sql"]);
    assert_eq!(error.extra, ["0003_c.sql", "0001_a.sql"]);
    let shown = error.to_string();
    for part in ["0002_b.sql", "0003_c.sql", "cargo migrate index"] {
        assert!(shown.contains(part), "{shown}");
    }
    assert_eq!(
        check_index(&folder, "").expect_err("empty").missing.len(),
        2
    );
}

#[test]
fn the_index_is_written_only_when_it_differs() {
    let scratch = Scratch::new(&[("0001_a.sql", ""), ("not_a_step.sql", "")]);
    assert!(write_index(&scratch.0).expect("written"));
    assert!(!write_index(&scratch.0).expect("known"));
    let text = fs::read_to_string(scratch.0.join(INDEX_FILE)).expect("the index");
    assert!(text.ends_with("0001_a.sql\nnot_a_step.sql\n"), "{text}");
    fs::write(scratch.0.join("0002_b.sql"), "").expect("a file");
    assert!(write_index(&scratch.0).expect("written"));
    assert!(write_index(&scratch.0.join("none")).is_err());
}

#[test]
fn a_squash_may_have_the_number_of_what_it_replaces() {
    let scratch = Scratch::new(&[
        ("0001_a.sql", ""),
        (
            "0001_squashed_0002_b.sql",
            "-- migrate: replaces = [\"0001_a\", \"0002_b\"]\n",
        ),
        (
            "0001_squashed_0003_c.sql",
            "-- migrate: replaces = [\"0001_squashed_0002_b\", \"users.0003_c\"]\n",
        ),
        ("0002_b.sql", ""),
        ("0003_c.sql", ""),
        ("0003_other.sql", "-- migrate: replaces = [\"0002_b\"]\n"),
    ]);
    let errors = read_folder(&scratch.0).expect_err("one number twice");
    let [error] = errors.as_slice() else {
        panic!("not one error: {errors:?}")
    };
    assert_eq!(error.code, "duplicate_number");
    assert!(error.path.ends_with("0003_other.sql"), "{error}");
    assert!(error.message.contains("`0003_c.sql`"), "{error}");
}
