//! `history`.

use std::fs;

use serde_json::{Value, json};

use crate::support::{emulator, folder, json, tokenlease, winkas, wyn, wyn_wrong};

fn entries(history: &Value) -> Vec<Value> {
    history["entries"].as_array().expect("entries").clone()
}

/// Rule: Logins: `history` says when and why each login was sent, on which host and by which process, and
/// how many were above the minimum. It needs no password and sends no request.
#[test]
fn history_says_when_why_and_where_each_login_was_sent() {
    let emulator = emulator();
    let folder = folder();
    let token = json(wyn(&emulator, "token"), folder.path(), 0);
    json(wyn(&emulator, "token"), folder.path(), 0);
    json(wyn(&emulator, "forget"), folder.path(), 0);
    json(wyn(&emulator, "token"), folder.path(), 0);
    wyn_wrong(&emulator, "token").shares(folder.path()).run().exits_with(3);
    let before = emulator.log().len();

    let history = json(wyn(&emulator, "history"), folder.path(), 0);
    let of = |entry: &Value| {
        ["kind", "cause", "result"].map(|name| entry[name].as_str().expect("a text").to_owned())
    };
    let words: Vec<_> = entries(&history).iter().map(of).collect();
    assert_eq!(
        words,
        [
            ["login", "first", "token"],
            ["login", "forgotten", "token"],
            ["rejection", "credentials_rejected", "circuit_opened"],
        ]
    );
    assert_eq!((&history["logins"], &history["minimum"]), (&json!(2), &json!(1)));
    assert_eq!(history["extra"], json!([{ "entry": 1, "cause": "forgotten", "beside": null }]));
    for entry in entries(&history) {
        assert!(!entry["host"].as_str().expect("a host").is_empty(), "{entry}");
        assert_ne!(entry["process"], json!(std::process::id()));
        assert_ne!(entry["process"], json!(0));
    }
    let status = json(wyn(&emulator, "status"), folder.path(), 0);
    assert_eq!(history["record"], status["identities"][0]["record"]);
    let lease = status["identities"][0]["entries"]
        .as_array()
        .and_then(|entries| entries.iter().find(|entry| entry["yours"] == true))
        .expect("an entry");
    let login = &entries(&history)[1];
    assert_eq!(login["token"], lease["lease"]["fingerprint"]);
    assert_eq!(login["at"], lease["lease"]["sent_at"]);
    assert_eq!(login["credentials"], lease["credentials"]);

    let of = emulator.wyn();
    let server = of.server();
    let alone = ["history", "--provider=wyn", "--server", &server, "--user", &of.user()];
    let text = tokenlease(alone).shares(folder.path()).run().exits_with(0).out;
    for word in [
        "2 logins since",
        "the minimum was 1, and 1 were above it",
        "the store had no token of this identity",
        "the token was removed by `forget`; above the minimum",
        "the server rejected the credentials; the credentials are not sent again for now",
    ] {
        assert!(text.contains(word), "{word}: {text}");
    }
    assert_eq!(emulator.log().len(), before);
    let secret = token["token"].as_str().expect("a token");
    assert!(!text.contains(secret) && !history.to_string().contains(secret));
}

/// Rule: Formats: the picture of a history is one SVG file without references to others, and every event of
/// the history is in it.
#[test]
fn the_picture_of_a_history_has_every_event() {
    let emulator = emulator();
    let folder = folder();
    json(winkas(&emulator, "token"), folder.path(), 0);
    json(winkas(&emulator, "forget"), folder.path(), 0);
    json(winkas(&emulator, "token"), folder.path(), 0);
    let path = folder.path().join("erp.svg");
    let history = winkas(&emulator, "history").args(["--svg"]).args([&path]);
    let history = json(history, folder.path(), 0);
    let kinds: Vec<_> = entries(&history).iter().map(|entry| entry["kind"].clone()).collect();
    assert_eq!(kinds, ["login", "refetch"]);
    let svg = fs::read_to_string(&path).expect("a picture");
    assert!(svg.starts_with("<svg xmlns=") && svg.ends_with("</svg>\n"));
    assert!(svg.contains("prefers-color-scheme:dark"));
    assert!(!svg.contains("href") && !svg.contains("url("));
    for entry in entries(&history) {
        assert!(svg.contains(entry["at"].as_str().expect("a time")), "{entry}");
    }
    let open = svg.matches('<').count();
    assert_eq!(open, svg.matches('>').count());
    let unwritable = folder.path().join("missing").join("erp.svg");
    let run = winkas(&emulator, "history").args(["--svg"]).args([&unwritable]);
    run.shares(folder.path()).run().exits_with(2).complains("can't be written");
}

#[test]
fn an_identity_without_a_record_has_an_empty_history() {
    let emulator = emulator();
    let folder = folder();
    let history = json(wyn(&emulator, "history"), folder.path(), 0);
    assert_eq!((entries(&history), &history["logins"]), (vec![], &json!(0)));
    let text = wyn(&emulator, "history").shares(folder.path()).run().exits_with(0).out;
    assert!(text.contains("no login is recorded"), "{text}");
    let svg = folder.path().join("empty.svg");
    wyn(&emulator, "history").args(["--svg"]).args([&svg]).run().exits_with(0);
}
