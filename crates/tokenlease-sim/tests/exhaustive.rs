//! The search of all interleavings, cut off early; the command goes to the end.

use tokenlease_sim::{
    H, Kind, S,
    exhaustive::{Search, Strike, searches},
    planted::Bug,
};

#[test]
fn no_interleaving_of_two_processes_breaks_a_promise() {
    for search in searches(8) {
        let found = search.all();
        assert_eq!((found.broken, found.errors, found.dead), (0, 0, 0), "{search:?} {found:?}");
        let needed = u32::from(search.life != 24 * H);
        let most = if search.strike == Strike::Nothing { needed } else { needed + 1 };
        assert!(found.logins.keys().all(|n| (needed..=most).contains(n)), "{search:?} {found:?}");
        assert!(found.runs > 3, "{search:?} {found:?}");
    }
}

#[test]
fn every_order_counts_once_and_all_are_run_where_nothing_breaks() {
    let [winkas, wyn] = [Kind::Winkas, Kind::Wyn].map(|kind| {
        let (life, asked) = (12 * H, 12 * H + 5 * S);
        let strike = Strike::Nothing;
        Search { kind, life, asked, strike, overtakes: 0, depth: 100, bug: None }.all()
    });
    assert_eq!((winkas.cut, wyn.cut), (0, 0));
    assert_eq!((winkas.logins.len(), wyn.logins.len()), (1, 1));
}

#[test]
fn a_planted_bug_is_found_by_the_search() {
    for bug in [Bug::LockUnasked, Bug::InsideFromBefore] {
        let (life, asked) = (12 * H, 12 * H + 5 * S);
        let strike = Strike::Nothing;
        let kind = Kind::Wyn;
        let search = Search { kind, life, asked, strike, overtakes: 0, depth: 100, bug: Some(bug) };
        let found = search.all();
        assert!(found.broken > 0, "{bug:?} {found:?}");
        let world = search.run(&found.first.unwrap(), true);
        assert!(!world.oracle.violations.is_empty(), "the choices tell the run");
    }
}
