//! The process of a command, on systems without signals.

use std::{
    io,
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
};

/// A process whose standard output is a pipe.
pub(super) struct Process {
    child: Child,
    pub(super) stdout: Option<ChildStdout>,
}

impl Process {
    /// Starts a command with its arguments and environment. Its standard input is empty.
    pub(super) fn start(mut command: Command) -> io::Result<Self> {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let stdout = child.stdout.take();
        Ok(Self { child, stdout })
    }

    /// Returns the status of a process that has ended.
    pub(super) fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }

    /// Ends a process, for which nothing waited.
    pub(super) fn end(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
