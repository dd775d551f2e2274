//! The Python module, installed from a wheel as its users install it.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use tokenlease_emulator::{Endpoint, Fault};

use crate::{
    cold,
    environment::{Environment, run as run_command},
    fixture::Fixture,
    measurement::{Case, Measurement, Selection},
};

const TOKEN_VALUE: Case = Case {
    name: "python_token_value",
    unit: "ns",
    measures: "`client.token().value` while a token is cached",
    baseline: "a method of a pyo3 class that returns a stored `str`",
};
const VALUE: Case = Case {
    name: "python_value",
    unit: "ns",
    measures: "`token.value` of a token that was returned before",
    baseline: TOKEN_VALUE.baseline,
};
const AUTHORIZATION: Case = Case {
    name: "python_authorization",
    unit: "ns",
    measures: "`token.authorization` of a token that was returned before",
    baseline: TOKEN_VALUE.baseline,
};
const MSAL_HIT: Case = Case {
    name: "python_msal_hit",
    unit: "ns",
    measures: TOKEN_VALUE.measures,
    baseline: "MSAL's `acquire_token_for_client` while a token is cached",
};
const FORKED: Case = Case {
    name: "python_forked",
    unit: "µs",
    measures: "the first `client.token()` of a forked child, of the token that its parent had",
    baseline: "a limit of 50 µs",
};
const IMPORT: Case = Case {
    name: "python_import",
    unit: "ms",
    measures: "`import tokenlease` in a new interpreter",
    baseline: "the import of a nearly empty pyo3 module, also packed by maturin",
};
const RESIDENT: Case = Case {
    name: "python_resident",
    unit: "MiB",
    measures: "the resident memory of an interpreter after `import tokenlease`",
    baseline: "the same after the import of the nearly empty module",
};
const THREADS: Case = Case {
    name: "cold_1000_python_threads",
    unit: "ms",
    measures: "1,000 threads request a token at once; the server takes 50 ms for the one login",
    baseline: "a `dict` and a `Lock`: the first thread logs in with `http.client`",
};
const TASKS: Case = Case {
    name: "cold_1000_python_tasks",
    unit: "ms",
    measures: "1,000 asyncio tasks request a token at once; the server takes 50 ms for the one \
               login",
    baseline: "a `dict` and an `asyncio.Lock`: the first task logs in over an asyncio stream",
};

const TURNS: usize = 31;

pub(crate) fn run(selection: &Selection) -> Vec<Measurement> {
    // A case, its program with the argument that it takes, and the goal.
    let programs: [(Case, &[&str], f64); 5] = [
        (TOKEN_VALUE, &["cached.py", "token_value"], 1.5),
        (VALUE, &["cached.py", "value"], 1.3),
        (AUTHORIZATION, &["cached.py", "authorization"], 1.3),
        (MSAL_HIT, &["msal_hit.py"], 0.01),
        (FORKED, &["forked.py"], 1.0),
    ];
    let names: Vec<_> = programs
        .map(|(case, ..)| case)
        .into_iter()
        .chain([IMPORT, RESIDENT, THREADS, TASKS])
        .filter(|case| selection.includes(*case))
        .map(|case| case.name)
        .collect();
    if names.is_empty() {
        return Vec::new();
    }
    let python = match Python::install() {
        Ok(python) => python,
        Err(error) => {
            eprintln!("skipped: {}: {error}", names.join(", "));
            return Vec::new();
        }
    };
    let mut measurements = Vec::new();
    for (case, program, goal) in programs {
        if selection.includes(case) {
            let pairs = python.measure(program, TURNS, false);
            measurements.push(Measurement::from_pairs(case, &pairs).at_most(goal));
        }
    }
    if selection.includes(IMPORT) || selection.includes(RESIDENT) {
        let [import, resident] = python.measure_start();
        let import = Measurement::from_pairs(IMPORT, &import).at_most(6.0);
        let resident = Measurement::from_pairs(RESIDENT, &resident).at_most(1.4);
        let both = [import, resident].into_iter();
        measurements.extend(both.filter(|measurement| selection.includes(measurement.case)));
    }
    for (case, program) in [(THREADS, "threads.py"), (TASKS, "tasks.py")] {
        if selection.includes(case) {
            let pairs = python.measure(&[program], TURNS, true);
            measurements.push(Measurement::from_pairs(case, &pairs).at_most(1.0));
        }
    }
    measurements
}

/// A Python interpreter with the modules of the benchmarks.
struct Python {
    interpreter: PathBuf,
    /// The folder of both modules, separate from the modules that the tests use.
    modules: PathBuf,
}

impl Python {
    fn install() -> Result<Self, String> {
        let environment = Environment::make()?;
        let modules = environment.folder.join("figures");
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        for package in [root.join("python"), programs().join("bare")] {
            environment.install_wheel(&package, "dist", Some(&modules));
        }
        let peers = programs().join("requirements.txt");
        environment.install(&[
            "--target".as_ref(),
            modules.as_os_str(),
            "--upgrade".as_ref(),
            "-r".as_ref(),
            peers.as_os_str(),
        ])?;
        Ok(Self { interpreter: environment.tool("python"), modules })
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(&self.interpreter);
        command.arg(programs().join(program)).env("PYTHONPATH", &self.modules);
        command
    }

    /// Runs a program against an emulator. Returns its pairs of tokenlease and the baseline.
    fn measure(&self, program: &[&str], turns: usize, is_cold: bool) -> Vec<(f64, f64)> {
        let fixture = Fixture::new();
        if is_cold {
            fixture.emulator.fault(Endpoint::WynLogin, Fault::delay(cold::SERVER_DELAY), 1000);
        }
        let mut command = self.command(program[0]);
        let command = fixture.pass_wyn_to(&mut command).arg(turns.to_string());
        let output = run_command(command.args(&program[1..]));
        let text = output.unwrap_or_else(|error| panic!("{error}"));
        let pairs: Vec<_> = serde_json::from_str(&text).expect("pairs of numbers");
        // A cold turn has one login of each side. One more turn warms up and returns no pair.
        let logins = if is_cold { 2 * (turns as u64 + 1) } else { 1 };
        let sent = fixture.emulator.counts().wyn.login;
        assert_eq!(sent, logins, "{program:?}: one login for all callers");
        pairs
    }

    /// Returns pairs of the import time and of the resident memory, each from new interpreters.
    fn measure_start(&self) -> [Vec<(f64, f64)>; 2] {
        let start = |module: &str| -> (f64, f64) {
            let output = run_command(self.command("start.py").arg(module));
            let text = output.unwrap_or_else(|error| panic!("{error}"));
            serde_json::from_str(&text).expect("a pair of numbers")
        };
        // The first start reads from the disk.
        start("tokenlease");
        start("tokenlease_bare");
        let turns = (0..TURNS).map(|turn| {
            if turn % 2 == 0 {
                let tokenlease = start("tokenlease");
                (tokenlease, start("tokenlease_bare"))
            } else {
                let bare = start("tokenlease_bare");
                (start("tokenlease"), bare)
            }
        });
        let (import, resident) = turns
            .map(|(tokenlease, bare)| ((tokenlease.0, bare.0), (tokenlease.1, bare.1)))
            .unzip();
        [import, resident]
    }
}

fn programs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/figures/python")
}
