//! A client whose program sends the requests.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use tokenlease::{
    Client, CredentialsSource, ErrorKind, Registry, Result,
    core::{
        Credentials, Identity, Now, Timestamp, Token, WallTime,
        http::Request,
        machine::{Action, CallResult, ClientCall, Outcome},
        provider::Server,
    },
    hosted::{Answer, HostStep, HostedClient},
    runtime::Runtime,
};
use tokenlease_emulator::Emulator;

fn server(emulator: &Emulator) -> (Server, Credentials) {
    let winkas = emulator.winkas();
    let identity = Identity::winkas(&winkas.server(), &winkas.user(), &winkas.contract()).unwrap();
    (Server::new(identity), Credentials::password(winkas.password()))
}

fn client(emulator: &Emulator, registry: &Registry) -> HostedClient {
    let (server, credentials) = server(emulator);
    Client::builder(server, credentials).registry(registry).build_hosted(None).unwrap()
}

fn registry() -> Registry {
    Registry::builder().build().unwrap()
}

/// Sends a request as the host's HTTP library.
fn send(request: &Request) -> (u16, Vec<u8>) {
    let transport = tokenlease::Transport::new(&tokenlease::HttpOptions::new()).unwrap();
    let request = request.clone();
    let sent = async move { transport.send(request, Duration::from_secs(10)).await };
    let response = Runtime::current().unwrap().block_on(sent).unwrap().unwrap();
    (response.status().as_u16(), response.into_body().to_vec())
}

/// The loop of a host.
fn call(client: &HostedClient, call: ClientCall) -> Result<CallResult> {
    let id = client.begin(call, None)?;
    loop {
        match client.poll(Some(id))? {
            HostStep::Do(effect) => match effect.action() {
                Action::Send(request) => {
                    let (status, body) = send(request);
                    client.answered(*effect, Answer::new(status, b"", &body))?;
                }
                _ => client.perform(*effect)?,
            },
            HostStep::Wait(wait) => client.wait(wait)?,
            HostStep::Done => return client.take(id)?.expect("a result"),
        }
    }
}

fn token(client: &HostedClient) -> Token {
    match call(client, ClientCall::Token { min_remaining: None }) {
        Ok(CallResult::Token(served)) => served.lease.token().clone(),
        other => panic!("{other:?}"),
    }
}

/// Rule: Logins: threads that share a hosted client, and hosted clients that share a store, cause one
/// login.
#[test]
fn threads_and_clients_that_share_a_store_cause_one_login() {
    let emulator = Emulator::builder().start_blocking().unwrap();
    let registry = registry();
    let shared = client(&emulator, &registry);
    let clients: Vec<_> = (0..4).map(|_| client(&emulator, &registry)).collect();
    let first = thread::scope(|scope| {
        let all: Vec<_> = (0..16).map(|_| &shared).chain(&clients).collect();
        let threads: Vec<_> =
            all.into_iter().map(|client| scope.spawn(move || token(client))).collect();
        let mut tokens = threads.into_iter().map(|thread| thread.join().unwrap());
        let first = tokens.next().unwrap();
        assert!(tokens.all(|token| token == first));
        first
    });
    assert_eq!(emulator.counts().winkas.login, 1);
    let result = call(&shared, ClientCall::ReportRejected(first.clone()));
    assert!(matches!(result, Ok(CallResult::StillActive)), "{result:?}");
    let result = call(&shared, ClientCall::Refetch);
    assert!(matches!(result, Ok(CallResult::Token(served)) if *served.lease.token() == first));
    assert_eq!(emulator.counts().winkas.login, 1);
}

/// Rule: Clocks: a hosted client with the host's clocks needs no time to pass, and never waits itself.
#[test]
fn a_host_with_its_own_clocks_lets_time_pass_at_once() {
    let emulator = Emulator::builder().start_blocking().unwrap();
    let (server, credentials) = server(&emulator);
    let at = |t: i64| Now { elapsed: Timestamp(t), wall: WallTime(1_700_000_000_000 + t) };
    let client = Client::builder(server, credentials)
        .registry(&registry())
        .build_hosted(Some(at(0)))
        .unwrap();
    let first = token(&client);
    let validations = || emulator.counts().winkas.validate;
    assert_eq!((token(&client), validations()), (first.clone(), 0));
    client.set_now(at(13 * 3_600_000)).unwrap();
    assert_eq!((token(&client), validations()), (first, 1), "it is older than is agreed");

    // While an effect is out the host waits, as its clocks do.
    let id = client.begin(ClientCall::Refetch, None).unwrap();
    let HostStep::Do(effect) = client.poll(Some(id)).unwrap() else { panic!("a request is next") };
    let HostStep::Wait(wait) = client.poll(Some(id)).unwrap() else { panic!("an effect is out") };
    assert_eq!(client.wait(wait).unwrap_err().kind(), ErrorKind::Config);
    drop(effect);
    let of_system = self::client(&emulator, &registry());
    assert_eq!(of_system.set_now(at(0)).unwrap_err().kind(), ErrorKind::Config);
}

/// Rule: Secrets: a hosted client fetches its credentials once, when it is made.
#[test]
fn credentials_are_fetched_once() {
    let emulator = Emulator::builder().start_blocking().unwrap();
    let (server, credentials) = server(&emulator);
    let fetched = Arc::new(AtomicUsize::new(0));
    let counted = fetched.clone();
    let source = CredentialsSource::from_fn(move || {
        counted.fetch_add(1, Ordering::Relaxed);
        Ok(credentials.clone())
    });
    let client = Client::builder(server, source).registry(&registry()).build_hosted(None).unwrap();
    let _ = (token(&client), token(&client));
    assert_eq!(fetched.load(Ordering::Relaxed), 1);
    assert_eq!(emulator.counts().winkas.login, 1);
}

/// Returns the first request of a client that has no token.
fn login(
    client: &HostedClient,
) -> (tokenlease::core::machine::CallId, Box<tokenlease::core::machine::Effect>) {
    let id = client.begin(ClientCall::Token { min_remaining: None }, None).unwrap();
    loop {
        match client.poll(Some(id)).unwrap() {
            HostStep::Do(effect) if matches!(effect.action(), Action::Send(_)) => {
                return (id, effect);
            }
            HostStep::Do(effect) => client.perform(*effect).unwrap(),
            step => panic!("{step:?}"),
        }
    }
}

fn wyn() -> HostedClient {
    let server = Server::new(Identity::wyn("https://wyn.example", "u", "c").unwrap());
    let credentials = Credentials::password("canary p").with_client_secret("canary s");
    Client::builder(server, credentials).registry(&registry()).build_hosted(None).unwrap()
}

/// Rule: Login: a host's answer that broke off counts if its body is a whole JSON object.
#[test]
fn an_answer_that_broke_off_counts_if_it_is_whole() {
    let body = br#"{"access_token":"4E2E","expires_in":3600}"#;
    for (length, is_whole) in [(body.len(), true), (body.len() - 1, false)] {
        let client = wyn();
        let (id, effect) = login(&client);
        let answer = Answer::new(200, b"", &body[..length]).broke_off("reset");
        client.answered(*effect, answer).unwrap();
        while let HostStep::Do(effect) = client.poll(None).unwrap() {
            client.perform(*effect).unwrap();
        }
        assert_eq!(client.is_complete(id).unwrap(), is_whole, "a lost login is tried again");
    }
}

/// Rule: Secrets: an error of the host's HTTP library that quotes a request is redacted.
#[test]
fn errors_of_the_host_are_redacted() {
    let client = wyn();
    let (id, effect) = login(&client);
    let text = "cannot send password=canary+p&client_secret=canary%20s";
    let error = tokenlease::Error::new(ErrorKind::Transport, text).lasting();
    client.handle(*effect, Outcome::NotSent(error)).unwrap();
    while let HostStep::Do(effect) = client.poll(Some(id)).unwrap() {
        client.perform(*effect).unwrap();
    }
    let error = client.take(id).unwrap().expect("a lasting error ends the call").unwrap_err();
    assert!(error.to_string().contains("cannot send"), "{error}");
    assert!(!error.to_string().contains("canary"), "{error}");
}

#[test]
fn mistakes_of_a_host_are_errors() {
    let client = wyn();
    let (_, effect) = login(&client);
    let answer = Answer::new(99, b"", b"");
    assert_eq!(client.answered(*effect, answer).unwrap_err().kind(), ErrorKind::Config);
    let client = wyn();
    let (_, effect) = login(&client);
    assert_eq!(client.perform(*effect).unwrap_err().kind(), ErrorKind::Config);
    let client = wyn();
    client.begin(ClientCall::Token { min_remaining: None }, None).unwrap();
    let HostStep::Do(load) = client.poll(None).unwrap() else { panic!("the store is read first") };
    let answer = Answer::new(200, b"", b"");
    assert_eq!(client.answered(*load, answer).unwrap_err().kind(), ErrorKind::Config);
}
