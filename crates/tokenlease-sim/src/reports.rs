//! The commands `compare` and `exhaustive`.

use std::{fs, io, path::Path};

use tokenlease_sim::{compare, exhaustive};

/// Runs a year for every client, and prints the figures. Returns whether all invariants hold for
/// tokenlease.
pub(crate) fn compare(seed: u64, days: i64, json: bool, svg: Option<&Path>) -> io::Result<bool> {
    let rows = compare::rows(seed, days);
    if json {
        for row in &rows {
            println!("{}", serde_json::to_string(row)?);
        }
    } else {
        print!("{}", compare::table(&rows));
    }
    if let Some(path) = svg {
        fs::write(path, compare::svg(&rows))?;
    }
    Ok(rows.iter().all(|row| row.violations == 0))
}

/// Runs all interleavings. Returns whether all invariants hold.
pub(crate) fn exhaustive(depth: usize) -> bool {
    let (mut runs, mut truncated, mut choices, mut events, mut violating) = (0, 0, 0, 0, 0);
    for search in exhaustive::searches(depth) {
        let found = search.all();
        println!(
            "{:?}, calls {} min after a login, token lifetime {} h, fault {:?}: {} runs, up to {} \
             choices; logins {:?}, errors {}, inactive tokens served {}",
            search.kind,
            search.ask_at / tokenlease_sim::M,
            search.lifetime / tokenlease_sim::H,
            search.fault,
            found.runs,
            found.choices,
            found.logins,
            found.errors,
            found.inactive_served,
        );
        if let Some(list) = &found.first {
            let world = search.run(list, true);
            eprintln!("violated: {:?}, with the choices {list:?}", world.oracle.violations);
            for line in world.log.iter().flatten() {
                eprintln!("{line}");
            }
        }
        runs += found.runs;
        truncated += found.truncated;
        choices = choices.max(found.choices);
        events += found.events;
        violating += found.violating;
    }
    println!(
        "{{\"interleavings\":{runs},\"truncated\":{truncated},\"choices\":{choices},\"events\":{events},\
         \"violations\":{violating}}}"
    );
    violating == 0
}
