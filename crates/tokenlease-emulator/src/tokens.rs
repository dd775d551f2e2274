//! The issued tokens, active or ended.

use std::collections::HashMap;

use crate::clock::Millis;
use crate::counts::Provider;

pub(crate) struct Token {
    pub(crate) value: String,
    pub(crate) provider: Provider,
    /// The `OAuth2` client it was issued to; empty at `WinKAS`.
    pub(crate) client: String,
    /// The organization it is signed in to; empty at `WinKAS`.
    pub(crate) tenant: String,
    /// The user it is signed in as; empty for the client's own token.
    pub(crate) user: String,
    pub(crate) scope: String,
    pub(crate) created: Millis,
    pub(crate) expires: Millis,
    ended: bool,
}

impl Token {
    /// Returns a new token without client, tenant, user and scope.
    pub(crate) fn new(provider: Provider, now: Millis, lifetime_s: u32) -> Self {
        let value = match provider {
            // As long as the documented one: 237 characters, nine of them `|`.
            Provider::Winkas => {
                let parts: String = (0..9).map(|_| alphanumeric(23) + "|").collect();
                format!("{parts}{}-{}_", alphanumeric(16), alphanumeric(3))
            }
            Provider::Wyn => pick(64, b"0123456789ABCDEF"),
        };
        Self {
            value,
            provider,
            client: String::new(),
            tenant: String::new(),
            user: String::new(),
            scope: String::new(),
            created: now,
            expires: now.plus_s(i64::from(lifetime_s)),
            ended: false,
        }
    }

    pub(crate) fn is_active(&self, now: Millis) -> bool {
        !self.ended && now < self.expires
    }
}

/// All tokens of both providers, in the order of their issue.
#[derive(Default)]
pub(crate) struct Tokens {
    list: Vec<Token>,
    index: HashMap<String, usize>,
}

impl Tokens {
    /// Adds a token. Returns its value.
    pub(crate) fn push(&mut self, token: Token) -> String {
        let value = token.value.clone();
        self.index.insert(value.clone(), self.list.len());
        self.list.push(token);
        value
    }

    /// Returns the token of a provider with this value, if it is active.
    pub(crate) fn active(&self, provider: Provider, value: &str, now: Millis) -> Option<&Token> {
        let token = &self.list[*self.index.get(value)?];
        (token.provider == provider && token.is_active(now)).then_some(token)
    }

    pub(crate) fn is_active(&self, value: &str, now: Millis) -> bool {
        self.index.get(value).is_some_and(|&at| self.list[at].is_active(now))
    }

    /// Returns the active tokens of a provider, newest first.
    pub(crate) fn actives(&self, provider: Provider, now: Millis) -> impl Iterator<Item = &Token> {
        self.list
            .iter()
            .rev()
            .filter(move |token| token.provider == provider && token.is_active(now))
    }

    /// Returns the running token that a request for `new` would get again: the newest active one of the
    /// same client, user, tenant and scope.
    pub(crate) fn running(&mut self, new: &Token, now: Millis) -> Option<&mut Token> {
        self.list.iter_mut().rev().find(|old| {
            let of = |token: &Token| {
                [&token.client, &token.user, &token.tenant, &token.scope].map(Clone::clone)
            };
            old.provider == new.provider && old.is_active(now) && of(old) == of(new)
        })
    }

    /// Returns the newest token of a provider, active or not.
    pub(crate) fn latest(&self, provider: Provider) -> Option<&Token> {
        self.list.iter().rev().find(|token| token.provider == provider)
    }

    /// Ends the active tokens that `which` selects. Returns their number.
    pub(crate) fn end(&mut self, now: Millis, which: impl Fn(&Token) -> bool) -> usize {
        let mut count = 0;
        for token in self.list.iter_mut().filter(|token| token.is_active(now) && which(token)) {
            token.ended = true;
            count += 1;
        }
        count
    }
}

fn alphanumeric(length: usize) -> String {
    pick(length, b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
}

/// Returns random characters of an alphabet. The slight bias does not matter for test data.
fn pick(length: usize, alphabet: &[u8]) -> String {
    let mut bytes = vec![0; length];
    getrandom::fill(&mut bytes).expect("the operating system has random bytes");
    bytes.iter().map(|&byte| char::from(alphabet[usize::from(byte) % alphabet.len()])).collect()
}
