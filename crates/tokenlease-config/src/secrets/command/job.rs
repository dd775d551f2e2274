//! A command and its children on Windows, which has no process groups: a job object.

use std::{os::windows::io::AsRawHandle as _, process::Child};

/// The processes that end together: a command, and all that it starts.
pub(super) struct Job(win32job::Job);

impl Job {
    /// Puts a command that has just started into a new job. Processes that it starts from now on belong
    /// to the job as well. `None` if the system allows no job.
    pub(super) fn of(command: &Child) -> Option<Self> {
        let job = win32job::Job::create().ok()?;
        job.assign_process(command.as_raw_handle() as isize).ok()?;
        Some(Self(job))
    }

    /// Ends all processes of the job.
    pub(super) fn end(self) {
        // Only set now: a command that succeeded may leave a process, such as an agent of a vault.
        if let Ok(mut limits) = self.0.query_extended_limit_info() {
            limits.limit_kill_on_job_close();
            // If this fails, the command itself is ended, and not its children.
            let _ = self.0.set_extended_limit_info(&limits);
        }
    }
}
