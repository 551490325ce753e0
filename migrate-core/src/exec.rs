//! Running steps: each in its way, each with its ledger row.
//!
//! `run` drives a plan; `atomic`, `non_atomic` and `function` execute one step; `dry_run`
//! executes and rolls back. All of them write through [`crate::ledger`], fenced.

mod atomic;
mod commit;
mod dry_run;
mod failure;
mod function;
mod group;
mod non_atomic;
mod prepare;
mod probe;
mod reporter;
mod reset;
mod resume;
mod run;
mod settings;
mod steps;

pub(crate) use commit::commit;
pub(crate) use dry_run::dry_run;
pub(crate) use prepare::{check_steps, ensure_ledger};
pub(crate) use reporter::Reporter;
pub(crate) use run::{Runner, RunnerParts};
pub(crate) use steps::{StepStatement, hash_of, hash_with_text, split, statement_texts};
