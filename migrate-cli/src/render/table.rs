//! Aligned columns. Widths are counted before colour is put on, so colour never shifts them.

use super::paint::Paint;
use super::units;

/// The width of `999 ms` and `59.9 s`.
const USUAL_DURATION: usize = 6;

/// How far the rest of a row that is wider than the terminal is indented.
const CONTINUATION: usize = 4;

/// A last column is not cut to less than this.
const LEAST_SHOWN: usize = 16;

/// A cell: its text, and how it is painted.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    text: String,
    paint: fn(Paint, &str) -> String,
    right: bool,
    gap: &'static str,
    least: usize,
}

impl Cell {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self {
            text: units::plain(&text.into()).into_owned(),
            paint: |_, text| text.to_owned(),
            right: false,
            gap: "  ",
            least: 0,
        }
    }

    /// A duration in milliseconds, if it is known. The column is as wide as usual durations
    /// are, so that the layout does not change from run to run.
    pub(crate) fn took(ms: Option<u64>) -> Self {
        Self::new(ms.map(units::duration).unwrap_or_default())
            .right()
            .at_least(USUAL_DURATION)
    }

    /// Paints the text.
    pub(crate) fn with(mut self, paint: fn(Paint, &str) -> String) -> Self {
        self.paint = paint;
        self
    }

    /// Aligns the text to the right of its column.
    pub(crate) fn right(mut self) -> Self {
        self.right = true;
        self
    }

    /// Puts the next column one blank away instead of two.
    pub(crate) fn close(mut self) -> Self {
        self.gap = " ";
        self
    }

    /// Makes the column at least this wide if it has any text.
    pub(crate) fn at_least(mut self, width: usize) -> Self {
        self.least = width;
        self
    }

    fn width(&self) -> usize {
        self.text.chars().count()
    }
}

/// Rows of cells, and lines between them that span the whole width.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    lines: Vec<Line>,
}

#[derive(Clone, Debug)]
enum Line {
    Row { indent: usize, cells: Vec<Cell> },
    Text(String),
}

impl Table {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Adds a row; every row of a table shares its columns' widths.
    pub(crate) fn row(&mut self, indent: usize, cells: Vec<Cell>) {
        self.lines.push(Line::Row { indent, cells });
    }

    /// Adds a line that is not aligned with anything.
    pub(crate) fn text(&mut self, text: impl Into<String>) {
        self.lines.push(Line::Text(text.into()));
    }

    /// The lines, two blanks between columns, nothing behind the last text of a line.
    pub(crate) fn render(&self, paint: Paint) -> String {
        let widths = self.widths();
        let mut out = String::new();
        for line in &self.lines {
            match line {
                Line::Text(text) => out.push_str(text),
                Line::Row { indent, cells } => {
                    out.push_str(&" ".repeat(*indent));
                    render_row(&mut out, cells, &widths, paint);
                }
            }
            out.push('\n');
        }
        out
    }

    fn widths(&self) -> Vec<usize> {
        let mut widths = Vec::new();
        for line in &self.lines {
            let Line::Row { cells, .. } = line else {
                continue;
            };
            for (i, cell) in cells.iter().enumerate() {
                if widths.len() <= i {
                    widths.push(0);
                }
                // A last cell is never padded, so it need not widen its column.
                if i + 1 < cells.len() || cell.right {
                    let least = if cell.text.is_empty() { 0 } else { cell.least };
                    widths[i] = cell.width().max(widths[i]).max(least);
                }
            }
        }
        widths
    }
}

fn render_row(out: &mut String, cells: &[Cell], widths: &[usize], paint: Paint) {
    let Some(last) = cells.iter().rposition(|cell| !cell.text.is_empty()) else {
        return;
    };
    let line = out.rfind('\n').map_or(0, |newline| newline + 1);
    let indent = out[line..].chars().count();
    let mut used = indent;
    let mut gap = "";
    let mut wrapped = false;
    for (at, (cell, width)) in cells[..=last].iter().zip(widths).enumerate() {
        // A column that is empty in all rows takes no room.
        if *width == 0 && cell.text.is_empty() {
            continue;
        }
        if at > 0 && !fits(cell, at == last, used + gap.len(), paint) {
            let line = out.trim_end_matches(' ').len();
            out.truncate(line);
            out.push('\n');
            used = indent + CONTINUATION;
            out.push_str(&" ".repeat(used));
            (gap, wrapped) = ("", true);
        }
        // Behind a break the columns are no columns any more.
        let width = if wrapped { &0 } else { width };
        out.push_str(gap);
        used += gap.len();
        let padding = " ".repeat(width.saturating_sub(cell.width()));
        let text = match paint.width() {
            Some(whole) if at == last => shorten(&cell.text, whole.saturating_sub(used)),
            _ => cell.text.clone(),
        };
        used += cell.width() + padding.len();
        let text = (cell.paint)(paint, &text);
        if cell.right {
            out.push_str(&padding);
        }
        out.push_str(&text);
        if !cell.right {
            out.push_str(&padding);
        }
        gap = cell.gap;
    }
    let end = out.trim_end_matches(' ').len();
    out.truncate(end);
}

/// Whether a cell still stands on the line. The last one may be cut if enough of it is left.
fn fits(cell: &Cell, last: bool, used: usize, paint: Paint) -> bool {
    let Some(room) = paint.width().map(|whole| whole.saturating_sub(used)) else {
        return true;
    };
    cell.width() <= room || (last && room >= LEAST_SHOWN)
}

/// A text that does not fit is cut, unless almost nothing would be left of it.
fn shorten(text: &str, room: usize) -> String {
    if text.chars().count() <= room || room < LEAST_SHOWN {
        return text.to_owned();
    }
    let shown: String = text.chars().take(room - 1).collect();
    format!("{}…", shown.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Table {
        let mut table = Table::new();
        table.text("things");
        table.row(
            1,
            vec![
                Cell::new("a").with(Paint::good),
                Cell::new("12").right(),
                Cell::new("long text"),
            ],
        );
        table.row(
            1,
            vec![Cell::new("bcd"), Cell::new("3").right(), Cell::new("")],
        );
        table
    }

    #[test]
    fn columns_are_aligned_and_lines_end_in_text() {
        assert_eq!(
            sample().render(Paint::new(false)),
            "things\n a    12  long text\n bcd   3\n"
        );
    }

    #[test]
    fn colour_does_not_move_columns() {
        let colored = sample().render(Paint::new(true));
        let plain: String = strip_escapes(&colored);
        assert_ne!(colored, plain);
        assert_eq!(plain, sample().render(Paint::new(false)));
    }

    #[test]
    fn a_column_can_have_a_least_width_unless_it_is_empty() {
        let render = |text: &str| {
            let mut table = Table::new();
            table.row(
                0,
                vec![
                    Cell::new("a"),
                    Cell::new(text).right().at_least(6),
                    Cell::new("b"),
                ],
            );
            table.render(Paint::new(false))
        };
        assert_eq!(render("1 ms"), "a    1 ms  b\n");
        assert_eq!(render(""), "a  b\n");
    }

    #[test]
    fn on_a_terminal_the_last_column_is_cut_to_its_width() {
        let mut table = Table::new();
        let text = "lower-cases every address";
        table.row(
            1,
            vec![Cell::new("[X]").close(), Cell::new("a"), Cell::new(text)],
        );
        let render = |width| table.render(Paint::new(false).within(Some(width)));
        assert_eq!(render(33), " [X] a  lower-cases every address\n");
        assert_eq!(render(32), " [X] a  lower-cases every addre…\n");
        assert_eq!(render(27), " [X] a  lower-cases every…\n");
        assert_eq!(render(23), " [X] a\n     lower-cases every…\n");
    }

    #[test]
    fn on_a_narrow_terminal_a_row_goes_on_below() {
        let mut table = Table::new();
        let cells = [
            "#12",
            "2026-11-20 10:03:44",
            "users.0001_initial",
            "run",
            "applied",
        ];
        table.row(0, cells.map(Cell::new).into());
        let render = |width| table.render(Paint::new(false).within(Some(width)));
        assert_eq!(
            render(40),
            "#12  2026-11-20 10:03:44\n    users.0001_initial  run  applied\n"
        );
        assert_eq!(
            render(30),
            "#12  2026-11-20 10:03:44\n    users.0001_initial  run\n    applied\n"
        );
        assert_eq!(render(80).lines().count(), 1);
    }

    fn strip_escapes(text: &str) -> String {
        let mut out = String::new();
        let mut inside = false;
        for c in text.chars() {
            match (inside, c) {
                (false, '\u{1b}') => inside = true,
                (true, 'm') => inside = false,
                (false, c) => out.push(c),
                (true, _) => {}
            }
        }
        out
    }
}
