//! Where a child process runs on Unix, and signals to it.

use std::{
    os::unix::{fs::PermissionsExt as _, process::CommandExt as _},
    path::PathBuf,
    process::Command,
    rc::Rc,
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::process::{Process, Starter};

/// As which user, after which script and in which network namespace a child runs.
#[derive(Clone, Default)]
pub(crate) struct Place {
    user: Option<(u32, Rc<TempDir>)>,
    script: Option<&'static str>,
    namespace: Option<String>,
}

impl Place {
    pub(crate) fn command(&self) -> Command {
        let program = match &self.user {
            Some((_, folder)) => copied_executable(folder),
            None => std::env::current_exe().unwrap(),
        };
        let mut command = match (self.script, &self.namespace) {
            (Some(script), _) => {
                let mut shell = Command::new("sh");
                shell.arg("-c").arg(format!("{script}; exec \"$0\" \"$@\"")).arg(program);
                shell
            }
            (None, Some(namespace)) => {
                let mut entered = Command::new("ip");
                entered.args(["netns", "exec", namespace]).arg(program);
                entered
            }
            (None, None) => Command::new(program),
        };
        if let Some((user, _)) = self.user {
            command.uid(user).gid(user).current_dir("/");
        }
        command
    }
}

impl Starter {
    /// Runs the child as that user.
    pub(crate) fn run_as(mut self, user: Option<u32>) -> Self {
        self.place.user = user.map(|user| (user, Rc::new(executable_for_all_users())));
        self
    }

    /// Runs a shell script that becomes the child when it ends.
    pub(crate) fn after_script(mut self, script: &'static str) -> Self {
        self.place.script = Some(script);
        self
    }

    /// Runs the child in that network namespace.
    pub(crate) fn in_namespace(mut self, namespace: &str) -> Self {
        self.place.namespace = Some(namespace.to_owned());
        self
    }
}

impl Process {
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.process), signal).unwrap();
    }

    /// Lets a stopped process go on. It may have ended.
    pub(crate) fn resume(&self) {
        let _ = kill_process(Pid::from_child(&self.process), Signal::CONT);
    }
}

/// Copies this test program to a folder that every user can enter: other users can't start it
/// below a folder with mode 0700, such as root's home.
fn executable_for_all_users() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let copy = copied_executable(&folder);
    // A copy by another process: while this one has the file open for writing, a child that another
    // thread starts inherits it for a moment, and starting the copy fails with ETXTBSY.
    let source = std::env::current_exe().unwrap();
    let copied = Command::new("cp").arg(source).arg(&copy).status().unwrap();
    assert!(copied.success());
    for path in [folder.path(), &copy] {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    folder
}

fn copied_executable(folder: &TempDir) -> PathBuf {
    folder.path().join("multiprocess")
}
