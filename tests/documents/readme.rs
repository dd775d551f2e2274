//! The README: its samples run against an emulator that has the account of the samples.

use std::fs;

use tokenlease_emulator::Emulator;
use tokenlease_tests::pages;

use crate::{
    built::{c_library, is_installed, python},
    page::Page,
    session::Session,
};

const SERVER: &str = "https://air.winkas.net";

fn emulator() -> Emulator {
    let builder = Emulator::builder().winkas_credentials("NAME", "PASSWORD", "CODE");
    builder.start_blocking().expect("an emulator")
}

#[test]
fn the_samples_of_the_readme_run() {
    let emulator = emulator();
    let mut readme = Page::read("README.md");
    let mut session = Session::new();
    session.replace(SERVER, &emulator.winkas().server());
    session.set("TOKENLEASE_PASSWORD", "PASSWORD");
    let profile = format!(
        "[profile.erp]\nprovider = \"winkas\"\nserver = \"{}\"\nuser = \"NAME\"\ncontract = \"CODE\"\n",
        emulator.winkas().server()
    );
    let config = session.folder().join("home/.config/tokenlease");
    fs::create_dir_all(&config).expect("a folder");
    fs::write(config.join("config.toml"), profile).expect("a profile");
    fs::write(session.folder().join("tokenlease/report.sh"), "test -n \"$TOKENLEASE_TOKEN\"\n")
        .expect("a script");

    if is_installed("cc") && is_installed("c++") {
        session.set("FROM", c_library());
        session.prepare(
            "PREFIX=$HOME bindings/c/install.sh\nexport LD_LIBRARY_PATH=$HOME/lib\n\
             build() { \"$@\" -Wall -Wextra -Werror -I$HOME/include -L$HOME/lib -ltokenlease; }\n",
        );
        wrap(&mut readme, "c", C, "build cc -std=c99 -pedantic sample.c -o sample && ./sample\n");
        wrap(&mut readme, "cpp", CPP, "build c++ -std=c++17 sample.cpp -o sample && ./sample\n");
    }
    if let Some(python) = python() {
        session.set("QUICKSTART_PYTHON", python);
        wrap(&mut readme, "python", "@", "python3 sample.python\n");
    }
    session.run(&readme);
    assert_eq!(emulator.counts().winkas.login, 1, "later samples find the first one's token");
}

/// The program around the C sample, which replaces the `@`.
const C: &str = "#include <stdio.h>\n#include <tokenlease.h>\nint main(void) {\n\
    const char *server = \"https://air.winkas.net\", *password = \"PASSWORD\";\n\
    tokenlease_config *config = NULL; tokenlease_client *client = NULL;\n\
    tokenlease_token *token = NULL; tokenlease_error *error = NULL;\n@\nreturn error ? 1 : 0;\n}\n";

/// The program around the C++ sample.
const CPP: &str = "#include <tokenlease.hpp>\nint main() {\n\
    const char *server = \"https://air.winkas.net\", *password = \"PASSWORD\";\n\
    @\nreturn token.text().empty();\n}\n";

/// Makes the sample of a language a file and a command that runs it.
fn wrap(page: &mut Page, language: &str, around: &str, command: &str) {
    let at = page.blocks.iter().position(|block| block.language == language);
    let at = at.unwrap_or_else(|| panic!("the README has no {language}"));
    let block = &mut page.blocks[at];
    block.file = Some(format!("sample.{language}"));
    block.text = around.replace('@', &block.text);
    let run = crate::page::Block {
        language: "sh".into(),
        line: block.line,
        text: command.into(),
        file: None,
    };
    page.blocks.insert(at + 1, run);
}

#[test]
fn the_rust_sample_of_the_readme_gets_a_token() {
    let emulator = emulator();
    let _ = pages::SERVER.set(emulator.winkas().server());
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let token = runtime.block_on(pages::readme_0::winkas_token("PASSWORD"));
    assert!(emulator.token_is_active(token.expect("a token").expose()));
}

#[test]
fn the_samples_of_the_readme_are_short() {
    let readme = Page::read("README.md");
    let languages = ["rust", "c", "cpp", "python", "sh"];
    for block in readme.blocks.iter().filter(|block| languages.contains(&&*block.language)) {
        let lines = block.text.lines().filter(|line| !line.is_empty()).count();
        assert!(lines <= 6, "README.md:{}: {lines} lines", block.line);
    }
}

#[test]
fn the_install_lines_of_the_readme_are_those_of_the_quickstarts() {
    let readme = Page::read("README.md");
    let rows = readme.text.lines().filter(|line| line.contains("(docs/quickstart-"));
    let rows: Vec<_> = rows.filter(|line| line.starts_with('|')).collect();
    assert_eq!(rows.len(), 4, "a row for Rust, C and C++, Python, and the command line");
    for row in rows {
        let page = row.split("(docs/").nth(1).and_then(|rest| rest.split(')').next());
        let page = Page::read(&format!("docs/{}", page.expect("a link")));
        for command in row.split('`').skip(1).step_by(2) {
            let prefix = command.trim_start_matches("PREFIX=~/.local ");
            assert!(page.text.contains(prefix), "{} does not show `{command}`", page.name);
        }
    }
}
