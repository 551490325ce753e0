//! Markdown tables and the verdicts below them.

/// A table with a heading; columns are as wide as Markdown wants them, not aligned.
pub(crate) struct Table {
    text: String,
}

impl Table {
    pub(crate) fn new(columns: &[&str]) -> Self {
        let rule = vec!["---"; columns.len()];
        Self {
            text: row(columns) + &row(&rule),
        }
    }

    pub(crate) fn row(&mut self, cells: &[String]) {
        self.text += &row(cells);
    }

    pub(crate) fn print(&self, heading: &str) {
        println!("### {heading}\n\n{}", self.text);
    }
}

fn row<T: AsRef<str>>(cells: &[T]) -> String {
    let cells: Vec<&str> = cells.iter().map(AsRef::as_ref).collect();
    format!("| {} |\n", cells.join(" | "))
}

/// Milliseconds, with as many digits as mean something.
pub(crate) fn millis(value: f64) -> String {
    match value {
        value if value.is_nan() => "-".to_owned(),
        value if value < 10.0 => format!("{value:.1}"),
        value => format!("{value:.0}"),
    }
}

/// How many times as much as `base`.
pub(crate) fn ratio(value: f64, base: f64) -> String {
    if value.is_nan() || base.is_nan() {
        "-".to_owned()
    } else {
        format!("{:.2}", value / base)
    }
}

/// What the project promises, and whether it held in this run.
#[derive(Default)]
pub(crate) struct Promises {
    lines: Vec<String>,
    broken: bool,
}

impl Promises {
    /// A promise about a count: breaking it makes the run fail.
    pub(crate) fn exact(&mut self, holds: bool, text: String) {
        self.broken |= !holds;
        self.add(holds, text);
    }

    /// A promise about time: it is printed, and what it means depends on the machine's load.
    pub(crate) fn timed(&mut self, holds: bool, text: String) {
        self.add(holds, text + " (time: does not count for the exit code)");
    }

    /// Something that could not be measured here.
    pub(crate) fn skipped(&mut self, text: &str) {
        self.lines.push(format!("- SKIPPED {text}"));
    }

    fn add(&mut self, holds: bool, text: String) {
        let verdict = if holds { "PASS" } else { "FAIL" };
        self.lines.push(format!("- {verdict} {text}"));
    }

    /// Prints all; whether none that counts is broken.
    pub(crate) fn print(&self) -> bool {
        println!("### Promises\n\n{}", self.lines.join("\n"));
        !self.broken
    }
}
