//! The program: one function for each attack, and a table of them.

use std::fmt::Write as _;

use super::{
    parse::{Function, Header},
    values::{self, Attack, Unit},
};

/// Returns the text of the program.
pub(super) fn program(header: &Header) -> String {
    assert!(header.functions.len() > 100);
    let mut program =
        "/* Generated from the header by a test. */\n#include \"attacks.h\"\n\n".to_owned();
    let mut table = String::new();
    let mut count = 0;
    for function in &header.functions {
        is_documented(function);
        let units = values::units(header, function);
        for (label, changed, is_bad) in attacks(function, &units) {
            body(&mut program, count, function, &units, changed.as_ref());
            let expected = if is_bad { "IS_BAD" } else { "IS_ANY" };
            let what =
                format!("{}: {label}", function.name).replace('\\', "\\\\").replace('"', "\\\"");
            writeln!(table, "    {{\"{what}\", {}, {expected}, attack_{count}}},", place(function))
                .unwrap();
            count += 1;
        }
    }
    write!(program, "static const struct attack attacks[] = {{\n{table}}};\n\n").unwrap();
    program.push_str(
        "int main(int argc, char **argv)\n{\n    EXPECT(argc == 2);\n    \
         return run_all(attacks, sizeof attacks / sizeof *attacks, argv[1]);\n}\n",
    );
    program
}

/// The changed values of a call.
enum Change<'a> {
    One(&'a Unit<'a>, &'a Attack),
    AllNull,
}

/// Returns the attacks on a function: the label, the change, and whether it must be an error.
fn attacks<'a>(
    function: &Function,
    units: &'a [Unit<'a>],
) -> Vec<(String, Option<Change<'a>>, bool)> {
    let has_status = returns_status(function);
    let is_free = function.name.ends_with("_free");
    let mut attacks = Vec::new();
    // A handle that is freed is valid only once.
    if !is_free {
        attacks.push(("valid".to_owned(), None, false));
    }
    for unit in units {
        for attack in &unit.attacks {
            let names: Vec<_> =
                unit.arguments.iter().map(|argument| argument.name.as_str()).collect();
            let mut label = format!("{} = {}", names.join(", "), attack.values.join(", "));
            if let Some(before) = &attack.before {
                write!(label, ", {before}").unwrap();
            }
            attacks.push((label, Some(Change::One(unit, attack)), attack.is_bad));
        }
    }
    if !units.is_empty() {
        attacks.push(("all are NULL or 0".to_owned(), Some(Change::AllNull), has_status));
    }
    attacks
}

fn returns_status(function: &Function) -> bool {
    function
        .arguments
        .last()
        .is_some_and(|argument| argument.name == "error" && argument.of.ends_with("**"))
}

/// Functions without a status say what they do with an argument that is NULL or out of range.
fn is_documented(function: &Function) {
    let says = ["for NULL", "no-op", "NULL is ignored", "is too large", "unknown number"];
    let is_said = says.iter().any(|words| function.comment.contains(words));
    let needs = !returns_status(function) && !function.arguments.is_empty();
    assert!(
        !needs || is_said,
        "{}: its comment does not say what it returns for NULL",
        function.name
    );
}

/// Returns where a function can be called.
fn place(function: &Function) -> &'static str {
    let has = |of: &str| function.arguments.iter().any(|argument| argument.of == of);
    match () {
        () if has("tokenlease_credentials*") => "IN_CREDENTIALS",
        () if has("tokenlease_store_reply*") => "IN_STORE",
        () if has("tokenlease_response*") => "IN_CALL",
        () => "ANYWHERE",
    }
}

/// Writes the function of an attack.
fn body(
    program: &mut String,
    number: usize,
    function: &Function,
    units: &[Unit<'_>],
    change: Option<&Change<'_>>,
) {
    let mut lines = Vec::new();
    let (mut arguments, mut outputs, mut frees) = (Vec::new(), Vec::new(), Vec::new());
    let mut passes_error = true;
    for unit in units {
        let changed = match change {
            Some(Change::One(of, attack)) if std::ptr::eq(*of, unit) => Some(*attack),
            _ => None,
        };
        let first = &unit.arguments[0];
        let all_null = matches!(change, Some(Change::AllNull));
        let values = match changed {
            Some(attack) => attack.values.clone(),
            None if all_null => unit.arguments.iter().map(|argument| null(&argument.of)).collect(),
            None => unit.valid.clone(),
        };
        // Unused variables are warnings.
        let is_used = |line: &&String| values.iter().any(|value| uses(value, line));
        lines.extend(unit.before.iter().filter(is_used).cloned());
        lines.extend(changed.and_then(|attack| attack.before.clone()));
        let output = format!("out_{}", first.name);
        let is_passed = values[0] == format!("&{output}");
        passes_error &= first.name != "error" || is_passed;
        if is_passed && first.of.ends_with("**") && first.name != "error" {
            outputs.push(format!("{output} != NULL"));
            let of = first.of.trim_end_matches('*');
            frees.push(format!("{of}_free({output});"));
        } else if is_passed
            && !["bool*", "size_t*"].contains(&first.of.as_str())
            && first.name != "error"
        {
            outputs.push(format!("{output} != ({})77", first.of.trim_end_matches('*')));
        }
        arguments.extend(values);
    }
    let call = format!("{}({})", function.name, arguments.join(", "));
    if returns_status(function) {
        let written = if outputs.is_empty() { "false".to_owned() } else { outputs.join(" || ") };
        let argument = match change {
            _ if !passes_error => "NULL".to_owned(),
            // The error names the argument, or the field.
            Some(Change::One(unit, attack)) => {
                format!("\"{}\"", attack.field.as_ref().unwrap_or(&unit.arguments[0].name))
            }
            _ => "\"\"".to_owned(),
        };
        let error = if passes_error { "out_error" } else { "NULL" };
        lines.push(format!("tokenlease_status status = {call};"));
        lines.push(format!("check(attack, status, {argument}, {error}, {written});"));
    } else if function.result == "void" {
        lines.push(format!("{call};\n    (void)attack;"));
    } else {
        let none = match function.result.as_str() {
            "int64_t" => "value == TOKENLEASE_NONE",
            _ => "!value",
        };
        lines.push(format!("{} value = {call};", function.result));
        lines.push(format!("CHECK_VALUE(attack, {none});"));
    }
    lines.extend(frees);
    let lines = lines.join("\n    ");
    write!(
        program,
        "static void attack_{number}(const struct attack *attack)\n{{\n    {lines}\n}}\n\n"
    )
    .unwrap();
}

/// Returns whether a value uses the variable of a declaration.
fn uses(value: &str, declaration: &str) -> bool {
    let before = declaration.split([' ', ';']).take(3).collect::<Vec<_>>().join(" ");
    let name = before.trim_end_matches(" =").rsplit([' ', '*']).next().unwrap();
    value.contains(name)
}

fn null(of: &str) -> String {
    let is_number = !of.ends_with('*') && !of.ends_with("_function");
    if is_number { "0" } else { "NULL" }.to_owned()
}
