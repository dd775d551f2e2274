//! `validate` and `revoke`: calls with a token on standard input.

use tokenlease_emulator::{Endpoint, Fault};

use crate::support::{emulator, oauth2, tokenlease, unreachable, winkas, wyn};

/// Rule: Validation: `validate` exits with 0 for an active token and with 1 for an inactive one.
#[test]
fn validate_exits_with_0_for_an_active_token_and_1_for_an_inactive_one() {
    let emulator = emulator();
    for (provider, token) in [
        (winkas as fn(&_, &_) -> _, emulator.winkas().log_in_elsewhere()),
        (wyn, emulator.wyn().log_in_elsewhere()),
    ] {
        let validate = || provider(&emulator, "validate").input(&format!("{token}\n"));
        assert_eq!(validate().run().exits_with(0).out, "active\n");
        let json = validate().args(["--output", "json"]).run().exits_with(0).json();
        assert_eq!(json, serde_json::json!({ "active": true }));
        emulator.end_token(&token);
        assert_eq!(validate().run().exits_with(1).out, "not active\n");
        let json = validate().args(["--output", "json"]).run().exits_with(1).json();
        assert_eq!(json, serde_json::json!({ "active": false }));
    }
    assert_eq!((emulator.counts().winkas.login, emulator.counts().wyn.login), (0, 0));
}

#[test]
fn validate_needs_no_password() {
    let emulator = emulator();
    let token = emulator.winkas().log_in_elsewhere();
    let (server, user) = (emulator.winkas().server(), emulator.winkas().user());
    let run =
        tokenlease(["validate", "--provider", "winkas", "--server", &server, "--user", &user])
            .args(["--contract", "c"])
            .input(&token)
            .run();
    run.exits_with(0);
}

/// Rule: Validation: an inconclusive validation is an error, neither active nor inactive.
#[test]
fn an_inconclusive_validation_is_an_error() {
    let emulator = emulator();
    let token = emulator.winkas().log_in_elsewhere();
    emulator.fault(Endpoint::WinkasValidate, Fault::garbage(40), 10);
    let run = winkas(&emulator, "validate").args(["--deadline", "5s"]).input(&token).run();
    assert_eq!(run.exits_with(5).out, "");
    let run =
        tokenlease(["validate", "--provider", "wyn", "--server", unreachable(), "--user", "u"])
            .args(["--deadline", "5s"])
            .input("token")
            .run();
    run.exits_with(4);
    let run = oauth2(&emulator, "validate").input("token").run().exits_with(2);
    run.complains("--userinfo-path or --introspection-path");
}

/// Rule: Secrets: a token is read only from standard input, never from an argument.
#[test]
fn a_token_is_read_only_from_standard_input() {
    let emulator = emulator();
    for command in ["validate", "report-rejected", "revoke"] {
        for input in ["", "\n", "  \n"] {
            let run = wyn(&emulator, command).input(input).run().exits_with(2);
            run.complains("standard input is empty").complains("the token alone");
        }
        let run = wyn(&emulator, command).input("{\"token\": \"canary\"}").run().exits_with(2);
        assert!(!run.err.contains("canary"), "{run:?}");
        let run = wyn(&emulator, command).args(["canary"]).run().exits_with(2);
        let run = run.complains("standard input");
        assert!(!run.err.contains("canary"), "{run:?}");
    }
}

/// Rule: Revocation: `revoke` reports whether the server confirmed that the token is inactive.
#[test]
fn revoke_reports_that_the_end_of_the_token_is_proven() {
    let emulator = emulator();
    for json in [false, true] {
        let token = emulator.wyn().log_in_elsewhere();
        let program = wyn(&emulator, "revoke").input(&token);
        if json {
            let json = program.args(["--output", "json"]).run().exits_with(0).json();
            assert_eq!(json["proven"], true);
            assert_eq!(json["evidence"], "userinfo answered invalid_token");
        } else {
            let run = program.run().exits_with(0);
            assert_eq!(run.out, "revoked, and proven: userinfo answered invalid_token\n");
        }
        assert!(!emulator.token_is_active(&token));
    }
    assert_eq!(emulator.counts().wyn.login, 0);
}

/// Rule: Revocation: a revocation that the server accepts but does not carry out is not reported as proven.
#[test]
fn revoke_reports_that_the_end_is_not_proven() {
    let emulator = emulator();
    let foreign = emulator.wyn().foreign_token();
    let run = wyn(&emulator, "revoke").input(&foreign).run().exits_with(9);
    run.complains("calls the token active afterwards");
    assert!(emulator.token_is_active(&foreign));
    // A text that is no token was not active before.
    let run = wyn(&emulator, "revoke").input("no-token").run().exits_with(0);
    assert!(!run.out.contains("and proven"), "{run:?}");

    let token = emulator.wyn().log_in_elsewhere();
    let json = oauth2(&emulator, "revoke")
        .args(["--revocation-path", "/connect/revocation", "--output", "json"])
        .input(&token)
        .run()
        .exits_with(0)
        .json();
    assert_eq!(json["proven"], false);
    assert!(!emulator.token_is_active(&token));
}

#[test]
fn revoke_needs_the_client_secret_and_no_password() {
    let emulator = emulator();
    let token = emulator.wyn().log_in_elsewhere();
    let mut program = wyn(&emulator, "revoke").input(&token);
    program.command().env_remove("TOKENLEASE_PASSWORD");
    program.run().exits_with(0);
    let run = wyn(&emulator, "revoke").env("TOKENLEASE_CLIENT_SECRET", "wrong").input(&token).run();
    run.exits_with(3);
}

#[test]
fn winkas_has_no_revocation() {
    let emulator = emulator();
    let run = winkas(&emulator, "revoke").input("token").run().exits_with(2);
    run.complains("WinKAS Air has no revocation").complains("`tokenlease forget`");
}
