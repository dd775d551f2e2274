//! The comment of the header that lists the options.

use tokenlease_config::{Provider, table};

/// Where a line of the comment is wrapped.
const WIDTH: usize = 100;

/// Returns the comment: each option with its type, providers, default and meaning.
pub(crate) fn comment() -> String {
    let mut lines = vec![
        "/*".to_owned(),
        " * OPTIONS of tokenlease_config_set: name, type, providers (if not all), default (if any), and".into(),
        " * meaning. R: an option of registries. The functions tokenlease_option_* return this table.".into(),
    ];
    for option in table() {
        assert!(
            !option.meaning.contains("*/") && !option.meaning.contains("/*"),
            "{}",
            option.name
        );
        let mut facts = vec![match option.kind.choices() {
            [] => option.kind.name().to_owned(),
            words => words.join(" | "),
        }];
        if option.providers.len() < Provider::ALL.len() {
            let names: Vec<_> = option.providers.iter().map(|one| one.as_str()).collect();
            facts.push(names.join(" "));
        }
        facts.extend(option.default.map(|default| format!("default {default}")));
        if option.is_of_registry {
            facts.push("R".into());
        }
        lines.push(" *".into());
        lines.push(format!(" * {}: {}", option.name, facts.join("; ")));
        wrap(&option.meaning.replace('`', "\""), &mut lines);
    }
    lines.push(" */".into());
    lines.join("\n")
}

fn wrap(text: &str, lines: &mut Vec<String>) {
    const START: &str = " *    ";
    let mut line = START.to_owned();
    for word in text.split_whitespace() {
        if line.len() + 1 + word.len() > WIDTH && line != START {
            lines.push(std::mem::replace(&mut line, START.to_owned()));
        }
        line.push(' ');
        line.push_str(word);
    }
    lines.push(line);
}
