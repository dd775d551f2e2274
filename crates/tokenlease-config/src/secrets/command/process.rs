//! The process of a command. It starts with no signal blocked, whatever the starting thread blocks.

use std::{
    collections::BTreeMap,
    ffi::{CString, OsStr, OsString},
    fs::File,
    io::{self, PipeReader},
    os::{
        fd::{AsFd, AsRawFd as _, OwnedFd},
        unix::{
            ffi::{OsStrExt as _, OsStringExt as _},
            process::ExitStatusExt as _,
        },
    },
    process::{Command, ExitStatus},
    time::{Duration, Instant},
};

use nix::{
    spawn::{PosixSpawnAttr, PosixSpawnFileActions, PosixSpawnFlags, posix_spawnp},
    sys::signal::{SigSet, Signal as SpawnSignal},
};
use rustix::process::{
    Pid, Signal, WaitOptions, kill_process, kill_process_group, test_kill_process_group, waitpid,
};

/// How long a command may take to end itself before it is killed.
const TO_END: Duration = Duration::from_millis(100);

/// A process whose standard output is a pipe.
pub(super) struct Process {
    pid: Pid,
    /// Whether it is the leader of a process group, to which its children belong.
    has_group: bool,
    pub(super) stdout: Option<PipeReader>,
}

impl Process {
    /// Starts a command with its arguments and environment. Its standard input is empty.
    ///
    /// `Command` starts a child with the signal mask of the calling thread. This may be a thread of the
    /// library, which blocks signals, or one of a program that does. A child that inherits this can't
    /// be ended by Ctrl-C, and waits forever for the end of its children.
    pub(super) fn start(command: &mut Command) -> io::Result<Self> {
        let has_group = !owns_terminal();
        let mut attributes = PosixSpawnAttr::init()?;
        let mut flags =
            PosixSpawnFlags::POSIX_SPAWN_SETSIGMASK | PosixSpawnFlags::POSIX_SPAWN_SETSIGDEF;
        attributes.set_sigmask(&SigSet::empty())?;
        attributes.set_sigdefault(&SigSet::from(SpawnSignal::SIGPIPE))?;
        if has_group {
            // A background group may not read from the terminal, where a command may prompt.
            flags |= PosixSpawnFlags::POSIX_SPAWN_SETPGROUP;
            attributes.set_pgroup(nix::unistd::Pid::from_raw(0))?;
        }
        attributes.set_flags(flags)?;

        let (stdout, output) = io::pipe()?;
        let (input, output) = (above_standard(File::open("/dev/null")?)?, above_standard(output)?);
        let mut files = PosixSpawnFileActions::init()?;
        files.add_dup2(input.as_raw_fd(), 0)?;
        files.add_dup2(output.as_raw_fd(), 1)?;

        let program = text(command.get_program())?;
        let mut arguments = vec![program.clone()];
        for argument in command.get_args() {
            arguments.push(text(argument)?);
        }
        let pid =
            posix_spawnp(&program, &files, &attributes, &arguments, &environment_of(command)?)?;
        let pid = Pid::from_raw(pid.as_raw()).ok_or(io::ErrorKind::InvalidData)?;
        Ok(Self { pid, has_group, stdout: Some(stdout) })
    }

    /// Returns the status of a process that has ended.
    pub(super) fn try_wait(&self) -> io::Result<Option<ExitStatus>> {
        self.wait_with(WaitOptions::NOHANG)
    }

    fn wait_with(&self, options: WaitOptions) -> io::Result<Option<ExitStatus>> {
        loop {
            match waitpid(Some(self.pid), options) {
                Err(rustix::io::Errno::INTR) => {}
                waited => {
                    return Ok(waited?.map(|(_, status)| ExitStatus::from_raw(status.as_raw())));
                }
            }
        }
    }

    /// Ends a process, for which nothing waited, with its children.
    pub(super) fn end(&mut self) {
        let signal = |signal| {
            let sent = if self.has_group {
                kill_process_group(self.pid, signal)
            } else {
                kill_process(self.pid, signal)
            };
            sent.is_ok()
        };
        let began = Instant::now();
        // The group exists while one of its processes does, also after the command itself has ended.
        let (mut exists, mut has_ended) = (signal(Signal::TERM), false);
        while exists && began.elapsed() < TO_END {
            has_ended = has_ended || !matches!(self.try_wait(), Ok(None));
            std::thread::sleep(Duration::from_millis(1));
            exists = self.has_group && test_kill_process_group(self.pid).is_ok() || !has_ended;
        }
        if exists && (self.has_group || !has_ended) {
            signal(Signal::KILL);
        }
        if !has_ended {
            let _ = self.wait_with(WaitOptions::empty());
        }
    }
}

/// Returns whether this process reads what a person types at its terminal.
fn owns_terminal() -> bool {
    let Ok(terminal) = File::open("/dev/tty") else { return false };
    rustix::termios::tcgetpgrp(&terminal).is_ok_and(|group| group == rustix::process::getpgrp())
}

/// Returns a file whose number is none of the standard ones. A host may have closed those.
fn above_standard(file: impl AsFd) -> io::Result<OwnedFd> {
    Ok(rustix::io::fcntl_dupfd_cloexec(file, 3)?)
}

/// Returns the environment of a command, as `NAME=value`.
fn environment_of(command: &Command) -> io::Result<Vec<CString>> {
    let mut all: BTreeMap<OsString, OsString> = std::env::vars_os().collect();
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => _ = all.insert(name.to_owned(), value.to_owned()),
            None => _ = all.remove(name),
        }
    }
    let line = |(mut name, value): (OsString, OsString)| {
        name.push("=");
        name.push(value);
        Ok(CString::new(name.into_vec())?)
    };
    all.into_iter().map(line).collect()
}

fn text(argument: &OsStr) -> io::Result<CString> {
    Ok(CString::new(argument.as_bytes())?)
}
