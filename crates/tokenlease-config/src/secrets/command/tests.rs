//! The end of a command's children, on each system.

use std::io::Read as _;

use super::*;

/// Set in the process that the test below starts.
const IS_CHILD: &str = "TOKENLEASE_TEST_IS_CHILD";
const STARTED: &str = "the child has started";

/// The child of the command below. It waits for ever.
#[test]
fn a_child_waits() {
    if std::env::var_os(IS_CHILD).is_some() {
        println!("{STARTED}");
        loop {
            thread::park();
        }
    }
}

/// Rule: Deadlines: on each system, the children of a password command are ended with it.
#[test]
fn the_children_of_a_command_are_ended_with_it() {
    let program = std::env::current_exe().unwrap();
    let arguments = "secrets::command::tests::a_child_waits --exact --nocapture";
    let program = program.display();
    // More words after the program, so that no shell becomes it.
    let command = if cfg!(windows) {
        format!("set {IS_CHILD}=1&& \"{program}\" {arguments}&& echo ended")
    } else {
        format!("{IS_CHILD}=1 '{program}' {arguments}; echo ended")
    };
    let mut running = Running::start(&command).ok().unwrap();
    let mut output = running.process.stdout.take().unwrap();
    let mut seen = Vec::new();
    while !String::from_utf8_lossy(&seen).contains(STARTED) {
        let mut byte = [0];
        assert_eq!(output.read(&mut byte).unwrap(), 1, "{}", String::from_utf8_lossy(&seen));
        seen.extend(byte);
    }
    drop(running);
    // The output ends when no process has it any more.
    let mut rest = Vec::new();
    output.read_to_end(&mut rest).unwrap();
    assert!(!String::from_utf8_lossy(&rest).contains("ended"));
}
