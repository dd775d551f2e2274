//! The C++ classes: each function of C has a form there, each call has one that throws and one that
//! returns errors, and the test programs use both.

use std::{collections::BTreeSet, fs};

use crate::{crate_folder, declarations, ffi, include};

/// The functions that C++ programs call as those of C, with the reason.
const ONLY_C: &[(&str, &str)] = &[];

fn headers() -> Vec<(String, String)> {
    let files = fs::read_dir(include("tokenlease")).unwrap().map(|entry| entry.unwrap().path());
    let read = |path: std::path::PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        (name, without_comments(&fs::read_to_string(path).unwrap()))
    };
    files.map(read).collect()
}

/// Returns code without its comments, which mention functions.
fn without_comments(code: &str) -> String {
    let blocks = code.split("/*").enumerate().map(|(at, part)| match at {
        0 => part,
        _ => part.split_once("*/").expect("the end of a comment").1,
    });
    let code: String = blocks.collect();
    let lines = code.lines().map(|line| line.split("//").next().unwrap());
    lines.collect::<Vec<_>>().join("\n")
}

/// Returns the test programs: those without exceptions, and the others.
fn programs() -> [String; 2] {
    let mut texts = [String::new(), String::new()];
    for entry in fs::read_dir(crate_folder().join("tests/c")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        if path.extension().is_some_and(|end| end == "cpp") {
            let bare = usize::from(!name.ends_with("_results"));
            texts[bare].push_str(&fs::read_to_string(path).unwrap());
        }
    }
    texts
}

/// Returns the words of a text, each with the character after it.
fn words(text: &str) -> BTreeSet<(&str, Option<char>)> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut found = BTreeSet::new();
    let mut rest = text;
    while let Some(at) = rest.find(is_word) {
        let tail = &rest[at..];
        let end = tail.find(|c| !is_word(c)).unwrap_or(tail.len());
        found.insert((&tail[..end], tail[end..].chars().next()));
        rest = &tail[end..];
    }
    found
}

fn has_word(text: &str, word: &str) -> bool {
    words(text).iter().any(|(found, _)| *found == word)
}

/// Rule: Languages: each function of C has a form in C++, or a reason why not.
#[test]
fn each_function_of_c_has_a_form_in_cpp() {
    let headers: String = headers().into_iter().map(|(_, text)| text).collect();
    let declared = ffi::declarations();
    let functions: Vec<_> = declared
        .iter()
        .filter(|line| declarations::is_function(line))
        .map(|line| declarations::name(line))
        .collect();
    assert!(functions.len() > 100, "{functions:?}");
    let used = words(&headers);
    for name in &functions {
        let has_form = used.iter().any(|(word, _)| word == name);
        let reason = ONLY_C.iter().find(|(function, _)| function == name);
        assert!(has_form != reason.is_some(), "{name}: a form in C++, or else a reason in ONLY_C");
    }
    for (name, _) in ONLY_C {
        assert!(functions.contains(name), "C has no {name}");
    }
}

/// Rule: Languages: each C++ call that can fail throws in one form and returns its error in the other.
#[test]
fn each_cpp_call_has_two_forms_and_tests_use_both() {
    let [bare, throwing] = programs();
    let mut calls = 0;
    for (file, text) in headers() {
        let forms = words(&text);
        for (word, after) in &forms {
            let Some(name) = word.strip_prefix("try_").filter(|_| *after == Some('(')) else {
                continue;
            };
            calls += 1;
            assert!(has_word(&bare, word) || has_word(&throwing, word), "no test calls {word}");
            // Objects are made by constructors instead.
            if name == "create" {
                continue;
            }
            assert!(forms.contains(&(name, Some('('))), "{file}: {word} has no form that throws");
            let is_used = words(&throwing).contains(&(name, Some('(')));
            assert!(is_used, "no test with exceptions calls {name}");
            assert!(has_word(&bare, word), "no test without exceptions calls {word}");
        }
    }
    assert!(calls > 40, "{calls}");
}
