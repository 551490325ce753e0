//! Real processes: started together, stopped, continued, killed, or killed at a system call.
//!
//! A [`Starter`] describes a program; [`Starter::hold`] starts one that waits before its first
//! instruction, so that any number can be let go at once and faults can be armed with its pid.

use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};

/// How long a process may take before a test calls it hung. Two cores run everything.
const PATIENCE: Duration = Duration::from_secs(120);

/// A program with its arguments and environment, ready to be started any number of times.
#[derive(Clone, Debug)]
pub struct Starter {
    program: OsString,
    arguments: Vec<OsString>,
    variables: Vec<(OsString, OsString)>,
    folder: Option<PathBuf>,
}

impl Starter {
    /// Of a program.
    pub fn new(program: impl Into<OsString>) -> Self {
        Self {
            program: program.into(),
            arguments: vec![],
            variables: vec![],
            folder: None,
        }
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    /// Sets the folder to start in.
    #[must_use]
    pub fn folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// The same program under `strace`, which sends it a signal when a thread of it enters the
    /// `nth` of these system calls (by name, separated by commas; counted from 1, per thread).
    /// Killed so, the call is not made.
    ///
    /// `None` where `strace` is not installed, which a test reports as skipped.
    pub fn signal_at_call(&self, signal: Signal, calls: &str, nth: usize) -> Option<Self> {
        let found = std::env::var_os("PATH").is_some_and(|path| {
            std::env::split_paths(&path).any(|folder| folder.join("strace").is_file())
        });
        if !found {
            eprintln!("skipped: a signal at a system call needs strace");
            return None;
        }
        let mut traced = Self {
            program: "strace".into(),
            arguments: vec![],
            ..self.clone()
        };
        // -D: the program is our child and the tracer is not, so pid and exit are the program's.
        for argument in ["-D", "-f", "-qq", "-o", "/dev/null", "-e"] {
            traced = traced.arg(argument);
        }
        let signal = signal.as_raw();
        traced = traced.arg(format!("trace={calls}")).arg("-e");
        traced = traced.arg(format!("inject={calls}:signal={signal}:when={nth}"));
        traced.arguments.push(self.program.clone());
        traced.arguments.extend(self.arguments.iter().cloned());
        Some(traced)
    }

    /// Starts the program and waits until it ends.
    pub async fn run(&self) -> Exit {
        self.start().await.wait().await
    }

    /// Starts the program.
    pub async fn start(&self) -> Running {
        let mut running = self.hold().await;
        running.release().await;
        running
    }

    /// Starts a process that becomes the program, with the same pid, when released.
    pub async fn hold(&self) -> Running {
        let mut command = Command::new("sh");
        command
            .arg("-c")
            .arg("echo ready; read -r go; exec \"$0\" \"$@\"");
        command.arg(&self.program).args(&self.arguments);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        // The variables of tests/run are not a service's; a stray one would hide a mistake.
        command.env_remove("DATABASE_URL");
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        for (name, value) in &self.variables {
            command.env(name, value);
        }
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command
            .kill_on_drop(true)
            .spawn()
            .expect("sh cannot be started");
        let (stdin, stdout, stderr) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let mut stdout = BufReader::new(stdout.expect("piped"));
        let mut line = String::new();
        stdout
            .read_line(&mut line)
            .await
            .expect("sh says that it is ready");
        assert_eq!(line, "ready\n");
        Running {
            child,
            stdin,
            stdout,
            stderr: stderr.expect("piped"),
        }
    }
}

/// Starts all, lets all go at once, and waits for all.
pub async fn together(starters: &[Starter]) -> Vec<Exit> {
    let mut held = Vec::new();
    for starter in starters {
        held.push(starter.hold().await);
    }
    for running in &mut held {
        running.release().await;
    }
    let waits: Vec<_> = held
        .into_iter()
        .map(|running| tokio::spawn(running.wait()))
        .collect();
    let mut exits = Vec::new();
    for wait in waits {
        exits.push(wait.await.expect("waiting for a process"));
    }
    exits
}

/// A process, killed when dropped.
#[derive(Debug)]
pub struct Running {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    stderr: ChildStderr,
}

impl Running {
    /// Its number.
    pub fn pid(&self) -> Pid {
        let pid = self
            .child
            .id()
            .and_then(|pid| i32::try_from(pid).ok())
            .and_then(Pid::from_raw);
        pid.expect("the process was already waited for")
    }

    /// Lets a held process become its program.
    pub async fn release(&mut self) {
        if let Some(mut stdin) = self.stdin.take() {
            stdin
                .write_all(b"go\n")
                .await
                .expect("sh waits for this line");
        }
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).expect("the process is ours and not yet waited for");
    }

    /// Waits until it is stopped by a signal, or has ended; whether it is stopped.
    pub async fn stops(&self) -> bool {
        let status = format!("/proc/{}/stat", self.pid().as_raw_nonzero());
        let mut seen = 0;
        // A traced process also stops for a moment at each traced call.
        while seen < 10 {
            let text = std::fs::read_to_string(&status).unwrap_or_default();
            match text
                .rsplit(") ")
                .next()
                .and_then(|rest| rest.chars().next())
            {
                Some('T' | 't') => seen += 1,
                None | Some('Z' | 'X') => return false,
                _ => seen = 0,
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        true
    }

    /// The next line that it prints on stdout; `None` at the end.
    pub async fn next_line(&mut self) -> Option<String> {
        let mut line = String::new();
        let read = tokio::time::timeout(PATIENCE, self.stdout.read_line(&mut line)).await;
        (read.expect("the process prints nothing").expect("stdout") > 0)
            .then(|| line.trim_end().to_owned())
    }

    /// Continues a stopped process and waits until it ends. Tells it so again and again: a
    /// signal that comes before the stop it should end would be lost.
    pub async fn wake_and_wait(self) -> Exit {
        let pid = self.pid();
        let waking = tokio::spawn(async move {
            while kill_process(pid, Signal::CONT).is_ok() {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        });
        let exit = self.wait().await;
        waking.abort();
        exit
    }

    /// Waits until it ends.
    ///
    /// # Panics
    ///
    /// When it takes longer than two minutes; it is killed then, and what it printed is shown.
    pub async fn wait(mut self) -> Exit {
        let (mut stdout, mut stderr) = (String::new(), String::new());
        let ended = tokio::time::timeout(PATIENCE, async {
            let (out, err) = tokio::join!(
                self.stdout.read_to_string(&mut stdout),
                self.stderr.read_to_string(&mut stderr)
            );
            out.and(err).expect("the output is UTF-8");
            self.child.wait().await.expect("it is our child")
        })
        .await;
        match ended {
            Ok(status) => Exit {
                code: status.code(),
                signal: status.signal(),
                stdout,
                stderr,
            },
            Err(_) => panic!("a process hung.\nstdout:\n{stdout}\nstderr:\n{stderr}"),
        }
    }
}

/// How a process ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exit {
    /// Its exit code, if it ended by itself.
    pub code: Option<i32>,
    /// The number of the signal that ended it, if one did.
    pub signal: Option<i32>,
    /// What it printed.
    pub stdout: String,
    /// What it printed on stderr.
    pub stderr: String,
}

impl Exit {
    /// Whether SIGKILL ended it.
    pub fn was_killed(&self) -> bool {
        self.signal == Some(Signal::KILL.as_raw())
    }

    /// Panics with what it printed unless it exited with this code.
    #[track_caller]
    pub fn expect_code(&self, code: i32) -> &Self {
        assert!(
            self.code == Some(code),
            "exit code {:?}, signal {:?} instead of code {code}\nstdout:\n{}\nstderr:\n{}",
            self.code,
            self.signal,
            self.stdout,
            self.stderr
        );
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Starter {
        Starter::new("sh").arg("-c").arg(script)
    }

    #[tokio::test]
    async fn collects_codes_and_output() {
        let exits = together(&[shell("echo a"), shell("echo b >&2; exit 3")]).await;
        assert_eq!((exits[0].code, exits[0].stdout.as_str()), (Some(0), "a\n"));
        assert_eq!((exits[1].code, exits[1].stderr.as_str()), (Some(3), "b\n"));
    }

    #[tokio::test]
    async fn stops_continues_and_kills() {
        let running = shell("sleep 60").start().await;
        running.signal(Signal::STOP);
        running.signal(Signal::CONT);
        running.signal(Signal::KILL);
        assert!(running.wait().await.was_killed());
    }

    #[tokio::test]
    async fn kills_at_a_system_call() {
        let script = shell("echo 1; echo 2; echo 3");
        let Some(killed) = script.signal_at_call(Signal::KILL, "write", 2) else {
            return;
        };
        let exit = killed.run().await;
        assert!(exit.was_killed(), "{exit:?}");
        assert_eq!(exit.stdout, "1\n");
    }

    #[tokio::test]
    async fn stops_at_a_system_call_and_goes_on() {
        let script = shell("echo 1; echo 2; echo 3");
        let Some(stopped) = script.signal_at_call(Signal::STOP, "write", 2) else {
            return;
        };
        let running = stopped.start().await;
        assert!(running.stops().await);
        running.signal(Signal::CONT);
        assert!(!running.stops().await);
        let exit = running.wait().await;
        assert_eq!((exit.code, exit.stdout.as_str()), (Some(0), "1\n2\n3\n"));
    }
}
