//! The plugins of `examples/` in ten languages, built and started as `docs/languages.md` says, and run
//! against both providers.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    hash::{DefaultHasher, Hash as _, Hasher as _},
    io::{BufRead as _, BufReader, Read as _, Write as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use tokenlease_emulator::{Endpoint, Fault};

use crate::support::{
    Provider, Site, WARNINGS, command, compiler, folder, is_installed, prefix, program, root,
    succeed,
};

/// The most lines of a source file.
const LINES: usize = 100;
/// Files of a plugin that are not sources: they name and pin its packages.
const PACKAGES: [&str; 4] = ["go.mod", "package.json", "package-lock.json", "pom.xml"];

fn examples() -> PathBuf {
    root().join("bindings/c/examples")
}

/// The files of a language's folder, by name.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// The commands below a heading of the page.
fn commands(heading: &str) -> String {
    let page = fs::read_to_string(root().join("docs/languages.md")).unwrap();
    let section = page.split_once(&format!("\n{heading}\n"));
    let (_, section) = section.unwrap_or_else(|| panic!("no section {heading}"));
    let (_, block) = section.split_once("```sh\n").unwrap();
    block.split_once("```").unwrap().0.to_owned()
}

/// A plugin that was built in a folder below `target/`.
struct Plugin {
    folder: PathBuf,
    start: String,
}

impl Plugin {
    /// Builds the plugin of a language, unless it is built. `None` if a tool is not installed.
    fn build(language: &str, name: &str, tools: &[&str]) -> Option<Self> {
        if !tools.iter().all(|tool| is_installed(tool)) {
            return None;
        }
        let all = commands(&format!("### {language}"));
        let all = all.trim_end();
        // The last command starts the plugin.
        let (build, start) = all.rsplit_once('\n').unwrap_or(("true", all));
        let plugin = Self { folder: folder("languages").join(name), start: start.to_owned() };
        // If several test programs run at once, one builds and the others wait.
        let lock = File::create(folder("languages").join(format!("{name}.lock"))).unwrap();
        lock.lock().unwrap();
        let mut hasher = DefaultHasher::new();
        build.hash(&mut hasher);
        let sources = files(&examples().join(name));
        let headers =
            ["tokenlease.h", "tokenlease.hpp"].map(|name| root().join("include").join(name));
        for file in sources.iter().chain(&headers).chain(&files(&root().join("include/tokenlease")))
        {
            fs::read(file).unwrap().hash(&mut hasher);
        }
        let (stamp, version) = (plugin.folder.join("built"), hasher.finish().to_string());
        if fs::read_to_string(&stamp).is_ok_and(|found| found == version) {
            return Some(plugin);
        }
        fs::create_dir_all(&plugin.folder).unwrap();
        for source in &sources {
            fs::copy(source, plugin.folder.join(source.file_name().unwrap())).unwrap();
        }
        succeed(&mut plugin.shell(build, command("sh")));
        fs::write(stamp, version).unwrap();
        Some(plugin)
    }

    /// Returns a command that runs commands of the page, after those that say where the library is.
    fn shell(&self, commands_of_plugin: &str, mut shell: Command) -> Command {
        let installed = prefix().display().to_string();
        let before = commands("## Build and run").replace("/usr/local", &format!("'{installed}'"));
        shell.args(["-e", "-c", &(before + commands_of_plugin)]).current_dir(&self.folder);
        // The library is found as the page says. Some languages read the encoding of the environment.
        shell.env_remove("LD_LIBRARY_PATH").env("LC_ALL", "C.UTF-8");
        shell
    }

    /// Starts the plugin for a provider, with a password.
    fn start(&self, site: &Site, password: &str) -> Running {
        let mut shell = self.shell(&format!("exec {}", self.start), site.command("sh"));
        shell.env("PASSWORD", password);
        let (wyn, winkas) = (site.emulator.wyn(), site.emulator.winkas());
        match site.provider {
            Provider::Winkas => {
                shell.env("TOKENLEASE_PROVIDER", "winkas").env("TOKENLEASE_USER", winkas.user());
                shell.env("TOKENLEASE_SERVER", winkas.server());
                shell.env("TOKENLEASE_CONTRACT", winkas.contract());
            }
            Provider::Wyn => {
                shell.env("TOKENLEASE_PROVIDER", "wyn").env("TOKENLEASE_USER", wyn.user());
                shell.env("TOKENLEASE_SERVER", wyn.server());
                shell.env("TOKENLEASE_CLIENT_SECRET", wyn.client_secret());
            }
        }
        shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = shell.spawn().unwrap();
        let (stdin, stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Running { child, stdin, stdout: BufReader::new(stdout), printed: String::new() }
    }
}

/// A plugin that reads URLs and prints one line for each.
struct Running {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    printed: String,
}

impl Running {
    /// Writes a line, and returns the answer.
    fn ask(&mut self, line: &str) -> String {
        writeln!(self.stdin, "{line}").unwrap();
        self.answer()
    }

    fn answer(&mut self) -> String {
        let mut answer = String::new();
        self.stdout.read_line(&mut answer).unwrap();
        if answer.is_empty() {
            let mut errors = String::new();
            self.child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
            panic!("no answer: {errors}");
        }
        self.printed.push_str(&answer);
        answer
    }

    /// Ends the input, waits until the plugin has ended, and returns all that it printed.
    fn end(mut self) -> String {
        drop(self.stdin);
        self.stdout.read_to_string(&mut self.printed).unwrap();
        let mut stderr = self.child.stderr.take().unwrap();
        stderr.read_to_string(&mut self.printed).unwrap();
        assert!(self.child.wait().unwrap().success(), "{}", self.printed);
        self.printed
    }
}

/// Runs a plugin's whole life against both providers, and returns the plugin.
fn lives(language: &str, name: &str, tools: &[&str]) -> Option<Plugin> {
    let plugin = Plugin::build(language, name, tools)?;
    for site in Site::both() {
        live(&plugin, &site);
    }
    Some(plugin)
}

fn live(plugin: &Plugin, site: &Site) {
    let is_winkas = site.provider == Provider::Winkas;
    let (server, api, forbidden) = if is_winkas {
        (site.emulator.winkas().server(), "/api/Report/Echo", "/api/Report/Forbidden")
    } else {
        (site.emulator.wyn().server(), "/api/v2/me", "/api/v2/forbidden")
    };
    let (api, forbidden) = (format!("{server}{api}"), format!("{server}{forbidden}"));
    let mut secrets = BTreeSet::from([site.password(), site.emulator.wyn().client_secret()]);
    let mut running = plugin.start(site, &site.password());

    // Tokens are used again.
    for _ in 0..2 {
        let answer = running.ask(&api);
        assert!(answer.starts_with("HTTP 200, attempts: 1, {"), "{answer}");
    }
    assert_eq!(site.logins(), 1);

    // A rejected token is replaced, and the call is repeated once.
    secrets.extend(active_tokens(site));
    site.emulator.end_all_tokens();
    let answer = running.ask(&api);
    assert!(answer.starts_with("HTTP 200, attempts: 2, {"), "{answer}");
    assert_eq!(site.logins(), 2);
    secrets.extend(active_tokens(site));

    // A missing permission is the API's answer. It costs no login.
    let answer = running.ask(&forbidden);
    let expected =
        if is_winkas { ["HTTP 200", "Access denied"] } else { ["HTTP 403", "permission"] };
    assert!(answer.contains("attempts: 1, "), "{answer}");
    assert!(expected.iter().all(|text| answer.contains(text)), "{answer}");
    assert_eq!(site.logins(), 2);

    let answer = running.ask("revoke");
    if is_winkas {
        assert!(answer.starts_with("error: ") && answer.contains("revo"), "{answer}");
    } else {
        let time = answer.strip_prefix("revoked a token that expires at ").expect(&answer);
        let expires = Duration::from_millis(time.trim_end().parse().unwrap());
        let left = (UNIX_EPOCH + expires).duration_since(SystemTime::now()).unwrap();
        assert!(left.as_secs() / 86_400 / 365 == 9, "not almost ten years: {answer}");
        assert!(active_tokens(site).is_empty());
    }

    let mut printed = running.end();

    // The error of a wrong password is shown. It costs one login, however often the plugin tries.
    let wrong = "canary+Wrong \"ø\"";
    secrets.insert(wrong.to_owned());
    let mut running = plugin.start(site, wrong);
    for _ in 0..2 {
        let answer = running.ask(&api);
        assert!(answer.starts_with("error: ") && answer.contains("rejected"), "{answer}");
        assert_eq!(site.logins(), 3);
    }
    printed += &running.end();
    for secret in secrets {
        assert!(!printed.contains(&secret), "{printed}");
    }
}

fn active_tokens(site: &Site) -> Vec<String> {
    match site.provider {
        Provider::Winkas => site.emulator.winkas().active_tokens(),
        Provider::Wyn => site.emulator.wyn().active_tokens(),
    }
}

/// Rule: Languages: a plugin in C gets a token, calls an API, repeats a call once for a rejected token and not
/// for a missing permission, revokes its token and shows errors.
#[test]
fn a_plugin_in_c_lives_its_whole_life() {
    lives("C", "c", &["cc", "pkg-config", "curl-config"]);
}

#[test]
fn a_plugin_in_python_lives_its_whole_life() {
    lives("Python", "python", &["python3"]);
}

#[test]
fn a_plugin_in_ruby_lives_its_whole_life() {
    lives("Ruby", "ruby", &["ruby"]);
}

#[test]
fn a_plugin_in_php_lives_its_whole_life() {
    lives("PHP", "php", &["php"]);
}

/// Rule: Deadlines: the end of a context interrupts a wait of a plugin in Go, which can call again.
#[test]
fn a_plugin_in_go_lives_its_whole_life_and_its_context_ends_a_wait() {
    let Some(plugin) = lives("Go", "go", &["go", "cc", "pkg-config"]) else { return };
    let site = Site::start(Provider::Wyn);
    let api = format!("{}/api/v2/me", site.emulator.wyn().server());
    let hour = Duration::from_secs(3600);
    site.emulator.fault(Endpoint::WynLogin, Fault::delay(hour), 1);
    let mut running = plugin.start(&site, &site.password());
    writeln!(running.stdin, "{api}").unwrap();
    while site.logins() == 0 {
        thread::sleep(Duration::from_millis(5));
    }
    let interrupt = ["-INT", &running.child.id().to_string()];
    succeed(Command::new("kill").args(interrupt));
    let answer = running.answer();
    assert!(answer.starts_with("error: context canceled; interrupted: "), "{answer}");
    drop(running.end());
}

#[test]
fn a_plugin_in_node_lives_its_whole_life() {
    lives("Node.js", "node", &["node", "npm"]);
}

#[test]
fn a_plugin_in_java_lives_its_whole_life() {
    lives("Java", "java", &["java", "javac", "mvn"]);
}

#[test]
fn a_plugin_in_csharp_lives_its_whole_life() {
    lives("C#", "csharp", &["mcs", "mono"]);
}

#[test]
fn a_plugin_in_free_pascal_lives_its_whole_life() {
    lives("Free Pascal", "pascal", &["fpc"]);
}

#[test]
fn a_plugin_in_cpp_lives_its_whole_life() {
    lives("C++", "cpp", &["c++", "pkg-config", "curl-config"]);
}

#[test]
fn the_plugins_in_c_and_cpp_compile_without_warnings() {
    for (cpp, standard, source) in [(false, "c99", "c/plugin.c"), (true, "c++17", "cpp/plugin.cpp")]
    {
        if is_installed(&compiler(cpp)) {
            let mut check = Command::new(compiler(cpp));
            check.args(["-fsyntax-only", &format!("-std={standard}")]).args(WARNINGS);
            check.arg("-I").arg(prefix().join("include")).arg(examples().join(source));
            succeed(&mut check);
        }
    }
}

#[test]
fn the_page_has_each_example_and_no_source_file_is_longer_than_100_lines() {
    let page = fs::read_to_string(root().join("docs/languages.md")).unwrap();
    let folders = files(&examples()).into_iter().filter(|path| path.is_dir());
    for folder in folders {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        assert!(page.contains(&format!("(../bindings/c/examples/{name}")), "{name}");
        for file in files(&folder) {
            let is_source =
                !PACKAGES.map(Path::new).contains(&Path::new(file.file_name().unwrap()));
            let lines = fs::read_to_string(&file).unwrap().lines().count();
            assert!(!is_source || lines <= LINES, "{}: {lines} lines", file.display());
        }
    }
}

/// Rule: Languages: every call of the C library fits into the 128 KiB of a small thread, such as those of musl,
/// and of a call that a language makes on another stack.
#[test]
fn every_call_fits_into_the_stack_of_a_small_thread() {
    let Some(program) = program("small_stack.c") else { return };
    for site in Site::both() {
        succeed(site.command(&program).env("STACK", (128 * 1024).to_string()));
    }
}
