//! The rules of the project and the tests that hold them: `docs/rules.md` is made from the comments
//! `Rule: area: sentence` above the tests.

use std::{collections::BTreeMap, env, fmt::Write as _, fs};

use crate::{files, read, root};

/// The areas, in the order of the page.
const AREAS: [&str; 30] = [
    "Logins",
    "Expiry",
    "Memory",
    "Store",
    "Lock",
    "Refetch",
    "Login",
    "Save",
    "Merge",
    "Outage",
    "Rejection",
    "Circuit",
    "Backoff",
    "Validation",
    "Revocation",
    "Secrets",
    "Identity",
    "Subjects",
    "Registry",
    "Discovery",
    "Trust",
    "Proxies",
    "Clocks",
    "Deadlines",
    "Signals",
    "Fork",
    "Events",
    "Plug-ins",
    "Formats",
    "Languages",
];

/// A rule with the test that holds it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rule {
    sentence: String,
    test: String,
    file: String,
}

/// Reads the rules of a source file.
fn rules_of(text: &str, file: &str, rules: &mut BTreeMap<String, Vec<Rule>>) {
    let mut comment: Option<Vec<String>> = None;
    for line in text.lines().map(str::trim) {
        let prose = ["/// ", "# ", "//! "].iter().find_map(|mark| line.strip_prefix(mark));
        let prose = prose.filter(|_| !line.starts_with("//! "));
        match (prose, &mut comment) {
            (Some(prose), None) if prose.starts_with("Rule: ") => {
                comment = Some(vec![prose["Rule: ".len()..].to_owned()]);
            }
            (Some(prose), Some(lines)) => lines.push(prose.to_owned()),
            (None, Some(lines)) => {
                let name = ["fn ", "def "].iter().find_map(|mark| {
                    let (_, name) = line.split_once(mark)?;
                    Some(name.split(['(', '<']).next()?.to_owned())
                });
                if let Some(test) = name.filter(|_| !line.starts_with('"')) {
                    let all = lines.join(" ");
                    let rule = all.split("Reported as ").next().unwrap_or_default().trim();
                    let (area, sentence) = rule.split_once(": ").unwrap_or(("", rule));
                    assert!(AREAS.contains(&area), "{file}: no such area: {all}");
                    let (first, rest) = sentence.split_at(1);
                    let sentence = first.to_uppercase() + rest;
                    let rule = Rule { sentence, test, file: file.to_owned() };
                    rules.entry(area.to_owned()).or_default().push(rule);
                    comment = None;
                } else if !line.starts_with("#[")
                    && !line.starts_with('@')
                    && !line.starts_with("///")
                    && !line.ends_with(']')
                    && !line.is_empty()
                {
                    panic!("{file}: no test follows the rule \"{}\", but: {line}", lines.join(" "));
                }
            }
            (_, None) => {}
        }
    }
    assert!(comment.is_none(), "{file}: no test follows its last rule");
}

fn page() -> String {
    let mut rules = BTreeMap::new();
    let folders = ["bindings", "crates", "python", "tests"];
    for path in files::below(&folders, &["rs", "py"]) {
        let name = path.to_string_lossy().replace('\\', "/");
        if name != "tests/project/rules.rs" {
            rules_of(&read(&path), &name, &mut rules);
        }
    }
    let mut page = String::from(
        "# Rules\n\nEach rule of the project, and the test that checks it. This page is made from the \
         comments above the tests:\n`TOKENLEASE_ACCEPT_RULES=1 cargo test -p tokenlease-tests --test \
         project` writes it.\n",
    );
    for area in AREAS {
        let Some(rules) = rules.get_mut(area) else { continue };
        rules.sort();
        let _ = write!(page, "\n## {area}\n\n| rule | test |\n| --- | --- |\n");
        for Rule { sentence, test, file } in rules {
            let sentence = sentence.replace('|', "\\|");
            let _ = writeln!(page, "| {sentence} | [`{test}`](../{file}) |");
        }
    }
    page
}

/// Rule: Formats: `docs/rules.md` names each rule with its test.
#[test]
fn the_page_of_rules_is_up_to_date() {
    let path = root().join("docs/rules.md");
    let page = page();
    if env::var_os("TOKENLEASE_ACCEPT_RULES").is_some() {
        fs::write(&path, &page).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == page,
        "docs/rules.md is out of date: TOKENLEASE_ACCEPT_RULES=1 cargo test -p tokenlease-tests \
         --test project"
    );
    let rows = page.lines().filter(|line| line.starts_with("| ") && line.contains("`]("));
    assert!(rows.count() > 150, "a table of rules needs its rules");
}

#[test]
fn a_rule_is_its_sentence_and_the_test_below() {
    let mut rules = BTreeMap::new();
    let text =
        "/// Rule: Lock: one has\n/// it.\n///\n/// Reported as a/b#1\n#[test]\nfn one_has_it() {}";
    rules_of(text, "x.rs", &mut rules);
    let rule =
        Rule { sentence: "One has it.".into(), test: "one_has_it".into(), file: "x.rs".into() };
    assert_eq!(rules["Lock"], [rule]);
}

/// Rule: Formats: the name of a test is its rule in plain words, without prefixes or numbers of lists.
#[test]
fn no_test_has_a_private_prefix() {
    // Numbers of lists, and words that only a former list of rules explained.
    const PREFIXES: [&str; 24] = [
        "lesson_",
        "look_first_",
        "adopt_live_",
        "drop_seen_",
        "resave_",
        "wait_look_",
        "slices_",
        "lock_fit_",
        "same_yes_",
        "refetch_word_",
        "noword_",
        "late_lesson_",
        "newest_",
        "late_refusal_",
        "late_success_",
        "join_after_",
        "doubt_",
        "told_again_",
        "entry_space_",
        "space_reset_",
        "tomb_time_",
        "circuit_own_",
        "hold5xx_",
        "fixed_e_",
    ];
    for path in files::below(&["bindings", "crates", "python", "tests"], &["rs", "py"]) {
        for line in read(&path).lines() {
            let name = ["fn ", "def test_"].iter().find_map(|mark| line.trim().strip_prefix(mark));
            let Some(name) = name else { continue };
            // A test takes no argument in Rust, and fixtures in Python.
            let is_test = name.contains("()") || line.trim().starts_with("def test_");
            let found = PREFIXES.iter().find(|prefix| is_test && name.starts_with(**prefix));
            let numbered = name.contains("lesson_");
            assert!(found.is_none() && !numbered, "{}: {name}", path.display());
        }
    }
}
