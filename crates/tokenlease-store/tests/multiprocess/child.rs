//! A child process with one client. It reads commands from its standard input, one a line, and
//! answers each with one line.

use std::{
    io::{BufRead as _, Write as _},
    path::Path,
    sync::Arc,
    time::Duration,
};

use tokenlease::{
    Client, Clock, HttpOptions, Registry, Rejection, Result, SystemClock,
    core::{Credentials, Identity, Now, Secret, Token, lifecycle::OnStoreOutage, provider::Server},
    runtime::Runtime,
};
use tokenlease_store::{KeySource, StoreOptions, open_blocking};

use crate::{baseline, clock_offset::OffsetClock, raw_http};

/// The variable that makes a process a child; its value is the store's URL.
pub(crate) const STORE: &str = "TOKENLEASE_TEST_STORE";
/// The prefix of answers, which tells them from the lines of the test runner.
pub(crate) const MARK: &str = "child: ";

/// The entry point of a child. Without [`STORE`] it does nothing.
#[test]
fn child() {
    let Ok(store) = std::env::var(STORE) else { return };
    let answer = |text: String| {
        let mut out = std::io::stdout().lock();
        writeln!(out, "\n{MARK}{text}").and_then(|()| out.flush()).unwrap();
    };
    let (server, credentials) = match server() {
        Ok(both) => both,
        Err(error) => return answer(error_line(&error)),
    };
    let baseline = store.strip_prefix("baseline:").map(Path::new);
    if let Some(folder) = baseline {
        answer("ready".into());
        for _ in std::io::stdin().lock().lines() {
            answer(format!("token {}", baseline::token(folder, &server, &credentials)));
        }
        return;
    }
    let client = match client(&store, server.clone(), credentials.clone()) {
        Ok(client) => client,
        Err(error) => return answer(error_line(&error)),
    };
    let mut child = Child { server, credentials, client, tokens: Vec::new() };
    answer("ready".into());
    for command in std::io::stdin().lock().lines() {
        let command = command.unwrap();
        answer(child.run(&command).unwrap_or_else(|error| error_line(&error)));
    }
    // The parent closed the pipe.
    let _ = child.client.blocking().close();
}

fn error_line(error: &tokenlease::Error) -> String {
    format!("error {} {error}", error.kind().as_str())
}

struct Child {
    server: Server,
    credentials: Credentials,
    client: Client,
    /// The tokens of callers that got theirs before: one for each caller.
    tokens: Vec<Token>,
}

impl Child {
    fn run(&mut self, command: &str) -> Result<String> {
        let client = self.client.blocking();
        let (verb, argument) = command.split_once(' ').unwrap_or((command, ""));
        match verb {
            "token" => {
                let served = client.lease()?;
                Ok(format!("token {:?} {}", served.source, served.lease.token().expose()))
            }
            "report-rejected" => {
                Ok(format!("rejected {:?}", client.report_rejected(&client.token()?)?))
            }
            "revoke" => Ok(format!("revoked {:?}", client.revoke(&client.token()?)?)),
            "forget" => client.forget().map(|()| "forgotten".into()),
            "unblock" => client.unblock().map(|()| "unblock".into()),
            "explain" => Ok(client.explain()),
            "clock" => {
                let Now { wall, elapsed } = SystemClock.now();
                let coarse = [SystemClock.coarse_wall(), SystemClock.coarse_monotonic()];
                let coarse = coarse.map(|nanos| nanos / 1_000_000);
                Ok(format!("{} {} {} {}", wall.0, coarse[0], elapsed.0, coarse[1]))
            }
            "password" => {
                let credentials = Credentials {
                    password: Some(Secret::from(argument)),
                    ..self.credentials.clone()
                };
                client.set_credentials(credentials).map(|()| "changed".into())
            }
            "get-tokens" => {
                self.tokens.clear();
                for _ in 0..argument.parse().unwrap() {
                    self.tokens.push(client.token()?);
                }
                Ok("got".into())
            }
            "reject-all" => self.reject_all(),
            "call-forbidden" => self.call_forbidden(),
            _ => panic!("unknown command {command:?}"),
        }
    }

    /// Reports for each caller that an API rejected its token, all at once. Answers how many tokens
    /// are still active, and the replacements.
    fn reject_all(&self) -> Result<String> {
        let (client, tokens) = (self.client.clone(), self.tokens.clone());
        Runtime::current()?.block_on(async move {
            let callers = tokens.into_iter().map(|token| {
                let client = client.clone();
                tokio::spawn(async move { client.report_rejected(&token).await })
            });
            let (mut still, mut new) = (0, std::collections::BTreeSet::new());
            for caller in callers.collect::<Vec<_>>() {
                match caller.await.unwrap()? {
                    Rejection::StillActive => still += 1,
                    Rejection::Replaced(token) => _ = new.insert(token.expose().to_owned()),
                    other => panic!("{other:?}"),
                }
            }
            let new: Vec<_> = new.into_iter().collect();
            Ok(format!("active {still} replaced {}", new.join(",")))
        })?
    }

    /// Calls, for each caller at once, an API function that rejects every token.
    fn call_forbidden(&self) -> Result<String> {
        let (client, server) = (self.client.clone(), self.server.clone());
        let count = self.tokens.len();
        Runtime::current()?.block_on(async move {
            let callers = (0..count).map(|_| {
                let (client, server) = (client.clone(), server.clone());
                tokio::spawn(async move {
                    let call = async |token: Token| {
                        let request = raw_http::forbidden(&server, token.expose());
                        let work = tokio::task::spawn_blocking(move || raw_http::send(&request));
                        let response = work.await.unwrap();
                        Ok::<_, tokenlease::Error>((client.read_answer(&response), ()))
                    };
                    client.call(call).await
                })
            });
            for caller in callers.collect::<Vec<_>>() {
                caller.await.unwrap()?;
            }
            Ok("called".into())
        })?
    }
}

fn of(name: &str) -> String {
    std::env::var(format!("TOKENLEASE_TEST_{name}")).unwrap_or_default()
}

fn server() -> Result<(Server, Credentials)> {
    let credentials = Credentials::password(Secret::from(of("PASSWORD")));
    let (identity, credentials) = match &*of("PROVIDER") {
        "winkas" => (Identity::winkas(&of("SERVER"), &of("USER"), &of("REALM"))?, credentials),
        _ => (
            Identity::wyn(&of("SERVER"), &of("USER"), &of("CLIENT"))?.with_tenant(&of("REALM")),
            credentials.with_client_secret(Secret::from(of("SECRET"))),
        ),
    };
    let identity = match &*of("SUBJECT") {
        "" => identity,
        subject => identity.with_subject(subject)?,
    };
    Ok((Server::new(identity), credentials))
}

fn client(store: &str, server: Server, credentials: Credentials) -> Result<Client> {
    let set = |name| Some(of(name)).filter(|text| !text.is_empty());
    let clock: Arc<dyn Clock> = match set("CLOCK_OFFSET") {
        Some(path) => Arc::new(OffsetClock::new(path)),
        None => Arc::new(SystemClock),
    };
    let mut options = StoreOptions::new().with_clock(clock.clone());
    if let Some(key) = set("KEY") {
        options = options.with_key(KeySource::from_text(&key)?);
    }
    let opened = open_blocking(store, &options)?;
    let mut http = HttpOptions::new();
    if set("PLAIN").is_some() {
        http = http.dangerously_allow_plain_http();
    }
    let registry =
        Registry::builder().store(opened.store, opened.key).clock(clock).http(http).build()?;
    let millis = |name| of(name).parse().map(Duration::from_millis);
    let mut builder = Client::builder(server, credentials).registry(&registry);
    if let Ok(refresh) = millis("REFRESH") {
        builder = builder.store_check_interval(refresh);
    }
    if let Ok(life) = millis("LOCK") {
        builder = builder.lock_ttl(life);
    }
    if set("OUTAGE").is_some_and(|policy| policy == "budget") {
        builder = builder.on_store_outage(OnStoreOutage::LoginWithinBudget);
    }
    if let Ok(wait) = millis("DEADLINE") {
        builder = builder.deadline(wait);
    }
    builder.build()
}
