//! The consumers, and which of them sent a request.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, header};
use tokenlease::core::Token;
use tokenlease_config::consumer::{Consumer, Right};
use zeroize::Zeroizing;

use crate::{answer::Failure, form::Form, rate::Rate, secret};

/// The other end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    /// A program on this host.
    Tcp,
    /// A program of this user.
    #[cfg_attr(not(unix), allow(dead_code, reason = "other systems have no Unix sockets"))]
    Unix(u32),
}

/// A consumer at work.
#[derive(Debug)]
pub(crate) struct ActiveConsumer {
    pub(crate) consumer: Consumer,
    pub(crate) rate: Rate,
    /// The tokens that this consumer has revoked in its own view, by their profiles.
    revoked: Mutex<HashMap<String, Token>>,
}

impl ActiveConsumer {
    pub(crate) fn new(consumer: Consumer) -> Self {
        let rate = Rate::new(consumer.max_requests_per_second);
        Self { consumer, rate, revoked: Mutex::default() }
    }

    pub(crate) fn has(&self, right: Right) -> bool {
        self.consumer.rights.contains(&right)
    }

    /// Revokes a token in this consumer's view.
    pub(crate) fn revoke(&self, profile: &str, token: Token) {
        let mut revoked = self.revoked.lock().unwrap_or_else(PoisonError::into_inner);
        revoked.insert(profile.to_owned(), token);
    }

    pub(crate) fn has_revoked(&self, profile: &str, token: &Token) -> bool {
        let revoked = self.revoked.lock().unwrap_or_else(PoisonError::into_inner);
        revoked.get(profile) == Some(token)
    }

    /// A token of the profile is issued to this consumer.
    pub(crate) fn issued(&self, profile: &str) {
        self.revoked.lock().unwrap_or_else(PoisonError::into_inner).remove(profile);
    }
}

/// All consumers.
#[derive(Debug, Default)]
pub(crate) struct Consumers {
    by_name: HashMap<String, Arc<ActiveConsumer>>,
}

impl Consumers {
    /// Makes the consumers of a configuration. One that is unchanged keeps its state.
    pub(crate) fn new(consumers: Vec<Consumer>, former: &Self) -> Self {
        let keep = |consumer: Consumer| {
            let known = former.by_name.get(&consumer.name);
            let known = known.filter(|known| known.consumer == consumer).cloned();
            let name = consumer.name.clone();
            (name, known.unwrap_or_else(|| Arc::new(ActiveConsumer::new(consumer))))
        };
        Self { by_name: consumers.into_iter().map(keep).collect() }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Consumer> {
        self.by_name.values().map(|active| &active.consumer)
    }

    /// Returns whether a user may connect over a Unix socket: this process' own, or one that the
    /// configuration names.
    #[cfg_attr(not(unix), allow(dead_code, reason = "other systems have no Unix sockets"))]
    pub(crate) fn may_connect(&self, uid: u32, own: u32) -> bool {
        uid == own || self.iter().any(|consumer| consumer.uids.contains(&uid))
    }

    /// Returns the consumer that sent a request, by its client id and secret or by its user.
    ///
    /// # Errors
    /// `invalid_client`, and `invalid_request` for credentials in two places.
    pub(crate) fn authenticate(
        &self,
        peer: Peer,
        headers: &HeaderMap,
        form: Option<&Form>,
    ) -> Result<Arc<ActiveConsumer>, Failure> {
        let header = match headers.get(header::AUTHORIZATION) {
            Some(value) => Some(basic(value.as_bytes()).ok_or_else(Failure::invalid_client)?),
            None => None,
        };
        let in_form = |name| form.and_then(|form| form.get(name));
        let (form_id, form_secret) = (in_form("client_id"), in_form("client_secret"));
        if header.is_some() && form_secret.is_some() {
            return Err(Failure::invalid("the client's secret is in the header and in the body"));
        }
        let (id, secret) = match &header {
            Some((id, secret)) => (Some(id.as_str()), Some(secret.as_str())),
            None => (form_id, form_secret),
        };
        if form_id.is_some_and(|form_id| id != Some(form_id)) {
            return Err(Failure::invalid("the header and the body name two clients"));
        }
        let found = match (id, secret.filter(|secret| !secret.is_empty())) {
            (Some(id), Some(secret)) => self.by_secret(id, secret),
            (id, None) => self.by_user(id, peer),
            (None, Some(_)) => return Err(Failure::invalid("the parameter client_id is missing")),
        };
        found
            .filter(|found| may_come_from(&found.consumer, peer))
            .ok_or_else(Failure::invalid_client)
    }

    fn by_secret(&self, id: &str, secret: &str) -> Option<Arc<ActiveConsumer>> {
        let known = self.by_name.get(id);
        let hash = known.and_then(|known| known.consumer.secret_hash.as_ref());
        if secret::matches(secret, hash) { known.cloned() } else { None }
    }

    fn by_user(&self, id: Option<&str>, peer: Peer) -> Option<Arc<ActiveConsumer>> {
        let Peer::Unix(uid) = peer else { return None };
        let mut known = self.by_name.values().filter(|active| {
            let consumer = &active.consumer;
            consumer.secret_hash.is_none()
                && consumer.uids.contains(&uid)
                && id.is_none_or(|id| id == consumer.name)
        });
        known.next().cloned()
    }
}

/// Returns whether a consumer may send requests from there.
fn may_come_from(consumer: &Consumer, peer: Peer) -> bool {
    match peer {
        Peer::Tcp => consumer.uids.is_empty(),
        Peer::Unix(uid) => consumer.uids.is_empty() || consumer.uids.contains(&uid),
    }
}

/// Reads a client id and secret: form-encoded, then in base64 (RFC 6749 section 2.3.1). Our ids and
/// secrets are the same with and without the form encoding.
fn basic(value: &[u8]) -> Option<(String, Zeroizing<String>)> {
    let (scheme, text) = value.split_at_checked("Basic ".len())?;
    if !scheme.eq_ignore_ascii_case(b"Basic ") {
        return None;
    }
    let decoded = Zeroizing::new(STANDARD.decode(text.trim_ascii()).ok()?);
    let (id, secret) = str::from_utf8(&decoded).ok()?.split_once(':')?;
    let decoded = |text: &str| {
        if !text.contains(['%', '+']) {
            return Some(Zeroizing::new(text.to_owned()));
        }
        let encoded = Zeroizing::new(["x=", text].concat());
        let first = form_urlencoded::parse(encoded.as_bytes()).next();
        first.map(|(_, value)| Zeroizing::new(value.into_owned()))
    };
    Some((decoded(id)?.to_string(), decoded(secret)?))
}

#[cfg(test)]
mod tests {
    use tokenlease::core::Secret;
    use tokenlease_config::consumer::MAX_REQUESTS_PER_SECOND;

    use super::*;

    fn consumer(name: &str, secret: Option<&str>, uids: &[u32]) -> Consumer {
        Consumer {
            name: name.to_owned(),
            secret_hash: secret.map(|secret| secret::hash(&Secret::from(secret))),
            uids: uids.to_vec(),
            profiles: vec!["erp".to_owned()],
            forwards: Vec::new(),
            rights: Vec::new(),
            max_requests_per_second: MAX_REQUESTS_PER_SECOND,
        }
    }

    fn name_by(
        consumers: &Consumers,
        peer: Peer,
        authorization: Option<&str>,
    ) -> Result<String, Failure> {
        let mut headers = HeaderMap::new();
        if let Some(pair) = authorization {
            let value = format!("Basic {}", STANDARD.encode(pair));
            headers.insert(header::AUTHORIZATION, value.parse().unwrap());
        }
        let found = consumers.authenticate(peer, &headers, None)?;
        Ok(found.consumer.name.clone())
    }

    /// Rule: Secrets: a consumer of `serve` is known by its secret, or over a Unix socket by its user; one that
    /// is bound to users is served to no other.
    #[test]
    fn a_consumer_is_known_by_its_secret_or_its_user() {
        let all = vec![
            consumer("php", Some("s-1"), &[]),
            consumer("cron", None, &[7]),
            consumer("both", Some("s-2"), &[8]),
        ];
        let consumers = Consumers::new(all, &Consumers::default());
        for (peer, pair, expected) in [
            (Peer::Tcp, Some("php:s-1"), Some("php")),
            (Peer::Unix(9), Some("php:s-1"), Some("php")),
            (Peer::Tcp, Some("php:s-2"), None),
            (Peer::Tcp, Some("php:"), None),
            (Peer::Tcp, Some("nobody:s-1"), None),
            (Peer::Tcp, None, None),
            (Peer::Unix(7), None, Some("cron")),
            (Peer::Unix(7), Some("cron:"), Some("cron")),
            (Peer::Unix(8), None, None),
            (Peer::Unix(8), Some("both:s-2"), Some("both")),
            (Peer::Unix(7), Some("both:s-2"), None),
            (Peer::Tcp, Some("both:s-2"), None),
            (Peer::Tcp, Some("cron:x"), None),
        ] {
            let found = name_by(&consumers, peer, pair).ok();
            assert_eq!(found.as_deref(), expected, "{peer:?} {pair:?}");
        }
        assert!(consumers.may_connect(7, 1) && consumers.may_connect(1, 1));
        assert!(!consumers.may_connect(2, 1));
    }

    #[test]
    fn an_unchanged_consumer_keeps_its_state() {
        let before = Consumers::new(vec![consumer("a", Some("s"), &[])], &Consumers::default());
        let token = Token::new(tokenlease::core::TokenKind::Bearer, "t");
        before.by_name["a"].revoke("erp", token.clone());
        let same = Consumers::new(vec![consumer("a", Some("s"), &[])], &before);
        assert!(same.by_name["a"].has_revoked("erp", &token));
        same.by_name["a"].issued("erp");
        assert!(!same.by_name["a"].has_revoked("erp", &token));
        let other = Consumers::new(vec![consumer("a", Some("t"), &[])], &before);
        assert!(!Arc::ptr_eq(&other.by_name["a"], &before.by_name["a"]));
    }
}
