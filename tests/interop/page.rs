//! The page in the docs: its table is what the tests found.

use std::{fmt::Write as _, fs, path::Path};

use tokenlease_tests::servers::TestServer;

use crate::{errors::Found, trial::CLIENTS};

const BEGIN: &str = "<!-- Written by the test `interop`: begin -->\n";
const END: &str = "<!-- end -->\n";

/// The rows of the table: the cases of the snapshots that tell servers apart.
const CASES: [&str; 13] = [
    "wrong password",
    "unknown user",
    "wrong secret",
    "unknown client",
    "invalid scope",
    "grant not allowed",
    "password of 64 KiB",
    "validate, unknown token",
    "revoke",
    "revoke, unknown token",
    "revoke, wrong secret",
    "revoke, another client",
    "API, unknown token",
];

/// Checks the page, or writes it where snapshots are to be written (`INSTA_UPDATE=always`).
pub(crate) fn check(all: &[(TestServer, Found)]) {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/interop.md");
    let text = fs::read_to_string(&page).expect("docs/interop.md");
    let (head, rest) = text.split_once(BEGIN).expect("the table's begin");
    let (_, tail) = rest.split_once(END).expect("the table's end");
    let expected = format!("{head}{BEGIN}\n{}\n{END}{tail}", table(all) + &notes(all));
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
    for case in CASES {
        row(case, &|_, found| found.get(case).to_owned());
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
