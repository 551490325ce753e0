//! How a stream shows text: in which colours, by meaning, and how wide.

use clap::builder::styling::{AnsiColor, Style};

/// Paints texts, or leaves them as they are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paint {
    color: bool,
    width: Option<usize>,
}

impl Paint {
    pub(crate) const fn new(color: bool) -> Self {
        Self { color, width: None }
    }

    /// The same on a terminal of this width.
    pub(crate) const fn within(self, width: Option<usize>) -> Self {
        Self { width, ..self }
    }

    /// The width of the terminal, if it is one.
    pub(crate) const fn width(self) -> Option<usize> {
        self.width
    }

    /// Whether there is colour at all.
    pub(crate) const fn is_on(self) -> bool {
        self.color
    }

    /// Something that went well.
    pub(crate) fn good(self, text: &str) -> String {
        self.styled(text, AnsiColor::Green.on_default())
    }

    /// Something to look at.
    pub(crate) fn warn(self, text: &str) -> String {
        self.styled(text, AnsiColor::Yellow.on_default())
    }

    /// Something that failed.
    pub(crate) fn bad(self, text: &str) -> String {
        self.styled(text, AnsiColor::Red.on_default().bold())
    }

    /// What happens now, and what to do next.
    pub(crate) fn lead(self, text: &str) -> String {
        self.styled(text, AnsiColor::Cyan.on_default())
    }

    /// A heading.
    pub(crate) fn strong(self, text: &str) -> String {
        self.styled(text, Style::new().bold())
    }

    /// What one may skip.
    pub(crate) fn faint(self, text: &str) -> String {
        self.styled(text, Style::new().dimmed())
    }

    fn styled(self, text: &str, style: Style) -> String {
        if !self.color || text.is_empty() {
            return text.to_owned();
        }
        format!("{style}{text}{style:#}")
    }
}
