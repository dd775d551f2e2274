//! The page in the docs: its table is what the tests found. It covers every server, also those that did
//! not run: it is written from the snapshots.

use std::{fmt::Write as _, fs, path::Path};

use tokenlease_tests::servers::{self, TestServer};

use crate::{errors::Found, trial::CLIENTS};

const BEGIN: &str = "<!-- Written by the test `interop`: begin -->\n";
const END: &str = "<!-- end -->\n";

/// The rows of the table, and the cases of the snapshots that they show.
const CASES: [(&str, &str); 26] = [
    ("token", "login"),
    ("second process", "second process"),
    ("validate", "validate"),
    ("validate, unknown token", "validate, unknown token"),
    ("validate, wrong secret", "validate, wrong secret"),
    ("validate, wrong path", "validate, wrong path"),
    ("validate, userinfo without its scope", "validate, userinfo without its scope"),
    ("validate, userinfo of a revoked token", "validate, userinfo of a revoked token"),
    ("report rejected, active token", "report rejected, active token"),
    ("report rejected, revoked token", "report rejected, revoked token"),
    ("report rejected, no validation", "report rejected, no validation"),
    ("revoke", "revoke"),
    ("revoke, unknown token", "revoke, unknown token"),
    ("revoke, wrong secret", "revoke, wrong secret"),
    ("revoke, wrong path", "revoke, wrong path"),
    ("revoke, another client's token", "revoke, another client"),
    ("wrong password", "wrong password"),
    ("unknown user", "unknown user"),
    ("wrong secret", "wrong secret"),
    ("unknown client", "unknown client"),
    ("wrong scope", "invalid scope"),
    ("client credentials", "client credentials"),
    ("grant not allowed", "grant not allowed"),
    ("wrong path", "path that is not there"),
    ("password of 64 KiB", "password of 64 KiB"),
    ("API, unknown token", "API, unknown token"),
];

/// Checks the page, or writes it where snapshots are to be written (`INSTA_UPDATE=always`).
pub(crate) fn check() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let all: Vec<_> = servers::all()
        .into_iter()
        .map(|server| {
            let snapshot = here.join(format!("snapshots/interop__{}.snap", server.name));
            let snapshot = fs::read_to_string(snapshot).expect("a snapshot of each server");
            (server, Found::read(&snapshot))
        })
        .collect();
    let page = here.join("../docs/interop.md");
    let text = fs::read_to_string(&page).expect("docs/interop.md");
    let (head, rest) = text.split_once(BEGIN).expect("the table's begin");
    let (_, tail) = rest.split_once(END).expect("the table's end");
    let expected = format!("{head}{BEGIN}\n{}\n{END}{tail}", table(&all) + &notes(&all));
    if std::env::var("INSTA_UPDATE").is_ok_and(|how| how == "always") {
        fs::write(&page, expected).expect("written");
    } else {
        assert_eq!(text, expected, "run it with INSTA_UPDATE=always to write docs/interop.md");
    }
}

fn table(all: &[(TestServer, Found)]) -> String {
    let mut table = String::new();
    let mut row = |what: &str, cell: &dyn Fn(&TestServer, &Found) -> String| {
        write!(table, "| {what} |").expect("written");
        for (server, found) in all {
            write!(table, " {} |", cell(server, found)).expect("written");
        }
        table.push('\n');
    };
    row("", &|server, _| server.name.clone());
    row("---", &|_, _| "---".into());
    for (title, case) in CASES {
        row(title, &|_, found| found.get(case).to_owned());
    }
    for (client, _) in CLIENTS {
        row(&format!("the secret of `{client}` works in"), &|_, found| {
            let works: Vec<_> = ["body", "basic", "basic-raw"]
                .into_iter()
                .filter(|way| found.get(&format!("client {client}, {way}")) == "a token")
                .collect();
            if works.is_empty() { "nothing".into() } else { works.join(", ") }
        });
    }
    table
}

fn notes(all: &[(TestServer, Found)]) -> String {
    let mut notes = String::new();
    for (server, _) in all {
        writeln!(notes, "\n### {}\n\n{}\n", server.name, server.what).expect("written");
        for (name, options) in &server.profiles {
            let options: Vec<_> =
                options.iter().map(|(option, value)| format!("`{option} = {value}`")).collect();
            let options = options.join(", ");
            writeln!(notes, "- Options of the profile `{name}`: {options}.").expect("written");
        }
        for note in &server.notes {
            writeln!(notes, "- {note}").expect("written");
        }
    }
    notes
}
