//! The command of `exec` on Windows, where a process can't replace itself: a child, for which this program
//! waits.

use std::io;

use tokio::signal::windows::{
    CtrlBreak, CtrlC, CtrlClose, CtrlLogoff, CtrlShutdown, ctrl_break, ctrl_c, ctrl_close,
    ctrl_logoff, ctrl_shutdown,
};
use win32job::{ExtendedLimitInfo, Job};

/// Lets the command decide about Ctrl-C, and ends it if this program is ended.
///
/// The console sends its events to the command, too. While this value exists they do not end this program,
/// which then waits for the command and ends with its code.
pub(super) struct Attached {
    /// Windows ends the processes of a job with the last handle to it. Without a job, for example where
    /// this program is in one that allows no other, the command goes on.
    job: Option<Job>,
    _events: (CtrlC, CtrlBreak, CtrlClose, CtrlLogoff, CtrlShutdown),
}

impl Attached {
    /// Puts this process, and so each that it starts, in a job.
    pub(super) fn new() -> io::Result<Self> {
        let events = (ctrl_c()?, ctrl_break()?, ctrl_close()?, ctrl_logoff()?, ctrl_shutdown()?);
        let mut limits = ExtendedLimitInfo::new();
        limits.limit_kill_on_job_close();
        let job = Job::create_with_limit_info(&limits)
            .and_then(|job| job.assign_current_process().map(|()| job));
        if let Err(error) = &job {
            tracing::debug!(target: "tokenlease", "the command has no job object: {error}");
        }
        Ok(Self { job: job.ok(), _events: events })
    }
}

impl Drop for Attached {
    /// The command has ended. Programs that it left running go on, as on Unix.
    fn drop(&mut self) {
        if let Some(job) = &self.job {
            let _ = job.set_extended_limit_info(&ExtendedLimitInfo::new());
        }
    }
}
