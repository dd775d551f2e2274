//! A JSON object in a request's body, to which the member `Token` is added (WinKAS Air). All else stays as
//! it is written: numbers, spaces and the order of members.

use std::ops::Range;

use serde::de::{DeserializeOwned, IgnoredAny};
use tokenlease::{
    Result,
    core::{Token, provider::JSON_FIELD},
};
use zeroize::Zeroizing;

use crate::answer::Failure;

/// An object, and where its token goes.
pub(super) struct JsonBody {
    text: Vec<u8>,
    place: Place,
}

enum Place {
    /// After the opening brace; whether members follow.
    Start(usize, bool),
    /// In place of these members.
    Members(Vec<Range<usize>>),
}

impl JsonBody {
    /// Reads an object. An empty body counts as one without members.
    pub(super) fn read(text: &[u8]) -> Result<Self, Failure> {
        let text = if text.trim_ascii().is_empty() { b"{}" } else { text }.to_vec();
        let place = place(&text).ok_or_else(|| {
            Failure::invalid("the body is no JSON object, to which the field Token can be added")
        })?;
        Ok(Self { text, place })
    }

    /// Returns the body with a token.
    pub(super) fn with(&self, token: &Token) -> Result<Vec<u8>> {
        let member = token.json_field()?;
        let member = member.expose().as_bytes();
        let count = if let Place::Members(all) = &self.place { all.len() } else { 1 };
        let mut body =
            Zeroizing::new(Vec::with_capacity(self.text.len() + count * (member.len() + 1)));
        let mut rest = 0;
        match &self.place {
            Place::Start(at, has_members) => {
                body.extend_from_slice(&self.text[..*at]);
                body.extend_from_slice(member);
                if *has_members {
                    body.push(b',');
                }
                rest = *at;
            }
            Place::Members(all) => {
                for range in all {
                    body.extend_from_slice(&self.text[rest..range.start]);
                    body.extend_from_slice(member);
                    rest = range.end;
                }
            }
        }
        body.extend_from_slice(&self.text[rest..]);
        Ok(std::mem::take(&mut *body))
    }
}

/// Walks through the members of an object. `None` if the text is none.
fn place(text: &[u8]) -> Option<Place> {
    let mut reader = Reader { text, at: 0 };
    reader.takes(b'{').then_some(())?;
    let start = reader.at;
    let mut found = Vec::new();
    let mut has_members = false;
    while has_members || !reader.takes(b'}') {
        has_members = true;
        reader.skip_space();
        let begin = reader.at;
        let key: String = reader.value()?;
        reader.takes(b':').then_some(())?;
        reader.value::<IgnoredAny>()?;
        if key == JSON_FIELD {
            found.push(begin..reader.at);
        }
        if reader.takes(b'}') {
            break;
        }
        reader.takes(b',').then_some(())?;
    }
    reader.skip_space();
    let is_whole = reader.at == text.len();
    let place =
        if found.is_empty() { Place::Start(start, has_members) } else { Place::Members(found) };
    is_whole.then_some(place)
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn skip_space(&mut self) {
        let is_space = |byte: &&u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
        self.at += self.text[self.at..].iter().take_while(is_space).count();
    }

    /// Skips spaces and this byte, if it comes next.
    fn takes(&mut self, byte: u8) -> bool {
        self.skip_space();
        let is_next = self.text.get(self.at) == Some(&byte);
        self.at += usize::from(is_next);
        is_next
    }

    fn value<T: DeserializeOwned>(&mut self) -> Option<T> {
        let reader = serde_json::Deserializer::from_slice(&self.text[self.at..]);
        let mut values = reader.into_iter::<T>();
        let value = values.next()?.ok()?;
        self.at += values.byte_offset();
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use tokenlease::core::TokenKind;

    use super::*;

    fn with(text: &str) -> Option<String> {
        let token = Token::new(TokenKind::Winkas, "a\"b");
        let body = JsonBody::read(text.as_bytes()).ok()?;
        Some(String::from_utf8(body.with(&token).unwrap()).unwrap())
    }

    #[test]
    fn a_token_is_added_to_an_object_and_all_else_stays() {
        let token = r#""Token":"a\"b""#;
        for (text, expected) in [
            ("", Some(format!("{{{token}}}"))),
            ("{}", Some(format!("{{{token}}}"))),
            (" { } ", Some(format!(" {{{token} }} "))),
            ("{\"n\": 1.10e400 }", Some(format!("{{{token},\"n\": 1.10e400 }}"))),
            ("{\"Token\": null}", Some(format!("{{{token}}}"))),
            ("{\"a\":[{\"Token\":1}],\"Token\":\"x\",\"b\":2}", {
                Some(format!("{{\"a\":[{{\"Token\":1}}],{token},\"b\":2}}"))
            }),
            ("{\"\\u0054oken\":1,\"Token\":2}", Some(format!("{{{token},{token}}}"))),
            ("[]", None),
            ("{\"a\":1,}", None),
            ("{\"a\" 1}", None),
            ("{\"a\":1} x", None),
            ("{\"a\":1", None),
            ("{,}", None),
            ("{", None),
        ] {
            assert_eq!(with(text), expected, "{text}");
        }
    }
}
