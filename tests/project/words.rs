//! Plain English: no text of the project uses a phrase of `tests/phrases.txt`.

use std::{collections::HashMap, path::Path};

use crate::{files, read};

/// Files that must use a phrase: this one, names of fields in golden vectors, and a method that a trait
/// of another crate requires.
const EXEMPT: [&str; 3] =
    ["tests/project/words.rs", "tests/vectors.rs", "crates/tokenlease-store/src/keyring/tests.rs"];

/// A phrase that no text uses, word by word.
struct Phrase {
    words: Vec<String>,
    is_exact: bool,
    instead: String,
}

/// One word, with the number of its line.
struct Word {
    text: String,
    line: usize,
    /// Between this word and the one before is only space, or the mark of a comment.
    follows: bool,
}

fn phrases() -> Vec<Phrase> {
    let list = read("tests/phrases.txt");
    let lines = list.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let phrases: Vec<_> = lines
        .map(|line| {
            let (phrase, instead) = line.split_once(" -> ").unwrap_or((line, "another word"));
            let is_exact = phrase.starts_with('=');
            let words = phrase.trim_start_matches('=').split(' ').map(str::to_owned).collect();
            Phrase { words, is_exact, instead: instead.to_owned() }
        })
        .collect();
    assert!(phrases.len() > 100, "tests/phrases.txt has only {} phrases", phrases.len());
    phrases
}

fn words_of(text: &str) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let mut gap_is_space = true;
        let mut names_a_function = false;
        let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '-' || c == '\'';
        let mut rest = line;
        while let Some(start) = rest.find(is_word) {
            let gap = &rest[..start];
            gap_is_space &= gap.chars().all(|c| c.is_whitespace() || "/*#!".contains(c));
            let tail = &rest[start..];
            let end = tail.find(|c| !is_word(c)).unwrap_or(tail.len());
            let word = tail[..end].trim_matches('\'');
            // The name of a test is a sentence.
            let parts = if names_a_function { word.split('_').collect() } else { vec![word] };
            for (at, part) in parts.into_iter().filter(|part| !part.is_empty()).enumerate() {
                let text = part.to_owned();
                words.push(Word { text, line: number + 1, follows: gap_is_space || at > 0 });
            }
            names_a_function = word == "fn" || word == "def";
            gap_is_space = true;
            rest = &tail[end..];
        }
        let rest_is_space = rest.chars().all(|c| c.is_whitespace() || "/*#!".contains(c));
        if !rest_is_space {
            // A sentence that ends the line: the next one begins another phrase.
            words.push(Word { text: String::new(), line: number + 1, follows: false });
        }
    }
    words
}

fn matches(phrase: &Phrase, words: &[Word]) -> bool {
    let Some(words) = words.get(..phrase.words.len()) else { return false };
    words.iter().zip(&phrase.words).enumerate().all(|(at, (word, wanted))| {
        let is_first = at == 0;
        let same = |word: &str| {
            if phrase.is_exact { word == wanted } else { word.eq_ignore_ascii_case(wanted) }
        };
        let possessive = word.text.strip_suffix("'s").is_some_and(same);
        let ends = is_first && wanted.starts_with('\'') && word.text.ends_with(wanted.as_str());
        (is_first || word.follows) && (same(&word.text) || possessive || ends)
    })
}

/// Finds each phrase in the text, as `line: phrase (what to write instead)`.
fn find(text: &str, phrases: &[Phrase]) -> Vec<String> {
    let words = words_of(text);
    let mut by_first: HashMap<String, Vec<&Phrase>> = HashMap::new();
    let mut by_suffix = Vec::new();
    for phrase in phrases {
        let first = &phrase.words[0];
        if first.starts_with('\'') {
            by_suffix.push(phrase);
        } else {
            by_first.entry(first.to_ascii_lowercase()).or_default().push(phrase);
        }
    }
    let mut found = Vec::new();
    for at in 0..words.len() {
        let first = words[at].text.to_ascii_lowercase();
        let stem = first.strip_suffix("'s").unwrap_or(&first);
        let candidates = by_first.get(stem).into_iter().flatten().chain(&by_suffix);
        for phrase in candidates.filter(|phrase| matches(phrase, &words[at..])) {
            let Phrase { words: wanted, instead, .. } = phrase;
            found.push(format!("{}: \"{}\" ({instead})", words[at].line, wanted.join(" ")));
        }
    }
    found
}

/// Rule: Languages: no document, comment, message or name of a test uses a phrase of `tests/phrases.txt`.
#[test]
fn every_text_is_plain_english() {
    let phrases = phrases();
    let mut found = Vec::new();
    for path in files::with_words() {
        if EXEMPT.map(Path::new).contains(&path.as_path()) {
            continue;
        }
        let here = find(&read(&path), &phrases);
        found.extend(here.into_iter().map(|one| format!("{}:{one}", path.display())));
    }
    assert!(found.is_empty(), "{} phrases:\n{}", found.len(), found.join("\n"));
}

#[test]
fn a_phrase_is_found_in_comments_across_lines_in_names_of_tests_and_nowhere_else() {
    let phrases = ["anew -> again", "in hand -> cached", "=What -> name it", "'s word -> answer"];
    let phrases: Vec<_> = phrases
        .map(|line| {
            let (phrase, instead) = line.split_once(" -> ").unwrap();
            Phrase {
                words: phrase.trim_start_matches('=').split(' ').map(str::to_owned).collect(),
                is_exact: phrase.starts_with('='),
                instead: instead.into(),
            }
        })
        .into();
    assert_eq!(find("// it is in\n// hand, and Anew", &phrases).len(), 2);
    assert_eq!(
        find("fn it_begins_anew() {}\nlet anew_one = 1;", &phrases),
        ["1: \"anew\" (again)"]
    );
    assert_eq!(find("What it is; what it does", &phrases).len(), 1);
    assert_eq!(find("the server's word", &phrases).len(), 1);
    assert_eq!(find("it is in. Hand it over, in-hand", &phrases), Vec::<String>::new());
}
