//! Telling the application which step runs, and whether its audit is to be off.

use std::sync::Arc;

use crate::report::StepId;

/// A step begins or has ended; given to the hook of
/// [`Migrator::audit_hook`](crate::Migrator::audit_hook).
///
/// For audit that the application does in code. Triggers read the same from the database: see
/// the README's chapter on audit.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AuditEvent {
    /// The step.
    pub step: StepId,
    /// Whether audit stays on: the opposite of `disable_audit`.
    pub audit: bool,
    /// `true` when the step begins, `false` when it has ended, in whatever way.
    pub begins: bool,
}

impl AuditEvent {
    pub(crate) fn new(step: &StepId, audit: bool, begins: bool) -> Self {
        Self {
            step: step.clone(),
            audit,
            begins,
        }
    }
}

/// The application's hook.
pub(crate) type AuditHook = Arc<dyn Fn(&AuditEvent) + Send + Sync>;
