//! Identities with a subject: the secrets change, and the leases stay.

use super::*;
use crate::record::TombstoneCause;

const LIFETIME: i64 = 3_600_000;

fn portal() -> Identity {
    wyn().with_subject("anna").unwrap()
}

fn ticket(text: &str) -> CredentialsFingerprint {
    let credentials = Credentials::default().with_extra_secret("ticket", text);
    CredentialsFingerprint::of(&Key::new([0; 32]), &credentials)
}

fn rejected() -> Outcome {
    let error = Error::new(ErrorKind::CredentialsRejected, "the ticket is used");
    Outcome::Answered(Answer::Failed(error))
}

/// A machine with a token that it got at 0 with the first ticket.
fn leased(store: &mut Stored) -> Lifecycle {
    let mut machine = machine_of(portal(), true);
    machine.set_credentials(ticket("first"));
    assert!(matches!(ask(&mut machine, 0), Reply::Later));
    drive(&mut machine, store, &mut 0, 0);
    assert!(matches!(ask(&mut machine, 0), Reply::Lease(_)));
    machine
}

/// Asks, and answers each login with that outcome. Returns the reply, and how many logins were sent.
fn asked(
    machine: &mut Lifecycle,
    store: &mut Stored,
    t: i64,
    login: impl Fn() -> Outcome,
) -> (Reply, u32) {
    let mut logins = 0;
    let ask = Ask::new(Timestamp(t), Duration::from_secs(20));
    for _ in 0..100 {
        let reply = machine.ask(&ask, at(t));
        while let Step::Do(effect, receipt) = machine.poll(at(t)) {
            let outcome = match effect {
                Effect::Send(Call::Login) => {
                    logins += 1;
                    login()
                }
                Effect::Send(_) => Outcome::Answered(Answer::Inactive),
                effect => stored(&effect, store, t),
            };
            machine.handle(receipt, outcome, at(t));
        }
        if !matches!(reply, Reply::Later) {
            return (reply, logins);
        }
    }
    panic!("no reply: {}", machine.explain(at(t)));
}

fn error(reply: Reply) -> Error {
    match reply {
        Reply::Error(error) => error,
        other => panic!("{other:?}"),
    }
}

/// Rule: Subjects: other secrets of a subject neither log in nor end its token, in this and other processes.
#[test]
fn other_secrets_neither_log_in_nor_end_the_token() {
    let mut store = None;
    let mut machine = leased(&mut store);
    machine.set_credentials(ticket("second"));
    let (reply, logins) = asked(&mut machine, &mut store, 1000, || granted(2, 1000));
    assert!(matches!(reply, Reply::Lease(_)) && logins == 0, "{reply:?}");
    let mut other = machine_of(portal(), true);
    other.set_credentials(ticket("third"));
    let (reply, logins) = asked(&mut other, &mut store, 1000, || granted(2, 1000));
    let Reply::Lease(served) = reply else { panic!("{reply:?}") };
    assert_eq!((served.source, logins), (Source::Store, 0));
}

/// Rule: Subjects: without a subject, other secrets are served no token of these.
#[test]
fn without_a_subject_set_credentials_changes_nothing() {
    let mut machine = machine_of(wyn(), true);
    let before = machine.credentials_fingerprint();
    machine.set_credentials(ticket("other"));
    assert_eq!(machine.credentials_fingerprint(), before);
    assert!(!machine.has_subject());
}

/// Rule: Subjects: a rejected ticket stops its logins, and the token serves to its end.
#[test]
fn a_rejected_ticket_leaves_the_token_in_use() {
    let mut store = None;
    let mut machine = leased(&mut store);
    // In the margin before the end a login is tried, and the used ticket is rejected.
    let t = LIFETIME - 40_000;
    let (reply, logins) = asked(&mut machine, &mut store, t, rejected);
    assert!(matches!(reply, Reply::Lease(_)), "{reply:?}");
    let (reply, more) = asked(&mut machine, &mut store, t + 10_000, rejected);
    assert!(matches!(reply, Reply::Lease(_)), "{reply:?}");
    assert_eq!(logins + more, 1, "the used ticket is sent once");
    // Other processes use it, too.
    let mut other = machine_of(portal(), true);
    other.set_credentials(ticket("first"));
    let (reply, logins) = asked(&mut other, &mut store, t + 10_000, rejected);
    assert!(matches!(reply, Reply::Lease(_)) && logins == 0, "{reply:?}");
    let (reply, logins) = asked(&mut machine, &mut store, LIFETIME, rejected);
    assert_eq!((error(reply).kind(), logins), (ErrorKind::CredentialsRejected, 0));
}

/// Rule: Subjects: a new ticket is sent at once after another was rejected.
#[test]
fn a_new_ticket_is_sent_at_once() {
    let mut store = None;
    let mut machine = leased(&mut store);
    let (reply, logins) = asked(&mut machine, &mut store, LIFETIME, rejected);
    assert_eq!((error(reply).kind(), logins), (ErrorKind::CredentialsRejected, 1));
    machine.set_credentials(ticket("second"));
    let (reply, logins) = asked(&mut machine, &mut store, LIFETIME, || granted(2, LIFETIME));
    assert!(matches!(reply, Reply::Lease(_)) && logins == 1, "{reply:?}");
}

/// Rule: Subjects: an answer concerns the ticket that was sent, even if the ticket has changed meanwhile.
#[test]
fn an_answer_concerns_the_ticket_that_was_sent() {
    for sent_other in [false, true] {
        let mut machine = machine_of(portal(), false);
        machine.set_credentials(ticket("first"));
        assert!(matches!(ask(&mut machine, 0), Reply::Later));
        let (_, mut receipt) = sent(&mut machine, 0);
        if sent_other {
            // A function returned another ticket when the login was sent.
            machine.sends_credentials(&mut receipt, ticket("second"));
        }
        let latest = ticket(if sent_other { "third" } else { "second" });
        machine.set_credentials(latest);
        machine.handle(receipt, rejected(), at(0));
        settle(&mut machine, 0);
        assert_eq!(machine.credentials_fingerprint(), latest);
        assert!(matches!(ask(&mut machine, 1), Reply::Later), "the latest ticket was not rejected");
        let wrong = ticket(if sent_other { "second" } else { "first" });
        machine.set_credentials(wrong);
        let error = error(ask(&mut machine, 1));
        assert_eq!(error.kind(), ErrorKind::CredentialsRejected, "sent_other: {sent_other}");
    }
}

/// Rule: Subjects: after two rejected tickets in 15 minutes the next one waits, so that no account is locked.
#[test]
fn after_two_rejected_tickets_the_next_one_waits() {
    let mut store = None;
    let mut machine = machine_of(portal(), true);
    let mut logins = 0;
    let mut kinds = Vec::new();
    for n in 0..5_i64 {
        machine.set_credentials(ticket(&n.to_string()));
        let (reply, sent) = asked(&mut machine, &mut store, n * 1000, rejected);
        kinds.push(error(reply).kind());
        logins += sent;
    }
    assert_eq!(logins, 2);
    assert_eq!(kinds[1..3], [ErrorKind::CredentialsRejected, ErrorKind::Throttled]);
}

/// Rule: Subjects: new tickets do not shorten the backoff of logins whose tokens are rejected.
#[test]
fn new_tickets_do_not_shorten_the_login_backoff() {
    let mut store = None;
    let mut machine = leased(&mut store);
    let mut logins = 0;
    let mut t = 1000;
    for n in 0..20_u32 {
        if let Some((lease, _)) = machine.current() {
            let print = lease.fingerprint();
            machine.record_end(print, TombstoneCause::Rejected, Timestamp(t), Timestamp(t));
        }
        machine.set_credentials(ticket(&n.to_string()));
        logins += asked(&mut machine, &mut store, t, || granted(n + 2, t)).1;
        t += 1000;
    }
    assert!((1..=2).contains(&logins), "{logins}");
}

/// Rule: Subjects: `unblock` allows the ticket of a subject to be sent again.
#[test]
fn unblock_allows_the_ticket_to_be_sent_again() {
    let mut store = None;
    let mut machine = machine_of(portal(), true);
    let (reply, _) = asked(&mut machine, &mut store, 0, rejected);
    assert_eq!(error(reply).kind(), ErrorKind::CredentialsRejected);
    machine.unblock(at(1000));
    let (reply, logins) = asked(&mut machine, &mut store, 1000, || granted(1, 1000));
    assert!(matches!(reply, Reply::Lease(_)) && logins == 1, "{reply:?}");
}

/// Rule: Subjects: new tickets do not end the backoff after an answer that can't be used.
#[test]
fn new_tickets_do_not_end_the_backoff_of_unusable_answers() {
    let mut store = None;
    let mut machine = machine_of(portal(), true);
    let forbidden = || {
        let error = Error::new(ErrorKind::InvalidResponse, "forbidden").with_status(403);
        Outcome::Answered(Answer::Failed(error))
    };
    let mut logins = 0;
    for n in 0..10_i64 {
        machine.set_credentials(ticket(&n.to_string()));
        logins += asked(&mut machine, &mut store, n * 1000, forbidden).1;
    }
    assert_eq!(logins, 1);
}

/// Rule: Logins: a rejected ticket of a subject is not the cause of a login that replaces its token.
#[test]
fn a_rejected_ticket_is_not_the_cause_of_a_replacement() {
    use crate::record::HistoryCause;
    let mut store = None;
    let mut machine = leased(&mut store);
    machine.forget(at(1000));
    let (reply, logins) = asked(&mut machine, &mut store, 1000, rejected);
    assert!(matches!(reply, Reply::Error(_)) && logins == 1, "{reply:?}");
    // Another process has a better ticket.
    let mut other = machine_of(portal(), true);
    other.set_credentials(ticket("second"));
    let (reply, _) = asked(&mut other, &mut store, 2000, || granted(2, 2000));
    assert!(matches!(reply, Reply::Lease(_)), "{reply:?}");
    // The first ticket may be sent again.
    let t = LIFETIME + 1500;
    let (reply, logins) = asked(&mut machine, &mut store, t, || granted(3, t));
    assert!(matches!(reply, Reply::Lease(_)) && logins == 1, "{reply:?}");
    assert_eq!(machine.cause_of_last_login(), Some((HistoryCause::Expiring, false)));
}
