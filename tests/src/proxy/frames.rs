//! Cuts what a client and a server send into messages of the two wire protocols.
//!
//! Postgres: a startup message without a type byte, then type, length, payload. MySQL: packets of
//! a three-byte length and a sequence number, a full-length packet being continued by the next.

use crate::Db;

/// What a client sent as one unit of its protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) bytes: Vec<u8>,
    pub(super) kind: Kind,
    /// The SQL text, where the message carries one.
    pub(super) text: String,
}

/// What a client's message is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Connecting, authenticating.
    Startup,
    /// A request to talk TLS; the proxy refuses it.
    Encryption,
    /// A simple query: text, executed at once.
    Query,
    /// Parses a statement for later execution.
    Prepare,
    /// Executes a prepared statement.
    Execute,
    /// Ends the connection; nothing is answered.
    Quit,
    /// Anything else; Postgres' type byte or MySQL's command byte.
    Other(u8),
}

/// The client's direction of one connection.
#[derive(Debug)]
pub(super) struct ClientStream {
    db: Db,
    started: bool,
    buffer: Vec<u8>,
}

impl ClientStream {
    pub(super) fn new(db: Db) -> Self {
        Self {
            db,
            started: false,
            buffer: Vec::new(),
        }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole message, if it has arrived.
    pub(super) fn next(&mut self) -> Option<Frame> {
        match self.db {
            Db::MySql => self.next_mysql(),
            _ => self.next_postgres(),
        }
    }

    fn next_postgres(&mut self) -> Option<Frame> {
        const TLS: u32 = 80_877_103;
        const GSS: u32 = 80_877_104;
        let at = usize::from(self.started);
        let length = be_u32(self.buffer.get(at..at + 4)?) as usize;
        let bytes = self.take(at + length)?;
        if !self.started {
            let encryption = matches!(be_u32(&bytes[4..8]), TLS | GSS);
            self.started = !encryption;
            let kind = if encryption {
                Kind::Encryption
            } else {
                Kind::Startup
            };
            return Some(Frame {
                bytes,
                kind,
                text: String::new(),
            });
        }
        let payload = &bytes[5..];
        let (kind, text) = match bytes[0] {
            b'p' => (Kind::Startup, String::new()),
            b'Q' => (Kind::Query, c_string(payload)),
            b'P' => {
                let name = payload.iter().position(|byte| *byte == 0).unwrap_or(0);
                (Kind::Prepare, c_string(&payload[name + 1..]))
            }
            b'E' => (Kind::Execute, String::new()),
            b'X' => (Kind::Quit, String::new()),
            other => (Kind::Other(other), String::new()),
        };
        Some(Frame { bytes, kind, text })
    }

    fn next_mysql(&mut self) -> Option<Frame> {
        const FULL: usize = 0xff_ff_ff;
        let mut end = 0;
        loop {
            let length = le_u24(self.buffer.get(end..end + 3)?);
            end += 4 + length;
            if length < FULL {
                break;
            }
        }
        let bytes = self.take(end)?;
        let text = || String::from_utf8_lossy(&bytes[5..]).into_owned();
        // Commands start a conversation and so have the sequence number 0; answers of the
        // client while it logs in do not.
        let (kind, text) = match (bytes[3], bytes.get(4)) {
            (0, Some(0x01)) => (Kind::Quit, String::new()),
            (0, Some(0x03)) => (Kind::Query, text()),
            (0, Some(0x16)) => (Kind::Prepare, text()),
            (0, Some(0x17)) => (Kind::Execute, String::new()),
            (0, Some(other)) => (Kind::Other(*other), String::new()),
            _ => (Kind::Startup, String::new()),
        };
        Some(Frame { bytes, kind, text })
    }

    fn take(&mut self, length: usize) -> Option<Vec<u8>> {
        (self.buffer.len() >= length).then(|| self.buffer.drain(..length).collect())
    }
}

/// Finds the server's number of the session in what the server sends first.
#[derive(Debug)]
pub(super) struct SessionFinder {
    db: Db,
    buffer: Vec<u8>,
    done: bool,
}

impl SessionFinder {
    pub(super) fn new(db: Db) -> Self {
        Self {
            db,
            buffer: Vec::new(),
            done: false,
        }
    }

    /// The number, once, when it has arrived.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Option<u64> {
        if self.done {
            return None;
        }
        self.buffer.extend_from_slice(bytes);
        let found = match self.db {
            Db::MySql => mysql_session(&self.buffer),
            _ => postgres_session(&self.buffer),
        };
        self.done = found.is_some();
        found
    }
}

/// `BackendKeyData`, among the messages that follow authentication.
fn postgres_session(mut sent: &[u8]) -> Option<u64> {
    loop {
        let length = be_u32(sent.get(1..5)?) as usize;
        if sent[0] == b'K' {
            return Some(be_u32(sent.get(5..9)?).into());
        }
        sent = sent.get(1 + length..)?;
    }
}

/// The initial handshake: a version byte, the server's version as a C string, then the number.
fn mysql_session(sent: &[u8]) -> Option<u64> {
    let version = sent.get(5..)?;
    let end = version.iter().position(|byte| *byte == 0)?;
    let number: [u8; 4] = version.get(end + 1..end + 5)?.try_into().ok()?;
    Some(u32::from_le_bytes(number).into())
}

fn be_u32(bytes: &[u8]) -> u32 {
    bytes
        .iter()
        .fold(0, |number, byte| number << 8 | u32::from(*byte))
}

fn le_u24(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .rev()
        .fold(0, |number, byte| number << 8 | usize::from(*byte))
}

fn c_string(bytes: &[u8]) -> String {
    let end = bytes
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn postgres(kind: u8, payload: &[u8]) -> Vec<u8> {
        let mut bytes = vec![kind];
        bytes.extend(u32::try_from(payload.len() + 4).unwrap().to_be_bytes());
        bytes.extend(payload);
        bytes
    }

    fn mysql(sequence: u8, payload: &[u8]) -> Vec<u8> {
        let mut bytes = u32::try_from(payload.len()).unwrap().to_le_bytes()[..3].to_vec();
        bytes.push(sequence);
        bytes.extend(payload);
        bytes
    }

    /// Feeds the bytes one at a time: a message may arrive in any pieces.
    fn frames(db: Db, bytes: &[u8]) -> Vec<Frame> {
        let mut stream = ClientStream::new(db);
        let mut found = Vec::new();
        for byte in bytes {
            stream.push(&[*byte]);
            found.extend(stream.next());
        }
        found
    }

    #[test]
    fn cuts_a_postgres_client_into_messages() {
        let mut sent = vec![0, 0, 0, 8, 4, 210, 22, 47];
        sent.extend([0, 0, 0, 9, 0, 3, 0, 0, 0]);
        sent.extend(postgres(b'p', b"secret\0"));
        sent.extend(postgres(b'Q', b"SELECT 1\0"));
        sent.extend(postgres(b'P', b"s1\0SELECT 2\0\0\0"));
        sent.extend(postgres(b'X', b""));
        let found = frames(Db::Postgres, &sent);
        let seen: Vec<_> = found
            .iter()
            .map(|frame| (frame.kind, frame.text.as_str()))
            .collect();
        assert_eq!(
            seen,
            [
                (Kind::Encryption, ""),
                (Kind::Startup, ""),
                (Kind::Startup, ""),
                (Kind::Query, "SELECT 1"),
                (Kind::Prepare, "SELECT 2"),
                (Kind::Quit, "")
            ]
        );
        assert_eq!(
            found
                .into_iter()
                .flat_map(|frame| frame.bytes)
                .collect::<Vec<_>>(),
            sent
        );
    }

    #[test]
    fn cuts_a_mysql_client_into_commands() {
        let mut sent = mysql(1, b"login");
        sent.extend(mysql(0, b"\x03SELECT 1"));
        sent.extend(mysql(0, b"\x0e"));
        let found = frames(Db::MySql, &sent);
        let seen: Vec<_> = found
            .iter()
            .map(|frame| (frame.kind, frame.text.as_str()))
            .collect();
        assert_eq!(
            seen,
            [
                (Kind::Startup, ""),
                (Kind::Query, "SELECT 1"),
                (Kind::Other(0x0e), "")
            ]
        );
    }

    #[test]
    fn joins_a_mysql_command_of_several_packets() {
        let mut sent = mysql(0, &[3; 0xff_ff_ff]);
        sent.extend(mysql(1, b"end"));
        let mut stream = ClientStream::new(Db::MySql);
        stream.push(&sent);
        assert_eq!(stream.next().unwrap().bytes, sent);
        assert_eq!(stream.next(), None);
    }

    #[test]
    fn finds_the_sessions_number() {
        let mut sent = postgres(b'R', &[0; 4]);
        sent.extend(postgres(b'K', &[0, 0, 18, 103, 1, 2, 3, 4]));
        let mut finder = SessionFinder::new(Db::Postgres);
        assert_eq!(finder.push(&sent[..12]), None);
        assert_eq!(finder.push(&sent[12..]), Some(4711));
        assert_eq!(finder.push(&sent), None);
        let greeting = mysql(0, b"\x0a10.11\0\x67\x12\0\0rest");
        assert_eq!(SessionFinder::new(Db::MySql).push(&greeting), Some(4711));
    }
}
