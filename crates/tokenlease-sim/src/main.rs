//! The commands of the simulation.
#![forbid(unsafe_code)]

mod commands;
mod reports;

use std::{path::PathBuf, process::ExitCode};

use clap::{CommandFactory as _, Parser, Subcommand, ValueEnum, error::ErrorKind};

/// Runs the state machine of tokenlease in simulated fleets and checks its invariants. Exits with 0 if
/// all of them hold, with 1 if one is violated, and with 2 if the arguments are wrong.
#[derive(Parser)]
#[command(name = "tokenlease-sim", args_conflicts_with_subcommands = true)]
#[command(arg_required_else_help = true)]
struct Args {
    /// Number of random worlds to run, with and without faults; prints a reduced log of a failed one
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    seeds: Option<u64>,
    /// Seed of the first world
    #[arg(long, value_name = "SEED", default_value_t = 0, requires = "seeds")]
    first: u64,
    /// `json` prints only the last line
    #[arg(long, value_enum, default_value_t = Output::Text, requires = "seeds")]
    output: Output,
    /// Prints how long a world took, and which one was the slowest
    #[arg(long, requires = "seeds")]
    timings: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Prints the plan and the log of a seed's world
    Replay { seed: u64 },
    /// Runs a year with faults in a fleet of 8 hosts with 4 processes each
    Year {
        /// Seed of all random numbers
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Runs the same years for tokenlease and for hand-written clients
    Compare {
        /// File to write a chart of the figures to
        #[arg(long, value_name = "FILE")]
        svg: Option<PathBuf>,
        /// `json` prints one line for each client and year
        #[arg(long, value_enum, default_value_t = Output::Text)]
        output: Output,
        /// Seed of all random numbers
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Number of days to run
        #[arg(long, default_value_t = 365, value_parser = clap::value_parser!(i64).range(1..=365))]
        days: i64,
    },
    /// Runs all interleavings of two processes around one expiry, with one fault anywhere
    Exhaustive {
        /// Most choices in a run; the default runs all
        #[arg(long, default_value_t = 1_000)]
        depth: usize,
    },
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    Text,
    Json,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let json = args.output == Output::Json;
    let passed = match args.command {
        None => {
            let many = args.seeds.unwrap_or_default();
            if args.first.checked_add(many).is_none() {
                let what = "the last seed would be greater than 18446744073709551615. Use a smaller --first.";
                Args::command().error(ErrorKind::ValueValidation, what).exit()
            }
            commands::seeds(args.first, many, json, args.timings)
        }
        Some(Command::Replay { seed }) => commands::replay(seed),
        Some(Command::Year { seed }) => commands::year(seed),
        Some(Command::Exhaustive { depth }) => reports::exhaustive(depth),
        Some(Command::Compare { svg, output, seed, days }) => {
            match reports::compare(seed, days, output == Output::Json, svg.as_deref()) {
                Ok(passed) => passed,
                Err(error) => {
                    eprintln!(
                        "error: the chart can't be written: {error}. Check the path of --svg."
                    );
                    false
                }
            }
        }
    };
    if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
