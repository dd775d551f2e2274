//! The table of options, for programs that list or check options.

use std::{
    ffi::{CStr, CString, c_char},
    ptr,
    sync::OnceLock,
};

use ::tokenlease_config::{OptionInfo, table, table_json};

/// The texts of an option.
struct Row {
    name: CString,
    kind: CString,
    default: Option<CString>,
    providers: CString,
    meaning: CString,
}

impl Row {
    fn new(option: &OptionInfo) -> Self {
        let providers: Vec<_> = option.providers.iter().map(|one| one.as_str()).collect();
        Self {
            name: c_text(option.name),
            kind: c_text(option.kind.name()),
            default: option.default.map(c_text),
            providers: c_text(&providers.join(" ")),
            meaning: c_text(option.meaning),
        }
    }
}

/// Returns the text with a NUL. No text of the table contains one.
fn c_text(text: &str) -> CString {
    CString::new(text).unwrap_or_default()
}

fn text_of(
    index: usize,
    text: impl FnOnce(&'static Row) -> Option<&'static CStr>,
) -> *const c_char {
    static ROWS: OnceLock<Vec<Row>> = OnceLock::new();
    let rows = ROWS.get_or_init(|| table().map(|option| Row::new(&option)).collect());
    rows.get(index).and_then(text).map_or(ptr::null(), CStr::as_ptr)
}

/// Returns the number of options that tokenlease_config_set knows. The comment "OPTIONS" of this
/// header lists them. The strings of the functions below are static.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_option_count() -> usize {
    table().count()
}

/// Returns the name of an option, from index 0 on; NULL if the index is too large.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_option_name(index: usize) -> *const c_char {
    text_of(index, |row| Some(&row.name))
}

/// Returns the type of an option: "text", "duration", "boolean", "integer", "file", "pem" (a file or
/// the text itself), "store" (a URL), "choice", "field" (NAME=VALUE) or "field-file" (NAME=FILE);
/// NULL if the index is too large. An option of the last two types may be set several times.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_option_type(index: usize) -> *const c_char {
    text_of(index, |row| Some(&row.kind))
}

/// Returns the default of an option; NULL if it has none, or if the index is too large. Several are
/// separated by commas, each with its condition in parentheses.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_option_default(index: usize) -> *const c_char {
    text_of(index, |row| row.default.as_deref())
}

/// Returns the providers that an option is for, separated by spaces; NULL if the index is too large.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_option_providers(index: usize) -> *const c_char {
    text_of(index, |row| Some(&row.providers))
}

/// Returns the meaning of an option, in Markdown; NULL if the index is too large.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_option_meaning(index: usize) -> *const c_char {
    text_of(index, |row| Some(&row.meaning))
}

/// Returns the table of options as JSON: a list of objects with the members "name", "type",
/// "choices", "default", "providers", "registry" (whether it is an option of a registry),
/// "repeatable" and "meaning".
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_options_json() -> *const c_char {
    static JSON: OnceLock<CString> = OnceLock::new();
    JSON.get_or_init(|| c_text(&table_json())).as_ptr()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rule: Languages: the functions of C return the table of options that all languages share.
    #[test]
    fn the_functions_return_the_table() {
        let text = |pointer: *const c_char| {
            // SAFETY: the functions return NULL or static strings.
            (!pointer.is_null()).then(|| unsafe { CStr::from_ptr(pointer) }.to_str().unwrap())
        };
        assert_eq!(tokenlease_option_count(), table().count());
        for (index, option) in table().enumerate() {
            assert_eq!(text(tokenlease_option_name(index)), Some(option.name));
            assert_eq!(text(tokenlease_option_type(index)), Some(option.kind.name()));
            assert_eq!(text(tokenlease_option_default(index)), option.default);
            assert_eq!(text(tokenlease_option_meaning(index)), Some(option.meaning));
            let providers = text(tokenlease_option_providers(index)).unwrap();
            assert_eq!(providers.split(' ').count(), option.providers.len());
        }
        for end in [tokenlease_option_count(), usize::MAX] {
            assert_eq!(text(tokenlease_option_name(end)), None);
        }
        assert_eq!(text(tokenlease_options_json()), Some(&*table_json()));
    }
}
