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

use crate::support::{emulator, tokenlease, unreachable, winkas, wyn};

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

/// Rule: Deadlines: a missing password file ends the program before anything is sent.
#[test]
fn a_missing_password_file_ends_the_program_before_a_login() {
    let (emulator, folder) = (emulator(), tempfile::tempdir().expect("a folder"));
    let missing = folder.path().join("password");
    for command in ["token", "refetch"] {
        let mut program = winkas(&emulator, command).args(["-v", "--password-file"]);
        program.command().arg(&missing).env_remove("TOKENLEASE_PASSWORD");
        let run = program.run().exits_with(2).complains("can't be read");
        assert!(!run.err.contains("attempt failed"), "{run:?}");
    }
    assert_eq!((emulator.counts().winkas.login, emulator.counts().winkas.refetch), (0, 0));
}

/// Rule: Deadlines: with `-v`, each failed attempt is printed with its cause and the wait for the next one.
#[test]
fn verbose_output_has_the_cause_and_the_wait_of_each_attempt() {
    let args = ["token", "-v", "--deadline", "3s", "--provider", "wyn", "--user", "u", "--server"];
    let run = tokenlease(args)
        .args([unreachable()])
        .env("TOKENLEASE_PASSWORD", "canary")
        .env("TOKENLEASE_CLIENT_SECRET", "canary")
        .run()
        .exits_with(4);
    let attempts: Vec<_> = run.err.lines().filter(|line| line.contains("attempt failed")).collect();
    // The first wait is a second at most.
    assert!(attempts.len() > 1, "{run:?}");
    for attempt in attempts {
        let (_, rest) = attempt.split_once("the next one is possible in ").expect("a wait");
        let (wait, cause) = rest.split_once(": ").expect("a cause");
        let number = wait.trim_end_matches(char::is_alphabetic);
        assert!(number.parse::<f64>().is_ok_and(|number| number > 0.0), "{attempt}");
        assert!(cause.contains("no TCP connection to 127.0.0.1:1: "), "{attempt}");
    }
    assert!(!run.err.contains("canary"), "{run:?}");
}
