//! The simulation's commands; `--help` tells them.
#![forbid(unsafe_code)]

mod commands;
mod reports;

use std::{path::PathBuf, process::ExitCode};

use clap::{CommandFactory as _, Parser, Subcommand, ValueEnum, error::ErrorKind};

/// Runs the machine of tokenlease in simulated fleets and judges what it does. Ends with 0 if all
/// promises were kept, with 1 if one was broken, with 2 if it was called wrongly.
#[derive(Parser)]
#[command(name = "tokenlease-sim", args_conflicts_with_subcommands = true)]
#[command(arg_required_else_help = true)]
struct Args {
    /// Runs so many random worlds, calm and rough; one that fails is cut down and told
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    seeds: Option<u64>,
    /// The first world's seed
    #[arg(long, value_name = "SEED", default_value_t = 0, requires = "seeds")]
    first: u64,
    /// `json` prints the last line alone
    #[arg(long, value_enum, default_value_t = Output::Text, requires = "seeds")]
    output: Output,
    /// Tells how long a world took, and which was the slowest
    #[arg(long, requires = "seeds")]
    timings: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Tells the story of a seed's world
    Replay { seed: u64 },
    /// Lets a year of faults pass in a fleet of 8 hosts with 4 processes each
    Year {
        /// All chance comes from it
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Lets the same years pass for tokenlease and for clients that people write today
    Compare {
        /// Draws what comes of it
        #[arg(long, value_name = "FILE")]
        svg: Option<PathBuf>,
        /// `json` prints a line for each client and year
        #[arg(long, value_enum, default_value_t = Output::Text)]
        output: Output,
        /// All chance comes from it
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Only so many days
        #[arg(long, default_value_t = 365, value_parser = clap::value_parser!(i64).range(1..=365))]
        days: i64,
    },
    /// Runs all interleavings of two processes around one expiry, with one fault anywhere
    Exhaustive {
        /// Only so many choices in a run; by default all
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
    let well = match args.command {
        None => {
            let many = args.seeds.unwrap_or_default();
            if args.first.checked_add(many).is_none() {
                let what = "the last seed would be greater than 18446744073709551615: take a smaller --first";
                Args::command().error(ErrorKind::ValueValidation, what).exit()
            }
            commands::seeds(args.first, many, json, args.timings)
        }
        Some(Command::Replay { seed }) => commands::replay(seed),
        Some(Command::Year { seed }) => commands::year(seed),
        Some(Command::Exhaustive { depth }) => reports::exhaustive(depth),
        Some(Command::Compare { svg, output, seed, days }) => {
            match reports::compare(seed, days, output == Output::Json, svg.as_deref()) {
                Ok(well) => well,
                Err(error) => {
                    eprintln!("the picture can't be written: {error}");
                    false
                }
            }
        }
    };
    if well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
