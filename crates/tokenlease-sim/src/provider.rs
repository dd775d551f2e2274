//! The providers of a world: what they grant, what they reject, and what they count.

use std::{cell::OnceCell, collections::BTreeSet, time::Duration};

use tokenlease_core::{
    Error, ErrorKind, Identity, Timestamp, Token, TokenFingerprint, TokenKind,
    provider::{Answer, Call, Granted, Life, Server},
};

use crate::Password;

/// Whose ways a provider has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// WinKAS Air: ends are not stated, the running token can be had again.
    Winkas,
    /// Wyn Enterprise: ends are stated, tokens can be revoked.
    Wyn,
}

/// A token as the provider knows it. Times are true times.
#[derive(Clone, Debug)]
pub struct Issued {
    /// When it was made.
    pub from: i64,
    /// When it ends or ended.
    pub until: i64,
    /// The life that it was given.
    pub life: i64,
    /// When its request was sent.
    pub sent: i64,
    /// To whom the provider gave it.
    pub granted: BTreeSet<Password>,
    /// Its fingerprint, once it was asked for.
    pub(crate) print: OnceCell<TokenFingerprint>,
}

/// How often the provider was called.
#[derive(Clone, Copy, Debug, Default)]
#[expect(missing_docs, reason = "named after the calls")]
pub struct Calls {
    pub login: u32,
    pub refetch: u32,
    pub verify: u32,
    pub revoke: u32,
}

/// A provider with one user.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "ways that a provider has, and one state")]
pub struct Provider {
    /// Whose ways it has.
    pub kind: Kind,
    /// The life of new tokens.
    pub life: i64,
    /// A new token ends the one before.
    pub kill: bool,
    /// A refetch with a wrong password is answered like one without a token.
    pub vague: bool,
    /// It has no validation on tokens.
    pub mute: bool,
    /// The user is locked out.
    pub locked: bool,
    /// The passwords that it takes, the current one last.
    pub passwords: Vec<Password>,
    /// The tokens it made; the n-th has number n, counted from 1.
    pub tokens: Vec<Issued>,
    /// The calls that reached it.
    pub calls: Calls,
    /// Wrong credentials: when, which, and by which call.
    pub wrong: Vec<(i64, Password, &'static str)>,
}

impl Provider {
    /// A provider whose tokens live that long and whose user's password is `p0`.
    pub fn new(kind: Kind, life: i64) -> Self {
        Self {
            kind,
            life,
            kill: false,
            vague: false,
            mute: false,
            locked: false,
            passwords: vec!["p0".into()],
            tokens: Vec::new(),
            calls: Calls::default(),
            wrong: Vec::new(),
        }
    }

    /// How the machine sees it.
    pub fn server(&self) -> Server {
        let server = match self.kind {
            Kind::Winkas => Server::new(
                Identity::winkas("https://winkas.test", "user", "1234").expect("a good identity"),
            ),
            Kind::Wyn => Server::new(
                Identity::wyn("https://wyn.test", "user", "client").expect("a good identity"),
            )
            .with_new_token_ends_old(self.kill),
        };
        if self.mute {
            server.with_userinfo_path("").expect("no path is a good path")
        } else {
            server
        }
    }

    /// Whether it takes the password.
    pub fn takes(&self, password: &Password) -> bool {
        !self.locked && self.passwords.contains(password)
    }

    /// The password of now.
    pub fn password(&self) -> Password {
        self.passwords.last().copied().expect("a user has a password")
    }

    /// Whether the token with that number lives.
    pub fn is_active(&self, number: usize, t: i64) -> bool {
        self.token(number).is_some_and(|token| t < token.until)
    }

    /// The token with that number.
    pub fn token(&self, number: usize) -> Option<&Issued> {
        self.tokens.get(number.checked_sub(1)?)
    }

    /// Ends a token.
    pub fn end(&mut self, number: usize, t: i64) {
        if let Some(token) = number.checked_sub(1).and_then(|at| self.tokens.get_mut(at)) {
            token.until = token.until.min(t);
        }
    }

    /// The number of a token of this provider.
    pub fn number(token: &Token) -> usize {
        token.expose().trim_start_matches("token-").parse().unwrap_or_default()
    }

    /// The token with that number as callers see it.
    pub fn text(&self, number: usize) -> Token {
        let kind = if self.kind == Kind::Winkas { TokenKind::Winkas } else { TokenKind::Bearer };
        Token::new(kind, format!("token-{number}").as_str())
    }

    /// Answers a call that was sent at `sent` by the true clock, `sent_at` by the caller's.
    pub fn answer(
        &mut self,
        t: i64,
        call: &Call,
        password: &Password,
        sent: i64,
        sent_at: Timestamp,
    ) -> Answer {
        if call.takes_credentials() && !self.takes(password) {
            let name = if matches!(call, Call::Login) { "login" } else { "refetch" };
            self.wrong.push((t, *password, name));
        }
        match call {
            Call::Login => self.login(t, password, sent, sent_at),
            Call::Refetch => self.refetch(t, password, sent_at),
            Call::Validate(_) if self.mute => Answer::Failed(down()),
            Call::Validate(token) => {
                self.calls.verify += 1;
                if self.is_active(Self::number(token), t) {
                    Answer::Active
                } else {
                    Answer::Inactive
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
        if !self.takes(password) {
            return Answer::Failed(rejected());
        }
        if self.kill {
            self.end(self.tokens.len(), t);
        }
        self.tokens.push(Issued {
            from: t,
            until: t + self.life,
            life: self.life,
            sent,
            granted: [*password].into(),
            print: OnceCell::new(),
        });
        let life = match self.kind {
            Kind::Winkas => Life::Unstated,
            Kind::Wyn => Life::Stated(Duration::from_millis(self.life.unsigned_abs())),
        };
        self.grant(self.tokens.len(), life, sent_at)
    }

    /// Another system logs in with the same user.
    pub fn other_login(&mut self, t: i64) {
        if self.kill {
            self.end(self.tokens.len(), t);
        }
        self.tokens.push(Issued {
            from: t,
            until: t + self.life,
            life: self.life,
            sent: t,
            granted: BTreeSet::new(),
            print: OnceCell::new(),
        });
    }

    fn refetch(&mut self, t: i64, password: &Password, sent_at: Timestamp) -> Answer {
        self.calls.refetch += 1;
        let none = || Answer::NoToken(Error::new(ErrorKind::TokenRejected, "no active token"));
        if !self.takes(password) {
            return if self.vague { none() } else { Answer::Failed(rejected()) };
        }
        let last = self.tokens.len();
        if !self.is_active(last, t) {
            return none();
        }
        if let Some(token) = self.tokens.last_mut() {
            token.granted.insert(*password);
        }
        self.grant(last, Life::Unstated, sent_at)
    }

    fn grant(&self, number: usize, life: Life, sent_at: Timestamp) -> Answer {
        let token = self.text(number);
        Answer::Token(Granted { token, life, scope: None, refresh_token: None, sent_at })
    }
}

/// The provider rejects the credentials.
pub fn rejected() -> Error {
    Error::new(ErrorKind::CredentialsRejected, "wrong user name or password").with_status(401)
}

/// The provider is down.
pub fn down() -> Error {
    Error::new(ErrorKind::Unavailable, "down").with_status(503)
}

/// The provider is down, and says for how long.
pub fn busy(wait: Duration) -> Error {
    down().with_retry_after(wait)
}

/// The provider, or what stands before it, forbids these credentials.
pub fn forbidden() -> Error {
    Error::new(ErrorKind::Unavailable, "forbidden").with_status(403)
}

/// The provider asks to wait.
pub fn throttled(wait: Duration) -> Error {
    Error::new(ErrorKind::Throttled, "too many").with_status(429).with_retry_after(wait)
}

/// The provider names a mistake in the configuration.
pub fn misconfigured() -> Error {
    Error::new(ErrorKind::Config, "invalid_scope").with_status(400).with_code("invalid_scope")
}
