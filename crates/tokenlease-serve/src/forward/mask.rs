//! Hides a token in a body that passes through: each byte of it becomes `*`, so that the length stays.

use bytes::{Bytes, BytesMut};
use memchr::memmem;
use tokenlease::core::Token;
use zeroize::Zeroizing;

/// Looks for a token in the parts of a body. It holds back bytes only if they may be the start of a token
/// that goes on in the next part.
pub(super) struct Mask {
    /// The token as it is, in JSON, and in a URL.
    patterns: Vec<Zeroizing<Vec<u8>>>,
    held: BytesMut,
}

impl Mask {
    pub(super) fn new(token: &Token) -> Self {
        let text = token.expose();
        let mut patterns = vec![Zeroizing::new(text.as_bytes().to_vec())];
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        if text.bytes().all(is_plain) {
            return Self { patterns, held: BytesMut::new() };
        }
        let json = Zeroizing::new(serde_json::to_string(text).unwrap_or_default());
        let url: Zeroizing<String> =
            Zeroizing::new(form_urlencoded::byte_serialize(text.as_bytes()).collect());
        for other in [json.trim_matches('"'), &url] {
            if !other.is_empty()
                && patterns.iter().all(|known| known.as_slice() != other.as_bytes())
            {
                patterns.push(Zeroizing::new(other.as_bytes().to_vec()));
            }
        }
        Self { patterns, held: BytesMut::new() }
    }

    /// Returns whether a text contains the token.
    pub(super) fn is_in(&self, text: &[u8]) -> bool {
        let contains = |pattern: &Zeroizing<Vec<u8>>| {
            text.len() >= pattern.len() && memmem::find(text, pattern).is_some()
        };
        self.patterns.iter().any(contains)
    }

    /// Masks the next part.
    pub(super) fn part(&mut self, part: Bytes) -> Bytes {
        if self.held.is_empty() && !self.is_in(&part) && self.start_at_end(&part) == 0 {
            return part;
        }
        let mut all = std::mem::take(&mut self.held);
        all.extend_from_slice(&part);
        for pattern in &self.patterns {
            let found: Vec<_> = memmem::find_iter(&all, pattern.as_slice()).collect();
            for at in found {
                all[at..at + pattern.len()].fill(b'*');
            }
        }
        let keep = self.start_at_end(&all);
        self.held = all.split_off(all.len() - keep);
        all.freeze()
    }

    /// Returns the bytes that were held back, at the end of the body.
    pub(super) fn end(&mut self) -> Bytes {
        std::mem::take(&mut self.held).freeze()
    }

    /// Returns how many bytes at the end of a text are the start of the token.
    fn start_at_end(&self, text: &[u8]) -> usize {
        let of = |pattern: &Zeroizing<Vec<u8>>| {
            let most = text.len().min(pattern.len().saturating_sub(1));
            (1..=most).rev().find(|length| text.ends_with(&pattern[..*length])).unwrap_or(0)
        };
        self.patterns.iter().map(of).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use tokenlease::core::TokenKind;

    use super::*;

    fn masked(token: &str, parts: &[&str]) -> String {
        let mut mask = Mask::new(&Token::new(TokenKind::Winkas, token));
        let mut all = Vec::new();
        for part in parts {
            all.extend_from_slice(&mask.part(Bytes::copy_from_slice(part.as_bytes())));
        }
        all.extend_from_slice(&mask.end());
        String::from_utf8(all).unwrap()
    }

    /// Rule: Secrets: the consumer of a forwarded call does not see the token in the answer, however the answer
    /// is cut into parts.
    #[test]
    fn a_token_in_a_body_is_masked_however_it_is_cut() {
        let body = "x secret-1 y secret- z secretsecret-1";
        let expected = "x ******** y secret- z secret********";
        for cut in 0..body.len() {
            let (one, two) = body.split_at(cut);
            assert_eq!(masked("secret-1", &[one, two]), expected, "{cut}");
        }
        let single: Vec<String> = body.chars().map(String::from).collect();
        let single: Vec<_> = single.iter().map(String::as_str).collect();
        assert_eq!(masked("secret-1", &single), expected);
    }

    #[test]
    fn a_token_in_json_and_in_a_url_is_masked() {
        assert_eq!(masked("a\"b|c", &["{\"t\":\"a\\\"b|c\"}"]), "{\"t\":\"******\"}");
        assert_eq!(masked("a\"b|c", &["?t=a%22b%7Cc&u"]), "?t=*********&u");
    }

    #[test]
    fn a_part_without_a_start_of_the_token_is_not_held_back() {
        let mut mask = Mask::new(&Token::new(TokenKind::Bearer, "secret"));
        assert_eq!(mask.part(Bytes::from_static(b"data: 1\n\n")), "data: 1\n\n");
        assert_eq!(mask.part(Bytes::from_static(b"a sec")), "a ");
        assert_eq!(mask.part(Bytes::from_static(b"ond")), "second");
    }
}
