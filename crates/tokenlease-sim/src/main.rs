//! The simulation's commands; `help` tells them.
#![forbid(unsafe_code)]

mod commands;

use std::process::ExitCode;

const HELP: &str = "\
tokenlease-sim runs the machine of tokenlease in simulated fleets and judges what it does.

  --seeds N [--first N] [--output json]   random worlds, calm and rough; a failing one is cut down
  replay SEED                             tells the story of a seed's world
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let value = |name: &str| {
        let at = words.iter().position(|word| *word == name)?;
        words.get(at + 1).copied()
    };
    let number = |name: &str| value(name).and_then(|value| value.parse::<u64>().ok());
    let well = match words.first() {
        Some(&"replay") => words.get(1).and_then(|seed| seed.parse().ok()).map(commands::replay),
        Some(first) if first.starts_with("--") => number("--seeds").map(|many| {
            let json = value("--output") == Some("json");
            commands::seeds(number("--first").unwrap_or_default(), many, json)
        }),
        _ => None,
    };
    match well {
        Some(true) => ExitCode::SUCCESS,
        Some(false) => ExitCode::FAILURE,
        None => {
            eprint!("{HELP}");
            ExitCode::from(2)
        }
    }
}
