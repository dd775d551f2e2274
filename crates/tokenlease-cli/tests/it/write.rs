//! `token --write`, `refetch --write`, and `--min-remaining`.
#![cfg(unix)]

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink},
};

use serde_json::Value;

use crate::support::{emulator, folder, winkas, wyn};

fn mode(path: &std::path::Path) -> u32 {
    fs::metadata(path).expect("a file").permissions().mode() & 0o777
}

/// Rule: Secrets: `--write` replaces its file at once, and only the file's user can read it.
#[test]
fn a_written_token_file_is_replaced_at_once_and_private() {
    let (emulator, folder) = (emulator(), folder());
    let file = folder.path().join("erp.token");
    // A former file that others can read, which a reader has open.
    fs::write(&file, "former").expect("written");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).expect("its mode");
    let former = fs::metadata(&file).expect("a file").ino();
    let run = winkas(&emulator, "token").args(["--write"]).args([&file]).run().exits_with(0);
    assert_eq!((run.out.as_str(), run.err.as_str()), ("", ""));
    let token = fs::read_to_string(&file).expect("a token");
    assert!(emulator.token_is_active(token.strip_suffix('\n').expect("a newline")), "{token}");
    assert_eq!(mode(&file), 0o600);
    assert_ne!(fs::metadata(&file).expect("a file").ino(), former, "it was changed in place");

    fs::remove_file(&file).expect("removed");
    winkas(&emulator, "refetch").args(["--write"]).args([&file]).run().exits_with(0);
    assert_eq!(fs::read_to_string(&file).expect("a token"), token);
    let json = winkas(&emulator, "token").args(["--output=json", "--write"]).args([&file]).run();
    let json = json.exits_with(0).json();
    assert_eq!((&json["token"], &json["kind"]), (&Value::Null, &Value::from("winkas")));
    assert_eq!(fs::read_to_string(&file).expect("a token"), token);
    let left = fs::read_dir(folder.path()).expect("the folder").count();
    assert_eq!(left, 1, "a temporary file remained");
}

/// Rule: Secrets: `--write` follows no symbolic link, and replaces nothing but a file.
#[test]
fn a_token_is_written_only_in_place_of_a_file() {
    let (emulator, folder) = (emulator(), folder());
    let target = folder.path().join("target");
    fs::write(&target, "kept").expect("written");
    let link = folder.path().join("link");
    symlink(&target, &link).expect("a link");
    let none = folder.path().join("no/such/folder/token");
    for (place, why) in [
        (link.as_path(), "is a symbolic link"),
        (folder.path(), "is not a regular file"),
        (std::path::Path::new("/dev/null"), "is not a regular file"),
        (&none, "can't be written"),
    ] {
        let run = wyn(&emulator, "token").args(["--write"]).args([place]).run().exits_with(2);
        run.complains(why);
    }
    assert_eq!(fs::read_to_string(&target).expect("the target"), "kept");
    // The place is checked before a login is sent for it.
    assert_eq!(emulator.counts().wyn.login, 0);
}

/// Rule: Expiry: `--min-remaining` of `token` and `exec` asks for a token that lives on for that time;
/// a shorter one is served with a warning.
#[test]
fn min_remaining_asks_for_a_lifetime_and_warns_of_a_shorter_one() {
    let (emulator, folder) = (emulator(), folder());
    let run = |command: &str, more: &[&str]| {
        wyn(&emulator, command)
            .shares(folder.path())
            .args(["--lifetime", "1h", "--min-remaining"])
            .args(more)
            .run()
            .exits_with(0)
    };
    let first = run("token", &["50m"]);
    assert_eq!(first.err, "");
    let second = run("token", &["3h"]).complains("warning: the token expires in 59m");
    assert!(second.err.contains("less than 3h"), "{second:?}");
    assert_eq!(first.out, second.out);
    let third = run("exec", &["3h", "--", "printenv", "TOKENLEASE_TOKEN"]);
    assert_eq!(third.complains("--renew").out, first.out);
    assert_eq!(emulator.counts().wyn.login, 1);
}

/// Rule: Expiry: where the expiry is assumed, `--min-remaining` is a validation and no login.
#[test]
fn min_remaining_validates_a_token_of_an_assumed_expiry() {
    let (emulator, folder) = (emulator(), folder());
    let run = |command: &str, more: &[&str]| {
        winkas(&emulator, command).shares(folder.path()).args(more).run().exits_with(0)
    };
    run("token", &[]);
    assert_eq!(emulator.counts().winkas.validate, 0);
    run("token", &["--min-remaining", "3h"]);
    assert_eq!(emulator.counts().winkas.validate, 1);
    run("exec", &["--min-remaining", "3h", "--", "true"]);
    assert_eq!((emulator.counts().winkas.validate, emulator.counts().winkas.login), (2, 1));
}
