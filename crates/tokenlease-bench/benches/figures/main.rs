//! The benchmarks: the cost of tokenlease compared with the cheapest code that does the same.
//!
//! `cargo bench --bench figures` prints a table, `-- --json` one JSON object, and `-- NAME …` only
//! the benchmarks whose names start with one of these names. A benchmark measures tokenlease and
//! its baseline alternately in one run. The result is the median of the ratios with its quartiles,
//! which cancels out most changes of the machine's speed.

mod c;
mod cached;
mod cold;
#[path = "../../../../tests/python/environment.rs"]
mod environment;
mod fixture;
mod identities;
mod measurement;
mod outside_stores;
mod parse;
mod portal;
mod program;
mod python;
mod request;
mod serve;
mod slow_path;

use measurement::{Measurement, Selection};

fn main() {
    // `cargo bench` passes the flag `--bench`.
    let args: Vec<_> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    if let [flag, name] = args.as_slice()
        && flag == identities::MEMORY_FLAG
    {
        return identities::print_memory(name);
    }
    let json = args.iter().any(|arg| arg == "--json");
    let selection = Selection::new(args.into_iter().filter(|arg| !arg.starts_with("--")));
    let mut measurements = Vec::new();
    for group in [
        cached::run,
        parse::run,
        request::run,
        serve::run,
        slow_path::run,
        program::run,
        cold::run,
        identities::run,
        portal::run,
        outside_stores::run,
        c::run,
        python::run,
    ] {
        measurements.extend(group(&selection));
    }
    if json {
        println!("{}", measurement::json(&measurements));
    } else {
        println!("{}", measurement::tables(&measurements));
    }
    let missed = measurements.iter().filter(|measurement| !measurement.meets_goal());
    for Measurement { case, .. } in missed {
        eprintln!("missed its goal: {}", case.name);
    }
}
