//! The one place that writes: data to stdout, people's text to stderr, both in memory for tests.
//!
//! It knows whether each stream is a terminal and wants colour, and how to write while
//! progress bars are drawn. What is written is decided in [`crate::render`] and
//! [`crate::progress`].

use std::fmt;
use std::io::{self, BufRead, IsTerminal, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use console::Term;
use indicatif::{MultiProgress, ProgressDrawTarget};

use crate::render::paint::Paint;
use crate::signals::{Signal, unless_stopped};

/// When to use colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
#[non_exhaustive]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set or `TERM` is `dumb`.
    #[default]
    Auto,
    /// Always, also into files and pipes.
    Always,
    /// Never.
    Never,
}

/// Where the command line writes.
///
/// A service needs none: the default is the process's stdout and stderr. A test captures:
///
/// ```
/// let output = migrate_cli::Output::memory();
/// // let exit = Cli::new(&MIGRATIONS).output(output.clone()).run_from(["status"]).await;
/// assert_eq!(output.stdout(), "");
/// ```
#[derive(Clone)]
pub struct Output {
    inner: Arc<Inner>,
}

struct Inner {
    streams: Mutex<Streams>,
    answers: Mutex<Option<Vec<String>>>,
    bars: Mutex<Option<MultiProgress>>,
    color: Mutex<Color>,
}

enum Streams {
    Process,
    Memory { out: Vec<u8>, err: Vec<u8> },
}

/// Which of the two streams.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stream {
    Out,
    Err,
}

impl Output {
    /// The process's own stdout and stderr.
    pub fn process() -> Self {
        Self::with(Streams::Process)
    }

    /// Keeps everything in memory; never a terminal, never asks.
    pub fn memory() -> Self {
        Self::with(Streams::Memory {
            out: Vec::new(),
            err: Vec::new(),
        })
    }

    /// Lets an output in memory answer the questions it is asked, in order, as if typed.
    ///
    /// When the answers are used up, the answer is empty, which is a no.
    pub fn answering<'a>(self, answers: impl IntoIterator<Item = &'a str>) -> Self {
        let mut answers: Vec<String> = answers.into_iter().map(str::to_owned).collect();
        answers.reverse();
        *lock(&self.inner.answers) = Some(answers);
        self
    }

    fn with(streams: Streams) -> Self {
        Self {
            inner: Arc::new(Inner {
                streams: Mutex::new(streams),
                answers: Mutex::new(None),
                bars: Mutex::new(None),
                color: Mutex::new(Color::Auto),
            }),
        }
    }

    /// What was written to stdout so far; empty unless in memory.
    pub fn stdout(&self) -> String {
        self.captured(Stream::Out)
    }

    /// What was written to stderr so far; empty unless in memory.
    pub fn stderr(&self) -> String {
        self.captured(Stream::Err)
    }

    fn captured(&self, stream: Stream) -> String {
        match (&*lock(&self.inner.streams), stream) {
            (Streams::Memory { out, .. }, Stream::Out) => String::from_utf8_lossy(out).into_owned(),
            (Streams::Memory { err, .. }, Stream::Err) => String::from_utf8_lossy(err).into_owned(),
            (Streams::Process, _) => String::new(),
        }
    }

    pub(crate) fn set_color(&self, color: Color) {
        *lock(&self.inner.color) = color;
    }

    /// How to paint what goes to stdout.
    pub(crate) fn paint(&self) -> Paint {
        self.paint_for(Stream::Out)
    }

    /// How to paint what goes to stderr.
    pub(crate) fn paint_err(&self) -> Paint {
        self.paint_for(Stream::Err)
    }

    fn paint_for(&self, stream: Stream) -> Paint {
        let color = match *lock(&self.inner.color) {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => self.is_terminal(stream) && environment_allows_color(),
        };
        Paint::new(color).within(self.width(stream))
    }

    fn is_terminal(&self, stream: Stream) -> bool {
        match (&*lock(&self.inner.streams), stream) {
            (Streams::Memory { .. }, _) => false,
            (Streams::Process, Stream::Out) => io::stdout().is_terminal(),
            (Streams::Process, Stream::Err) => io::stderr().is_terminal(),
        }
    }

    fn width(&self, stream: Stream) -> Option<usize> {
        if !self.is_terminal(stream) {
            return None;
        }
        let terminal = match stream {
            Stream::Out => Term::stdout(),
            Stream::Err => Term::stderr(),
        };
        terminal
            .size_checked()
            .map(|(_, columns)| usize::from(columns))
    }

    /// Writes data to stdout; ends it with a newline if it has none.
    pub(crate) fn data(&self, text: &str) -> io::Result<()> {
        self.write(Stream::Out, text)
    }

    /// Writes people's text to stderr. A stderr that cannot be written to is nobody's failure.
    pub(crate) fn note(&self, text: &str) {
        let bars = lock(&self.inner.bars).clone();
        let write = || self.write(Stream::Err, text);
        // Nothing is left to report to when stderr itself is gone.
        let _ = match bars {
            Some(bars) => bars.suspend(write),
            None => write(),
        };
    }

    fn write(&self, stream: Stream, text: &str) -> io::Result<()> {
        if text.is_empty() {
            return Ok(());
        }
        let end = if text.ends_with('\n') { "" } else { "\n" };
        let result = match (&mut *lock(&self.inner.streams), stream) {
            (Streams::Memory { out, .. }, Stream::Out) => write!(out, "{text}{end}"),
            (Streams::Memory { err, .. }, Stream::Err) => write!(err, "{text}{end}"),
            (Streams::Process, Stream::Out) => {
                let mut stdout = io::stdout().lock();
                write!(stdout, "{text}{end}").and_then(|()| stdout.flush())
            }
            (Streams::Process, Stream::Err) => write!(io::stderr().lock(), "{text}{end}"),
        };
        match result {
            // The reader had enough: `migrate status | head -1`.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            result => result,
        }
    }

    /// Starts drawing bars on stderr, if it is a terminal.
    pub(crate) fn start_bars(&self) -> Option<MultiProgress> {
        if !self.is_terminal(Stream::Err) || term_is_dumb() {
            return None;
        }
        let bars = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
        *lock(&self.inner.bars) = Some(bars.clone());
        Some(bars)
    }

    /// Removes the bars.
    pub(crate) fn stop_bars(&self) {
        if let Some(bars) = lock(&self.inner.bars).take() {
            // Clearing a terminal that went away is not worth a message.
            let _ = bars.clear();
        }
    }

    /// Asks a yes-or-no question.
    pub(crate) fn ask(&self, question: &str) -> Answer {
        let scripted = lock(&self.inner.answers)
            .as_mut()
            .map(|answers| answers.pop());
        match scripted {
            Some(answer) => {
                self.note(&format!("{question} [y/N]"));
                Answer::typed(&answer.unwrap_or_default())
            }
            None if !self.is_terminal(Stream::Err) || !io::stdin().is_terminal() => Answer::Nobody,
            None => ask_terminal(question),
        }
    }
}

/// What came of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Yes,
    No,
    /// There is no terminal to ask on.
    Nobody,
    /// A signal came instead.
    Stopped(Signal),
}

impl Answer {
    fn typed(line: &str) -> Self {
        match line.trim().to_ascii_lowercase().as_str() {
            "y" | "yes" => Self::Yes,
            _ => Self::No,
        }
    }
}

fn ask_terminal(question: &str) -> Answer {
    // A prompt that cannot be shown is not answered either.
    let show = || drop(write!(io::stderr().lock(), "{question} [y/N] "));
    let read = || {
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line).map(|_| line)
    };
    match unless_stopped(show, read) {
        Ok(Ok(Ok(line))) => Answer::typed(&line),
        Ok(Err(signal)) => {
            // What comes next does not stand behind the question.
            drop(writeln!(io::stderr().lock()));
            Answer::Stopped(signal)
        }
        // An unreadable answer is a no.
        Ok(Ok(Err(_))) | Err(_) => Answer::No,
    }
}

impl Default for Output {
    fn default() -> Self {
        Self::process()
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Output")
    }
}

/// A poisoned lock only means that another writer panicked; the streams are still whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn environment_allows_color() -> bool {
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    !no_color && !term_is_dumb()
}

fn term_is_dumb() -> bool {
    std::env::var_os("TERM").is_some_and(|term| term == "dumb")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_keeps_the_streams_apart_and_ends_lines() {
        let output = Output::memory();
        output.data("data").expect("memory takes everything");
        output.note("note\n");
        output.note("");
        assert_eq!(
            (output.stdout().as_str(), output.stderr().as_str()),
            ("data\n", "note\n")
        );
    }

    #[test]
    fn memory_is_never_asked_unless_it_has_answers() {
        assert_eq!(Output::memory().ask("Sure?"), Answer::Nobody);
        let output = Output::memory().answering(["y", "no"]);
        assert_eq!(output.ask("Sure?"), Answer::Yes);
        assert_eq!(output.ask("Sure?"), Answer::No);
        assert_eq!(output.ask("Sure?"), Answer::No);
        assert_eq!(output.stderr(), "Sure? [y/N]\n".repeat(3));
    }

    #[test]
    fn color_follows_the_setting() {
        let output = Output::memory();
        assert_eq!(output.paint().good("x"), "x");
        output.set_color(Color::Always);
        assert_ne!(output.paint().good("x"), "x");
    }
}
