//! The comparison, for a few days; the command lets years pass.

use std::{fs, path::Path};

use tokenlease_sim::compare::{Row, rows, svg};

#[test]
fn in_a_few_days_only_tokenlease_needs_the_minimum_of_logins() {
    for row in rows(1, 4) {
        let over = row.logins - row.minimum;
        assert_eq!(row.violations, 0, "{row:?}");
        if row.client == "tokenlease" {
            assert!(over <= 1, "{row:?}");
        } else {
            assert!(over > 4, "{row:?}");
        }
    }
}

#[test]
fn the_picture_shows_the_figures_that_stand_beside_it() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let figures = fs::read_to_string(docs.join("fleet.json")).unwrap();
    let rows: Vec<Row> = figures.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.len(), 30);
    assert!(svg(&rows) == fs::read_to_string(docs.join("fleet.svg")).unwrap(), "draw it anew");
}
