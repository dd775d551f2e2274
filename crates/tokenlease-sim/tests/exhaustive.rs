//! The exhaustive search with a limited depth; the command `exhaustive` has no limit.

use tokenlease_sim::{
    H, Kind, S,
    bugs::Bug,
    exhaustive::{Search, SearchFault, searches},
};

/// Rule: Logins: no order of requests of two processes around an expiry serves an inactive token;
/// WinKAS gets a second login only after a pause, and no provider a third.
#[test]
fn no_interleaving_of_two_processes_violates_an_invariant() {
    for search in searches(8) {
        let found = search.all();
        assert_eq!(
            (found.violating, found.errors, found.inactive_served),
            (0, 0, 0),
            "{search:?} {found:?}"
        );
        let needed = u32::from(search.lifetime != 24 * H);
        let limit = if search.fault == SearchFault::Nothing { needed } else { needed + 1 };
        assert!(found.logins.keys().all(|n| (needed..=limit).contains(n)), "{search:?} {found:?}");
        assert!(found.runs > 3, "{search:?} {found:?}");
    }
}

#[test]
fn without_a_fault_all_orders_are_run_and_need_one_login() {
    let [winkas, wyn] = [Kind::Winkas, Kind::Wyn].map(|kind| {
        let (lifetime, ask_at) = (12 * H, 12 * H + 5 * S);
        let fault = SearchFault::Nothing;
        Search { kind, lifetime, ask_at, fault, overtakes: 0, depth: 100, bug: None }.all()
    });
    assert_eq!((winkas.truncated, wyn.truncated), (0, 0));
    assert_eq!((winkas.logins.len(), wyn.logins.len()), (1, 1));
}

#[test]
fn the_search_finds_injected_bugs() {
    for bug in [Bug::LockWithoutStore, Bug::StaleReadInsideLock] {
        let (lifetime, ask_at) = (12 * H, 12 * H + 5 * S);
        let fault = SearchFault::Nothing;
        let kind = Kind::Wyn;
        let search =
            Search { kind, lifetime, ask_at, fault, overtakes: 0, depth: 100, bug: Some(bug) };
        let found = search.all();
        assert!(found.violating > 0, "{bug:?} {found:?}");
        let world = search.run(&found.first.unwrap(), true);
        assert!(!world.oracle.violations.is_empty(), "the choices determine the run");
    }
}
