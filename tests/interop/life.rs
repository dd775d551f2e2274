//! The whole lifetime of a token, with each profile of each server.

use tokenlease::{
    Error, Rejection,
    core::{
        Token, TokenKind,
        lifecycle::Revocation,
        provider::{Answer, ApiAnswer, Call},
    },
};
use tokenlease_tests::servers::{Running, TestServer};

use crate::trial::{CLIENTS, Trial};

/// Runs it for a plain user, and for a user and a client whose secrets have all special characters.
pub(crate) fn run(server: &TestServer, running: &Running) {
    for (name, profile) in &server.profiles {
        let plain = Trial::new(running, profile);
        let (user, password) = &server.special;
        let (client, secret) = CLIENTS[1];
        let special = plain
            .clone()
            .with("user", user)
            .password(password)
            .with("client_id", client)
            .secret(secret);
        for trial in [plain, special] {
            let place = format!("{}, profile {name}, {}", server.name, trial.option("user"));
            let proves = !server.unproven.contains(name);
            Life { trial: &trial, api: &server.api, place, proves }.through_all();
        }
    }
}

struct Life<'a> {
    trial: &'a Trial<'a>,
    api: &'a str,
    place: String,
    /// A validation shows that a token was revoked.
    proves: bool,
}

impl Life<'_> {
    fn through_all(&self) {
        self.through_the_client();
        self.through_the_exchanges();
        self.through_the_program();
    }

    fn through_the_client(&self) {
        let place = &self.place;
        let client = self.trial.client().expect(place);
        let server = self.trial.server().expect(place);
        let token = client.token().expect(place);
        self.is_accepted(&token);
        assert_eq!(client.token().expect(place), token, "{place}: one login is enough");
        if !server.can_validate() {
            // The server validates no tokens, so the token is replaced.
            let Rejection::Replaced(next) = client.report_rejected(&token).expect(place) else {
                panic!("{place}: a rejected token was not replaced");
            };
            self.is_accepted(&next);
            assert_ne!(next, token, "{place}");
            return;
        }
        assert!(client.validate(&token).expect(place), "{place}");
        assert_eq!(client.report_rejected(&token).expect(place), Rejection::StillActive, "{place}");
        if !server.can_revoke() {
            return;
        }
        let revoked = client.revoke(&token).expect(place);
        if !self.proves {
            assert_eq!(revoked, Revocation::Unproven, "{place}");
            self.is_rejected(&token);
            return;
        }
        assert_eq!(revoked, Revocation::Proven, "{place}");
        assert!(!client.validate(&token).expect(place), "{place}");
        self.is_rejected(&token);
        let next = client.token().expect(place);
        assert_ne!(next, token, "{place}");
        // Another client revokes it, and the API's rejection shows that.
        let other = self.trial.client().expect(place);
        assert_eq!(other.revoke(&next).expect(place), Revocation::Proven, "{place}");
        let found = self.call_by(&client);
        assert_ne!(found, next, "{place}");
        assert_eq!(client.stats().logins, 3, "{place}: {:?}", client.stats());
    }

    /// An API call as `Client::call` makes it: with a validation after the rejection, and a replay.
    fn call_by(&self, client: &tokenlease::blocking::Client) -> Token {
        let place = &self.place;
        let token = client.token().expect(place);
        let answer =
            self.trial.server().expect(place).read_answer(&self.trial.api(self.api, &token));
        assert_ne!(answer, ApiAnswer::NotRejected, "{place}: a revoked token was accepted");
        let Rejection::Replaced(next) = client.report_rejected(&token).expect(place) else {
            panic!("{place}: the revoked token was not replaced");
        };
        self.is_accepted(&next);
        next
    }

    fn through_the_exchanges(&self) {
        let place = &self.place;
        let server = self.trial.server().expect(place);
        let token = self.trial.fresh_token().expect(place);
        self.is_accepted(&token);
        if !server.can_validate() {
            return;
        }
        let validate = Call::Validate(token.clone());
        let answer = |call: &Call| self.trial.exchange(call).expect(place);
        assert!(matches!(answer(&validate), Answer::Active), "{place}");
        if !server.can_revoke() {
            return;
        }
        assert!(matches!(answer(&Call::Revoke(token.clone())), Answer::Revoked), "{place}");
        assert_eq!(matches!(answer(&validate), Answer::Inactive), self.proves, "{place}");
        assert!(!matches!(answer(&validate), Answer::Active), "{place}");
        self.is_rejected(&token);
    }

    fn through_the_program(&self) {
        let place = &self.place;
        let server = self.trial.server().expect(place);
        let state = tempfile::tempdir().expect("a folder");
        let run = |command, input: &str| self.trial.program(command, state.path(), input);
        let print = || {
            let run = run("token", "");
            assert_eq!(run.code, Some(0), "{place}: {}", run.error);
            let text = run.out["token"].as_str().expect("a token").to_owned();
            Token::new(TokenKind::Bearer, text)
        };
        let token = print();
        self.is_accepted(&token);
        assert_eq!(print(), token, "{place}: one login is enough");
        if !server.can_validate() {
            return;
        }
        assert_eq!(run("validate", token.expose()).code, Some(0), "{place}");
        let rejected = run("report-rejected", token.expose());
        assert_eq!(rejected.out["outcome"], "still_active", "{place}: {}", rejected.error);
        if !server.can_revoke() {
            return;
        }
        let revoked = run("revoke", token.expose());
        let proven = &self.proves.into();
        assert_eq!((revoked.code, &revoked.out["proven"]), (Some(0), proven), "{place}");
        if !self.proves {
            return;
        }
        assert_eq!(run("validate", token.expose()).code, Some(1), "{place}");
        self.is_rejected(&token);
        assert_ne!(print(), token, "{place}");
    }

    /// The API accepts the token and names its user.
    fn is_accepted(&self, token: &Token) {
        let answer = self.trial.api(self.api, token);
        assert_eq!(answer.status(), 200, "{}", self.place);
        let body: serde_json::Value = serde_json::from_slice(answer.body()).expect("JSON");
        assert_eq!(body["user"], self.trial.option("user"), "{}", self.place);
    }

    fn is_rejected(&self, token: &Token) {
        let status = self.trial.api(self.api, token).status().as_u16();
        assert!(matches!(status, 401 | 403), "{}: {status}", self.place);
    }
}

/// Returns the outcome of a revocation or validation in short.
pub(crate) fn in_short<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    match result {
        Ok(value) => format!("{value:?}").to_lowercase(),
        Err(error) => crate::trial::error_summary(&error),
    }
}
