//! The process of a command, on systems without signals.

use std::{
    io,
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
};

/// A process whose standard output is a pipe.
pub(super) struct Process {
    child: Child,
    /// Ends the command's children with the command. The system ends them with this process, too.
    #[cfg(windows)]
    job: Option<win32job::Job>,
    pub(super) stdout: Option<ChildStdout>,
}

impl Process {
    /// Starts a command with its arguments and environment. Its standard input is empty.
    pub(super) fn start(command: &mut Command) -> io::Result<Self> {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let stdout = child.stdout.take();
        Ok(Self {
            #[cfg(windows)]
            job: job_of(&child),
            child,
            stdout,
        })
    }

    /// Returns the status of a process that has ended.
    pub(super) fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }

    /// Ends a process, for which nothing waited.
    pub(super) fn end(&mut self) {
        #[cfg(windows)]
        drop(self.job.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(windows)]
impl Drop for Process {
    fn drop(&mut self) {
        // Programs that an ended command left running go on, such as an agent.
        if let Some(job) = &self.job {
            let _ = job.set_extended_limit_info(&win32job::ExtendedLimitInfo::new());
        }
    }
}

/// Puts a command in a job, which ends it and its children when it is dropped.
#[cfg(windows)]
fn job_of(child: &Child) -> Option<win32job::Job> {
    use std::os::windows::io::AsRawHandle as _;

    let mut limits = win32job::ExtendedLimitInfo::new();
    limits.limit_kill_on_job_close();
    let job = win32job::Job::create_with_limit_info(&limits).ok()?;
    job.assign_process(child.as_raw_handle() as isize).ok()?;
    Some(job)
}
