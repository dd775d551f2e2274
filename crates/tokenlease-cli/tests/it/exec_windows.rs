//! `exec` on Windows, where the command is a child.
#![cfg(windows)]

use std::{
    io::{BufRead as _, BufReader, Read as _},
    process::Stdio,
};

use crate::support::{emulator, wyn};

/// Rule: Languages: on Windows `exec` exits with all 32 bits of its command's code.
#[test]
fn exec_exits_with_the_full_code_of_its_command() {
    let emulator = emulator();
    for code in [0, 42, 300, -1_073_741_819] {
        let mut program = wyn(&emulator, "exec").args(["--", "cmd", "/c", &format!("exit {code}")]);
        let status = program.command().status().expect("the program");
        assert_eq!(status.code(), Some(code));
    }
    wyn(&emulator, "exec").args(["--", r"C:\no\such\program"]).run().exits_with(127);
}

/// Rule: Languages: on Windows the command of `exec` ends if tokenlease is ended.
#[test]
fn the_command_ends_with_exec() {
    let emulator = emulator();
    let tokenlease = env!("CARGO_BIN_EXE_tokenlease");
    for renewal in [false, true] {
        let folder = tempfile::tempdir().expect("a folder");
        let mut program = wyn(&emulator, "exec");
        if renewal {
            program = program.args(["--renew"]).args([folder.path().join("token")]);
        }
        let mut program = program.args(["--", tokenlease, "emulate"]);
        let command = program.command().stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the program");
        let mut output = BufReader::new(child.stdout.take().expect("its output"));
        let mut line = String::new();
        output.read_line(&mut line).expect("a line");
        assert!(line.starts_with('{'), "{line}");
        child.kill().expect("it is ended");
        child.wait().expect("its end");
        // The command has the other end of the pipe.
        assert_eq!(output.read_to_end(&mut Vec::new()).expect("the end"), 0);
    }
}
