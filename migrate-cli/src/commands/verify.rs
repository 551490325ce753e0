//! `verify`: compares what is applied with this binary.

use clap::Args;
use migrate_core::report::VerifyReport;

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::progress::Narration;
use crate::render::human::failure::render_problems;
use crate::render::units;
use crate::view::View;

/// Compare what is applied with this binary, and show each difference with the ways out.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Writes nothing. Pending steps are no difference; `migrate --check` finds
those. Steps of apps that this binary does not have are another service's,
and left alone.

Examples:
  migrate verify

Exit codes: 0 all is well, 1 failed, 4 drift")]
pub(crate) struct VerifyArgs {}

pub(crate) async fn run(context: &mut Context, _: VerifyArgs) -> Result<View, Failure> {
    let connected = context.connect(Narration::Quiet)?;
    let report = connected.drive(connected.migrator.verify()).await?;
    let compared = units::len(report.compared, "applied step");
    let view = View::of(&report);
    if report.problems.is_empty() {
        let others = match report.others {
            0 => String::new(),
            1 => " 1 of another app was left alone.".to_owned(),
            n => format!(" {n} of other apps were left alone."),
        };
        return Ok(view.note(format!(
            "Compared {compared} with this binary: no difference ({}).{others}",
            report.database
        )));
    }
    let text = render_problems(context.paint(), &report.problems, &context.program);
    Ok(view.data(text).verdict(Some(verdict(&report, &compared))))
}

fn verdict(report: &VerifyReport, compared: &str) -> Failure {
    let drift = report
        .problems
        .iter()
        .find(|problem| Exit::of(problem.code) == Exit::Drift);
    // The list is not empty, or there were no verdict; the code falls back for form's sake.
    let code = drift
        .or(report.problems.first())
        .map_or("step_edited", |p| p.code.as_str());
    let exit = if drift.is_some() {
        Exit::Drift
    } else {
        Exit::Failed
    };
    let differences = units::len(report.problems.len(), "difference");
    Failure::new(
        exit,
        code,
        format!("{differences} between the database and this binary ({compared} compared)"),
    )
}
