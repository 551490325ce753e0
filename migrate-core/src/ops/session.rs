//! Opening a database for an operation, and the lock around those that write.

use std::time::{Duration, Instant};

use migrate_source::Database;

use crate::cancel::{Canceller, unwatch, watch};
use crate::db_error::database_error;
use crate::dialect::session_settings;
use crate::domain::{History, LedgerRows};
use crate::error::{Error, ErrorCode};
use crate::event::Event;
use crate::exec::{Reporter, Runner, RunnerParts, ensure_ledger};
use crate::heartbeat::{Activity, Beat, Heartbeat};
use crate::holder::Holder;
use crate::interrupt::{Interrupt, Shutdown};
use crate::lease::{self, Abandoned, Lease, LeaseRequest};
use crate::ledger::{Ledger, LedgerRead, Tables, read_ledger};
use crate::migrator::Migrator;
use crate::session::{self, Session};
use crate::target::Connection;

/// An open database with the names of its ledger's tables.
pub(super) struct Opened<'m, 'c> {
    pub(super) connection: Connection<'m, 'c>,
    pub(super) tables: Tables,
    pub(super) ledger: LedgerRead,
}

/// The lock, held, with what runs under it.
pub(super) struct Locked<'r> {
    pub(super) runner: Runner<'r>,
    pub(super) waited: Duration,
    token: i64,
    /// Our own session, as the lock's row names it.
    session: String,
    heartbeat: Option<Heartbeat>,
    abandoned: Abandoned,
}

/// Who asks for the lock, who is told, and what may stop it.
struct Asking {
    activity: Activity,
    reporter: Reporter,
    holder: Holder,
    interrupt: Interrupt,
}

impl<'c> Migrator<'c> {
    /// Connects and reads the ledger: the one statement of a run with nothing to do.
    pub(super) async fn open(&self) -> Result<Opened<'_, 'c>, Error> {
        let connection = self.target.connect().await?;
        self.opened(connection).await
    }

    /// As [`open`](Self::open), for operations that only look.
    pub(super) async fn look(&self) -> Result<Opened<'_, 'c>, Error> {
        let connection = self.target.connect_to_look().await?;
        self.opened(connection).await
    }

    async fn opened<'m>(
        &'m self,
        mut connection: Connection<'m, 'c>,
    ) -> Result<Opened<'m, 'c>, Error> {
        let database = self.target.database();
        let default_schema = match (database, self.target.default_schema()) {
            (Database::MySql, None) if self.options.ledger.schema().is_none() => {
                current_database(connection.session()).await?
            }
            (_, schema) => schema.map(str::to_owned),
        };
        let name = &self.options.ledger;
        let mut tables = name.tables(database, default_schema.as_deref())?;
        tables.user = self.target.user().map(str::to_owned);
        if self.target.is_borrowed() {
            refuse_open_transaction(connection.session()).await?;
        }
        let ledger = self.read_patiently(connection.session(), &tables).await?;
        Ok(Opened {
            connection,
            tables,
            ledger,
        })
    }

    /// Reads the ledger. On SQLite a writer that is about to commit, or whose changes outgrew its
    /// cache, keeps readers out; it is waited for as any holder of the lock is.
    async fn read_patiently(
        &self,
        session: &mut dyn Session,
        tables: &Tables,
    ) -> Result<LedgerRead, Error> {
        let interrupt = Interrupt::within(&self.options.shutdown);
        let started = Instant::now();
        loop {
            let result = read_ledger(session, tables).await;
            let busy = tables.database() == Database::Sqlite
                && matches!(&result, Err(error) if error.code() == ErrorCode::LockHeld);
            if !busy || started.elapsed() >= self.options.wait {
                return result;
            }
            self.reporter(Activity::default())
                .send(&Event::WaitingForLock {
                    holder: "another connection that writes to this file".to_owned(),
                    waited_ms: lease::millis(started.elapsed()),
                });
            interrupt.sleep(Duration::from_millis(50)).await?;
        }
    }

    /// Nothing renews the lease on a user's connection while a statement or a function of a step
    /// runs on it, so there it must outlast that.
    fn lease_time(&self) -> Duration {
        const BORROWED: Duration = Duration::from_secs(3600);
        if self.target.is_borrowed() {
            self.options.lease.max(BORROWED)
        } else {
            self.options.lease
        }
    }

    pub(super) fn reporter(&self, activity: Activity) -> Reporter {
        Reporter::new(self.options.observer.clone(), activity)
    }

    /// Creates the ledger if need be, takes the lock, and reads the ledger again under it.
    pub(super) async fn enter<'r>(
        &self,
        session: &mut dyn Session,
        tables: &Tables,
        history: &'r History,
    ) -> Result<(Locked<'r>, LedgerRead), Error> {
        let interrupt = Interrupt::within(&self.options.shutdown);
        interrupt.check()?;
        let database = tables.database();
        if database != Database::Sqlite {
            // Whoever is stopped in the act of taking the lock has not yet left its session's name.
            self.settle(session, self.options.lease).await?;
        }
        let activity = Activity::default();
        let asking = Asking {
            reporter: self.reporter(activity.clone()),
            holder: Holder::this(&self.options.app_version),
            activity,
            interrupt,
        };
        let request = LeaseRequest {
            tables,
            holder: &asking.holder,
            lease: self.lease_time(),
            patience: self.options.lease,
            wait: self.options.wait,
            observe: &|event: Event| asking.reporter.send(&event),
            interrupt: &asking.interrupt,
        };
        let lease = lease::acquire(session, &request).await?;
        let mut locked = self.locked(tables, history, asking, &lease);
        watch(session, &locked.runner.parts.interrupt).await;
        // Not earlier on SQLite: waiting for the lock is done by polling, so that it can be seen
        // and cancelled, and not inside the library. Postgres is told before each step.
        let settled = match database {
            Database::Sqlite | Database::MySql => self.settle(session, self.idle_time()).await,
            Database::Postgres => Ok(()),
        };
        let ledger = match settled {
            Ok(()) => read_ledger(session, tables).await,
            Err(error) => Err(error),
        };
        match ledger {
            Ok(ledger) => {
                locked.runner.rows = ledger.rows().clone();
                Ok((locked, ledger))
            }
            Err(error) => {
                self.leave(session, tables, locked).await;
                Err(error)
            }
        }
    }

    /// What runs under a lock that was taken, and what keeps it.
    fn locked<'r>(
        &self,
        tables: &Tables,
        history: &'r History,
        asking: Asking,
        lease: &Lease,
    ) -> Locked<'r> {
        let Asking {
            activity,
            reporter,
            holder,
            interrupt,
        } = asking;
        let token = lease.token;
        let abandoned = Abandoned::new(self.target.beside(), tables, token, &interrupt);
        let beat = self.target.beside().map(|server| Beat {
            server,
            tables: tables.clone(),
            token,
            lease: self.lease_time(),
            activity,
            interrupt: interrupt.clone(),
        });
        // On SQLite it would only disturb the one writer, but while a function thinks.
        let (heartbeat, beat) = match tables.database() {
            Database::Sqlite => (None, beat),
            _ => (beat.map(|beat| beat.start(lease.since)), None),
        };
        let parts = RunnerParts {
            ledger: self.ledger_of(tables, token, &holder),
            history,
            reporter,
            interrupt,
            canceller: Canceller::new(self.target.server(), &lease.session),
            lease: self.lease_time(),
            verbosity: self.options.verbosity,
            audit_hook: self.options.audit_hook.clone(),
            renews: heartbeat.is_none(),
            beat,
            reset: self.reset_text(),
        };
        Locked {
            runner: Runner::new(parts, LedgerRows::default()),
            waited: lease.waited,
            token,
            session: lease.session.clone(),
            heartbeat,
            abandoned,
        }
    }

    /// Creates the ledger where there is none, and then enters.
    pub(super) async fn create_and_enter<'r>(
        &self,
        session: &mut dyn Session,
        tables: &Tables,
        ledger: &LedgerRead,
        history: &'r History,
    ) -> Result<(Locked<'r>, LedgerRead), Error> {
        if !ledger.is_present() {
            ensure_ledger(session, tables, self.options.wait).await?;
        }
        self.enter(session, tables, history).await
    }

    /// Gives the lock back, on this session or, if that is broken or busy, on another; a statement
    /// that still runs in it must then have ended first.
    pub(super) async fn leave(
        &self,
        session: &mut dyn Session,
        tables: &Tables,
        locked: Locked<'_>,
    ) {
        const PATIENCE: Duration = Duration::from_secs(5);
        drop(locked.heartbeat);
        unwatch(session).await;
        let release = lease::release(session, tables, locked.token);
        if matches!(tokio::time::timeout(PATIENCE, release).await, Ok(Ok(()))) {
            locked.abandoned.disarm();
            return;
        }
        if let Some(server) = self.target.beside()
            && let Ok(mut other) = server.open().await
        {
            // Not the run's own interrupt, which may be why we are here.
            let calm = Interrupt::within(&Shutdown::new());
            let ended = lease::end_session(&mut *other, &locked.session, PATIENCE, &calm);
            let released = match ended.await {
                Ok(()) => lease::release(&mut *other, tables, locked.token).await,
                // Whoever comes next tries again to end it before taking the lock.
                Err(_) => lease::expire(&mut *other, tables, locked.token).await,
            };
            if let Err(error) = released {
                tracing::warn!(%error, "the lock could not be given back; it ends with its lease");
            }
            other.close().await;
        }
        locked.abandoned.disarm();
    }

    pub(super) fn ledger_of(&self, tables: &Tables, token: i64, holder: &Holder) -> Ledger {
        Ledger {
            tables: tables.clone(),
            token,
            host: holder.host.clone(),
            pid: i64::from(holder.pid),
            app_version: self.options.app_version.clone(),
        }
    }

    /// How long a step's transaction may be idle. A function may think for longer than the lease,
    /// and whoever takes the lock over ends its session anyway.
    fn idle_time(&self) -> Duration {
        const AT_LEAST: Duration = Duration::from_secs(600);
        self.options.lease.max(AT_LEAST)
    }

    /// Settings of the run's own session. A user's connection is left as it is.
    async fn settle(&self, session: &mut dyn Session, idle: Duration) -> Result<(), Error> {
        if self.target.is_borrowed() {
            return Ok(());
        }
        let database = session.database();
        let failed = |error| database_error(database, "prepare the session", error);
        let mariadb = database == Database::MySql
            && session
                .query("SELECT VERSION()", &[])
                .await
                .map_err(failed)?
                .first()
                .and_then(|row| row.text(0))
                .is_some_and(|version| version.contains("MariaDB"));
        let settings = session_settings(database, mariadb, lease::millis(idle));
        match settings {
            Some(sql) => session
                .script(sql)
                .await
                .map(drop)
                .map_err(|f| failed(f.error)),
            None => Ok(()),
        }
    }

    /// What goes before each atomic step on Postgres, so that no step sees what another left.
    pub(super) fn reset_text(&self) -> Option<String> {
        if self.target.database() != Database::Postgres || self.target.is_borrowed() {
            return None;
        }
        let idle = lease::millis(self.idle_time());
        let settings = session_settings(Database::Postgres, false, idle)?;
        Some(format!("RESET ALL;RESET ROLE;{settings}"))
    }
}

/// Which database a MySQL session is in, for a connection whose options we do not see.
async fn current_database(session: &mut dyn Session) -> Result<Option<String>, Error> {
    let rows = session
        .query("SELECT DATABASE()", &[])
        .await
        .map_err(|e| database_error(Database::MySql, "ask for the current database", e))?;
    Ok(rows.first().and_then(|row| row.text(0)).map(str::to_owned))
}

/// A user's connection inside a transaction would make our COMMIT theirs.
async fn refuse_open_transaction(session: &mut dyn Session) -> Result<(), Error> {
    if !session::is_in_transaction(session).await {
        return Ok(());
    }
    Err(Error::new(
        ErrorCode::InTransaction,
        "the connection is inside a transaction; a migration commits transactions of its own",
    )
    .help("give the migrator a pool, a URL, or a connection without an open transaction"))
}
