//! The library in a process that leaves all signals at their defaults.

use crate::{
    abrupt_server::{self, Close},
    support::{command, folder, program, succeed},
};

/// Rule: Languages: a server that closes its TLS connections abruptly raises no signal in a C program.
#[test]
fn a_server_that_closes_abruptly_raises_no_signal_in_a_c_program() {
    let Some(program) = program("default_signals.c") else { return };
    for close in [Close::AfterHandshake, Close::AfterAnswer] {
        let files = tempfile::tempdir_in(folder("authorities")).unwrap();
        let (address, authority) = abrupt_server::start(close, files.path());
        let mut program = command(&program);
        program.env("SERVER", format!("https://{address}")).env("AUTHORITY", authority);
        // The program counts the signals: a handler shows them where the default ends the process.
        for handles in ["0", "1"] {
            let output = succeed(program.env("HANDLES_SIGPIPE", handles));
            assert_eq!(output, "0 signals\n", "{close:?}, handles: {handles}");
        }
    }
}
