//! Words for callers of Python. Texts of the library that name an option as the program does, such as
//! `--password-file`, name the argument.

use std::fmt::Write as _;

use crate::option_table::option_of;

/// Returns the text with the names that a caller of Python uses.
pub(crate) fn for_python(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("--") {
        let (before, after) = (&rest[..start], &rest[start + 2..]);
        let end = after.find(|c: char| !c.is_ascii_lowercase() && c != '-').unwrap_or(after.len());
        let (name, after_name) = after.split_at(end);
        result.push_str(before);
        let Some(option) = option_of(name) else {
            result.push_str("--");
            rest = after;
            continue;
        };
        // A name in backticks has them already.
        let mark = if before.ends_with('`') { "" } else { "`" };
        rest = after_name;
        if let Some(value) = after_name.strip_prefix(' ').and_then(store_url) {
            let _ = write!(result, "{mark}{option}=\"{value}\"{mark}");
            rest = &after_name[1 + value.len()..];
        } else {
            let _ = write!(result, "{mark}{option}{mark}");
        }
    }
    result.push_str(rest);
    result
}

/// Returns the URL of a store at the start of a text.
fn store_url(text: &str) -> Option<&str> {
    let word = text.split([' ', ',', ';', ')']).next()?;
    ["file:", "memory:"].iter().any(|scheme| word.starts_with(scheme)).then_some(word)
}
