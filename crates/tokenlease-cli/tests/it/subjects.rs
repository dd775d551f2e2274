//! `--subject` and `--without-login`.

use crate::support::{emulator, folder, json, wyn};

/// Rule: Subjects: commands with different secrets share the token of a subject, and another subject is
/// never served.
#[test]
fn commands_with_different_secrets_share_the_token_of_a_subject() {
    let (emulator, folder) = (emulator(), folder());
    emulator.wyn().set_passwords(["first"]);
    let token = |subject: &str, ticket: &str, code| {
        let program = wyn(&emulator, "token").env("TOKENLEASE_PASSWORD", ticket);
        json(program.args(["--subject", subject, "--lifetime=8h"]), folder.path(), code)
    };
    let first = token("anna", "first", 0);
    emulator.wyn().set_passwords(["second"]);
    let second = token("anna", "second", 0);
    assert_eq!(
        (&second["token"], &second["source"]),
        (&first["token"], &"store".into()),
        "{second}"
    );
    assert_eq!(emulator.counts().wyn.login, 1);
    assert_ne!(token("boris", "second", 0)["token"], first["token"]);
    // `status` and `doctor` know the entries of a subject, whatever the secret is.
    let status = wyn(&emulator, "status").env("TOKENLEASE_PASSWORD", "third");
    let status = json(status.args(["--subject", "anna"]), folder.path(), 0);
    let entry = &status["identities"][0]["entries"][0];
    assert_eq!((&entry["yours"], &entry["lease"]["live"]), (&true.into(), &true.into()));
    let check = wyn(&emulator, "status").args(["--subject", "anna", "--check"]);
    check.shares(folder.path()).run().exits_with(0);
}

/// Rule: Subjects: a command without login needs no password: it prints the stored token of the subject, and
/// revokes it.
#[test]
fn a_command_without_login_needs_no_password() {
    let (emulator, folder) = (emulator(), folder());
    let without = |command: &str, subject: &str| {
        let mut program = wyn(&emulator, command).shares(folder.path());
        program.command().env_remove("TOKENLEASE_PASSWORD");
        program.args(["--without-login", "--subject", subject])
    };
    without("token", "anna").run().exits_with(2).complains("without_login");
    let token = json(
        wyn(&emulator, "token").args(["--subject", "anna", "--lifetime=8h"]),
        folder.path(),
        0,
    );
    let text = token["token"].as_str().expect("a token");
    let out = without("token", "anna").run().exits_with(0).out;
    assert_eq!(out.trim(), text);
    without("revoke", "anna").input(text).run().exits_with(0);
    assert!(!emulator.token_is_active(text));
    without("token", "anna").run().exits_with(2);
    assert_eq!(emulator.counts().wyn.login, 1);
}
