//! The valid value of each argument, and its wrong ones.

use super::parse::{Function, Header, Variable};

/// Arguments whose values depend on each other: a text with its length, a buffer with its capacity, or
/// one argument.
pub(super) struct Unit<'a> {
    pub(super) arguments: &'a [Variable],
    /// Declarations before the call.
    pub(super) before: Vec<String>,
    pub(super) valid: Vec<String>,
    pub(super) attacks: Vec<Attack>,
}

pub(super) struct Attack {
    pub(super) values: Vec<String>,
    /// A statement before the call.
    pub(super) before: Option<String>,
    /// The field of a struct that is wrong.
    pub(super) field: Option<String>,
    /// Whether the call must fail, or return the value for an object that does not exist.
    pub(super) is_bad: bool,
}

/// Fields of structs that may be NULL: their comments say so.
const OPTIONAL_FIELDS: [&str; 4] = ["drop", "headers", "body", "broke_off"];

/// Texts that are bytes: any encoding is valid.
const BYTES: [&str; 2] = ["body", "record"];

const WILD: [&str; 4] = ["INT32_MIN", "-1", "4711", "INT32_MAX"];
const BAD_TIMES: [&str; 2] = ["INT64_MIN", "-2"];
const EXTREME_TIMES: [&str; 3] = ["0", "TOKENLEASE_NONE", "INT64_MAX"];
const WILD_SIZES: [&str; 2] = ["SIZE_MAX / 2 + 1", "SIZE_MAX - 1"];

fn attack(values: &[&str], is_bad: bool) -> Attack {
    let values = values.iter().map(|value| (*value).to_owned()).collect();
    Attack { values, before: None, field: None, is_bad }
}

/// Returns whether the comment allows NULL.
fn may_be_null(function: &Function, name: &str) -> bool {
    let phrases = [
        format!("{name} may be NULL"),
        format!("If {name} is NULL"),
        format!("NULL as the {name}"),
    ];
    let of_some_kinds = name == "token" && function.comment.contains("and NULL for the others");
    of_some_kinds || phrases.iter().any(|phrase| function.comment.contains(phrase))
}

/// Returns the arguments of a function with their values.
pub(super) fn units<'a>(header: &Header, function: &'a Function) -> Vec<Unit<'a>> {
    let mut units = Vec::new();
    let mut rest = function.arguments.as_slice();
    while let [first, ..] = rest {
        let is_pair = rest.get(1).is_some_and(|second| {
            second.name == format!("{}_length", first.name) || second.name == "capacity"
        });
        let (arguments, after) = rest.split_at(if is_pair { 2 } else { 1 });
        let unit = Unit { arguments, before: Vec::new(), valid: Vec::new(), attacks: Vec::new() };
        units.push(if is_pair { pair(unit, function) } else { single(unit, header, function) });
        rest = after;
    }
    units
}

fn pair<'a>(mut unit: Unit<'a>, function: &Function) -> Unit<'a> {
    let [first, second] = unit.arguments else { unreachable!() };
    let name = first.name.as_str();
    let is_bad = !may_be_null(function, name);
    if second.name == "capacity" {
        unit.valid = vec!["buffer".into(), "sizeof buffer".into()];
        unit.attacks = vec![
            attack(&["NULL", "sizeof buffer"], true),
            attack(&["NULL", "SIZE_MAX"], true),
            attack(&["NULL", "0"], false),
            attack(&["buffer", "1"], false),
        ];
    } else if BYTES.contains(&name) {
        let (pointer, length) =
            if name == "record" { ("a_record", "sizeof a_record") } else { ("\"{}\"", "2") };
        unit.valid = vec![pointer.into(), length.into()];
        unit.attacks = vec![attack(&["NULL", "1"], true), attack(&["NULL", "0"], false)];
        unit.attacks.push(attack(&[pointer, "0"], false));
        unit.attacks.extend(WILD_SIZES.map(|size| attack(&[pointer, size], true)));
        unit.attacks.push(attack(&[pointer, "SIZE_MAX"], true));
        if name == "body" {
            unit.attacks.push(attack(&["\"\\xff\"", "1"], false));
        }
    } else {
        unit.valid = vec!["\"x\"".into(), "1".into()];
        unit.attacks = vec![
            attack(&["NULL", "1"], is_bad),
            attack(&["NULL", "0"], is_bad),
            attack(&["NULL", "SIZE_MAX"], is_bad),
            attack(&["\"\\xff\"", "1"], true),
            attack(&["\"x\\xc3\"", "SIZE_MAX"], true),
            attack(&["\"\\xed\\xa0\\x80\"", "3"], true),
            attack(&["\"a\\0b\"", "3"], true),
            attack(&["\"x\"", "0"], false),
        ];
        unit.attacks.extend(WILD_SIZES.map(|size| attack(&["\"x\"", size], true)));
    }
    unit
}

fn single<'a>(mut unit: Unit<'a>, header: &Header, function: &Function) -> Unit<'a> {
    let Variable { of, name } = &unit.arguments[0];
    let pointee = of.trim_start_matches("const ").trim_end_matches('*');
    let null = || vec![attack(&["NULL"], !may_be_null(function, name))];
    if of.ends_with("**") {
        unit.before.push(format!("{pointee} *out_{name} = NULL;"));
        unit.valid = vec![format!("&out_{name}")];
        unit.attacks = vec![attack(&["NULL"], name != "error")];
    } else if let Some(fields) = header.structs.get(pointee) {
        unit.before.push(made(pointee, name));
        unit.valid = vec![format!("&given_{name}")];
        unit.attacks = null();
        unit.attacks.extend(in_struct(header, pointee, name, fields));
    } else if of.ends_with('*') && pointee.starts_with("tokenlease_") && is_handle(header, pointee)
    {
        unit.valid = vec![handle(pointee, function)];
        unit.attacks = null();
    } else if of == "void*" {
        // The library passes it through.
        let of_store = function.arguments.iter().any(|argument| argument.name == "functions");
        unit.valid = vec![if of_store { "&store" } else { "NULL" }.into()];
    } else if of.ends_with('*') {
        let of = pointee;
        unit.before.push(format!("{of} out_{name} = ({of})77;"));
        unit.valid = vec![format!("&out_{name}")];
        unit.attacks = null();
    } else if header.callbacks.contains(of) {
        let own = of.strip_prefix("tokenlease_").unwrap();
        let of_store = own == "store_pass_function";
        unit.valid = vec![if of_store { "memory_pass".into() } else { format!("a_{own}") }];
        unit.attacks = null();
    } else {
        number(&mut unit, function);
    }
    unit
}

fn number(unit: &mut Unit<'_>, function: &Function) {
    let Variable { of, name } = &unit.arguments[0];
    let has_error = function.arguments.iter().any(|argument| argument.name == "error");
    let (valid, bad, any): (&str, &[&str], &[&str]) = match (of.as_str(), name.as_str()) {
        ("int32_t", "http_status") => {
            ("200", &["INT32_MIN", "-1", "0", "99", "1000", "INT32_MAX"], &[])
        }
        ("int32_t", "result") => ("TOKENLEASE_STORE_UNAVAILABLE", &WILD, &[]),
        ("int32_t", _) if has_error => ("0", &WILD, &["1", "2", "3"]),
        ("int32_t", _) => ("0", &[], &WILD),
        ("int64_t", _) => ("1", &BAD_TIMES, &EXTREME_TIMES),
        ("uint64_t", "revision") => ("1", &["0"], &["UINT64_MAX"]),
        ("size_t", "index") => ("0", &["SIZE_MAX", "SIZE_MAX / 2"], &["1"]),
        ("bool", _) => ("true", &[], &["false"]),
        _ => panic!("{}: the tests have no values for {of} {name}: add them", function.name),
    };
    unit.valid = vec![valid.into()];
    unit.attacks.extend(bad.iter().map(|value| attack(&[value], true)));
    unit.attacks.extend(any.iter().map(|value| attack(&[value], false)));
}

fn is_handle(header: &Header, of: &str) -> bool {
    !header.enums.iter().any(|name| name == of)
}

/// Returns the declaration of a valid struct.
fn made(of: &str, name: &str) -> String {
    match of {
        "tokenlease_store_functions" => format!("{of} given_{name} = memory_functions;"),
        "tokenlease_answer" => format!(
            "{of} given_{name} = TOKENLEASE_ANSWER_INIT; given_{name}.status = 200; \
             given_{name}.headers = given_{name}.body = \"{{}}\"; \
             given_{name}.headers_length = given_{name}.body_length = 2;"
        ),
        "tokenlease_machine_options" => format!(
            "{of} given_{name} = TOKENLEASE_MACHINE_OPTIONS_INIT; \
             given_{name}.elapsed_ms = given_{name}.wall_ms = 1;"
        ),
        _ => format!("{of} given_{name} = {}_INIT;", of.to_uppercase()),
    }
}

/// Returns the wrong values of each field of a struct.
fn in_struct(header: &Header, of: &str, name: &str, fields: &[Variable]) -> Vec<Attack> {
    let mut attacks = Vec::new();
    let mut set = |field: &str, value: &str, is_bad: bool| {
        let before = Some(format!("given_{name}.{field} = {value};"));
        // The error of a length names its text.
        let field = Some(field.trim_end_matches("_length").to_owned());
        let field = field.filter(|field| field != "size");
        attacks.push(Attack { values: vec![format!("&given_{name}")], before, field, is_bad });
    };
    for field in fields {
        let optional = OPTIONAL_FIELDS.contains(&field.name.as_str());
        let field_name = field.name.as_str();
        match field.of.as_str() {
            "size_t" if field_name == "size" => {
                for size in ["0", "1", &format!("sizeof({of}) + 1"), "SIZE_MAX"] {
                    set(field_name, size, true);
                }
            }
            "size_t" => {
                for size in WILD_SIZES {
                    set(field_name, size, true);
                }
                set(field_name, "0", false);
            }
            "int32_t" => ["INT32_MIN", "-1", "0", "99", "1000", "INT32_MAX"]
                .iter()
                .for_each(|value| set(field_name, value, true)),
            "int64_t" => {
                for time in BAD_TIMES {
                    set(field_name, time, true);
                }
                for time in EXTREME_TIMES {
                    set(field_name, time, false);
                }
            }
            "const char*" | "const void*" => {
                // NULL with a length is an error, and NULL without one is none.
                let has_length =
                    fields.iter().any(|other| other.name == format!("{field_name}_length"));
                set(field_name, "NULL", has_length || !optional);
                set(field_name, "\"\\xff\\xff\"", !has_length);
            }
            callback => {
                let known = header.callbacks.iter().any(|name| name == callback);
                assert!(known, "{of}: the tests have no values for {callback}: add them");
                set(field_name, "NULL", !optional);
            }
        }
    }
    attacks
}

/// Returns the fixture with a valid handle.
fn handle(of: &str, function: &Function) -> String {
    let name = of.strip_prefix("tokenlease_").unwrap();
    match name {
        "effect" => format!("an_effect({})", action(&function.name)),
        "error" | "exchange" => format!("an_{name}()"),
        // Borrowed handles are valid in functions that the library calls.
        "credentials" | "store_reply" | "response" => format!("a_{name}"),
        _ => format!("a_{name}()"),
    }
}

/// Returns the action of the effect that a function is for.
fn action(function: &str) -> &'static str {
    match function.strip_prefix("tokenlease_effect_").expect("a function of effects") {
        "answered" | "not_sent" | "lost" | "request" => "TOKENLEASE_ACTION_SEND",
        "lock_result" | "lock_owner" | "lock_ttl_ms" => "TOKENLEASE_ACTION_LOCK",
        "saved" | "conflict" | "record" | "record_length" | "expected_revision" | "keep_ms" => {
            "TOKENLEASE_ACTION_SAVE"
        }
        "unlocked" => "TOKENLEASE_ACTION_UNLOCK",
        _ => "TOKENLEASE_ACTION_LOAD",
    }
}
