//! The declarations of the header: functions with their arguments and comments, and structs.

use std::collections::BTreeMap;

/// The header, as the generated copy without a preprocessor has it, and the comments of its functions.
pub(super) struct Header {
    pub(super) functions: Vec<Function>,
    /// The fields of structs.
    pub(super) structs: BTreeMap<String, Vec<Variable>>,
    /// The names of enums.
    pub(super) enums: Vec<String>,
    /// The types of functions that the library calls.
    pub(super) callbacks: Vec<String>,
}

pub(super) struct Function {
    pub(super) name: String,
    pub(super) result: String,
    pub(super) arguments: Vec<Variable>,
    /// The comment in one line.
    pub(super) comment: String,
}

/// An argument or a field.
#[derive(Clone, Debug)]
pub(super) struct Variable {
    /// Without a space before `*`.
    pub(super) of: String,
    pub(super) name: String,
}

impl Variable {
    fn new(text: &str) -> Self {
        let end = text.rfind([' ', '*']).unwrap_or_else(|| panic!("{text} has no type")) + 1;
        let (of, name) = text.split_at(end);
        Self { of: of.trim().replace(" *", "*"), name: name.trim().to_owned() }
    }
}

impl Header {
    pub(super) fn new(plain: &str, header: &str) -> Self {
        let mut parsed = Self {
            functions: Vec::new(),
            structs: BTreeMap::new(),
            enums: Vec::new(),
            callbacks: Vec::new(),
        };
        let code = plain.split_once("*/").expect("the comment at the top").1;
        let code = code.split_whitespace().collect::<Vec<_>>().join(" ");
        let mut rest = code.as_str();
        while let Some(end) = rest.find([';', '{']) {
            let declaration = rest[..end].trim();
            if rest[end..].starts_with('{') {
                let (body, after) = rest[end + 1..].split_once('}').expect("the end of a body");
                let name = declaration.rsplit(' ').next().unwrap().to_owned();
                if declaration.starts_with("typedef struct") {
                    let fields = body.split(';').map(str::trim).filter(|field| !field.is_empty());
                    parsed.structs.insert(name, fields.map(Variable::new).collect());
                } else {
                    assert!(declaration.starts_with("typedef enum"), "{declaration}");
                    parsed.enums.push(name);
                }
                rest = after.split_once(';').expect("the end of a type").1;
                continue;
            }
            if let Some((_, name)) = declaration.split_once("(*") {
                parsed.callbacks.push(name.split(')').next().unwrap().to_owned());
            } else if !declaration.starts_with("typedef") {
                parsed.functions.push(function(declaration, header));
            }
            rest = &rest[end + 1..];
        }
        parsed
    }
}

fn function(declaration: &str, header: &str) -> Function {
    let (before, arguments) = declaration.split_once('(').unwrap();
    let arguments = arguments.trim_end_matches(')');
    let Variable { of: result, name } = Variable::new(before);
    let arguments = arguments.split(", ").filter(|argument| *argument != "void");
    let arguments = arguments.map(Variable::new).collect();
    let comment = comment(&name, header);
    Function { name, result, arguments, comment }
}

/// Returns the comment before a function.
fn comment(name: &str, header: &str) -> String {
    let is_declared = |at: usize| header[..at].trim_end().ends_with("TOKENLEASE_CALL");
    let call = format!("{name}(");
    let mut places = header.match_indices(&call).map(|(at, _)| at);
    let at = places.find(|at| is_declared(*at)).unwrap_or_else(|| panic!("{name} is not declared"));
    let start = header[..at].rfind("/**").expect("a comment") + 3;
    let text = header[start..].split_once("*/").unwrap().0;
    let words = text.split_whitespace().filter(|word| *word != "*");
    words.collect::<Vec<_>>().join(" ")
}
