//! Figures: what tokenlease costs, beside the least that the same would cost.
//!
//! `cargo bench --bench figures` prints a table, `-- --json` one object, `-- NAME …` the figures
//! whose names begin so. Each ratio is of one run: ours and the limit take turns, and the median of
//! the turns' ratios is shown with its quartiles, so that a machine's moods cancel out.

mod c;
mod cached;
mod cold;
#[path = "../../../../tests/python/environment.rs"]
mod environment;
mod figure;
mod many;
mod parse;
mod python;
mod request;
mod slow;

use figure::{Figure, Wanted};

fn main() {
    // `cargo bench` adds a flag of its own.
    let words: Vec<_> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    if let [measure, name] = words.as_slice()
        && measure == many::MEASURE
    {
        return many::measured(name);
    }
    let json = words.iter().any(|word| word == "--json");
    let wanted = Wanted::of(words.into_iter().filter(|word| !word.starts_with("--")));
    let mut figures = Vec::new();
    for group in [
        cached::figures,
        parse::figures,
        request::figures,
        slow::figures,
        cold::figures,
        many::figures,
        c::figures,
        python::figures,
    ] {
        figures.extend(group(&wanted));
    }
    if json {
        println!("{}", figure::json(&figures));
    } else {
        println!("{}", figure::table(&figures));
    }
    let missed: Vec<_> = figures.iter().filter(|figure| !figure.is_met()).collect();
    for Figure { name, .. } in missed {
        eprintln!("missed: {name}");
    }
}
