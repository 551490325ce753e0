//! Who holds the lock: host, boot, pid namespace, process and its start time.
//!
//! Together they tell a dead holder on this machine from a live one in another container, whose
//! process ids mean nothing here.

use std::fmt;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

/// A process that holds, or held, the lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Holder {
    pub(crate) host: String,
    pub(crate) pid: u32,
    /// When the process started, in clock ticks since boot; empty where it cannot be known.
    start: String,
    boot: String,
    namespace: String,
    pub(crate) app_version: String,
    /// Whose process it is; empty where it cannot be known.
    uid: String,
}

/// What `/proc` says about a process.
#[derive(Debug, PartialEq, Eq)]
enum Life {
    Gone,
    /// Since then, in clock ticks since boot.
    Alive(String),
    /// It could not be looked up; it may well be alive.
    Unknown,
}

impl Holder {
    /// This process.
    pub(crate) fn this(app_version: &str) -> Self {
        let pid = std::process::id();
        Self {
            host: host(),
            pid,
            start: match life(Path::new(PROC), pid, true) {
                Life::Alive(start) => start,
                Life::Gone | Life::Unknown => String::new(),
            },
            boot: read("/proc/sys/kernel/random/boot_id"),
            namespace: fs::read_link("/proc/self/ns/pid")
                .map(|link| link.to_string_lossy().into_owned())
                .unwrap_or_default(),
            app_version: app_version.to_owned(),
            uid: own_uid(),
        }
    }

    /// As stored in the token row: fields separated by tabs.
    pub(crate) fn encode(&self) -> String {
        let clean = |text: &str| text.replace(['\t', '\n', '\0', '?', '\\'], " ");
        [
            &clean(&self.host),
            &self.pid.to_string(),
            &self.start,
            &self.boot,
            &self.namespace,
            &clean(&self.app_version),
            &self.uid,
        ]
        .map(String::as_str)
        .join("\t")
    }

    /// `None` for a text that this library did not write.
    pub(crate) fn decode(text: &str) -> Option<Self> {
        let mut fields: Vec<&str> = text.split('\t').collect();
        // Earlier versions did not write it.
        let uid = if fields.len() == 7 { fields.pop()? } else { "" };
        let [host, pid, start, boot, namespace, app_version] = fields.as_slice() else {
            return None;
        };
        Some(Self {
            host: (*host).to_owned(),
            pid: pid.parse().ok()?,
            start: (*start).to_owned(),
            boot: (*boot).to_owned(),
            namespace: (*namespace).to_owned(),
            app_version: (*app_version).to_owned(),
            uid: uid.to_owned(),
        })
    }

    /// A short text of letters, digits and `_` that names this process in the name of what it makes.
    pub(crate) fn mark(&self) -> String {
        format!("{}_{}_{:016x}", self.pid, self.start, self.surroundings())
    }

    /// Whether a process that is certainly gone has left something with that mark: one of this
    /// boot, pid namespace and user.
    pub(crate) fn is_mark_of_dead(&self, mark: &str) -> bool {
        let parts: Vec<&str> = mark.split('_').collect();
        let [pid, start, surroundings] = parts.as_slice() else {
            return false;
        };
        let Ok(pid) = pid.parse() else {
            return false;
        };
        let maker = Self {
            pid,
            start: (*start).to_owned(),
            ..self.clone()
        };
        *surroundings == format!("{:016x}", self.surroundings()) && maker.is_dead(self)
    }

    /// Boot, pid namespace and user as one number (FNV-1a), the same in every version.
    fn surroundings(&self) -> u64 {
        const PRIME: u64 = 0x0100_0000_01b3;
        const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
        let text = [&*self.boot, &*self.namespace, &*self.uid].join("\t");
        let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(PRIME);
        text.bytes().fold(BASIS, step)
    }

    /// Whether the process is certainly gone. Only a process of this boot and of this pid
    /// namespace can be looked up; of any other this says no.
    pub(crate) fn is_dead(&self, here: &Self) -> bool {
        let comparable = !self.boot.is_empty()
            && self.boot == here.boot
            && !self.namespace.is_empty()
            && self.namespace == here.namespace
            && !self.start.is_empty();
        let same_user = !self.uid.is_empty() && self.uid == here.uid;
        comparable
            && match life(Path::new(PROC), self.pid, same_user) {
                Life::Gone => true,
                Life::Alive(start) => start != self.start,
                Life::Unknown => false,
            }
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {} on {}", self.pid, self.host)?;
        if !self.app_version.is_empty() {
            write!(f, " ({})", self.app_version)?;
        }
        Ok(())
    }
}

fn host() -> String {
    let name = read("/proc/sys/kernel/hostname");
    if name.is_empty() {
        std::env::var("HOSTNAME").unwrap_or_else(|_| "unknown".to_owned())
    } else {
        name
    }
}

fn read(path: &str) -> String {
    fs::read_to_string(path)
        .map(|text| text.trim().to_owned())
        .unwrap_or_default()
}

const PROC: &str = "/proc";

/// The effective user of this process.
fn own_uid() -> String {
    let status = read("/proc/self/status");
    let line = status.lines().find_map(|line| line.strip_prefix("Uid:"));
    line.and_then(|uids| uids.split_whitespace().nth(1))
        .unwrap_or_default()
        .to_owned()
}

/// Looks a process up: field 22 of `/proc/PID/stat` is its start, see proc_pid_stat(5). A zombie
/// has ended and counts as gone.
///
/// A mount with `hidepid` does not show the processes of other users, so that one which is not
/// there is gone only if it would have been ours to see, as the first process then is.
fn life(proc: &Path, pid: u32, same_user: bool) -> Life {
    let stat = |pid: u32| fs::read_to_string(proc.join(pid.to_string()).join("stat"));
    // It ended between the opening and the reading.
    const ESRCH: i32 = 3;
    let stat = match stat(pid) {
        Ok(stat) => stat,
        Err(error) if error.raw_os_error() == Some(ESRCH) => return Life::Gone,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let would_be_seen = same_user && proc.join("self").exists() || stat(1).is_ok();
            return if would_be_seen {
                Life::Gone
            } else {
                Life::Unknown
            };
        }
        Err(_) => return Life::Unknown,
    };
    // The second field is the program's name in parentheses and may itself hold any character.
    let Some((_, after_name)) = stat.rsplit_once(')') else {
        return Life::Unknown;
    };
    let mut fields = after_name.split_whitespace();
    if matches!(fields.next(), Some("Z" | "X")) {
        return Life::Gone;
    }
    fields
        .nth(18)
        .map_or(Life::Unknown, |start| Life::Alive(start.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn survives_the_round_trip() {
        let holder = Holder::this("1.2.3\tx");
        let decoded = Holder::decode(&holder.encode()).unwrap();
        assert_eq!(decoded.pid, holder.pid);
        assert_eq!(decoded.app_version, "1.2.3 x");
        assert_eq!(
            decoded,
            Holder {
                app_version: "1.2.3 x".to_owned(),
                ..holder
            }
        );
        assert_eq!(Holder::decode("something else"), None);
    }

    #[test]
    fn a_process_that_ended_is_dead_and_this_one_is_not() {
        let here = Holder::this("");
        assert!(!here.is_dead(&here));
        let mut child = std::process::Command::new("sleep")
            .arg("60")
            .spawn()
            .unwrap();
        let other = Holder {
            pid: child.id(),
            start: match life(Path::new(PROC), child.id(), true) {
                Life::Alive(start) => start,
                other => panic!("{other:?}"),
            },
            ..here.clone()
        };
        assert!(!other.is_dead(&here));
        child.kill().unwrap();
        // Not waited for yet: a zombie holds nothing any more.
        while life(Path::new(PROC), other.pid, true) != Life::Gone {
            std::thread::yield_now();
        }
        assert!(other.is_dead(&here));
        child.wait().unwrap();
        assert!(other.is_dead(&here));
    }

    #[test]
    fn a_mark_tells_who_is_gone() {
        let here = Holder::this("");
        let earlier = Holder {
            start: "1".to_owned(),
            ..here.clone()
        };
        assert!(!here.is_mark_of_dead(&here.mark()), "{}", here.mark());
        assert!(here.is_mark_of_dead(&earlier.mark()));
        let elsewhere = Holder {
            boot: "other".to_owned(),
            ..earlier.clone()
        };
        assert!(!here.is_mark_of_dead(&elsewhere.mark()));
        for other in ["", "1", "1_2", "x_1_0", "0123456789abcdef"] {
            assert!(!here.is_mark_of_dead(other));
        }
        let text = here.mark();
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        assert!(text.chars().all(plain), "{text}");
    }

    #[test]
    fn a_process_id_that_was_used_again_is_dead() {
        let here = Holder::this("");
        let earlier = Holder {
            start: "1".to_owned(),
            ..here.clone()
        };
        assert!(earlier.is_dead(&here));
    }

    #[test]
    fn other_hosts_boots_and_containers_are_never_dead() {
        let here = Holder::this("");
        for other in [
            Holder {
                boot: "other".to_owned(),
                pid: u32::MAX,
                ..here.clone()
            },
            Holder {
                namespace: "pid:[1]".to_owned(),
                pid: u32::MAX,
                ..here.clone()
            },
            Holder {
                start: String::new(),
                pid: u32::MAX,
                ..here.clone()
            },
        ] {
            assert!(!other.is_dead(&here));
        }
    }

    #[test]
    fn only_a_process_that_would_be_seen_is_gone() {
        let proc = std::env::temp_dir().join(format!("migrate-holder-{}", std::process::id()));
        fs::create_dir_all(proc.join("self")).unwrap();
        // As a mount with `hidepid` shows the processes of others: not at all.
        assert_eq!(life(&proc, 77, false), Life::Unknown);
        assert_eq!(life(&proc, 77, true), Life::Gone);
        // Any other error says nothing: here a folder where the text should be.
        fs::create_dir_all(proc.join("77/stat")).unwrap();
        assert_eq!(life(&proc, 77, true), Life::Unknown);
        fs::create_dir_all(proc.join("1")).unwrap();
        fs::write(proc.join("1/stat"), "1 (init) S 0").unwrap();
        assert_eq!(life(&proc, 78, false), Life::Gone);
        fs::remove_dir_all(&proc).unwrap();
        // Without a mount of `/proc` nothing is known.
        assert_eq!(life(&proc, 77, true), Life::Unknown);
    }
}
