//! The simulated providers.

use std::{cell::OnceCell, collections::BTreeSet, time::Duration};

use tokenlease_core::{
    Error, ErrorKind, Identity, Timestamp, Token, TokenFingerprint, TokenKind,
    provider::{Answer, Call, Granted, Life, Server},
};

use crate::{Password, Quirk, S};

/// The provider that is simulated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// WinKAS Air: states no expiry, and returns the running token to a refetch.
    Winkas,
    /// Wyn Enterprise: states the expiry, and revokes tokens.
    Wyn,
}

/// A token as the provider knows it, in true time.
#[derive(Clone, Debug)]
pub struct TokenState {
    /// When it was created.
    pub from: i64,
    /// When it ends, or ended.
    pub until: i64,
    /// Its original lifetime.
    pub lifetime: i64,
    /// When the login request was sent.
    pub sent: i64,
    /// The passwords that it was returned to.
    pub granted_to: BTreeSet<Password>,
    /// Its fingerprint, computed on first use.
    pub(crate) print: OnceCell<TokenFingerprint>,
}

/// The number of calls that reached the provider.
#[derive(Clone, Copy, Debug, Default)]
#[expect(missing_docs, reason = "each is named after its call")]
pub struct Calls {
    pub login: u32,
    pub refetch: u32,
    pub validate: u32,
    pub revoke: u32,
}

/// A provider with one user.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "options of a provider, and one state")]
pub struct Provider {
    /// The provider that is simulated.
    pub kind: Kind,
    /// The lifetime of new tokens.
    pub lifetime: i64,
    /// Whether a new token ends the previous one.
    pub new_token_ends_old: bool,
    /// Whether a refetch with rejected credentials is answered as if there were no token.
    pub refetch_hides_rejection: bool,
    /// Whether it offers no validation of tokens.
    pub without_validation: bool,
    /// Whether the identity has a subject.
    pub subject: bool,
    /// How it differs from the usual provider.
    pub quirk: Option<Quirk>,
    /// Whether the account is locked.
    pub locked: bool,
    /// The accepted passwords, the current one last.
    pub passwords: Vec<Password>,
    /// The tokens; the n-th has number n, counted from 1.
    pub tokens: Vec<TokenState>,
    /// The calls that reached it.
    pub calls: Calls,
    /// Rejected credentials: when, which, and by which call.
    pub rejected_credentials: Vec<(i64, Password, &'static str)>,
}

impl Provider {
    /// Returns a provider with this token lifetime, whose user has the password `p0`.
    pub fn new(kind: Kind, lifetime: i64) -> Self {
        Self {
            kind,
            lifetime,
            new_token_ends_old: false,
            refetch_hides_rejection: false,
            without_validation: false,
            subject: false,
            quirk: None,
            locked: false,
            passwords: vec!["p0".into()],
            tokens: Vec::new(),
            calls: Calls::default(),
            rejected_credentials: Vec::new(),
        }
    }

    /// Returns the server as the state machine knows it.
    pub fn server(&self) -> Server {
        let identity = match self.kind {
            Kind::Winkas => Identity::winkas("https://winkas.test", "user", "1234"),
            Kind::Wyn => Identity::wyn("https://wyn.test", "user", "client"),
        };
        let identity = if self.subject {
            identity.and_then(|identity| identity.with_subject("anna"))
        } else {
            identity
        };
        let server = Server::new(identity.expect("a valid identity"));
        let server = match self.kind {
            Kind::Winkas => server,
            Kind::Wyn => server.with_new_token_ends_old(self.new_token_ends_old),
        };
        if self.without_validation {
            server.with_userinfo_path("").expect("an empty path is valid")
        } else {
            server
        }
    }

    /// Returns whether it accepts the password.
    pub fn accepts(&self, password: &Password) -> bool {
        !self.locked && self.passwords.contains(password)
    }

    /// Returns the current password.
    pub fn password(&self) -> Password {
        self.passwords.last().copied().expect("a user has a password")
    }

    /// Returns whether the token with this number is active.
    pub fn is_active(&self, number: usize, t: i64) -> bool {
        self.token(number).is_some_and(|token| t < token.until)
    }

    /// Returns the token with this number.
    pub fn token(&self, number: usize) -> Option<&TokenState> {
        self.tokens.get(number.checked_sub(1)?)
    }

    /// Ends a token at a time, unless it ended before.
    pub fn end(&mut self, number: usize, t: i64) {
        if let Some(token) = number.checked_sub(1).and_then(|at| self.tokens.get_mut(at)) {
            token.until = token.until.min(t);
        }
    }

    /// Returns the number of a token.
    pub fn number(token: &Token) -> usize {
        token.expose().trim_start_matches("token-").parse().unwrap_or_default()
    }

    /// Returns the token with this number as callers get it.
    pub fn text(&self, number: usize) -> Token {
        let kind = if self.kind == Kind::Winkas { TokenKind::Winkas } else { TokenKind::Bearer };
        Token::new(kind, format!("token-{number}").as_str())
    }

    /// Answers a call that was sent at `sent` in true time, and at `sent_at` by the caller's clock.
    pub fn answer(
        &mut self,
        t: i64,
        call: &Call,
        password: &Password,
        sent: i64,
        sent_at: Timestamp,
    ) -> Answer {
        if call.takes_credentials() && !self.accepts(password) {
            let name = if matches!(call, Call::Login) { "login" } else { "refetch" };
            self.rejected_credentials.push((t, *password, name));
        }
        match call {
            Call::Login => self.login(t, password, sent, sent_at),
            Call::Refetch => self.refetch(t, password, sent_at),
            Call::Validate(_) if self.without_validation => Answer::Failed(down()),
            Call::Validate(token) => {
                self.calls.validate += 1;
                match self.quirk {
                    Some(Quirk::ValidationRefused) => {
                        Answer::Failed(refused_validation(self.calls.validate))
                    }
                    Some(Quirk::AllTokensActive) => Answer::Active,
                    Some(Quirk::AcceptsNoToken) => Answer::Inactive,
                    _ if self.is_active(Self::number(token), t) => Answer::Active,
                    _ => Answer::Inactive,
                }
            }
            Call::Revoke(token) => {
                self.calls.revoke += 1;
                self.end(Self::number(token), t);
                Answer::Revoked
            }
        }
    }

    fn login(&mut self, t: i64, password: &Password, sent: i64, sent_at: Timestamp) -> Answer {
        self.calls.login += 1;
        if !self.accepts(password) {
            return Answer::Failed(rejected());
        }
        let last = self.tokens.len();
        if matches!(self.quirk, Some(Quirk::RunningToken | Quirk::SlidingToken))
            && self.is_active(last, t)
            && let Some(token) = self.tokens.last_mut()
        {
            token.granted_to.insert(*password);
            if self.quirk == Some(Quirk::SlidingToken) {
                (token.sent, token.until) = (sent, t + token.lifetime);
            }
            let left = (token.until - t) / S * S;
            let life = match self.kind {
                Kind::Winkas => Life::Unstated,
                Kind::Wyn if left <= 0 => Life::ExpiredOnArrival,
                Kind::Wyn => Life::Stated(Duration::from_millis(left.unsigned_abs())),
            };
            return self.grant(last, life, sent_at);
        }
        if self.new_token_ends_old {
            self.end(last, t);
        }
        self.tokens.push(TokenState {
            from: t,
            until: t + self.lifetime,
            lifetime: self.lifetime,
            sent,
            granted_to: [*password].into(),
            print: OnceCell::new(),
        });
        let lifetime = match self.kind {
            Kind::Winkas => Life::Unstated,
            Kind::Wyn if self.lifetime <= 0 => Life::ExpiredOnArrival,
            Kind::Wyn => Life::Stated(Duration::from_millis(self.lifetime.unsigned_abs())),
        };
        self.grant(self.tokens.len(), lifetime, sent_at)
    }

    /// Adds a token that another system obtained for the same user.
    pub fn other_login(&mut self, t: i64) {
        if self.new_token_ends_old {
            self.end(self.tokens.len(), t);
        }
        self.tokens.push(TokenState {
            from: t,
            until: t + self.lifetime,
            lifetime: self.lifetime,
            sent: t,
            granted_to: BTreeSet::new(),
            print: OnceCell::new(),
        });
    }

    fn refetch(&mut self, t: i64, password: &Password, sent_at: Timestamp) -> Answer {
        self.calls.refetch += 1;
        let none = || Answer::NoToken(Error::new(ErrorKind::TokenRejected, "no active token"));
        if !self.accepts(password) {
            return if self.refetch_hides_rejection { none() } else { Answer::Failed(rejected()) };
        }
        let last = self.tokens.len();
        if !self.is_active(last, t) {
            return none();
        }
        if let Some(token) = self.tokens.last_mut() {
            token.granted_to.insert(*password);
        }
        self.grant(last, Life::Unstated, sent_at)
    }

    fn grant(&self, number: usize, lifetime: Life, sent_at: Timestamp) -> Answer {
        let token = self.text(number);
        Answer::Token(Granted { token, life: lifetime, scope: None, refresh_token: None, sent_at })
    }
}

/// Returns the error for rejected credentials.
pub fn rejected() -> Error {
    Error::new(ErrorKind::CredentialsRejected, "wrong user name or password").with_status(401)
}

/// Returns the error of a provider that is down (503).
pub fn down() -> Error {
    Error::new(ErrorKind::Unavailable, "down").with_status(503)
}

/// Returns the error of a provider that is down and sends `Retry-After`.
pub fn busy(wait: Duration) -> Error {
    down().with_retry_after(wait)
}

/// Returns the error of a provider, or a proxy before it, that answers 403.
pub fn forbidden() -> Error {
    Error::new(ErrorKind::Unavailable, "forbidden").with_status(403)
}

/// Returns the error of a provider that throttles (429).
pub fn throttled(wait: Duration) -> Error {
    Error::new(ErrorKind::Throttled, "too many").with_status(429).with_retry_after(wait)
}

/// Returns the error of a validation that is refused, by turns for the client and for the path.
fn refused_validation(number: u32) -> Error {
    let (kind, status) = match number % 2 {
        0 => (ErrorKind::InvalidResponse, 401),
        _ => (ErrorKind::Unavailable, 404),
    };
    Error::new(kind, "says nothing about the token").with_status(status)
}

/// Returns the error for a configuration that the provider does not accept.
pub fn misconfigured() -> Error {
    Error::new(ErrorKind::Config, "invalid_scope").with_status(400).with_code("invalid_scope")
}
