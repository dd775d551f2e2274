//! The pages that a reader follows from the first block to the last.

use std::fs;

use crate::{
    built::{c_library, is_installed, python},
    page::{Page, all, root},
    session::{Session, is_run},
};

/// The pages whose blocks these tests run.
const PAGES: [&str; 9] = [
    "README.md",
    "docs/operating.md",
    "docs/plugins.md",
    "docs/quickstart-c.md",
    "docs/quickstart-cli.md",
    "docs/quickstart-python.md",
    "docs/quickstart-rust.md",
    "docs/serve.md",
    "docs/stores.md",
];

/// Blocks that are not run here, on pages that others test: figures and commands that take hours, and
/// those that the C library's tests run in each language.
const NOT_RUN: [&str; 2] = ["docs/benchmarks.md", "docs/languages.md"];

#[test]
fn every_page_with_commands_is_run() {
    for name in all() {
        let page = Page::read(&name);
        let has_commands = page.blocks.iter().any(is_run);
        let is_covered = PAGES.contains(&&*name) || NOT_RUN.contains(&&*name);
        assert!(!has_commands || is_covered, "{name} has commands that no test runs");
    }
}

#[test]
fn the_rust_quickstart_runs() {
    let page = Page::read("docs/quickstart-rust.md");
    let manifest = page.only("toml");
    let parsed: toml::Table = manifest.text.parse().expect("a Cargo.toml");
    for (name, dependency) in parsed["dependencies"].as_table().expect("a table") {
        let Some(path) = dependency.get("path").and_then(toml::Value::as_str) else { continue };
        let path = path.strip_prefix("../tokenlease/").expect("a path into the clone");
        let text = fs::read_to_string(root().join(path).join("Cargo.toml")).expect("a crate");
        assert!(text.contains(&format!("name = \"{name}\"")), "{path} is not {name}");
    }
    let mut session = Session::new();
    session.set("QUICKSTART_RUST", env!("CARGO_BIN_EXE_quickstart"));
    session.run(&page);
}

#[test]
fn the_c_quickstart_runs() {
    if !["cc", "pkg-config"].into_iter().all(is_installed) {
        return;
    }
    let mut session = Session::new();
    session.set("FROM", c_library());
    session.run(&Page::read("docs/quickstart-c.md"));
}

#[test]
fn the_python_quickstart_runs() {
    let Some(python) = python() else { return };
    let mut session = Session::new();
    session.set("QUICKSTART_PYTHON", python);
    session.run(&Page::read("docs/quickstart-python.md"));
}

#[test]
fn the_command_line_quickstart_runs() {
    if is_installed("curl") {
        Session::new().run(&Page::read("docs/quickstart-cli.md"));
    }
}

#[test]
fn the_commands_of_the_page_about_stores_run() {
    if ["redis-server", "openssl"].into_iter().all(is_installed) {
        Session::new().run(&Page::read("docs/stores.md"));
    }
}

#[test]
fn the_commands_of_the_page_about_operating_run() {
    Session::new().run(&Page::read("docs/operating.md"));
}

#[test]
fn the_commands_of_the_page_about_plug_ins_run() {
    if is_installed("git") {
        Session::new().run(&Page::read("docs/plugins.md"));
    }
}

#[test]
fn the_commands_of_the_page_about_serve_run() {
    if ["curl", "php"].into_iter().all(is_installed) {
        Session::new().run(&Page::read("docs/serve.md"));
    }
}

/// Power Query runs in Excel alone, so the page shows its request as a command too, which is run.
#[test]
fn the_power_query_of_the_page_about_serve_sends_the_request_that_is_run() {
    let page = Page::read("docs/serve.md");
    let at = page.blocks.iter().position(|block| block.language == "powerquery").expect("a query");
    let (query, command) = (&page.blocks[at].text, &page.blocks[at + 1].text);
    let value = |start: &str, end: &str| {
        let (_, rest) = query.split_once(start).unwrap_or_else(|| panic!("{start} is missing"));
        rest.split_once(end).expect("its end").0.to_owned()
    };
    let url = value("Web.Contents(\"", "\",") + "/" + &value("RelativePath = \"", "\",");
    let content_type = value("#\"Content-Type\" = \"", "\"");
    // In a text of Power Query, a quote is written twice.
    let body = value("Content = Text.ToBinary(\"", "\")").replace("\"\"", "\"");
    let user = value("Authorization = \"Basic \" & Binary.ToText(Text.ToBinary(\"", "\" & Secret)");
    for part in [
        format!("curl -sS {url} -H \"Authorization: Basic $basic\""),
        format!("-H 'Content-Type: {content_type}'"),
        format!("--data-binary '{body}'"),
        format!("printf '{user}%s' \"$SECRET\" | base64"),
    ] {
        assert!(command.contains(&part), "{part} is not in {command}");
    }
}

#[test]
fn the_quickstarts_are_short() {
    for name in PAGES.into_iter().filter(|name| name.contains("quickstart")) {
        let lines = Page::read(name).text.lines().count();
        assert!((60..=130).contains(&lines), "{name} has {lines} lines");
    }
}
