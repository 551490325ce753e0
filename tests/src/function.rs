//! Data migrations made by hand, for histories that no macro wrote.
//!
//! A test's function is a closure, so that it can take the test's database along. The runtime
//! only knows function pointers: the pointer here finds the closure in the task that runs it.

use std::any::Any;
use std::sync::Arc;

use migrate_core::__private::{
    ErasedStepFn, FunctionStep, IntoStepOutput, Session, StepFn, StepOutput, StepRequestHandle,
};
use migrate_core::{BoxFuture, Context, Database, Portable, Result, StepDatabase};

type Closure<DB> =
    dyn for<'a, 'c> Fn(&'a mut Context<'c, DB>) -> BoxFuture<'a, Result<StepOutput>> + Send + Sync;

tokio::task_local! {
    static CLOSURE: Arc<dyn Any + Send + Sync>;
}

/// What a function ends with: `Ok` and what it returns to the runtime.
///
/// # Errors
///
/// None.
pub fn done(result: impl IntoStepOutput) -> Result<StepOutput> {
    Ok(result.into_step_output())
}

struct Erased<DB: StepDatabase> {
    pointer: StepFn<DB>,
    closure: Arc<dyn Any + Send + Sync>,
}

impl<DB: StepDatabase> Erased<DB> {
    fn leak<F>(closure: F) -> &'static dyn ErasedStepFn
    where
        F: for<'a, 'c> Fn(&'a mut Context<'c, DB>) -> BoxFuture<'a, Result<StepOutput>>
            + Send
            + Sync
            + 'static,
    {
        let closure: Box<Closure<DB>> = Box::new(closure);
        Box::leak(Box::new(Self {
            pointer: StepFn::new(call),
            closure: Arc::new(closure),
        }))
    }
}

fn call<'a, DB: StepDatabase>(
    context: &'a mut Context<'_, DB>,
) -> BoxFuture<'a, Result<StepOutput>> {
    let closure = CLOSURE.with(Arc::clone);
    Box::pin(async move {
        let closure = closure
            .downcast_ref::<Box<Closure<DB>>>()
            .expect("the closure of this pointer");
        closure(context).await
    })
}

impl<DB: StepDatabase> ErasedStepFn for Erased<DB> {
    fn database(&self) -> Option<Database> {
        self.pointer.database()
    }

    fn call<'a>(
        &self,
        session: &'a mut dyn Session,
        request: StepRequestHandle<'a>,
    ) -> Option<BoxFuture<'a, Result<StepOutput>>> {
        let closure = Arc::clone(&self.closure);
        let future =
            CLOSURE.sync_scope(Arc::clone(&closure), || self.pointer.call(session, request))?;
        Some(Box::pin(CLOSURE.scope(closure, future)))
    }
}

/// A data migration under construction; the methods are the arguments of `#[data_migration]`.
#[derive(Debug)]
pub struct Function(FunctionStep);

impl Function {
    /// A function for every database. Its name is complete: `fill_v1_2026_01_02`.
    pub fn new<F>(name: &str, closure: F) -> Self
    where
        F: for<'a, 'c> Fn(&'a mut Context<'c, Portable>) -> BoxFuture<'a, Result<StepOutput>>
            + Send
            + Sync
            + 'static,
    {
        Self::of(name, Erased::leak(closure))
    }

    /// A function for one database.
    pub fn typed<DB: StepDatabase, F>(name: &str, closure: F) -> Self
    where
        F: for<'a, 'c> Fn(&'a mut Context<'c, DB>) -> BoxFuture<'a, Result<StepOutput>>
            + Send
            + Sync
            + 'static,
    {
        Self::of(name, Erased::leak(closure))
    }

    /// A function that executes one text and returns the rows it changed.
    pub fn sql(name: &str, sql: &'static str) -> Self {
        Self::new(name, move |cx| {
            Box::pin(async move { done(cx.execute(sql, &[]).await?) })
        })
    }

    fn of(name: &str, run: &'static dyn ErasedStepFn) -> Self {
        Self(FunctionStep {
            rank: 0,
            app: "shop",
            name: leak(name),
            crate_name: "",
            file: "src/lib.rs",
            line: 7,
            description: "",
            checksum: "v1:sha256:0000",
            source: "async fn step() {}",
            after: &[],
            before: &[],
            formerly: &[],
            atomic: true,
            disable_audit: false,
            manual: false,
            elidable: false,
            run,
            reverse: None,
            verify: None,
        })
    }

    /// The app; `shop` unless said otherwise.
    pub fn app(mut self, app: &str) -> Self {
        self.0.app = leak(app);
        self
    }

    /// What it comes after.
    pub fn after(mut self, names: &[&str]) -> Self {
        self.0.after = leak_all(names);
        self
    }

    /// What it comes before.
    pub fn before(mut self, names: &[&str]) -> Self {
        self.0.before = leak_all(names);
        self
    }

    /// Never run by a bare `migrate`.
    pub fn manual(mut self) -> Self {
        self.0.manual = true;
        self
    }

    /// Its statements commit as they go.
    pub fn non_atomic(mut self) -> Self {
        self.0.atomic = false;
        self
    }

    /// Audit is off while it runs.
    pub fn disable_audit(mut self) -> Self {
        self.0.disable_audit = true;
        self
    }

    /// The doc comment.
    pub fn description(mut self, text: &str) -> Self {
        self.0.description = leak(text);
        self
    }

    /// The text and what identifies it.
    pub fn source(mut self, checksum: &str, source: &str) -> Self {
        self.0.checksum = leak(checksum);
        self.0.source = leak(source);
        self
    }

    /// Earlier checksums that are accepted.
    pub fn formerly(mut self, checksums: &[&str]) -> Self {
        self.0.formerly = leak_all(checksums);
        self
    }

    /// The check afterwards.
    pub fn verify<F>(mut self, closure: F) -> Self
    where
        F: for<'a, 'c> Fn(&'a mut Context<'c, Portable>) -> BoxFuture<'a, Result<StepOutput>>
            + Send
            + Sync
            + 'static,
    {
        self.0.verify = Some(Erased::leak(closure));
        self
    }

    /// The way back.
    pub fn reverse<F>(mut self, closure: F) -> Self
    where
        F: for<'a, 'c> Fn(&'a mut Context<'c, Portable>) -> BoxFuture<'a, Result<StepOutput>>
            + Send
            + Sync
            + 'static,
    {
        self.0.reverse = Some(Erased::leak(closure));
        self
    }

    /// A way back for one database.
    pub fn reverse_for<DB: StepDatabase, F>(mut self, closure: F) -> Self
    where
        F: for<'a, 'c> Fn(&'a mut Context<'c, DB>) -> BoxFuture<'a, Result<StepOutput>>
            + Send
            + Sync
            + 'static,
    {
        self.0.reverse = Some(Erased::leak(closure));
        self
    }

    /// A check afterwards for one database.
    pub fn verify_for<DB: StepDatabase, F>(mut self, closure: F) -> Self
    where
        F: for<'a, 'c> Fn(&'a mut Context<'c, DB>) -> BoxFuture<'a, Result<StepOutput>>
            + Send
            + Sync
            + 'static,
    {
        self.0.verify = Some(Erased::leak(closure));
        self
    }

    /// A way back that executes one text and returns the rows it changed.
    pub fn reverse_sql(self, sql: &'static str) -> Self {
        self.reverse(move |cx| Box::pin(async move { done(cx.execute(sql, &[]).await?) }))
    }

    /// The step, as `#[data_migration]` would submit it. It lives as long as the process.
    pub fn build(self) -> &'static FunctionStep {
        Box::leak(Box::new(self.0))
    }
}

fn leak(text: &str) -> &'static str {
    Box::leak(text.to_owned().into_boxed_str())
}

fn leak_all(texts: &[&str]) -> &'static [&'static str] {
    Box::leak(texts.iter().map(|text| leak(text)).collect())
}
