//! AWS' library with the command as its `credential_process`.

use serde_json::Value;

use super::{Home, go, run};

const COMMAND: [&str; 4] = ["credential", "process", "--profile", "bi"];

/// Rule: Plug-ins: AWS' library reads the output of `credential process`; the token is the session token and
/// the secret key.
#[test]
fn the_library_of_aws_reads_the_token() {
    let Some(library) = go("process") else { return };
    let home = Home::new("");
    let read = run(home.command(library).arg("tokenlease").args(COMMAND), "");
    let found: Value = serde_json::from_str(&read.out).unwrap_or_else(|_| panic!("{read:?}"));
    let token = home.token();
    assert_eq!(found["SessionToken"], *token, "{found}");
    assert_eq!(found["SecretAccessKey"], *token, "{found}");
    assert_eq!(found["AccessKeyID"], "tokenlease", "{found}");
    assert_eq!(found["CanExpire"], true, "{found}");
    let args = ["token", "--profile", "bi", "--output", "json"];
    let json: Value = serde_json::from_str(&home.run("tokenlease", &args, "").out).expect("JSON");
    assert_eq!(found["Expires"], json["expires_at"], "{found}");
}

/// Rule: Plug-ins: a command that another program runs asks nobody for a secret.
#[test]
fn a_missing_secret_is_an_error_and_no_prompt() {
    let home = Home::new("");
    let mut command = home.command("tokenlease");
    command.args(["credential", "process", "--provider", "wyn", "--user", "report"]);
    let failed = run(command.args(["--server", &home.emulator.wyn().server()]), "");
    assert_eq!((failed.code, &*failed.out), (Some(2), ""), "{failed:?}");
    assert!(failed.err.contains("the password is missing"), "{failed:?}");
}
