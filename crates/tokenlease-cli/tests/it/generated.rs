//! Completions and manual pages, as `just generate` writes them.
#![cfg(unix)]

use std::{fs, path::Path, process::Command};

use tokenlease_test_servers::found;

use crate::support::folder;

#[path = "../../examples/generate.rs"]
#[allow(dead_code, reason = "the example's main function")]
mod generate;

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn run(command: &mut Command) -> String {
    let output = command.output().expect("a command");
    let both = [&output.stdout[..], &output.stderr[..]].concat();
    let both = String::from_utf8(both).expect("text");
    assert!(output.status.success(), "{both}");
    both
}

/// Rule: Formats: completions name each visible option and command, and no option that rejects a secret.
#[test]
fn completions_have_all_visible_options_and_no_secret() {
    let folder = folder();
    generate::generate(folder.path()).expect("generated");
    let completions = folder.path().join("completions");
    for name in ["tokenlease.bash", "_tokenlease", "tokenlease.fish", "_tokenlease.ps1"] {
        let script = read(&completions.join(name));
        for word in ["min-remaining", "renew", "format", "report-rejected", "password-file"] {
            assert!(script.contains(word), "{name} lacks {word}");
        }
        for hidden in
            ["demo-process", "store-passphrase ", "-l password ", "'--password'", "--extra-secret "]
        {
            assert!(!script.contains(hidden), "{name} has {hidden}");
        }
    }
    let Some(bash) = found(&["bash"]) else { return };
    let complete = |words: &str, at: usize| {
        let script = format!(
            "source '{}'; COMP_WORDS=({words}); COMP_CWORD={at}; \
             _tokenlease tokenlease \"${{COMP_WORDS[{at}]}}\" \"${{COMP_WORDS[{at}-1]}}\"; \
             echo \"${{COMPREPLY[@]}}\"",
            completions.join("tokenlease.bash").display()
        );
        run(Command::new(&bash).args(["--norc", "-c", &script])).trim_end().to_owned()
    };
    assert_eq!(complete("tokenlease tok", 1), "token");
    assert_eq!(complete("tokenlease exec --ren", 2), "--renew");
    assert_eq!(complete("tokenlease status --format ''", 3), "nagios openmetrics");
    assert_eq!(complete("tokenlease token --passw", 2), "--password-file --password-command");
}

/// Rule: Formats: each visible command has a manual page, which the formatter accepts.
#[test]
fn each_command_has_a_manual_page() {
    let folder = folder();
    generate::generate(folder.path()).expect("generated");
    let man = folder.path().join("man");
    let mut names: Vec<_> = fs::read_dir(&man)
        .expect("the pages")
        .map(|page| page.expect("a page").file_name().into_string().expect("text"))
        .collect();
    names.sort();
    assert!(
        names.len() >= 16 && names.contains(&"tokenlease-store-check.1".to_owned()),
        "{names:?}"
    );
    assert!(!names.iter().any(|name| name.contains("demo-process")), "{names:?}");
    let groff = found(&["groff"]);
    for name in &names {
        let page = read(&man.join(name));
        for part in [".SH NAME", ".SH SYNOPSIS", ".SH \"EXAMPLES\"", ".SH \"EXIT STATUS\""] {
            assert!(page.contains(part), "{name}: {part}");
        }
        let Some(groff) = &groff else { continue };
        let args = ["-man", "-ww", "-z", "-Tutf8"];
        let printed = run(Command::new(groff).args(args).arg(man.join(name)));
        assert_eq!(printed, "", "{name}");
    }
}
