//! Runs the command that prints a secret, and ends it with its children if the caller stops waiting.

#[cfg_attr(not(unix), path = "command/process/other.rs")]
mod process;

use std::{
    io::{self, Read},
    process::{Command, ExitStatus},
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

use tokenlease::{Error, Result, runtime::spawn_thread};
use zeroize::Zeroizing;

use self::process::Process;
use super::MAX_LEN;

#[cfg(test)]
mod tests;

/// How often a waiting caller checks whether it still waits.
const CHECK_EVERY: Duration = Duration::from_millis(10);

/// Why a command brought no secret.
pub(super) enum Failed {
    /// The command failed. The text is the end of a sentence.
    Command(String),
    /// The caller stopped waiting.
    Stopped(Error),
}

/// Runs a command and returns the first line of its output. Calls `check` often, and ends the command
/// with its children if `check` fails.
pub(super) fn first_line(
    command: &str,
    check: &dyn Fn() -> Result<()>,
) -> Result<Zeroizing<Vec<u8>>, Failed> {
    let failed = |what: &str, error: io::Error| Failed::Command(format!("{what}: {error}"));
    let mut running = Running::start(command).map_err(|error| failed("can't be started", error))?;
    let output = running.output(check)?;
    let mut printed = output.map_err(|error| failed("can't be read", error))?;
    let status = running.status(check)?.map_err(|error| failed("can't be waited for", error))?;
    if !status.success() {
        return Err(Failed::Command(format!("failed ({status})")));
    }
    let end = printed.iter().position(|byte| *byte == b'\n').unwrap_or(printed.len());
    printed.truncate(end);
    Ok(printed)
}

/// A running command. Dropping it ends the command with its children.
struct Running {
    process: Process,
    has_ended: bool,
}

impl Running {
    fn start(command: &str) -> io::Result<Self> {
        let mut shell = shell(command);
        super::remove_from(&mut shell);
        // The token of an outer `tokenlease exec`.
        shell.env_remove("TOKENLEASE_TOKEN");
        Ok(Self { process: Process::start(&mut shell)?, has_ended: false })
    }

    /// Reads the output to its end.
    fn output(
        &mut self,
        check: &dyn Fn() -> Result<()>,
    ) -> Result<io::Result<Zeroizing<Vec<u8>>>, Failed> {
        let Some(stdout) = self.process.stdout.take() else {
            return Ok(Err(io::ErrorKind::BrokenPipe.into()));
        };
        let (sender, receiver) = mpsc::sync_channel(1);
        // A read can't be interrupted, so a thread does it. It ends with the last process that has
        // the pipe.
        let spawned = spawn_thread("tokenlease-command", move || {
            // The receiver was dropped if the caller stopped waiting.
            let _ = sender.send(read(stdout));
        });
        if let Err(error) = spawned {
            return Ok(Err(error));
        }
        loop {
            match receiver.recv_timeout(CHECK_EVERY) {
                Ok(output) => return Ok(output),
                Err(RecvTimeoutError::Timeout) => check().map_err(Failed::Stopped)?,
                Err(RecvTimeoutError::Disconnected) => {
                    return Ok(Err(io::Error::other("the thread that reads it panicked")));
                }
            }
        }
    }

    /// Waits for the end of the command.
    fn status(&mut self, check: &dyn Fn() -> Result<()>) -> Result<io::Result<ExitStatus>, Failed> {
        let mut wait = Duration::from_micros(100);
        loop {
            match self.process.try_wait() {
                Ok(Some(status)) => {
                    self.has_ended = true;
                    return Ok(Ok(status));
                }
                Ok(None) => {}
                Err(error) => return Ok(Err(error)),
            }
            check().map_err(Failed::Stopped)?;
            thread::sleep(wait);
            wait = (wait * 2).min(CHECK_EVERY);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // The id of an ended process may belong to another one.
        if !self.has_ended {
            self.process.end();
        }
    }
}

fn read(mut stdout: impl Read) -> io::Result<Zeroizing<Vec<u8>>> {
    // Allocated in full: a vector that grows leaves copies of the secret in freed memory.
    let mut printed = Zeroizing::new(Vec::with_capacity(MAX_LEN + 1));
    stdout.by_ref().take(MAX_LEN as u64 + 1).read_to_end(&mut printed)?;
    // A command that prints more would fail if its pipe were closed.
    let _ = io::copy(&mut stdout, &mut io::sink());
    Ok(printed)
}

#[cfg(not(windows))]
fn shell(command: &str) -> Command {
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(command);
    shell
}

#[cfg(windows)]
fn shell(command: &str) -> Command {
    use std::os::windows::process::CommandExt as _;
    let mut shell = Command::new("cmd");
    // Unquoted: cmd has its own quoting rules.
    shell.arg("/C").raw_arg(command);
    shell
}

/// Returns a check that fails `limit` from now.
pub(crate) fn deadline(limit: Duration) -> impl Fn() -> Result<()> {
    let began = Instant::now();
    move || if began.elapsed() < limit { Ok(()) } else { Err(too_late()) }
}

/// Returns the error of a command that did not end before its deadline.
fn too_late() -> Error {
    Error::new(
        tokenlease::ErrorKind::DeadlineExceeded,
        "the command that prints the secret did not end before the deadline, and was ended",
    )
    .advice("check what the command waits for, or set a longer deadline")
}
