//! Every error of a server: its kind, one line for each case, as a snapshot.

use std::fmt::Write as _;

use tokenlease::core::{
    Timestamp, Token, TokenKind,
    provider::{Call, oauth2},
};
use tokenlease_tests::servers::{Running, TestServer};

use crate::{
    life::in_short,
    trial::{CLIENTS, Trial, error_summary, summary, unknown_token},
};

/// The outcomes, in the order in which the cases ran.
#[derive(Debug, Default)]
pub(crate) struct Found(pub(crate) Vec<(String, String)>);

impl Found {
    fn add(&mut self, case: impl Into<String>, outcome: impl Into<String>) {
        self.0.push((case.into(), outcome.into()));
    }

    /// The text of the snapshot.
    pub(crate) fn lines(&self) -> String {
        self.0.iter().fold(String::new(), |mut lines, (case, outcome)| {
            writeln!(lines, "{case}: {outcome}").expect("written");
            lines
        })
    }

    /// Reads a snapshot's file, whose head ends with the second `---`.
    pub(crate) fn read(snapshot: &str) -> Self {
        let lines = snapshot.splitn(3, "---\n").nth(2).expect("a head").lines();
        let outcome = |line: &str| {
            // The names of some cases have a colon too.
            let at = if line.starts_with("by hand: ") { "by hand: ".len() } else { 0 };
            let (case, outcome) = line[at..].split_once(": ").expect("a case and its outcome");
            (line[..at].to_owned() + case, outcome.to_owned())
        };
        Self(lines.map(outcome).collect())
    }

    pub(crate) fn get(&self, case: &str) -> &str {
        self.0.iter().find(|(name, _)| name == case).map_or("-", |(_, outcome)| outcome)
    }
}

pub(crate) fn run(server: &TestServer, running: &Running) -> Found {
    let base = Trial::new(running, &server.profiles[0].1);
    let mut found = Found::default();
    logins(&base, &server.special, &mut found);
    sharing(&base, &mut found);
    secrets(&base, &mut found);
    by_hand(&base, &mut found);
    ends(&base, &server.api, &mut found);
    userinfo(server, running, &mut found);
    found
}

/// Logins that our code can be configured to send, through the client, the exchange and the program, which
/// must agree.
fn logins(base: &Trial<'_>, special: &(String, String), found: &mut Found) {
    let trial = || base.clone();
    let (special, password) = special;
    let nogrant = trial().with("client_id", "nogrant").secret("nogrant-secret-0123456789");
    let cases = [
        ("login", trial()),
        ("login, special characters", trial().with("user", special).password(password)),
        ("wrong password", trial().password("wrong-canary")),
        (
            "wrong password, special characters",
            trial().with("user", special).password(&password[..6]),
        ),
        ("unknown user", trial().with("user", "nobody ø+&%")),
        ("wrong secret", trial().secret("wrong-canary")),
        ("wrong secret in the body", trial().with("client_auth", "body").secret("wrong-canary")),
        ("unknown client", trial().with("client_id", "nobody+&% x")),
        ("no secret", Trial { client_secret: None, ..trial() }),
        ("invalid scope", trial().with("scope", "api nonsense")),
        ("grant not allowed", nogrant.clone()),
        ("client credentials", nogrant.without("user").with("grant", "client_credentials")),
        (
            "client credentials, not allowed",
            trial().without("user").with("grant", "client_credentials"),
        ),
        ("password of 64 KiB", trial().password(&"x".repeat(65_536))),
        ("user name of 64 KiB", trial().with("user", &"x".repeat(65_536))),
        ("path that is not there", trial().with("token_path", "/nowhere")),
        ("path of introspection", trial().with("token_path", base.option("introspection_path"))),
        ("path with a slash more", {
            let path = format!("{}/", base.option("token_path"));
            trial().with("token_path", &path)
        }),
        ("path of the API", trial().with("token_path", "/api/whoami")),
    ];
    for (case, trial) in cases {
        if trial.option("token_path").is_empty() {
            continue;
        }
        let outcome = trial.login(case);
        let must = matches!(case, "login" | "login, special characters");
        let may = must
            || matches!(case, "client credentials" | "path with a slash more" | "invalid scope");
        assert!(!must || outcome == "a token", "{case}: {outcome}");
        assert!(may || outcome != "a token", "{case}: a token was issued");
        found.add(case, outcome);
    }
}

/// Two processes that share a store.
fn sharing(base: &Trial<'_>, found: &mut Found) {
    let state = tempfile::tempdir().expect("a folder");
    let print = || base.program("token", state.path(), "").out["token"].take();
    let (first, second) = (print(), print());
    assert!(first.is_string(), "{first}");
    found.add("second process", if second == first { "the same token" } else { "another token" });
}

/// The ways to send each client's secret.
fn secrets(base: &Trial<'_>, found: &mut Found) {
    for (client, secret) in CLIENTS {
        for way in ["body", "basic", "basic-raw"] {
            let trial = base.clone().with("client_id", client).secret(secret);
            let case = format!("client {client}, {way}");
            let outcome = trial.with("client_auth", way).login(&case);
            found.add(case, outcome);
        }
    }
}

/// Requests that our code never sends. The exchange reads their answers all the same.
fn by_hand(base: &Trial<'_>, found: &mut Found) {
    type Headers<'a> = &'a [(&'a str, &'a str)];
    const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");
    const JSON: (&str, &str) = ("Content-Type", "application/json");
    const BASIC: (&str, &str) = (
        "Authorization",
        // integration:integration-secret-0123456789abcdef
        "Basic aW50ZWdyYXRpb246aW50ZWdyYXRpb24tc2VjcmV0LTAxMjM0NTY3ODlhYmNkZWY=",
    );
    let path = base.option("token_path");
    let query = format!("{path}?grant_type=password&username=admin&password=admin-password");
    let whole = "grant_type=password&username=admin&password=admin-password";
    let secret = "&client_id=integration&client_secret=integration-secret-0123456789abcdef";
    let both = format!("{whole}{secret}");
    let cases: &[(&str, &str, &str, Headers<'_>, &[u8])] = &[
        ("by hand: as it should be", "POST", path, &[FORM, BASIC], whole.as_bytes()),
        ("by hand: GET", "GET", path, &[BASIC], b""),
        ("by hand: GET with a query", "GET", &query, &[BASIC], b""),
        ("by hand: PUT", "PUT", path, &[FORM, BASIC], whole.as_bytes()),
        ("by hand: no body", "POST", path, &[FORM, BASIC], b""),
        ("by hand: JSON", "POST", path, &[JSON, BASIC], br#"{"grant_type":"password"}"#),
        ("by hand: no content type", "POST", path, &[BASIC], whole.as_bytes()),
        ("by hand: no grant type", "POST", path, &[FORM, BASIC], b"username=admin&password=x"),
        ("by hand: unknown grant type", "POST", path, &[FORM, BASIC], b"grant_type=magic"),
        ("by hand: no user", "POST", path, &[FORM, BASIC], b"grant_type=password&password=x"),
        (
            "by hand: no password",
            "POST",
            path,
            &[FORM, BASIC],
            b"grant_type=password&username=admin",
        ),
        (
            "by hand: empty password",
            "POST",
            path,
            &[FORM, BASIC],
            b"grant_type=password&username=admin&password=",
        ),
        (
            "by hand: user twice",
            "POST",
            path,
            &[FORM, BASIC],
            b"grant_type=password&username=admin&username=admin&password=admin-password",
        ),
        (
            "by hand: password that is not UTF-8",
            "POST",
            path,
            &[FORM, BASIC],
            b"grant_type=password&username=admin&password=%ff%fe",
        ),
        ("by hand: no client", "POST", path, &[FORM], whole.as_bytes()),
        ("by hand: client in both places", "POST", path, &[FORM, BASIC], both.as_bytes()),
        (
            "by hand: Basic that is not base64",
            "POST",
            path,
            &[FORM, ("Authorization", "Basic ???")],
            whole.as_bytes(),
        ),
    ];
    for (case, method, path, headers, body) in cases {
        let answer = base.running.send(method, path, headers, body);
        let outcome = match answer {
            Some(answer) => {
                summary(oauth2::Login::parse(&answer, Timestamp(0)).map(|granted| granted.token))
            }
            None => "no answer".into(),
        };
        found.add(*case, outcome);
    }
}

/// The outcome of a validation, through the client and the program, which must agree.
fn validated(case: &str, trial: &Trial<'_>, token: &Token) -> String {
    let client = trial.client().expect("a client");
    let by_client = in_short(client.validate(token));
    let state = tempfile::tempdir().expect("a folder");
    let run = trial.program("validate", state.path(), token.expose());
    let by_program = match run.error["kind"].as_str() {
        Some(kind) => kind.to_owned(),
        None => run.out["active"].to_string(),
    };
    assert!(by_client.starts_with(&by_program), "{case}: {by_client}, {by_program}");
    by_client
}

/// Validations at userinfo: of a token without the scope that it wants, and of a revoked token.
fn userinfo(server: &TestServer, running: &Running, found: &mut Found) {
    let profile = server.profiles.iter().find(|(name, _)| name == "userinfo");
    let Some((_, profile)) = profile else { return };
    let trial = Trial::new(running, profile);
    let unscoped = trial.clone().without("scope");
    let token = unscoped.fresh_token().expect("a token");
    let case = "validate, userinfo without its scope";
    found.add(case, validated(case, &unscoped, &token));
    let token = trial.fresh_token().expect("a token");
    trial.exchange(&Call::Revoke(token.clone())).expect("an answer");
    let case = "validate, userinfo of a revoked token";
    found.add(case, validated(case, &trial, &token));
}

/// Validations, revocations and the API's rejections.
fn ends(base: &Trial<'_>, api: &str, found: &mut Found) {
    let server = base.server().expect("a server");
    let (integration, _) = CLIENTS[0];
    let fresh = || base.fresh_token().expect("a token");
    let wrong = base.clone().secret("wrong-canary");
    let unknown = base.clone().with("client_id", "nobody+&% x");
    let other = base.clone().with("client_id", "other").secret("other-secret-0123456789abcdef");
    let path = ["introspection_path", "userinfo_path"];
    let path = path.into_iter().find(|path| !base.option(path).is_empty());
    let astray = base.clone().with(path.unwrap_or("introspection_path"), "/nowhere");
    assert_eq!(base.option("client_id"), integration);

    let read = |token: &Token| {
        let answer = base.api(api, token);
        format!("{} {:?}", answer.status().as_u16(), server.read_answer(&answer)).to_lowercase()
    };
    found.add("API, unknown token", read(&unknown_token()));
    let reported = |trial: &Trial<'_>, revoked: bool| {
        let state = tempfile::tempdir().expect("a folder");
        let token = trial.program("token", state.path(), "").out["token"].take();
        let token = token.as_str().expect("a token");
        if revoked {
            let call = Call::Revoke(Token::new(TokenKind::Bearer, token));
            trial.exchange(&call).expect("an answer");
        }
        let run = trial.program("report-rejected", state.path(), token);
        match run.error["kind"].as_str() {
            Some(kind) => kind.to_owned(),
            None => run.out["outcome"].as_str().expect("an outcome").replace('_', " "),
        }
    };
    found.add("report rejected, active token", reported(base, false));
    let unconfirmed = base.clone().without("introspection_path").without("userinfo_path");
    found.add("report rejected, no validation", reported(&unconfirmed, false));
    if server.can_revoke() {
        found.add("report rejected, revoked token", reported(base, true));
    }
    if server.can_validate() {
        let token = fresh();
        let mut validate = |case: &str, trial: &Trial<'_>, token: &Token| {
            found.add(case, validated(case, trial, token));
        };
        validate("validate", base, &token);
        validate("validate, unknown token", base, &unknown_token());
        validate("validate, wrong secret", &wrong, &token);
        validate("validate, another client", &other, &token);
        validate("validate, wrong path", &astray, &token);
    }
    if server.can_revoke() {
        let mut revoke = |case: &str, trial: &Trial<'_>, token: &Token| {
            // The program first: most servers answer a second revocation in the same way.
            let state = tempfile::tempdir().expect("a folder");
            let run = trial.program("revoke", state.path(), token.expose());
            let by_program = match run.error["kind"].as_str() {
                Some(kind) => kind.to_owned(),
                None if run.out["proven"] == true => "proven".into(),
                None => "unproven".into(),
            };
            let by_client = in_short(trial.client().expect("a client").revoke(token));
            // The second revocation of a token proves nothing.
            let is_proven = by_program == "proven";
            assert!(
                is_proven || by_client.starts_with(&by_program),
                "{case}: {by_client}, {by_program}"
            );
            let outcome = if is_proven { by_program } else { by_client };
            let after = base.exchange(&Call::Validate(token.clone())).expect("an answer");
            let after = format!("{after:?}").to_lowercase();
            let after = after.split('(').next().unwrap_or_default();
            found.add(case, format!("{outcome}; then the token is {after}"));
        };
        let token = fresh();
        revoke("revoke", base, &token);
        revoke("revoke, again", base, &token);
        revoke("revoke, unknown token", base, &unknown_token());
        revoke("revoke, wrong secret", &wrong, &fresh());
        revoke("revoke, unknown client", &unknown, &fresh());
        revoke("revoke, another client", &other, &fresh());
        revoke("revoke, wrong path", &base.clone().with("revocation_path", "/nowhere"), &fresh());
        found.add("API, revoked token", read(&token));
        let answer = base.running.send("POST", base.option("revocation_path"), &[], b"");
        let parsed = answer.map(|answer| oauth2::Revoke::parse(&answer));
        let outcome = match parsed {
            Some(Ok(())) => "accepted".into(),
            Some(Err(error)) => error_summary(&error),
            None => "no answer".into(),
        };
        found.add("revoke by hand, no token", outcome);
    }
}
