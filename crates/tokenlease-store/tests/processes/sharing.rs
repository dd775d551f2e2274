//! Who sees whose lease.

use std::fs;

use crate::world::{Answer, Process, World, ask_all, assert_one_token};

#[test]
fn lesson_3_processes_whose_identities_differ_in_any_part_never_see_each_others_lease() {
    let world = World::new();
    let mut all: Vec<Process> = [
        world.winkas(),
        world.wyn(),
        world.wyn().with("REALM", "/Org"),
        world.wyn().with("REALM", "/org"),
        world.wyn().with("SERVER", world.emulator.wyn().server().replace("127.0.0.1", "localhost")),
    ]
    .iter()
    .flat_map(|starter| starter.start_many(2))
    .collect();
    let answers = ask_all(&mut all, "token");
    for pair in answers.chunks(2) {
        assert_one_token(pair);
    }
    let tokens: std::collections::BTreeSet<_> = answers.iter().map(Answer::token).collect();
    assert_eq!(tokens.len(), 5);
    let counts = world.emulator.counts();
    assert_eq!((counts.winkas.issue, counts.wyn.issue), (1, 4));
}

#[test]
fn lesson_30_two_valid_secrets_live_side_by_side() {
    let world = World::new();
    world.emulator.wyn().set_client_secrets(["old", "new"]);
    let (old, new) = (world.wyn().with("SECRET", "old"), world.wyn().with("SECRET", "new"));
    let starters = [old, new].map(|starter| starter.with("REFRESH", "1"));
    let mut all: Vec<Process> = starters.iter().flat_map(|s| s.start_many(3)).collect();
    let first = ask_all(&mut all, "token");
    assert_one_token(&first[..3]);
    assert_one_token(&first[3..]);
    for _ in 0..5 {
        let tokens = |answers: &[Answer]| -> Vec<String> {
            answers.iter().map(|answer| answer.token().to_owned()).collect()
        };
        assert_eq!(tokens(&ask_all(&mut all, "token")), tokens(&first));
    }
    assert_eq!(world.logins(), 2);
}

#[test]
fn lesson_26_a_wrong_password_is_not_served_the_right_ones_token() {
    let world = World::new();
    let mut right = world.winkas().start_many(1).remove(0);
    let token = right.ask("token");
    let mut wrong = world.winkas().with("PASSWORD", "wrong").start_many(1).remove(0);
    assert_eq!(wrong.ask("token").kind(), "credentials_refused");
    assert_eq!(right.ask("token").token(), token.token());
    assert!(world.emulator.token_is_active(token.token()));
}

#[test]
fn a_store_that_was_emptied_is_filled_again_by_those_who_hold_a_lease() {
    let world = World::new();
    let mut holders = world.winkas().with("REFRESH", "50").start_many(3);
    let first = ask_all(&mut holders, "token");
    for whole in [false, true] {
        if whole {
            fs::remove_dir_all(world.folder.path().join("store")).unwrap();
        } else {
            for record in world.files(".record") {
                fs::remove_file(record).unwrap();
            }
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
        assert_one_token(&ask_all(&mut holders, "token"));
        let newcomer = crate::death::until(|| {
            let mut newcomer = world.winkas().start_many(1).remove(0);
            (!world.files(".record").is_empty()).then(|| newcomer.ask("token"))
        });
        assert_eq!((newcomer.rung(), newcomer.token()), ("Store", first[0].token()));
    }
    assert_eq!((world.logins(), world.emulator.counts().winkas.refetch), (1, 1));
}
