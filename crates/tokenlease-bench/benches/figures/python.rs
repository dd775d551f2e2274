//! The Python face, as its users have it: a wheel in an environment that programs in Python run in.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use tokenlease_emulator::{Endpoint, Fault};

use crate::{
    cold,
    environment::{Environment, run},
    figure::{Figure, Wanted},
    request::World,
};

const TURNS: usize = 31;

const NAMES: [&str; 5] = [
    "python_token_value",
    "python_import",
    "python_resident",
    "cold_1000_python_threads",
    "cold_1000_python_tasks",
];

pub(crate) fn figures(wanted: &Wanted) -> Vec<Figure> {
    let names: Vec<_> = NAMES.into_iter().filter(|name| wanted.has(name)).collect();
    if names.is_empty() {
        return Vec::new();
    }
    let python = match Python::make() {
        Ok(python) => python,
        Err(why) => {
            eprintln!("left out: {}: {why}", names.join(", "));
            return Vec::new();
        }
    };
    let mut figures = Vec::new();
    if wanted.has("python_token_value") {
        let pairs = python.asking("cached.py", TURNS, false);
        figures.push(Figure::of("python_token_value", "ns", &pairs).at_most(1.5));
    }
    if wanted.has("python_import") || wanted.has("python_resident") {
        let [import, resident] = python.starting();
        let import = Figure::of("python_import", "ms", &import).at_most(6.0);
        let resident = Figure::of("python_resident", "MiB", &resident).at_most(1.4);
        figures.extend([import, resident].into_iter().filter(|figure| wanted.has(figure.name)));
    }
    for (name, program) in
        [("cold_1000_python_threads", "threads.py"), ("cold_1000_python_tasks", "tasks.py")]
    {
        if wanted.has(name) {
            let pairs = python.asking(program, TURNS, true);
            figures.push(Figure::of(name, "ms", &pairs).at_most(1.0));
        }
    }
    figures
}

/// Where programs in Python run, and find what is measured.
struct Python {
    interpreter: PathBuf,
    /// Both modules, apart from what is tested.
    modules: PathBuf,
}

impl Python {
    fn make() -> Result<Self, String> {
        let environment = Environment::make()?;
        let modules = environment.folder.join("figures");
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        for package in [root.join("python"), programs().join("bare")] {
            environment.install_wheel(&package, "library", Some(&modules));
        }
        Ok(Self { interpreter: environment.tool("python"), modules })
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(&self.interpreter);
        command.arg(programs().join(program)).env("PYTHONPATH", &self.modules);
        command
    }

    /// What a program measures that asks an emulator: pairs of ours and the limit.
    fn asking(&self, program: &str, turns: usize, is_cold: bool) -> Vec<(f64, f64)> {
        let world = World::new();
        if is_cold {
            world.emulator.fault(Endpoint::WynLogin, Fault::delay(cold::SLOW), 1000);
        }
        let output = run(world.told(&mut self.command(program)).arg(turns.to_string()));
        let text = output.unwrap_or_else(|why| panic!("{why}"));
        let pairs: Vec<_> = serde_json::from_str(&text).expect("pairs of numbers");
        // One for all who ask in a turn, ours and by hand; the turn that warms up is no pair.
        let all = if is_cold { 2 * (turns as u64 + 1) } else { 1 };
        assert_eq!(world.emulator.counts().wyn.login, all, "{program}: one login for all");
        pairs
    }

    /// Pairs of importing and of resident memory: each of interpreters that start anew.
    fn starting(&self) -> [Vec<(f64, f64)>; 2] {
        let start = |module: &str| -> (f64, f64) {
            let output = run(self.command("start.py").arg(module));
            let text = output.unwrap_or_else(|why| panic!("{why}"));
            serde_json::from_str(&text).expect("a pair of numbers")
        };
        // The first start reads from the disk.
        start("tokenlease");
        start("tokenlease_bare");
        let turns = (0..TURNS).map(|turn| {
            if turn % 2 == 0 {
                let ours = start("tokenlease");
                (ours, start("tokenlease_bare"))
            } else {
                let bare = start("tokenlease_bare");
                (start("tokenlease"), bare)
            }
        });
        let (import, resident) =
            turns.map(|(ours, bare)| ((ours.0, bare.0), (ours.1, bare.1))).unzip();
        [import, resident]
    }
}

fn programs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/figures/python")
}
