//! The comparison with hand-written clients, for a few days.

use std::{fs, path::Path};

use tokenlease_sim::compare::{Row, rows, svg};

/// Rule: Logins: the same days cost hand-written clients more logins.
#[test]
fn in_a_few_days_only_tokenlease_sends_the_minimum_of_logins() {
    for row in rows(1, 4) {
        let extra = row.logins - row.minimum;
        assert_eq!(row.violations, 0, "{row:?}");
        if row.client == "tokenlease" {
            assert!(extra <= 1, "{row:?}");
        } else {
            assert!(extra > 4, "{row:?}");
        }
    }
}

#[test]
fn the_chart_in_the_documents_shows_their_figures() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let figures = fs::read_to_string(docs.join("fleet.json")).unwrap();
    let rows: Vec<Row> = figures.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.len(), 30);
    assert!(
        svg(&rows) == fs::read_to_string(docs.join("fleet.svg")).unwrap(),
        "docs/fleet.svg is out of date. Run: just compare"
    );
}
