//! A TCP proxy before a PostgreSQL server that counts round trips, statements and bytes.
//!
//! A round trip begins when the client sends something after the server has spoken. A statement
//! is what the server answers with a completion or an error, so several in one message count as
//! several. Connections are counted apart: a heartbeat on one does not blur what another needs.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::Failure;

/// What was counted on one connection, or on several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) round_trips: usize,
    pub(crate) statements: usize,
    /// From the server, its messages whole.
    pub(crate) bytes: usize,
}

impl Counts {
    /// What came on top of `base`.
    pub(crate) fn beyond(self, base: Self) -> Self {
        Self {
            round_trips: self.round_trips.saturating_sub(base.round_trips),
            statements: self.statements.saturating_sub(base.statements),
            bytes: self.bytes.saturating_sub(base.bytes),
        }
    }
}

#[derive(Default)]
struct Connection {
    counts: Counts,
    server_spoke: bool,
    open: bool,
}

type Connections = Arc<Mutex<Vec<Connection>>>;

/// A thread that panicked left counts that are still good to read.
fn lock(connections: &Connections) -> MutexGuard<'_, Vec<Connection>> {
    connections.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A proxy that listens for as long as this program runs.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    connections: Connections,
}

impl Proxy {
    pub(crate) fn start(server: SocketAddr) -> Result<Self, Failure> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let connections = Connections::default();
        let shared = Arc::clone(&connections);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if let Err(error) = serve(client, server, &shared) {
                    eprintln!("proxy: {error}");
                }
            }
        });
        Ok(Self {
            address,
            connections,
        })
    }

    /// What was counted since the last call, by connection; waits until all are closed.
    pub(crate) fn take(&self) -> Result<Vec<Counts>, Failure> {
        let limit = Instant::now() + Duration::from_secs(10);
        loop {
            let mut connections = lock(&self.connections);
            if connections.iter().all(|connection| !connection.open) {
                return Ok(connections
                    .drain(..)
                    .map(|connection| connection.counts)
                    .collect());
            }
            drop(connections);
            if Instant::now() > limit {
                return Err(Failure("a connection was left open".to_owned()));
            }
            thread::sleep(Duration::from_millis(2));
        }
    }
}

fn serve(client: TcpStream, server: SocketAddr, connections: &Connections) -> io::Result<()> {
    let server = TcpStream::connect(server)?;
    // What is forwarded must leave at once, not together with what comes next.
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let number = {
        let mut connections = lock(connections);
        connections.push(Connection {
            server_spoke: true,
            open: true,
            ..Connection::default()
        });
        connections.len() - 1
    };
    let (client_again, server_again) = (client.try_clone()?, server.try_clone()?);
    let shared = Arc::clone(connections);
    thread::spawn(move || {
        let mut messages = ServerMessages::default();
        pump(server_again, client_again, |bytes| {
            let mut connections = lock(&shared);
            let connection = &mut connections[number];
            connection.server_spoke = true;
            connection.counts.bytes += bytes.len();
            connection.counts.statements += messages.completions(bytes);
        });
        lock(&shared)[number].open = false;
    });
    let shared = Arc::clone(connections);
    thread::spawn(move || {
        pump(client, server, |bytes| {
            const GOODBYE: &[u8] = b"X\0\0\0\x04";
            let mut connections = lock(&shared);
            let connection = &mut connections[number];
            if connection.server_spoke && bytes != GOODBYE {
                connection.counts.round_trips += 1;
                connection.server_spoke = false;
            }
        });
    });
    Ok(())
}

/// Forwards until one side ends, then ends both.
fn pump(mut from: TcpStream, mut to: TcpStream, mut seen: impl FnMut(&[u8])) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        seen(&buffer[..length]);
        if to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    // Either may be closed already.
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}

/// Cuts the server's bytes into messages: a type byte, a length, a payload.
#[derive(Default)]
struct ServerMessages {
    header: Vec<u8>,
    payload: usize,
}

impl ServerMessages {
    /// How many statements ended in what arrives now.
    fn completions(&mut self, mut bytes: &[u8]) -> usize {
        const HEADER: usize = 5;
        let mut ended = 0;
        while !bytes.is_empty() {
            let skipped = self.payload.min(bytes.len());
            self.payload -= skipped;
            bytes = &bytes[skipped..];
            let taken = (HEADER - self.header.len()).min(bytes.len());
            self.header.extend_from_slice(&bytes[..taken]);
            bytes = &bytes[taken..];
            if let [kind, a, b, c, d] = self.header[..] {
                // CommandComplete, EmptyQueryResponse, ErrorResponse.
                ended += usize::from(matches!(kind, b'C' | b'I' | b'E'));
                self.payload = (u32::from_be_bytes([a, b, c, d]) as usize).saturating_sub(4);
                self.header.clear();
            }
        }
        ended
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u8, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len() + 4).unwrap();
        [&[kind][..], &length.to_be_bytes(), payload].concat()
    }

    #[test]
    fn counts_completions_however_the_bytes_arrive() {
        let sent = [
            message(b'R', &[0; 4]),
            message(b'T', b"CCC"),
            message(b'C', b"SELECT 1\0"),
            message(b'I', b""),
            message(b'E', b"Ebad\0\0"),
            message(b'Z', b"I"),
        ]
        .concat();
        assert_eq!(ServerMessages::default().completions(&sent), 3);
        let mut one_by_one = ServerMessages::default();
        let ended: usize = sent.iter().map(|&b| one_by_one.completions(&[b])).sum();
        assert_eq!(ended, 3);
    }
}
