use super::*;
use crate::time::WallTime;

const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const OPEN_ID: &str = "https://id.example/.well-known/openid-configuration";
const OAUTH: &str = "https://id.example/.well-known/oauth-authorization-server";
const DOCUMENT: &str =
    r#"{"issuer":"https://id.example","token_endpoint":"https://id.example/oauth/token"}"#;

/// A process, its server and a store that others may share.
struct Process {
    discovery: Discovery,
    /// The clock of this process.
    t: i64,
    /// How far the store's clock is ahead.
    ahead: i64,
    requests: Vec<String>,
}

type Stored = Option<(u64, Vec<u8>)>;
type Found = Result<Option<Arc<Metadata>>>;

impl Process {
    fn new() -> Self {
        let identity = Identity::oauth2("https://id.example", "", "app").unwrap();
        Self { discovery: Discovery::new(&identity, 7), t: 0, ahead: 5 * HOUR, requests: vec![] }
    }

    fn with_clock(t: i64, ahead: i64) -> Self {
        Self { t, ahead, ..Self::new() }
    }

    /// Gets the document from a server that answers like `answer`.
    fn get(
        &mut self,
        store: &mut Option<Stored>,
        answer: impl Fn(&str) -> (u16, &'static str),
    ) -> Found {
        loop {
            let t = Timestamp(self.t);
            let now = Now { wall: WallTime(self.t), elapsed: t };
            match self.discovery.poll(now) {
                DiscoveryStep::Done(result) => return result,
                DiscoveryStep::Load => {
                    let Some(stored) = &store else {
                        self.discovery.not_loaded();
                        continue;
                    };
                    let stored = stored.as_ref().map(|(revision, bytes)| (*revision, &bytes[..]));
                    self.discovery.loaded(stored, StoreTime(self.t + self.ahead), t);
                }
                DiscoveryStep::Send(request) => {
                    let address = request.uri().to_string();
                    let (status, body) = answer(&address);
                    self.requests.push(address);
                    if status == 0 {
                        let error = Error::new(ErrorKind::Transport, "can't connect");
                        self.discovery.answered(Err::<&Response<&[u8]>, _>(error), t);
                    } else {
                        let response = Response::builder().status(status).body(body).unwrap();
                        self.discovery.answered(Ok(&response), t);
                    }
                }
                DiscoveryStep::Save { expected, record, keep } => {
                    let stored = store.as_mut().expect("a save without a store");
                    assert_eq!(stored.as_ref().map(|(revision, _)| *revision), expected);
                    assert!(keep >= Duration::from_secs(60 * 60));
                    *stored = Some((expected.unwrap_or_default() + 1, record));
                    self.discovery.saved();
                }
            }
        }
    }

    fn sent(&mut self) -> Vec<String> {
        std::mem::take(&mut self.requests)
    }
}

fn document(_: &str) -> (u16, &'static str) {
    (200, DOCUMENT)
}

/// A server where nothing may be requested.
fn untouched(address: &str) -> (u16, &'static str) {
    panic!("{address} was requested")
}

/// Rule: Discovery: a document is read once, and again when it is needed after an hour.
#[test]
fn a_document_is_read_once_and_again_after_an_hour() {
    for mut store in [None, Some(None)] {
        let mut process = Process::new();
        process.get(&mut store, document).unwrap().unwrap();
        assert_eq!(process.sent(), [OPEN_ID]);
        process.t = HOUR - 1;
        process.get(&mut store, untouched).unwrap().unwrap();
        process.t = HOUR;
        process.get(&mut store, document).unwrap().unwrap();
        assert_eq!(process.sent(), [OPEN_ID]);
    }
}

/// Rule: Discovery: another process takes the document from the store, whatever its clock shows.
#[test]
fn another_process_takes_the_document_from_the_store() {
    let mut store = Some(None);
    Process::new().get(&mut store, document).unwrap().unwrap();
    let mut other = Process::with_clock(99 * HOUR, -93 * HOUR - MINUTE);
    let found = other.get(&mut store, untouched).unwrap().unwrap();
    assert_eq!(found.address(), OPEN_ID);
    // An hour after the first process read it.
    other.t += MINUTE;
    let mut third = Process::with_clock(other.t, other.ahead);
    third.get(&mut store, document).unwrap().unwrap();
    assert_eq!(third.sent(), [OPEN_ID]);
    other.get(&mut store, untouched).unwrap().unwrap();
}

/// Rule: Discovery: a known document is used while the server can't be asked for a newer one.
#[test]
fn a_known_document_is_used_while_the_server_fails() {
    for status in [0, 429, 500] {
        let mut store = Some(None);
        Process::new().get(&mut store, document).unwrap();
        let mut other = Process::with_clock(9 * HOUR, 5 * HOUR);
        other.get(&mut store, |_| (status, "")).unwrap().unwrap();
        assert_eq!(other.sent(), [OPEN_ID], "{status}");
        other.get(&mut store, untouched).unwrap().unwrap();
        other.t += MINUTE;
        other.get(&mut store, document).unwrap().unwrap();
        assert_eq!(other.sent(), [OPEN_ID], "{status}");
    }
}

/// Rule: Discovery: both standards' documents are asked for. A server that has neither is not asked
/// again for an hour.
#[test]
fn a_server_without_a_document_is_not_asked_again_for_an_hour() {
    let mut store = Some(None);
    let mut process = Process::new();
    assert_eq!(process.get(&mut store, |_| (404, "")).unwrap(), None);
    assert_eq!(process.sent(), [OPEN_ID, OAUTH]);
    assert_eq!(process.get(&mut store, untouched).unwrap(), None);
    assert_eq!(Process::with_clock(0, 5 * HOUR).get(&mut store, untouched).unwrap(), None);

    let oauth_alone = |address: &str| if address == OPEN_ID { (404, "") } else { (200, DOCUMENT) };
    let found = Process::new().get(&mut None, oauth_alone).unwrap().unwrap();
    assert_eq!(found.address(), OAUTH);
}

/// Rule: Discovery: a failed discovery is an error for all callers, and the next attempt waits longer
/// each time.
#[test]
fn a_failed_discovery_backs_off() {
    const FOREIGN: &str = r#"{"issuer":"https://other.example"}"#;
    for (status, body, most) in [(0, "", 180), (503, "", 90), (200, FOREIGN, 12)] {
        let mut process = Process::new();
        let mut store = Some(None);
        for second in 0..3600 {
            process.t = second * SECOND;
            let error = process.get(&mut store, |_| (status, body)).unwrap_err();
            let until = error.until().map(|until| until.0);
            assert!(until.is_some_and(|until| until > process.t), "{error}");
            assert!(error.to_string().contains(OPEN_ID), "{error}");
        }
        let sent = process.sent().len();
        assert!((5..=most).contains(&sent), "{status} {body}: {sent}");
    }
}

/// Rule: Discovery: an answer without a usable document keeps other processes from asking the server at
/// once, and they get the same error. A failure to connect does not.
#[test]
fn a_failure_that_the_server_answered_concerns_all_processes() {
    let mut store = Some(None);
    let wrong = |_: &str| (200, r#"{"issuer":"https://other.example"}"#);
    let first = Process::new().get(&mut store, wrong).unwrap_err();
    let mut other = Process::with_clock(7, 5 * HOUR);
    let error = other.get(&mut store, untouched).unwrap_err();
    assert_eq!((error.kind(), error.detail()), (first.kind(), first.detail()));
    assert!(error.to_string().contains("token_path"), "{error}");
    other.t += MINUTE;
    other.get(&mut store, document).unwrap().unwrap();
    Process::with_clock(other.t, 5 * HOUR).get(&mut store, untouched).unwrap().unwrap();

    let mut store = Some(None);
    Process::new().get(&mut store, |_| (0, "")).unwrap_err();
    Process::new().get(&mut store, document).unwrap().unwrap();
}

/// Rule: Discovery: a stored document of another issuer, or that can't be read, is not used.
#[test]
fn a_stored_document_is_checked_again() {
    let mut foreign = Some(None);
    let identity = Identity::oauth2("https://id.example/other", "", "app").unwrap();
    let mut other = Process { discovery: Discovery::new(&identity, 1), ..Process::new() };
    let body = |_: &str| {
        (200, r#"{"issuer":"https://id.example/other","token_endpoint":"https://id.example/x"}"#)
    };
    other.get(&mut foreign, body).unwrap().unwrap();
    for bytes in [foreign.flatten().unwrap().1, vec![], vec![9], vec![1, 2, 3]] {
        let mut process = Process::new();
        let found = process.get(&mut Some(Some((4, bytes))), document).unwrap().unwrap();
        assert_eq!(found.issuer(), "https://id.example");
        assert_eq!(process.sent(), [OPEN_ID]);
    }
}
