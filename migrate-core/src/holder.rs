//! Who holds the lock: host, boot, pid namespace, process and its start time.
//!
//! Together they tell a dead holder on this machine from a live one in another container, whose
//! process ids mean nothing here.

use std::fmt;
use std::fs;

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
}

impl Holder {
    /// This process.
    pub(crate) fn this(app_version: &str) -> Self {
        let pid = std::process::id();
        Self {
            host: host(),
            pid,
            start: start_time(pid).unwrap_or_default(),
            boot: read("/proc/sys/kernel/random/boot_id"),
            namespace: fs::read_link("/proc/self/ns/pid")
                .map(|link| link.to_string_lossy().into_owned())
                .unwrap_or_default(),
            app_version: app_version.to_owned(),
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
        ]
        .map(String::as_str)
        .join("\t")
    }

    /// `None` for a text that this library did not write.
    pub(crate) fn decode(text: &str) -> Option<Self> {
        let fields: Vec<&str> = text.split('\t').collect();
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
        })
    }

    /// Whether the process is certainly gone. Only a process of this boot and of this pid
    /// namespace can be looked up; of any other this says no.
    pub(crate) fn is_dead(&self, here: &Self) -> bool {
        let comparable = !self.boot.is_empty()
            && self.boot == here.boot
            && !self.namespace.is_empty()
            && self.namespace == here.namespace
            && !self.start.is_empty();
        comparable && start_time(self.pid).is_none_or(|start| start != self.start)
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

/// The start time of a live process: field 22 of `/proc/PID/stat`, see proc_pid_stat(5).
/// A zombie has ended and counts as gone.
fn start_time(pid: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the program's name in parentheses and may itself hold any character.
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_whitespace();
    let state = fields.next()?;
    if matches!(state, "Z" | "X") {
        return None;
    }
    fields.nth(18).map(str::to_owned)
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
            start: start_time(child.id()).unwrap(),
            ..here.clone()
        };
        assert!(!other.is_dead(&here));
        child.kill().unwrap();
        // Not waited for yet: a zombie holds nothing any more.
        while start_time(other.pid).is_some() {
            std::thread::yield_now();
        }
        assert!(other.is_dead(&here));
        child.wait().unwrap();
        assert!(other.is_dead(&here));
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
}
