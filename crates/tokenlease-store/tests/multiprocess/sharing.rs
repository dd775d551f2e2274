//! Sharing of leases, revocations and learned lifetimes between processes.

use std::{collections::BTreeSet, time::Duration};

use crate::{
    engine::{CHECK_INTERVAL, Engine, MINUTE},
    process::{Answer, ask_all, assert_one_token},
    world::{World, wait_until},
};

const HOUR: Duration = Duration::from_secs(60 * 60);

/// Rule: Identity: processes whose identities differ in any part (provider, address, user, client,
/// tenant) or in a secret never see each other's lease.
///
/// Reported as Colin-b/httpx_auth#97,
/// AzureAD/microsoft-authentication-library-for-dotnet#4359 and DuendeArchive/Support#634
#[test]
fn processes_whose_identities_differ_in_any_part_never_share_a_lease() {
    for engine in Engine::all() {
        engine.repeat(|world, _| {
            let elsewhere = world.emulator.wyn().server().replace("127.0.0.1", "localhost");
            let starters = [
                world.winkas(),
                world.wyn(),
                world.wyn().with("REALM", "/Org"),
                world.wyn().with("REALM", "/org"),
                world.wyn().with("SERVER", elsewhere),
            ];
            let mut all: Vec<_> = starters.iter().flat_map(|one| one.start_many(2)).collect();
            let answers = ask_all(&mut all, "token");
            answers.chunks(2).for_each(assert_one_token);
            let tokens: BTreeSet<_> = answers.iter().map(Answer::token).collect();
            assert_eq!(tokens.len(), 5, "{}", engine.name);
            let counts = world.emulator.counts();
            assert_eq!((counts.winkas.login, counts.wyn.login), (1, 4), "{}", engine.name);
            // Nor do processes that differ in a secret alone, or that may not log in at all.
            let others = [
                ("USER", "somebody else"),
                ("CLIENT", "another client"),
                ("SECRET", "another secret"),
                ("PASSWORD", "another password"),
            ];
            for (part, other) in others {
                let answer = world.wyn().with(part, other).start_one().ask("token");
                assert_eq!(answer.kind(), "credentials_rejected", "{part}: {answer:?}");
            }
        });
    }
}

/// Rule: Store: records that were swapped in the store are not decrypted; they cost no login, and
/// WinKAS refetches.
///
/// Reported as AzureAD/microsoft-authentication-library-for-dotnet#4359
#[test]
fn records_that_were_swapped_in_the_store_are_not_decrypted() {
    for engine in Engine::all() {
        engine.repeat(|world, _| {
            let org = world.wyn().with("REALM", "/org");
            let tokens = [world.winkas(), world.wyn(), org.clone()]
                .map(|starter| starter.start_one().ask("token").token().to_owned());
            let (records, logins) = (world.records(), world.logins());
            assert_eq!(records.len(), 3);
            // Each record moves to the next one's key.
            for (at, (_, record)) in records.iter().enumerate() {
                world.put(&records[(at + 1) % 3].0, record);
            }
            for starter in [world.wyn(), org] {
                let answer = starter.with("DEADLINE", "3000").start_one().ask("token");
                assert_eq!(answer.kind(), "store", "{}", engine.name);
                let text = format!("{answer:?}");
                assert!(text.contains("can't be decrypted with this key"), "{text}");
            }
            // WinKAS answers a refetch with the current token.
            let answer = world.winkas().start_one().ask("token");
            assert_eq!((answer.source(), answer.token()), ("Refetch", &*tokens[0]));
            assert_eq!(world.logins(), logins);
        });
    }
}

/// Rule: Revocation: all processes stop using a token that one of them revoked or found expired, as
/// of their next store check.
///
/// Reported as vercel/vercel#16578
#[test]
fn all_processes_stop_using_a_revoked_token_at_their_next_store_check() {
    for engine in Engine::all_with_clock() {
        engine.repeat(|world, _| {
            let mut all = world.wyn().start_many(4);
            let old = ask_all(&mut all, "token").remove(0);
            assert_eq!(all[0].ask("revoke"), Answer::Other("revoked Proven".into()));
            world.pass(CHECK_INTERVAL);
            let answers = ask_all(&mut all, "token");
            assert_one_token(&answers);
            assert_ne!(answers[0].token(), old.token(), "{}", engine.name);
            assert!(world.emulator.token_is_active(answers[0].token()));
            assert_eq!(world.logins(), 2, "{}", engine.name);
            // The same holds for a token that one of them reported as rejected.
            let mut all = world.winkas().start_many(4);
            let old = ask_all(&mut all, "token").remove(0);
            world.emulator.end_token(old.token());
            let Answer::Other(text) = all[0].ask("report-rejected") else {
                panic!("expected a replacement")
            };
            assert!(text.starts_with("rejected Replaced"), "{text}");
            world.pass(CHECK_INTERVAL);
            let answers = ask_all(&mut all, "token");
            assert_one_token(&answers);
            assert!(world.emulator.token_is_active(answers[0].token()), "{}", engine.name);
            assert_eq!(world.logins(), 4, "{}", engine.name);
        });
    }
}

/// Rule: Store: a store that was emptied gets its leases back from the processes that hold them,
/// and it costs no login.
#[test]
fn processes_with_a_lease_save_it_again_to_an_emptied_store() {
    for engine in Engine::all_with_clock() {
        engine.repeat(|world, _| {
            for starter in world.both() {
                let mut holders = starter.start_many(3);
                let first = ask_all(&mut holders, "token");
                assert_one_token(&first);
                world.empty();
                world.pass(CHECK_INTERVAL);
                for answer in ask_all(&mut holders, "token") {
                    assert_eq!(answer.token(), first[0].token(), "{}", engine.name);
                }
                wait_until(|| (!world.records().is_empty()).then_some(()));
                let later = starter.start_one().ask("token");
                let expected = ("Store", first[0].token());
                assert_eq!((later.source(), later.token()), expected, "{}", engine.name);
            }
            let counts = world.emulator.counts();
            let calls = (counts.winkas.login, counts.winkas.refetch, counts.wyn.login);
            assert_eq!(calls, (1, 1, 1), "{}", engine.name);
        });
    }
}

/// Rule: Expiry: all processes of a store know the token lifetime that one of them learned.
///
/// Here tokens live for 14 hours, which the provider does not state; the assumption is 12.
#[test]
fn all_processes_know_the_token_lifetime_that_one_of_them_learned() {
    for engine in Engine::all_with_clock() {
        engine.repeat(|world, _| {
            world.emulator.options(|options| options.winkas.lifetime_s = 14 * 3600);
            let [mut active, mut idle] = [world.winkas().start_one(), world.winkas().start_one()];
            let first = active.ask("token");
            assert_eq!(idle.ask("token").token(), first.token());
            world.pass(12 * HOUR);
            for _ in 0..12 {
                assert_eq!(active.ask("token").token(), first.token(), "{}", engine.name);
                world.pass(10 * MINUTE);
            }
            assert!(validations(world) > 5, "the active process validated past the assumed expiry");
            // The process that was idle meanwhile gets the next token.
            world.pass(10 * MINUTE);
            let second = idle.ask("token");
            assert!(second.token() != first.token() && world.logins() == 2, "{}", engine.name);
            let before = validations(world);
            world.pass(13 * HOUR);
            let mut all = vec![active, idle, world.winkas().start_one()];
            for answer in ask_all(&mut all, "token") {
                assert_eq!(answer.token(), second.token(), "{}", engine.name);
            }
            assert_eq!(validations(world), before, "{}: all know of 13 hours", engine.name);
        });
    }
}

fn validations(world: &World) -> u64 {
    world.emulator.counts().winkas.validate
}
