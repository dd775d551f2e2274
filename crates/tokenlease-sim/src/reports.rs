//! The commands that print figures of their own.

use std::{fs, io, path::Path};

use tokenlease_sim::{compare, exhaustive};

/// Lets a year pass for every client, and prints what it was like. Whether tokenlease kept its
/// promises.
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

/// Runs all interleavings. Whether all promises were kept.
pub(crate) fn exhaustive(depth: usize) -> bool {
    let (mut runs, mut cut, mut choices, mut events, mut broken) = (0, 0, 0, 0, 0);
    for search in exhaustive::searches(depth) {
        let found = search.all();
        println!(
            "{:?}, asked {} min after a login for {} h, {:?}: {} runs, up to {} choices; \
             logins {:?}, errors {}, dead {}",
            search.kind,
            search.asked / tokenlease_sim::M,
            search.life / tokenlease_sim::H,
            search.strike,
            found.runs,
            found.choices,
            found.logins,
            found.errors,
            found.dead,
        );
        if let Some(list) = &found.first {
            let world = search.run(list, true);
            eprintln!("BROKEN {:?}, by the choices {list:?}", world.oracle.violations);
            for line in world.story.iter().flatten() {
                eprintln!("{line}");
            }
        }
        runs += found.runs;
        cut += found.cut;
        choices = choices.max(found.choices);
        events += found.events;
        broken += found.broken;
    }
    println!(
        "{{\"interleavings\":{runs},\"cut_off\":{cut},\"choices\":{choices},\"events\":{events},\
         \"violations\":{broken}}}"
    );
    broken == 0
}
