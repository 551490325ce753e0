//! Running steps and undoing them: each in its way, each with its ledger row.
//!
//! `run` drives a plan of `task`s; `atomic`, `non_atomic` and `function` execute one; `dry_run`
//! executes and rolls back. All of them write through [`crate::ledger`], fenced.

mod atomic;
mod commit;
mod dry_run;
mod failure;
mod finished;
mod function;
mod group;
mod initial;
mod inside;
mod non_atomic;
mod prepare;
mod probe;
mod record;
mod reporter;
mod reset;
mod resume;
mod run;
mod settings;
mod steps;
mod task;

pub(crate) use commit::commit;
pub(crate) use dry_run::{Tried, dry_run};
pub(crate) use initial::fake_initial;
pub(crate) use prepare::{check_single_transaction, check_tasks, ensure_ledger, task_problems};
pub(crate) use reporter::Reporter;
pub(crate) use resume::interrupted_problems;
pub(crate) use run::{Runner, RunnerParts, Together};
pub(crate) use steps::{StepStatement, hash_with_text, split, statement_texts};
pub(crate) use task::{Task, Work};
