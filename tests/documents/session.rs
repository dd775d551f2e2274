//! A reader's terminal: the blocks of a page, in order, in one shell.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs::{self, File},
    net::TcpListener,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::page::{Block, Page, root};

/// Matches any text in a block of output.
const ANYTHING: char = '…';
/// How long a page may run.
const TIMEOUT: Duration = Duration::from_secs(300);
/// The start of the line that the shell prints before each block.
const MARK: &str = "@@ the block in line ";

/// A shell in a temporary folder, with the built program first on its `PATH`.
pub(crate) struct Session {
    folder: tempfile::TempDir,
    path: Vec<PathBuf>,
    environment: BTreeMap<String, String>,
    replaced: Vec<(String, String)>,
    /// Commands that run before the page's first block.
    before: String,
}

impl Session {
    /// Makes the folder, with a `home` and a copy of the root folder made of links, `tokenlease`, in
    /// which the shell starts.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let (home, clone) = (folder.path().join("home"), folder.path().join("tokenlease"));
        fs::create_dir(&home).expect("home");
        fs::create_dir(&clone).expect("tokenlease");
        for entry in fs::read_dir(root()).expect("the root folder") {
            let entry = entry.expect("an entry");
            let name = entry.file_name();
            if name != "target" && !name.to_string_lossy().starts_with('.') {
                std::os::unix::fs::symlink(entry.path(), clone.join(name)).expect("a link");
            }
        }
        let program = folder.path().join("bin");
        fs::create_dir(&program).expect("bin");
        let built = env!("CARGO_BIN_EXE_tokenlease-under-test");
        std::os::unix::fs::symlink(built, program.join("tokenlease")).expect("a link");
        let stand_ins = Path::new(env!("CARGO_MANIFEST_DIR")).join("documents/stand-ins");
        Self {
            path: vec![stand_ins, program],
            folder,
            environment: BTreeMap::new(),
            replaced: Vec::new(),
            before: String::new(),
        }
    }

    /// Sets a variable of the shell's environment.
    pub(crate) fn set(&mut self, name: &str, value: impl AsRef<Path>) {
        let value = value.as_ref().to_string_lossy().into_owned();
        self.environment.insert(name.to_owned(), value);
    }

    /// Replaces a text of the page by one that works on this machine.
    pub(crate) fn replace(&mut self, text: &str, by: &str) {
        self.replaced.push((text.to_owned(), by.to_owned()));
    }

    /// Runs these commands before the first block.
    pub(crate) fn prepare(&mut self, commands: &str) {
        self.before.push_str(commands);
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Saves and runs the blocks of a page in order, and compares the output that the page shows.
    ///
    /// A block of `sh` or `console` is run; a `text` block after it is its output, in which `…`
    /// matches any text. A block that the reader saves as a file is saved.
    ///
    /// # Panics
    /// If a block fails or prints something else: with the page, the line and the output.
    pub(crate) fn run(mut self, page: &Page) {
        self.move_ports(&page.text);
        let mut script = format!("set -e\nexec 2>&1 </dev/null\ncd tokenlease\n{}", self.before);
        let mut expected = Vec::new();
        for (index, block) in page.blocks.iter().enumerate() {
            let text = self.adapted(&block.text);
            if let Some(file) = &block.file {
                // Anything else in the folder is a link into the source.
                let is_new = !root().join(file.split('/').next().unwrap_or_default()).exists();
                assert!(is_new || file.starts_with("../"), "{}: saves {file}", page.name);
                let folder = Path::new(file).parent().map(Path::display);
                let folder = folder.map(|folder| format!("mkdir -p './{folder}'\n"));
                write!(script, "{}cat >'{file}' <<'@@'\n{text}@@\n", folder.unwrap_or_default())
                    .expect("written");
            } else if is_run(block) {
                write!(script, "echo '{MARK}{}'\n{}", block.line, commands(block, &text))
                    .expect("written");
                let output = page.blocks.get(index + 1).filter(|next| next.language == "text");
                expected.push((block.line, output.map(|block| self.adapted(&block.text))));
            }
        }
        script.push_str("echo '@@ end'\n");
        let output = self.shell(&script);
        check(&page.name, &expected, &output);
    }

    /// Runs a script, ends what it left running, and returns what was printed.
    fn shell(&self, script: &str) -> String {
        let folder = self.folder.path();
        fs::write(folder.join("script"), script).expect("the script");
        let output = File::create(folder.join("output")).expect("the output");
        let mut shell = Command::new("sh");
        shell.arg("script").current_dir(folder).process_group(0);
        for (name, _) in std::env::vars_os() {
            let of_reader = ["TOKENLEASE_", "XDG_", "CARGO"];
            if of_reader.iter().any(|start| name.to_string_lossy().starts_with(start)) {
                shell.env_remove(name);
            }
        }
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = self.path.iter().cloned().chain(std::env::split_paths(&path));
        shell.env("PATH", std::env::join_paths(path).expect("a path"));
        shell.env("HOME", folder.join("home")).envs(&self.environment);
        shell.stdin(Stdio::null()).stdout(output.try_clone().expect("the output")).stderr(output);
        let mut shell = shell.spawn().expect("sh");
        let begun = Instant::now();
        while shell.try_wait().expect("its state").is_none() && begun.elapsed() < TIMEOUT {
            thread::sleep(Duration::from_millis(20));
        }
        // Ends the emulator if a block failed before the page stops it.
        let group = format!("-{}", shell.id());
        let _ = Command::new("kill").args(["-9", "--", &group]).stderr(Stdio::null()).status();
        let _ = shell.wait();
        fs::read_to_string(folder.join("output")).expect("the output")
    }

    /// Replaces each port of 127.0.0.1 that the page names by a free one.
    fn move_ports(&mut self, text: &str) {
        const HOST: &str = "127.0.0.1:";
        let mut listeners = Vec::new();
        for (at, _) in text.match_indices(HOST) {
            let port: String =
                text[at + HOST.len()..].chars().take_while(char::is_ascii_digit).collect();
            let named = format!("{HOST}{port}");
            if !port.is_empty() && !self.replaced.iter().any(|(text, _)| *text == named) {
                let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
                let free = listener.local_addr().expect("its address");
                let number = free.port().to_string();
                self.replaced.push((format!("--port {port}"), format!("--port {number}")));
                self.replaced.push((named, free.to_string()));
                listeners.push(listener);
            }
        }
    }

    fn adapted(&self, text: &str) -> String {
        self.replaced.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
    }
}

pub(crate) fn is_run(block: &Block) -> bool {
    matches!(block.language.as_str(), "sh" | "console") && block.file.is_none()
}

/// The commands of a block: in `console`, the lines after a `$`.
fn commands(block: &Block, text: &str) -> String {
    if block.language == "sh" {
        return text.to_owned();
    }
    text.lines().map(|line| line.strip_prefix("$ ").unwrap_or(line).to_owned() + "\n").collect()
}

fn check(page: &str, expected: &[(usize, Option<String>)], output: &str) {
    let mut rest = output;
    for (index, (line, text)) in expected.iter().enumerate() {
        let begin = format!("{MARK}{line}\n");
        let at = rest.find(&begin).unwrap_or_else(|| panic!("{page}: nothing ran:\n{output}"));
        rest = &rest[at + begin.len()..];
        let end = expected
            .get(index + 1)
            .map_or_else(|| "@@ end\n".to_owned(), |(line, _)| format!("{MARK}{line}\n"));
        let printed = rest.split_once(&end).map(|(printed, _)| printed);
        let printed = printed.unwrap_or_else(|| {
            panic!("{page}:{line}: the block failed. The page printed:\n{output}")
        });
        if let Some(text) = text {
            assert!(
                matches(text.trim_end(), printed.trim_end()),
                "{page}:{line}: the page shows:\n{text}\nbut it printed:\n{printed}"
            );
        }
    }
}

/// Returns whether a text matches a pattern, in which `…` matches any text.
fn matches(pattern: &str, mut text: &str) -> bool {
    let mut pieces: Vec<_> = pattern.split(ANYTHING).collect();
    let first = pieces.remove(0);
    let Some(last) = pieces.pop() else { return pattern == text };
    let Some(rest) = text.strip_prefix(first) else { return false };
    text = rest;
    for piece in pieces {
        let Some((_, rest)) = text.split_once(piece) else { return false };
        text = rest;
    }
    text.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ellipsis_matches_any_text() {
        for (pattern, text, expected) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("a…", "ab\nc", true),
            ("a…c", "ab\nc", true),
            ("a…b…d", "a b c d", true),
            ("a…b…d", "a b c", false),
            ("…d", "abc d", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }
}
