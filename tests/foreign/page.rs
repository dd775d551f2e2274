//! The page in the docs: its table is what the tests found.

use std::{fmt::Write as _, fs, path::Path};

use tokenlease_tests::servers::Foreign;

use crate::errors::Found;

const BEGIN: &str = "<!-- What the test `foreign` found: begin -->\n";
const END: &str = "<!-- end -->\n";

/// Checks the page, or writes it where snapshots are to be written (`INSTA_UPDATE=always`).
pub(crate) fn check(all: &[(Foreign, Found)]) {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/servers.md");
    let text = fs::read_to_string(&page).expect("docs/servers.md");
    let (head, rest) = text.split_once(BEGIN).expect("the table's begin");
    let (table, tail) = rest.split_once(END).expect("the table's end");
    // A server that is not to be had here, or not asked for, keeps its section.
    let mut sections: Vec<(String, String)> = table
        .split("\n### ")
        .skip(1)
        .map(|section| {
            let name = section.lines().next().unwrap_or_default().to_owned();
            (name, format!("\n### {section}"))
        })
        .collect();
    for (foreign, found) in all {
        let (name, section) = (foreign.name.clone(), section(foreign, found));
        match sections.iter_mut().find(|(known, _)| *known == name) {
            Some(known) => known.1 = section,
            None => sections.push((name, section)),
        }
    }
    sections.sort();
    let sections: String = sections.into_iter().map(|(_, section)| section).collect();
    let expected = format!("{head}{BEGIN}{sections}\n{END}{tail}");
    let expected = expected.replace("\n\n\n", "\n\n");
    if std::env::var("INSTA_UPDATE").is_ok_and(|how| how == "always") {
        fs::write(&page, expected).expect("written");
    } else {
        assert_eq!(text, expected, "run it with INSTA_UPDATE=always to write docs/servers.md");
    }
}

fn section(foreign: &Foreign, found: &Found) -> String {
    let mut section = format!("\n### {}\n\n{}\n\n", foreign.name, foreign.what);
    let mut row = |what: &str, outcome: &str| {
        writeln!(section, "| {what} | {outcome} |").expect("written");
    };
    row("what was asked", "what it came to");
    row("---", "---");
    for (name, options) in &foreign.profiles {
        let options: Vec<_> =
            options.iter().map(|(option, value)| format!("`{option} = {value}`")).collect();
        row(&format!("profile `{name}`"), &options.join(", "));
    }
    for case in [
        "wrong password",
        "unknown user",
        "wrong secret",
        "unknown client",
        "invalid scope",
        "grant not allowed",
        "password of 64 KiB",
        "revoke",
        "revoke, unknown token",
        "revoke, wrong secret",
        "revoke, another client",
        "API, revoked token",
    ] {
        row(case, found.get(case));
    }
    for (client, what) in [
        ("integration", "a plain secret in"),
        ("special", "a secret with `+&% =:/\"` in"),
        ("special8", "one with `ø😀` too in"),
    ] {
        let works: Vec<_> = ["body", "basic", "basic-raw"]
            .into_iter()
            .filter(|way| found.get(&format!("client {client}, {way}")) == "a token")
            .collect();
        let works = if works.is_empty() { "nowhere".into() } else { works.join(", ") };
        row(what, &works);
    }
    for note in &foreign.notes {
        writeln!(section, "\n- {note}").expect("written");
    }
    section.replace("\n\n- ", "\n- ").replacen("|\n- ", "|\n\n- ", 1)
}
