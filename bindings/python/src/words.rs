//! Words for callers of Python. Texts of the library that name an option as the program does, such as
//! `--password-file`, name the argument.

use crate::option_table::option_of;

/// Returns the text with the names that a caller of Python uses.
pub(crate) fn for_python(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("--") {
        let (before, name) = rest.split_at(start);
        let name = &name[2..];
        let end = name.find(|c: char| !c.is_ascii_lowercase() && c != '-').unwrap_or(name.len());
        result.push_str(before);
        match option_of(&name[..end]) {
            Some(option) => {
                rest = &name[end..];
                // A name in backticks has them already.
                let mark = if before.ends_with('`') { "" } else { "`" };
                let value = rest.strip_prefix(' ').and_then(value_of);
                if let Some(value) = value {
                    result.push_str(&format!("{mark}{option}=\"{value}\"{mark}"));
                    rest = &rest[1 + value.len()..];
                } else {
                    result.push_str(&format!("{mark}{option}{mark}"));
                }
            }
            None => {
                result.push_str("--");
                rest = name;
            }
        }
    }
    result.push_str(rest);
    result
}

/// Returns the URL of a store at the start of a text.
fn value_of(text: &str) -> Option<&str> {
    let word = text.split([' ', ',', ';', ')']).next()?;
    let is_store =
        ["file:", "memory:", "redis", "postgres"].iter().any(|one| word.starts_with(one));
    is_store.then_some(word)
}
