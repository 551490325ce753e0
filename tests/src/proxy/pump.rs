//! Moves the bytes of one connection, message by message, and carries out the fault.
//!
//! One task does both directions, so that holding an answer back is not racing with anything.

use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Signal, kill_process};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::frames::{ClientStream, Frame, Kind, SessionFinder};
use super::{Act, Fault, Message, Shared, When, lock};
use crate::admin;

/// How long an answer may take to begin before a message counts as one without an answer.
const ANSWER: Duration = Duration::from_millis(150);

/// Either side's connection ended, or a fault ended both.
struct Ended;

impl From<std::io::Error> for Ended {
    fn from(_: std::io::Error) -> Self {
        Self
    }
}

struct Pump {
    client: TcpStream,
    server: TcpStream,
    number: usize,
    shared: Arc<Shared>,
    messages: ClientStream,
    finder: SessionFinder,
    session: Option<u64>,
    /// Whether the server has sent something since the client's last message.
    answered: bool,
}

/// Forwards until one side ends.
pub(super) async fn forward(
    client: TcpStream,
    server: TcpStream,
    number: usize,
    shared: Arc<Shared>,
) {
    let (messages, finder) = (ClientStream::new(shared.db), SessionFinder::new(shared.db));
    let session = None;
    let mut pump = Pump {
        client,
        server,
        number,
        shared,
        messages,
        finder,
        session,
        answered: true,
    };
    while pump.turn().await.is_ok() {}
}

impl Pump {
    /// Forwards what comes next from either side.
    async fn turn(&mut self) -> Result<(), Ended> {
        let (mut from_client, mut from_server) = ([0; 16 * 1024], [0; 16 * 1024]);
        tokio::select! {
            biased;
            length = self.server.read(&mut from_server) => {
                let bytes = &from_server[..ended(length?)?];
                self.heard(bytes);
                self.client.write_all(bytes).await?;
            }
            length = self.client.read(&mut from_client) => {
                self.messages.push(&from_client[..ended(length?)?]);
                while let Some(frame) = self.messages.next() {
                    self.send(frame).await?;
                }
            }
        }
        Ok(())
    }

    fn heard(&mut self, bytes: &[u8]) {
        self.answered = true;
        if let Some(session) = self.finder.push(bytes) {
            self.session = Some(session);
        }
    }

    /// Forwards one message of the client, or what the fault leaves of it.
    async fn send(&mut self, frame: Frame) -> Result<(), Ended> {
        if frame.kind == Kind::Encryption {
            // "No": the protocol goes on in clear text. The server need not know.
            self.client.write_all(b"N").await?;
            return Ok(());
        }
        match self.record(&frame) {
            None => self.server.write_all(&frame.bytes).await?,
            Some(fault) if fault.when == When::Before => {
                self.strike(fault.act).await?;
                // A frozen client's message counts as not yet sent: it goes now.
                self.server.write_all(&frame.bytes).await?;
            }
            Some(fault) => {
                self.server.write_all(&frame.bytes).await?;
                let answer = self.answer().await;
                self.strike(fault.act).await?;
                self.client.write_all(&answer).await?;
            }
        }
        Ok(())
    }

    /// Counts a message; the fault that is tied to it, if there is one.
    fn record(&mut self, frame: &Frame) -> Option<Fault> {
        let mut messages = lock(&self.shared.messages);
        messages.push(Message {
            connection: self.number,
            kind: frame.kind,
            text: frame.text.clone(),
            first_of_trip: self.answered,
        });
        self.answered = false;
        let number = self.number;
        let count = |of: Option<usize>| {
            messages
                .iter()
                .filter(|message| of.is_none_or(|of| of == message.connection))
                .count()
        };
        lock(&self.shared.fault).take_if(|fault| {
            fault.connection.is_none_or(|of| of == number)
                && fault.message == count(fault.connection)
        })
    }

    /// What the server answers first, held back from the client; nothing when it says nothing.
    async fn answer(&mut self) -> Vec<u8> {
        let mut bytes = vec![0; 16 * 1024];
        let read = tokio::time::timeout(ANSWER, self.server.read(&mut bytes)).await;
        bytes.truncate(read.ok().and_then(Result::ok).unwrap_or(0));
        if !bytes.is_empty() {
            self.heard(&bytes);
        }
        bytes
    }

    /// Carries the fault out.
    async fn strike(&mut self, act: Act) -> Result<(), Ended> {
        match act {
            Act::Cut => {
                self.shared.struck.send_replace(true);
                return Err(Ended);
            }
            Act::Kill(pid) => {
                // Said first: whoever waits for the process may look before we go on.
                self.shared.struck.send_replace(true);
                // It may have ended by itself meanwhile: the test sees that in its exit code.
                kill_process(pid, Signal::KILL).ok();
                return Err(Ended);
            }
            Act::Freeze(pid) => {
                kill_process(pid, Signal::STOP).ok();
                self.shared.struck.send_replace(true);
                let mut released = self.shared.released.subscribe();
                released
                    .wait_for(|released| *released)
                    .await
                    .map_err(|_| Ended)?;
            }
            Act::EndSession => {
                if let Some(session) = self.session {
                    admin::kill_session(self.shared.db, session).await;
                }
                self.shared.struck.send_replace(true);
                // What the server said at the end, then its end, reach the client in turn.
                if self.session.is_none() {
                    return Err(Ended);
                }
            }
        }
        Ok(())
    }
}

/// Nothing read means that the side has ended.
fn ended(length: usize) -> Result<usize, Ended> {
    if length == 0 { Err(Ended) } else { Ok(length) }
}
