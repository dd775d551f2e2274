//! `docs/json.md` lists the fields that the program prints, and the kinds and events that there
//! are; all other blocks of data can be read as what they are.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::Value;
use tokenlease::{
    Counter,
    core::{
        ErrorKind,
        record::{HistoryCause, HistoryResult},
    },
};
use tokenlease_emulator::{Emulator, Endpoint, Fault};

use crate::page::{Page, all, root};

/// The fields of one heading of the page, with their types.
type Fields = BTreeMap<String, String>;

/// The tables of `docs/json.md` whose first column is `field`, by heading.
fn documented() -> BTreeMap<String, Fields> {
    let page = Page::read("docs/json.md");
    let mut all = BTreeMap::new();
    for section in page.text.split("\n## ").skip(1) {
        let (heading, body) = section.split_once('\n').expect("a heading");
        let Some((_, rows)) = body.split_once("| field | type | meaning |\n| --- | --- | --- |\n")
        else {
            continue;
        };
        let fields: &mut Fields = all.entry(heading.to_owned()).or_default();
        for row in rows.lines().take_while(|row| row.starts_with('|')) {
            let cells: Vec<_> = row.split('|').map(str::trim).collect();
            for name in cells[1].split('`').skip(1).step_by(2) {
                fields.insert(name.to_owned(), cells[2].to_owned());
            }
        }
    }
    all
}

/// Adds all fields of a value, with their types, to those that were seen.
fn collect(path: &str, value: &Value, seen: &mut BTreeMap<String, BTreeSet<&'static str>>) {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "text",
        Value::Array(_) => "list",
        Value::Object(_) => "object",
    };
    if !path.is_empty() && !path.ends_with("[]") {
        seen.entry(path.to_owned()).or_default().insert(kind);
    }
    match value {
        Value::Array(items) => {
            for item in items {
                collect(&format!("{path}[]"), item, seen);
            }
        }
        Value::Object(fields) => {
            for (name, value) in fields {
                let dot = if path.is_empty() { "" } else { "." };
                collect(&format!("{path}{dot}{name}"), value, seen);
            }
        }
        _ => {}
    }
}

/// The program, with one account of each of the emulator's servers as a profile.
struct Program {
    folder: tempfile::TempDir,
    emulator: Emulator,
}

impl Program {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let emulator = Emulator::builder().start_blocking().expect("an emulator");
        let (winkas, wyn) = (emulator.winkas(), emulator.wyn());
        let config = format!(
            "[profile.erp]\nprovider = \"winkas\"\nserver = \"{}\"\nuser = \"{}\"\ncontract = \"{}\"\n\
             [profile.bi]\nprovider = \"wyn\"\nserver = \"{}\"\nuser = \"{}\"\n\
             password_file = \"bi.password\"\nclient_secret_file = \"bi.secret\"\n",
            winkas.server(),
            winkas.user(),
            winkas.contract(),
            wyn.server(),
            wyn.user(),
        );
        fs::write(folder.path().join("config.toml"), config).expect("written");
        let program = Self { folder, emulator };
        program.save("bi.password", &program.emulator.wyn().password());
        program.save("bi.secret", &program.emulator.wyn().client_secret());
        program.save("erp.password", &program.emulator.winkas().password());
        program.save("wrong.password", "wrong");
        program
    }

    fn save(&self, name: &str, secret: &str) {
        use std::os::unix::fs::OpenOptionsExt as _;
        let path = self.folder.path().join(name);
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)
            .expect("a file");
        file.write_all(secret.as_bytes()).expect("written");
    }

    /// Runs a command; returns the JSON that it printed, a result or an error.
    fn json(&self, arguments: &str, input: &str) -> Value {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tokenlease-under-test"));
        command.args(arguments.split(' ')).args(["--output", "json"]);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("TOKENLEASE_") {
                command.env_remove(name);
            }
        }
        command
            .current_dir(self.folder.path())
            .env("TOKENLEASE_CONFIG", "config.toml")
            .env("TOKENLEASE_STORE", format!("file:{}", self.folder.path().join("store").display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program");
        // A command that reads no input may end first.
        let _ = child.stdin.take().expect("its input").write_all(input.as_bytes());
        let output = child.wait_with_output().expect("its output");
        let text = if output.stdout.is_empty() { output.stderr } else { output.stdout };
        let text = String::from_utf8(text).expect("text");
        let last = text.lines().last().unwrap_or_default();
        serde_json::from_str(last).unwrap_or_else(|error| panic!("{arguments}: {error}: {text}"))
    }

    fn token(&self, profile: &str) -> String {
        let printed = self.json(&format!("token --profile {profile}"), "");
        printed["token"].as_str().unwrap_or_else(|| panic!("{printed}")).to_owned()
    }
}

/// Outputs of the program, by the heading that documents them.
fn outputs() -> Vec<(&'static str, Value)> {
    let program = Program::start();
    let run = |arguments: &str, input: &str| program.json(arguments, input);
    let erp = "--profile erp --password-file erp.password";
    let wrong = "--profile erp --password-file wrong.password";
    let mut all = vec![
        ("token, refetch", run("token --profile bi", "")),
        ("token, refetch", run(&format!("token {erp}"), "")),
        ("token, refetch", run(&format!("refetch {erp}"), "")),
        ("validate", run("validate --profile bi", &program.token("bi"))),
        ("report-rejected", run("report-rejected --profile bi", &program.token("bi"))),
        ("status", run(&format!("status {wrong}"), "")),
        ("Errors", run(&format!("token {wrong}"), "")),
        ("status", run("status --profile erp", "")),
        ("status --check", run(&format!("status --check {wrong}"), "")),
        ("status --check", run("status --check --profile bi", "")),
        ("unblock", run(&format!("unblock {wrong}"), "")),
        ("history", run("history --profile bi", "")),
        ("forget", run("forget --profile bi", "")),
        ("store check", run("store check --profile bi", "")),
        ("store init", run("store init", "")),
        ("store init --print", run("store init --print postgres://db.example.com/erp", "")),
        ("doctor", run("doctor --profile bi", "")),
        ("emulate", program.emulator.ready_line()),
    ];
    let token = program.token("bi");
    all.push(("revoke", run("revoke --profile bi", &token)));
    // No introspection and no userinfo: the revocation is not proven.
    let token = program.token("bi");
    all.push(("revoke", run("revoke --profile bi --userinfo-path=", &token)));
    // An entry that backs off, and a server that does.
    program.emulator.fault(Endpoint::WynLogin, Fault::status(403), 1);
    all.push(("Errors", run("token --profile bi", "")));
    all.push(("history", run("history --profile bi", "")));
    all.push(("history", run(&format!("history {wrong}"), "")));
    all.push(("status", run("status", "")));
    all.push(("unblock", run("unblock --profile bi", "")));
    program.emulator.fault(
        Endpoint::WynLogin,
        Fault::status(429).with_retry_after(std::time::Duration::from_secs(600)),
        1,
    );
    all.push(("Errors", run("token --profile bi", "")));
    all.push(("status", run("status", "")));
    let store = run("status --profile bi", "");
    assert!(store["others"][0]["record"].is_string(), "{store}");
    all.push(("status", store));
    all.push(("Errors", run("revoke --profile erp", "abc|def")));
    all.push((
        "Errors",
        run("token --provider oauth2 --server https://localhost:1 --client-id a --user b", ""),
    ));
    all
}

#[test]
fn the_documented_fields_are_those_that_the_program_prints() {
    let documented = documented();
    let mut seen: BTreeMap<&str, BTreeMap<String, BTreeSet<&str>>> = BTreeMap::new();
    for (heading, value) in outputs() {
        let is_error = value.get("error").is_some();
        assert_eq!(is_error, heading == "Errors", "{heading}: {value}");
        collect("", &value, seen.entry(heading).or_default());
    }
    let mut wrong = Vec::new();
    for (heading, fields) in &documented {
        let seen = seen.remove(heading.as_str()).unwrap_or_default();
        for (field, types) in &seen {
            let Some(stated) = fields.get(field) else {
                wrong.push(format!("{heading}: {field} is not documented"));
                continue;
            };
            let stated = stated.replace("time", "text");
            wrong.extend(
                types.iter().filter(|kind| !stated.contains(**kind)).map(|kind| {
                    format!("{heading}: {field} is {kind}, and {stated} is documented")
                }),
            );
        }
        let unseen = fields.keys().filter(|field| !seen.contains_key(*field));
        wrong.extend(unseen.map(|field| format!("{heading}: {field} was never printed")));
    }
    assert!(seen.is_empty(), "headings without a table: {:?}", seen.keys());
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The first column of the table of that heading whose first column has that name.
fn column(page: &str, heading: &str, name: &str) -> BTreeSet<String> {
    let (_, section) = page.split_once(&format!("\n## {heading}\n")).expect("the heading");
    let section = section.split("\n## ").next().expect("a section");
    let (_, table) = section.split_once(&format!("\n| {name} |")).expect("the table");
    let rows = table.lines().skip(2).take_while(|row| row.starts_with('|'));
    rows.filter_map(|row| row.split('`').nth(1)).map(str::to_owned).collect()
}

#[test]
fn the_documented_kinds_of_error_are_all_there_are() {
    let page = Page::read("docs/json.md");
    let kinds = ErrorKind::ALL.iter().map(|kind| kind.as_str().to_owned());
    assert_eq!(column(&page.text, "Errors", "kind"), kinds.collect());
}

#[test]
fn the_documented_causes_and_results_of_a_history_are_all_there_are() {
    let page = Page::read("docs/json.md");
    let causes = HistoryCause::ALL.iter().map(|cause| cause.as_str().to_owned());
    assert_eq!(column(&page.text, "history", "`cause`"), causes.collect());
    let results = HistoryResult::ALL.iter().map(|result| result.as_str().to_owned());
    assert_eq!(column(&page.text, "history", "`result`"), results.collect());
}

#[test]
fn the_documented_counters_are_all_there_are() {
    let page = Page::read("docs/json.md");
    let counters = Counter::ALL.iter().map(|counter| counter.as_str().to_owned());
    assert_eq!(column(&page.text, "Counts", "`counter` | counts"), counters.collect());
}

#[test]
fn the_documented_events_are_all_there_are() {
    let page = Page::read("docs/json.md");
    let source = root().join("crates/tokenlease-core/src/lifecycle/event.rs");
    let source = fs::read_to_string(source).expect("the events");
    let display = source.split_once("impl fmt::Display").expect("their texts").1;
    let mut events = BTreeSet::new();
    for line in display.lines().filter(|line| line.contains("=>")) {
        let event = line.split("Self::").nth(1).and_then(|rest| rest.split([' ', '(']).next());
        let text = line.split('"').nth(1).map(|text| text.trim_end_matches(" {token}"));
        let (event, text) = (event.expect("an event"), text.expect("its text"));
        assert!(page.text.contains(&format!("| `{event}` | `{text}` |")), "{event}: {text}");
        events.insert(event.to_owned());
    }
    assert_eq!(column(&page.text, "Events", "event"), events);
}

#[test]
fn blocks_of_data_are_what_they_say() {
    let options = Command::new(env!("CARGO_BIN_EXE_tokenlease-under-test"))
        .args(["token", "--help"])
        .output()
        .expect("the program");
    let options = String::from_utf8(options.stdout).expect("text");
    for name in all() {
        for block in Page::read(&name).blocks {
            let place = format!("{name}:{}", block.line);
            match block.language.as_str() {
                "toml" => {
                    let table: toml::Table =
                        block.text.parse().unwrap_or_else(|error| panic!("{place}: {error}"));
                    assert!(!table.is_empty(), "{place} is empty");
                }
                "ini" | "yaml" => variables_exist(&place, &block.text, &options),
                "json" => {
                    let _: Value = serde_json::from_str(&block.text)
                        .unwrap_or_else(|error| panic!("{place}: {error}"));
                }
                "" | "console" | "sh" | "text" | "rust" | "c" | "cpp" | "python" | "sql"
                | "php" | "powerquery" => {}
                other => panic!("{place}: no test knows {other:?}"),
            }
        }
    }
}

/// Variables `TOKENLEASE_…` of a unit or an environment file are options or secrets of the program.
fn variables_exist(place: &str, text: &str, options: &str) {
    const OTHERS: [&str; 5] =
        ["PASSWORD", "CLIENT_SECRET", "STORE_PASSPHRASE", "PROFILE", "CONFIG"];
    for (at, _) in text.match_indices("TOKENLEASE_") {
        let name: String = text[at + "TOKENLEASE_".len()..]
            .chars()
            .take_while(|c| c.is_ascii_uppercase() || *c == '_')
            .collect();
        let option = format!("--{} ", name.to_lowercase().replace('_', "-"));
        let exists = OTHERS.contains(&&*name) || options.contains(&option);
        assert!(exists, "{place}: there is no TOKENLEASE_{name}");
    }
}

#[test]
fn every_page_is_listed_in_the_index() {
    let index = Page::read("docs/README.md");
    for name in all() {
        let file = Path::new(&name).file_name().expect("a name").to_string_lossy().into_owned();
        assert!(file == "README.md" || index.text.contains(&format!("({file})")), "{name}");
    }
}
