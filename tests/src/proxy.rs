//! A TCP proxy between a client and its database server that counts messages and breaks things.
//!
//! It numbers the client's messages from 1, over all connections in the order of their arrival or
//! over one of them, and carries out one [`Fault`] before or after forwarding the one that a test
//! chose. So "killed
//! before and after every message" is a loop over a number. `frames.rs` cuts messages apart.

mod frames;
mod pump;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use rustix::process::Pid;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::{Db, TestDatabase};

pub use frames::Kind;

/// When a fault happens, seen from the message it is tied to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// The server never gets the message.
    Before,
    /// The server has got the message and begun to answer; the client has not seen the answer.
    /// For messages that are not answered a short while is waited instead.
    After,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Both sides see their connection end.
    Cut,
    /// The process is killed by SIGKILL, and its connection ends.
    Kill(Pid),
    /// The process is stopped by SIGSTOP and nothing of this connection is forwarded until
    /// [`Proxy::release`]. Before: the message counts as not yet sent.
    Freeze(Pid),
    /// The server ends the session. The client then sees what the server sends.
    EndSession,
}

/// One thing that goes wrong at one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The client's message, counted from 1: of one connection, or over all of them.
    pub message: usize,
    /// Which connection, counted from 0; `None` is all of them.
    pub connection: Option<usize>,
    /// Before or after it is forwarded.
    pub when: When,
    /// What goes wrong.
    pub act: Act,
}

/// A message that a client sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Which connection, counted from 0.
    pub connection: usize,
    /// What it is for.
    pub kind: Kind,
    /// The SQL text, if it carries one.
    pub text: String,
    /// Whether the client had seen an answer since its message before this one: the first of a
    /// round trip.
    pub first_of_trip: bool,
}

/// What the proxy's tasks share.
#[derive(Debug)]
struct Shared {
    db: Db,
    upstream: SocketAddr,
    messages: Mutex<Vec<Message>>,
    fault: Mutex<Option<Fault>>,
    /// Turns true when the fault has been carried out.
    struck: watch::Sender<bool>,
    /// Turns true when what is frozen may go on.
    released: watch::Sender<bool>,
}

/// A lock held by a panicking test is still good to read.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// A proxy before the server of one test's database. Ends, with its connections, when dropped.
#[derive(Debug)]
pub struct Proxy {
    url: String,
    shared: Arc<Shared>,
    accept: JoinHandle<()>,
}

impl Proxy {
    /// Starts a proxy on a free port.
    pub async fn start(database: &TestDatabase) -> Self {
        let server = database.db().server_url();
        let default = if database.db() == Db::MySql {
            3306
        } else {
            5432
        };
        let address = format!(
            "{}:{}",
            server.host_str().expect("a server's URL has a host"),
            server.port().unwrap_or(default)
        );
        let upstream = tokio::net::lookup_host(address)
            .await
            .expect("the server's address")
            .next();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener
            .local_addr()
            .expect("a bound socket has an address")
            .port();
        let shared = Arc::new(Shared {
            db: database.db(),
            upstream: upstream.expect("the server's address"),
            messages: Mutex::default(),
            fault: Mutex::default(),
            struck: watch::Sender::new(false),
            released: watch::Sender::new(false),
        });
        let accept = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Self {
            url: database.url_without_tls_at(port),
            shared,
            accept,
        }
    }

    /// The URL of the test's database through this proxy.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Sets what goes wrong, once. Messages that have passed do not count again.
    pub fn arm(&self, fault: Fault) {
        self.shared.struck.send_replace(false);
        self.shared.released.send_replace(false);
        *lock(&self.shared.fault) = Some(fault);
    }

    /// Whether the fault has been carried out.
    pub fn struck(&self) -> bool {
        *self.shared.struck.borrow()
    }

    /// Waits until the fault has been carried out.
    pub async fn strike(&self) {
        let mut struck = self.shared.struck.subscribe();
        struck
            .wait_for(|struck| *struck)
            .await
            .expect("the proxy has the sender");
    }

    /// Lets go what [`Act::Freeze`] holds back. The process is continued by the test.
    pub fn release(&self) {
        self.shared.released.send_replace(true);
    }

    /// Every message so far.
    pub fn messages(&self) -> Vec<Message> {
        lock(&self.shared.messages).clone()
    }

    /// How many round trips clients made so far, without those of connecting and of goodbyes.
    pub fn round_trips(&self) -> usize {
        let asks = |message: &&Message| {
            message.first_of_trip
                && !matches!(message.kind, Kind::Startup | Kind::Encryption | Kind::Quit)
        };
        lock(&self.shared.messages).iter().filter(asks).count()
    }

    /// The texts of all messages that carry SQL.
    pub fn statements(&self) -> Vec<String> {
        let messages = lock(&self.shared.messages);
        messages
            .iter()
            .filter(|m| !m.text.is_empty())
            .map(|m| m.text.clone())
            .collect()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accept.abort();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    // Dropped with this task, and the connections with it.
    let mut connections = tokio::task::JoinSet::new();
    let mut number = 0;
    while let Ok((client, _)) = listener.accept().await {
        let Ok(server) = TcpStream::connect(shared.upstream).await else {
            continue;
        };
        // A message must leave when the proxy forwards it, not when the next one comes.
        let nodelay = client
            .set_nodelay(true)
            .and_then(|()| server.set_nodelay(true));
        nodelay.expect("a TCP socket has this option");
        connections.spawn(pump::forward(client, server, number, Arc::clone(&shared)));
        number += 1;
        while connections.try_join_next().is_some() {}
    }
}
