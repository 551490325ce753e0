//! `merge`: two branches of an app become one.

use clap::Args;

use crate::context::Context;
use crate::failure::Failure;
use crate::view::View;

/// Join the branches of an app.
#[derive(Clone, Debug, Args)]
pub(crate) struct MergeArgs {}

pub(crate) async fn run(_: &mut Context, _: &MergeArgs) -> Result<View, Failure> {
    Err(Failure::usage("merge"))
}
