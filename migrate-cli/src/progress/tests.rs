use migrate_core::report::{Action, StepId};
use migrate_core::{Event, Observer};

use super::*;

fn reporter(narration: Narration, verbosity: u8, silent: bool) -> (Reporter, Output) {
    let output = Output::memory();
    (
        Reporter::new(output.clone(), narration, verbosity, silent),
        output,
    )
}

fn started(name: &str) -> Event {
    Event::StepStarted {
        step: StepId::new("users", name),
        action: Action::Apply,
        index: 1,
        of: 2,
        atomic: true,
    }
}

fn waiting(waited_ms: u64) -> Event {
    Event::WaitingForLock {
        holder: "web-1 (pid 7)".into(),
        waited_ms,
    }
}

#[test]
fn waiting_names_the_holder_once_and_then_every_half_minute() {
    let (reporter, output) = reporter(Narration::Run, 1, false);
    for second in 0..70 {
        reporter.event(&waiting(second * 1000));
    }
    assert_eq!(
        output.stderr(),
        "Waiting for the lock held by web-1 (pid 7)\n\
         Waiting for the lock held by web-1 (pid 7), 30 s\n\
         Waiting for the lock held by web-1 (pid 7), 1 min 00 s\n"
    );
}

#[test]
fn a_single_step_is_told_in_its_own_words() {
    let (reporter, output) = reporter(Narration::Step, 1, false);
    reporter.event(&started("x_2026_11_20"));
    reporter.event(&failed("x_2026_11_20"));
    assert_eq!(output.stderr(), "Starting migration: x_2026_11_20\n");
}

#[test]
fn a_longer_run_says_at_which_step_it_failed() {
    let (reporter, output) = reporter(Narration::Run, 0, false);
    reporter.event(&started("x_2026_11_20"));
    reporter.event(&failed("x_2026_11_20"));
    assert_eq!(output.stderr(), "  Applying users.x_2026_11_20... FAILED\n");
}

fn failed(name: &str) -> Event {
    Event::StepFailed {
        step: StepId::new("users", name),
        message: "no such table".into(),
    }
}

#[test]
fn logs_are_shown_from_their_level_on() {
    for (verbosity, expected) in [
        (0, ""),
        (1, "      a\n      b\n"),
        (2, "      a\n      b\n      c\n"),
    ] {
        let (reporter, output) = reporter(Narration::Step, verbosity, false);
        let log = |level, message: &str| Event::Log {
            step: "users.x".into(),
            level,
            message: message.into(),
        };
        reporter.event(&log(1, "a\nb"));
        reporter.event(&log(2, "c"));
        assert_eq!(output.stderr(), expected);
    }
}

#[test]
fn in_a_longer_run_each_line_names_its_step() {
    let (reporter, output) = reporter(Narration::Run, 1, false);
    reporter.event(&Event::Log {
        step: "users.x".into(),
        level: 1,
        message: "a".into(),
    });
    assert_eq!(output.stderr(), "      users.x: a\n");
}

#[test]
fn warnings_are_shown_at_every_verbosity_but_not_under_json() {
    let warning = Event::Warning {
        message: "look".into(),
    };
    let (quiet, output) = reporter(Narration::Run, 0, false);
    quiet.event(&warning);
    assert_eq!(output.stderr(), "warning: look\n");
    let (silent, output) = reporter(Narration::Run, 3, true);
    silent.event(&warning);
    silent.stopping("Ctrl-C");
    assert_eq!(output.stderr(), "");
}

#[test]
fn a_long_step_gives_signs_of_life_less_and_less_often() {
    let mut told = None;
    let mut signs = Vec::new();
    for second in 0..=200 {
        let elapsed = second * 1000;
        if sign_is_due(elapsed, told) {
            told = Some(elapsed);
            signs.push(second);
        }
    }
    assert_eq!(
        signs,
        [5, 15, 25, 35, 45, 55, 65, 75, 85, 95, 105, 115, 145, 175]
    );
}

#[test]
fn a_sign_of_life_says_how_far_and_how_long_still() {
    let place = |done, total| Place { done, total };
    assert_eq!(
        still_running("Applying", "u.x", 12_000, place(0, None)),
        "  Applying u.x... 12 s"
    );
    assert_eq!(
        still_running("Applying", "u.x", 12_000, place(1_500, None)),
        "  Applying u.x... 12 s, 1,500 done"
    );
    assert_eq!(
        still_running("Applying", "u.x", 12_000, place(1_000, Some(4_000))),
        "  Applying u.x... 12 s, 1,000 of 4,000 (25 %), about 36 s left"
    );
    assert_eq!(
        still_running("Applying", "u.x", 12_000, place(5_000, Some(4_000))),
        "  Applying u.x... 12 s, 5,000 of 4,000 (100 %)"
    );
}
