//! Subjects: the secrets of an application's user change, and the token stays.

use crate::{
    engine::Engine,
    process::{ask_all, assert_one_token},
};

/// Rule: Subjects: in each store, processes with different secrets of a subject share its token, and another
/// subject is never served.
#[test]
fn processes_share_the_token_of_a_subject_and_of_no_other() {
    for engine in Engine::all() {
        engine.repeat(|world, _| {
            let w = world.emulator.wyn();
            w.set_passwords(["ticket-0", "ticket-1", "ticket-2", "ticket-3"]);
            let ticket = |subject: &str, n: usize| {
                let ticket = format!("ticket-{n}");
                world.wyn().with("SUBJECT", subject).with("PASSWORD", ticket).start_one()
            };
            let mut anna: Vec<_> = (0..4).map(|n| ticket("anna", n)).collect();
            let answers = ask_all(&mut anna, "token");
            assert_one_token(&answers);
            assert_eq!(world.emulator.counts().wyn.login, 1, "{}", engine.name);
            // Later tickets are wrong at the server, and neither sent nor missed.
            w.set_passwords(["ticket-0"]);
            for (n, process) in anna.iter_mut().enumerate() {
                process.ask(&format!("password other-{n}"));
                assert_eq!(process.ask("token").token(), answers[0].token(), "{}", engine.name);
            }
            let mut last = ticket("anna", 9);
            assert_eq!(last.ask("token").token(), answers[0].token(), "{}", engine.name);
            assert_eq!(world.emulator.counts().wyn.login, 1, "{}", engine.name);
            // A process that is killed keeps its lock, for which the next one would wait.
            let mut others = ["boris", "Anna", ""].map(|other| (other, ticket(other, 0)));
            for (other, process) in &mut others {
                let answer = process.ask("token");
                assert_ne!(answer.token(), answers[0].token(), "{other}: {}", engine.name);
            }
            // Without a subject, another secret is other credentials.
            assert_eq!(ticket("", 9).ask("token").kind(), "credentials_rejected");
            assert_eq!(world.emulator.details().wyn.wrong_credentials, 1, "{}", engine.name);
        });
    }
}
