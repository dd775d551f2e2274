//! The declarations of the header, as C programmers write them: cbindgen writes each in one line,
//! and knows no calling convention.

/// Where a line of the header is wrapped.
const WIDTH: usize = 100;

/// Adds the macros to the declarations of functions, the examples before them, writes constants as C
/// needs them, and wraps the lines.
pub(crate) fn finish(generated: &str, examples: &[(String, String)]) -> String {
    let mut inside = false;
    let mut text = String::new();
    for line in generated.lines() {
        inside |= line == "extern \"C\" {";
        if line.is_empty() && text.ends_with("\n\n") {
            continue;
        }
        let line = short(line);
        let finished = match line.as_str() {
            "#define TOKENLEASE_NONE -1" => "#define TOKENLEASE_NONE ((int64_t)-1)".to_owned(),
            _ if is_callback(&line) => wrapped("", &line.replace("(*", "(TOKENLEASE_CALL *")),
            _ if inside && is_function(&line) => {
                let example = examples.iter().find(|(first, _)| name(&line) == first);
                // Before the comment of the function.
                let comment = text.rfind("/**").filter(|_| example.is_some());
                if let (Some(at), Some((_, example))) = (comment, example) {
                    text.insert_str(at, example);
                }
                function(&line)
            }
            _ => line,
        };
        text.push_str(&finished);
        text.push('\n');
    }
    text
}

/// Returns a declaration of a function or of a callback without `struct` and `enum`: each such type
/// has a typedef of its name.
pub(crate) fn short(line: &str) -> String {
    if is_callback(line) || is_function(line) {
        line.replace("struct ", "").replace("enum ", "")
    } else {
        line.to_owned()
    }
}

/// Returns whether a line declares the type of a function that the library calls.
pub(crate) fn is_callback(line: &str) -> bool {
    line.starts_with("typedef ") && line.contains("(*")
}

/// Returns whether a line declares a function, in the text that cbindgen writes.
pub(crate) fn is_function(line: &str) -> bool {
    line.ends_with(");") && !line.starts_with([' ', '/', '*', '#']) && !is_callback(line)
}

/// Returns the name of a declared function.
pub(crate) fn name(line: &str) -> &str {
    let end = line.find('(').unwrap();
    &line[line[..end].rfind("tokenlease_").unwrap()..end]
}

fn function(line: &str) -> String {
    let (result, call) = line.split_at(line.find(name(line)).unwrap());
    // `tokenlease_status ` has a space at its end, and `const char *` has none.
    let space = if result.ends_with(' ') { "" } else { " " };
    let must_check = if result == "tokenlease_status " { "TOKENLEASE_MUST_CHECK " } else { "" };
    let first = format!("TOKENLEASE_API {must_check}{result}{space}TOKENLEASE_CALL ");
    wrapped(&first, call)
}

/// Wraps a declaration between its parameters, and before its name if it is too long for one line.
pub(crate) fn wrapped(start: &str, call: &str) -> String {
    let mut lines = vec![start.to_owned()];
    if start.len() + call.len() > WIDTH && !start.is_empty() {
        lines = vec![start.trim_end().to_owned(), String::new()];
    }
    for (at, parameter) in call.split_inclusive(", ").enumerate() {
        let line = lines.last_mut().unwrap();
        if at > 0 && line.len() + parameter.trim_end().len() > WIDTH {
            line.truncate(line.trim_end().len());
            lines.push(format!("    {parameter}"));
        } else {
            line.push_str(parameter);
        }
    }
    lines.join("\n")
}
