//! Words that cannot be understood, as failures like any other: clap finds what is wrong with them and
//! what comes close, the form is ours.

use std::error::Error as _;
use std::ffi::{OsStr, OsString};

use clap::Command;
use clap::error::{ContextKind, ContextValue, Error, ErrorKind};
use migrate_source::name::nearest;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;
use crate::program::Program;
use crate::render;

/// Adds the nearest verb where clap's own measure finds none, such as `nwe` for `new`.
pub(crate) fn suggest(mut error: Error, command: &Command) -> Error {
    let Some(word) = text(&error, ContextKind::InvalidSubcommand) else {
        return error;
    };
    if error.get(ContextKind::SuggestedSubcommand).is_some() {
        return error;
    }
    let verbs = command.get_subcommands().map(Command::get_name);
    if let Some(near) = nearest(word, verbs) {
        let near = ContextValue::Strings(vec![near.to_owned()]);
        error.insert(ContextKind::SuggestedSubcommand, near);
    }
    error
}

/// Prints help to stdout; prints what is wrong with the words to stderr, or as JSON.
pub(crate) fn refuse(
    output: &Output,
    program: &Program,
    command: &Command,
    words: &[OsString],
    error: &Error,
) -> Exit {
    if !error.use_stderr() {
        let rendered = error.render();
        let text = if output.paint().is_on() {
            rendered.ansi().to_string()
        } else {
            rendered.to_string()
        };
        return output.data(&text).map_or(Exit::Failed, |()| Exit::Done);
    }
    let failure = failure(error, &called(command, words));
    render::refused(output, program, wants_json(words), &failure)
}

/// What is wrong, what was probably meant, and where to read on. `called`: the verb that was typed,
/// as commands are suggested.
fn failure(error: &Error, called: &str) -> Failure {
    let failure = Failure::usage(message(error));
    let failure = meant(error).into_iter().fold(failure, Failure::help);
    let failure = match text_of_usage(error) {
        Some(usage) => failure.help(format!("usage: {usage}")),
        None => failure,
    };
    failure.help(format!("`{called} --help` lists what it takes"))
}

fn message(error: &Error) -> String {
    let arg = text(error, ContextKind::InvalidArg).map(quoted);
    let value = text(error, ContextKind::InvalidValue);
    match (error.kind(), arg, value) {
        (ErrorKind::UnknownArgument, Some(arg), _) => match arg.starts_with("`-") {
            true => format!("there is no option {arg} here"),
            false => format!("{arg} is one word too many"),
        },
        (ErrorKind::InvalidSubcommand, ..) => {
            let verb = text(error, ContextKind::InvalidSubcommand).unwrap_or_default();
            format!("there is no verb {}", quoted(verb))
        }
        (ErrorKind::InvalidValue, Some(arg), Some("")) => format!("{arg} wants a value"),
        (ErrorKind::InvalidValue, Some(arg), Some(value)) => {
            format!("{} is no value of {arg}", quoted(value))
        }
        (ErrorKind::ValueValidation, Some(arg), Some(value)) => {
            let value = quoted(value);
            match error.source().map(ToString::to_string) {
                Some(why) if why.starts_with(&value) => format!("{arg}: {why}"),
                Some(why) => format!("{value} is no value of {arg}: {why}"),
                None => format!("{value} is no value of {arg}"),
            }
        }
        (ErrorKind::TooManyValues, Some(arg), Some(value)) => {
            format!("{} is one value too many for {arg}", quoted(value))
        }
        (ErrorKind::MissingRequiredArgument, ..) => {
            let missing = texts(error, ContextKind::InvalidArg);
            let are = if missing.len() == 1 { "is" } else { "are" };
            format!("{} {are} missing", list(&missing))
        }
        (ErrorKind::ArgumentConflict, Some(arg), _) => conflict(error, &arg),
        (
            ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand,
            ..,
        ) => "a verb is missing".to_owned(),
        (ErrorKind::InvalidUtf8, ..) => "a word is not UTF-8".to_owned(),
        _ => in_the_words_of_clap(error),
    }
}

fn conflict(error: &Error, arg: &str) -> String {
    let others = texts(error, ContextKind::PriorArg);
    match others.as_slice() {
        [] => format!("{arg} cannot be used together with the other words"),
        [only] if quoted(only) == arg => format!("{arg} is given more than once"),
        others => format!("{arg} and {} cannot be used together", list(others)),
    }
}

/// The first line of what clap would print, for what it may come to know one day.
fn in_the_words_of_clap(error: &Error) -> String {
    let rendered = error.render().to_string();
    let first = rendered.lines().next().unwrap_or_default();
    first.trim_start_matches("error: ").to_owned()
}

/// What was probably meant, and which values there are.
fn meant(error: &Error) -> Vec<String> {
    let mut helps = Vec::new();
    for kind in [
        ContextKind::SuggestedArg,
        ContextKind::SuggestedSubcommand,
        ContextKind::SuggestedValue,
    ] {
        let near = texts(error, kind);
        if !near.is_empty() {
            let quoted: Vec<String> = near.iter().map(|near| quoted(near)).collect();
            helps.push(format!("did you mean {}?", quoted.join(" or ")));
        }
    }
    if let Some(ContextValue::StyledStrs(tips)) = error.get(ContextKind::Suggested) {
        helps.extend(tips.iter().map(|tip| tip.to_string().replace('\'', "`")));
    }
    let values = texts(error, ContextKind::ValidValue);
    if !values.is_empty() {
        helps.push(format!("it is one of: {}", values.join(", ")));
    }
    helps
}

fn text_of_usage(error: &Error) -> Option<String> {
    let ContextValue::StyledStr(usage) = error.get(ContextKind::Usage)? else {
        return None;
    };
    let usage = usage.to_string();
    let lines = usage.trim().trim_start_matches("Usage:").lines();
    let lines: Vec<String> = lines.map(|line| format!("`{}`", line.trim())).collect();
    Some(lines.join(" or "))
}

fn text(error: &Error, kind: ContextKind) -> Option<&str> {
    match error.get(kind)? {
        ContextValue::String(text) => Some(text),
        _ => None,
    }
}

fn texts(error: &Error, kind: ContextKind) -> Vec<String> {
    match error.get(kind) {
        Some(ContextValue::String(text)) => vec![text.clone()],
        Some(ContextValue::Strings(texts)) => texts.clone(),
        _ => Vec::new(),
    }
}

/// In backquotes, on one line whatever was typed.
fn quoted(text: &str) -> String {
    format!("`{}`", text.escape_debug())
}

fn list(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| quoted(name)).collect();
    match quoted.as_slice() {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// `migrate` with the verbs that were typed, as far as there are such.
fn called(command: &Command, words: &[OsString]) -> String {
    let mut name = "migrate".to_owned();
    let (root, mut command) = (command, command);
    let mut words = words.iter();
    while let Some(word) = words.next() {
        // Unless a verb goes first wherever it stands, the value of an option is none.
        let verbs_first = command.is_subcommand_precedence_over_arg_set();
        if !verbs_first && (wants_value(root, word) || wants_value(command, word)) {
            words.next();
        } else if let Some(verb) = command.find_subcommand(word) {
            name.push(' ');
            name.push_str(verb.get_name());
            command = verb;
        }
    }
    name
}

/// Whether a word is an option whose value is the next word.
fn wants_value(command: &Command, word: &OsStr) -> bool {
    let Some(word) = word.to_str() else {
        return false;
    };
    let long = word.strip_prefix("--");
    let short = word.strip_prefix('-').filter(|_| long.is_none());
    let short = short.and_then(|flags| flags.chars().last());
    let mut options = command.get_opts();
    options.any(|option| {
        option.get_action().takes_values()
            && (long.is_some() && option.get_long() == long
                || short.is_some() && option.get_short() == short)
    })
}

/// Whether words that could not be parsed asked for JSON.
fn wants_json(words: &[OsString]) -> bool {
    let is = |word: &OsString, text: &str| word == text;
    words
        .iter()
        .any(|word| is(word, "--json") || is(word, "--format=json"))
        || words
            .windows(2)
            .any(|pair| is(&pair[0], "--format") && is(&pair[1], "json"))
}
