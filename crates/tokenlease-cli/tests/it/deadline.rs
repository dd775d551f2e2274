//! The deadline of a command covers all that it waits for.

use std::{
    fs,
    io::Read as _,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::mpsc::{self, RecvTimeoutError},
    thread::{self, JoinHandle},
    time::Duration,
};

use crate::support::{emulator, tokenlease, wyn};

/// Makes a named pipe.
fn pipe(folder: &Path) -> PathBuf {
    let pipe = folder.join("pipe");
    let made = Command::new("mkfifo").arg(&pipe).status().expect("mkfifo");
    assert!(made.success());
    pipe
}

/// Returns a command that never ends, nor does its child. Both keep the pipe open.
fn endless(pipe: &Path) -> String {
    format!("exec 3>'{}'; sleep 1000 & echo ready >&3; sleep 1000", pipe.display())
}

/// Reads the pipe until no process has it open.
fn reader(pipe: PathBuf) -> JoinHandle<String> {
    thread::spawn(move || fs::read_to_string(pipe).expect("the pipe"))
}

/// Rule: Deadlines: the program's deadline covers the password command, which is ended with its children.
#[test]
fn the_deadline_covers_the_password_command() {
    let (emulator, folder) = (emulator(), tempfile::tempdir().expect("a folder"));
    let pipe = pipe(folder.path());
    let mut program = wyn(&emulator, "token").args(["--deadline", "1s", "--password-command"]);
    program.command().arg(endless(&pipe)).env_remove("TOKENLEASE_PASSWORD");
    let reader = reader(pipe);
    program.run().exits_with(7).complains("the command for the password ran; it was ended");
    assert_eq!(reader.join().expect("no panic"), "ready\n");
}

/// Rule: Deadlines: a signal that ends the program ends its password command and the command's children.
#[test]
fn sigterm_ends_the_password_command_with_its_children() {
    use std::os::unix::process::ExitStatusExt as _;

    let (emulator, folder) = (emulator(), tempfile::tempdir().expect("a folder"));
    let pipe = pipe(folder.path());
    let mut program = wyn(&emulator, "token").args(["--password-command"]);
    program.command().arg(endless(&pipe)).env_remove("TOKENLEASE_PASSWORD");
    let mut child = program.command().stdout(Stdio::null()).spawn().expect("the program");
    let mut file = fs::File::open(pipe).expect("the pipe");
    let mut ready = [0; 6];
    file.read_exact(&mut ready).expect("the command runs");
    let kill = Command::new("kill").arg(child.id().to_string()).status().expect("kill");
    assert!(kill.success());
    // The end of the pipe: no process is left.
    assert_eq!(file.read_to_end(&mut Vec::new()).expect("the pipe"), 0);
    assert_eq!(child.wait().expect("its status").signal(), Some(15));
}

/// Rule: Deadlines: the program reports at its deadline, and does not wait for the answer of a server.
#[test]
fn the_program_reports_at_its_deadline() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let server = format!("http://{}", listener.local_addr().expect("its address"));
    let (ended, has_ended) = mpsc::channel::<()>();
    let server_thread = thread::spawn(move || {
        let (stream, _) = listener.accept().expect("a connection");
        // A program that waits for the end of its request waits for this.
        let waited = has_ended.recv_timeout(Duration::from_secs(8));
        drop(stream);
        waited
    });
    tokenlease(["token", "--provider", "winkas", "--server", &server, "--user", "u"])
        .args(["--contract", "c", "--deadline", "1s"])
        .env("TOKENLEASE_PASSWORD", "p")
        .run()
        .exits_with(7);
    drop(ended);
    let waited = server_thread.join().expect("no panic");
    assert_eq!(waited, Err(RecvTimeoutError::Disconnected), "the program waited for the server");
}
