//! `status`.

use std::fs;
#[cfg(target_os = "linux")]
use std::time::Duration;

use serde_json::Value;
#[cfg(target_os = "linux")]
use tokenlease::{
    SystemClock,
    core::{Credentials, Identity, WallTime, provider::Server},
};
use tokenlease_emulator::{Endpoint, Fault};

use crate::support::{Program, emulator, folder, json, tokenlease, winkas, wyn, wyn_wrong};

fn entries(status: &Value) -> Vec<Value> {
    status["identities"][0]["entries"].as_array().expect("entries").clone()
}

#[test]
fn status_lists_the_stores_tokens_and_sends_no_request() {
    let emulator = emulator();
    let folder = folder();
    let status = json(wyn(&emulator, "status"), folder.path(), 0);
    assert_eq!((entries(&status), &status["others"]), (vec![], &Value::Array(vec![])));

    let token = json(wyn(&emulator, "token").args(["--lifetime=8h"]), folder.path(), 0);
    json(winkas(&emulator, "token"), folder.path(), 0);
    wyn_wrong(&emulator, "token").shares(folder.path()).run().exits_with(3);
    emulator.fault(Endpoint::WynLogin, Fault::status(500), 100);
    let before = emulator.log().len();

    let status = json(wyn(&emulator, "status"), folder.path(), 0);
    let entries = entries(&status);
    let of = |yours: bool| {
        entries.iter().find(|entry| entry["yours"] == yours).expect("an entry").clone()
    };
    let lease = &of(true)["lease"];
    assert_eq!((&lease["live"], &lease["expiry"]), (&Value::from(true), &Value::from("stated")));
    assert_eq!(lease["expires_at"], token["expires_at"]);
    assert_eq!(lease["generation"], 1);
    assert!(lease["remaining_s"].as_u64() > Some(7 * 3600), "{lease}");
    assert_eq!(of(true)["circuit"], Value::Null);
    assert_eq!(of(false)["lease"], Value::Null);
    assert!(of(false)["circuit"]["until"].is_string());
    let identity = status["identities"][0]["identity"].as_str().expect("an identity");
    assert!(identity.contains(&emulator.wyn().server()), "{identity}");
    // Of the other identity only the hash is known.
    assert_eq!(status["others"].as_array().map(Vec::len), Some(1));
    assert_eq!(status["others"][0]["record"].as_str().map(str::len), Some(12));

    let text = wyn(&emulator, "status").shares(folder.path()).run().exits_with(0).out;
    for word in ["CREDENTIALS", "(yours)", "(stated)", "live", "rejected: not sent before"] {
        assert!(text.contains(word), "{word}: {text}");
    }
    assert_eq!(emulator.log().len(), before);
    assert!(!text.contains(token["token"].as_str().expect("a token")));
}

#[test]
fn status_without_an_identity_lists_all_profiles_and_other_records() {
    let emulator = emulator();
    let folder = folder();
    json(wyn(&emulator, "token"), folder.path(), 0);
    json(winkas(&emulator, "token"), folder.path(), 0);
    let config = folder.path().join("config.toml");
    let of = emulator.wyn();
    let profile = format!(
        "[profile.bi]\nprovider = \"wyn\"\nserver = \"{}\"\nuser = \"{}\"\n\
         [profile.half]\nprovider = \"wyn\"\n",
        of.server(),
        of.user()
    );
    fs::write(&config, profile).expect("written");
    let status = || tokenlease(["status", "--config"]).args([&config]).shares(folder.path());
    let run = status().args(["--output=json"]).run().exits_with(0);
    let json = run.json();
    assert_eq!(json["identities"].as_array().map(Vec::len), Some(1));
    assert_eq!(json["identities"][0]["profile"], "bi");
    // Without credentials the owner of an entry is unknown.
    assert_eq!(entries(&json)[0]["yours"], Value::Null);
    assert_eq!(json["others"].as_array().map(Vec::len), Some(1));
    run.complains("warning: profile \"half\"");
    let text = status().run().exits_with(0).out;
    assert!(text.starts_with("bi: ") && text.contains("other records"), "{text}");
    let empty = tokenlease(["status"]).run().exits_with(0).out;
    assert_eq!(empty, "no record and no profile\n");
}

#[test]
fn status_check_exits_with_0_1_or_3() {
    let emulator = emulator();
    let folder = folder();
    let check = |program: Program, least: &[&str], code| {
        let run = program.shares(folder.path()).args(["--check"]).args(least).run();
        run.exits_with(code).out
    };
    assert_eq!(check(wyn(&emulator, "status"), &[], 1), "none: no live token\n");
    json(wyn(&emulator, "token").args(["--lifetime=8h"]), folder.path(), 0);
    json(winkas(&emulator, "token"), folder.path(), 0);
    assert!(check(wyn(&emulator, "status"), &[], 0).starts_with("live: 7h59m"));
    check(wyn(&emulator, "status"), &["--min-remaining", "1h"], 0);
    let short = check(wyn(&emulator, "status"), &["--min-remaining", "9h"], 1);
    assert_eq!(short, "too short: less than 9h remaining\n");
    check(winkas(&emulator, "status"), &["--min-remaining", "11h"], 0);
    // Without a password any live token of the identity counts.
    let mut program = wyn(&emulator, "status");
    program.command().env_remove("TOKENLEASE_PASSWORD");
    check(program, &[], 0);
    check(wyn_wrong(&emulator, "status"), &[], 1);

    // The age of a refetched token is unknown.
    json(winkas(&emulator, "forget"), folder.path(), 0);
    let other = crate::support::folder();
    json(winkas(&emulator, "token"), other.path(), 0);
    let check = |least: &[&str]| {
        winkas(&emulator, "status").shares(other.path()).args(["--check"]).args(least).run()
    };
    assert_eq!(check(&[]).exits_with(0).out, "live: expiry unknown\n");
    check(&["--min-remaining", "1h"]).exits_with(0);
    // But it is never longer than a day.
    let short = check(&["--min-remaining", "25h"]).exits_with(1).out;
    assert_eq!(short, "too short: less than 1d1h remaining\n");
    tokenlease(["status", "--check"]).run().exits_with(2).complains("--provider");
    wyn(&emulator, "status").args(["--min-remaining", "1h"]).run().exits_with(2);
}

/// Rule: Circuit: a process reports the server's answer that another process got, and `status` shows it.
#[test]
fn another_process_and_status_show_the_cause_of_a_circuit() {
    let emulator = emulator();
    let folder = folder();
    let run = |command| wyn_wrong(&emulator, command).shares(folder.path()).run();
    let first = run("token").exits_with(3).err;
    let logins = emulator.counts().wyn.login;
    let second = run("token").exits_with(3).err;
    assert_eq!(emulator.counts().wyn.login, logins);
    // The first process got the answer, the second one read it in the record.
    let answer = "the server said \"invalid_username_or_password\"";
    for error in [&first, &second] {
        assert!(error.contains(answer) && error.contains("code invalid_grant"), "{error}");
    }
    let text = run("status").exits_with(0).out;
    assert!(text.contains(answer), "{text}");
    let status = json(wyn_wrong(&emulator, "status"), folder.path(), 0);
    let cause = &entries(&status)[0]["circuit"]["cause"];
    assert_eq!((&cause["kind"], &cause["status"]), (&"credentials_rejected".into(), &400.into()));
    assert_eq!(cause["code"], "invalid_grant");
    let check = wyn_wrong(&emulator, "status").shares(folder.path()).args(["--check"]).run();
    assert!(check.exits_with(3).out.contains(answer));
}

/// A clock whose wall clock is ten minutes behind.
#[cfg(target_os = "linux")]
#[derive(Debug)]
struct Behind;

#[cfg(target_os = "linux")]
impl tokenlease::Clock for Behind {
    fn now(&self) -> tokenlease::core::Now {
        let now = SystemClock.now();
        tokenlease::core::Now { wall: WallTime(now.wall.0 - 600_000), ..now }
    }

    fn coarse_monotonic(&self) -> i64 {
        SystemClock.coarse_monotonic()
    }

    fn coarse_wall(&self) -> i64 {
        SystemClock.coarse_wall()
    }

    fn sleep(&self, duration: Duration) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        SystemClock.sleep(duration)
    }
}

/// Rule: Clocks: `status` shows by how much a host's clocks have parted since a token was confirmed, and
/// `doctor` warns.
#[cfg(target_os = "linux")]
#[test]
fn status_and_doctor_show_clocks_that_have_parted() {
    let (emulator, folder) = (emulator(), folder());
    let store = format!("file:{}", folder.path().join("tokenlease").display());
    let opened =
        tokenlease_store::open_blocking(&store, &tokenlease_store::StoreOptions::default());
    let opened = opened.expect("a store");
    let registry = tokenlease::Registry::builder()
        .clock(std::sync::Arc::new(Behind))
        .store(opened.store, opened.key)
        .build()
        .expect("a registry");
    let account = emulator.winkas();
    let identity = Identity::winkas(&account.server(), &account.user(), &account.contract());
    let server = Server::new(identity.expect("an identity"));
    let credentials = Credentials::password(account.password());
    let client = tokenlease::Client::builder(server, credentials).registry(&registry).build();
    client.expect("a client").blocking().token().expect("a token");

    let lease =
        || entries(&json(winkas(&emulator, "status"), folder.path(), 0))[0]["lease"].clone();
    let parted = lease()["clocks_parted_s"].as_i64().expect("a number");
    assert!((599..700).contains(&parted), "{parted}");
    let text = winkas(&emulator, "status").shares(folder.path()).run().exits_with(0).out;
    assert!(text.contains("live; clocks parted: the wall clock went 10m"), "{text}");
    let findings = json(winkas(&emulator, "doctor"), folder.path(), 0);
    let findings = findings.as_array().expect("a list");
    let clocks = findings.iter().find(|finding| finding["step"] == "clocks").expect("a finding");
    assert_eq!(clocks["outcome"], "warn");
    assert!(clocks["advice"].as_str().expect("advice").contains("NTP"), "{clocks}");

    // The server confirms the token before it is used.
    winkas(&emulator, "token").shares(folder.path()).run().exits_with(0);
    assert_eq!(lease()["clocks_parted_s"], Value::Null);
    assert_eq!(emulator.counts().winkas.login, 1);
    let doctor = winkas(&emulator, "doctor").shares(folder.path()).run().exits_with(0).out;
    assert!(!doctor.contains("clocks"), "{doctor}");
}
