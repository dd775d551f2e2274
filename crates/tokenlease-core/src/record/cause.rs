//! The causes of circuits and backoffs: the errors that the server answered, for the processes that did
//! not get the answers.
//!
//! A record keeps each cause once, and a circuit or a backoff refers to it by a number.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::RecordState;
use crate::error::{Error, ErrorKind};

/// The maximum number of causes in a record.
const MAX_CAUSES: usize = 8;
/// The maximum size of the text on what happened, in bytes.
const MAX_DETAIL: usize = 480;
/// The maximum size of the error code, in bytes.
const MAX_CODE: usize = 100;
/// The maximum size of each other text, in bytes. An advice may contain two URLs.
const MAX_TEXT: usize = 400;

/// The cause of a circuit or a backoff, without secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cause {
    #[serde(with = "kind")]
    kind: ErrorKind,
    status: Option<u16>,
    code: Option<String>,
    detail: String,
    expected: Option<String>,
    advice: Option<String>,
}

/// A cause in a record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct NumberedCause {
    number: u8,
    cause: Cause,
}

impl Cause {
    /// Returns the cause that an error is. Its texts are cut to their maximum sizes.
    pub(crate) fn of(error: &Error) -> Self {
        let bounded = |text: Option<&str>, max| text.map(|text| cut(text, max));
        Self {
            kind: error.kind(),
            status: error.status(),
            code: bounded(error.code(), MAX_CODE),
            detail: cut(error.detail(), MAX_DETAIL),
            expected: bounded(error.expected_text(), MAX_TEXT),
            advice: bounded(error.advice_text(), MAX_TEXT),
        }
    }

    /// Returns the error for callers.
    pub(crate) fn error(&self) -> Error {
        let mut error = Error::new(self.kind, self.detail.clone());
        if let Some(status) = self.status {
            error = error.with_status(status);
        }
        if let Some(code) = &self.code {
            error = error.with_code(code.clone());
        }
        if let Some(expected) = &self.expected {
            error = error.expected(expected.clone());
        }
        match &self.advice {
            Some(advice) => error.advice(advice.clone()),
            None => error,
        }
    }
}

impl<T> RecordState<T> {
    /// Returns the cause of that number.
    pub(crate) fn cause(&self, number: Option<u8>) -> Option<&Cause> {
        let known = self.causes.iter().find(|known| Some(known.number) == number);
        known.map(|known| &known.cause)
    }

    /// Adds a cause, and returns its number. Above the maximum, the oldest cause is dropped.
    pub(super) fn add_cause(&mut self, cause: Option<&Cause>) -> Option<u8> {
        let cause = cause?;
        if let Some(known) = self.causes.iter().find(|known| known.cause == *cause) {
            return Some(known.number);
        }
        self.drop_unused_causes();
        if self.causes.len() >= MAX_CAUSES {
            let number = self.causes.remove(0).number;
            let blocks = self.circuits.iter_mut().chain(&mut self.entry_backoffs);
            let server = self.server_backoff.iter_mut().map(|backoff| &mut backoff.cause);
            for reference in blocks.map(|block| &mut block.cause).chain(server) {
                reference.take_if(|reference| *reference == number);
            }
        }
        let is_free = |number: &u8| self.causes.iter().all(|known| known.number != *number);
        let number = (0..u8::MAX).find(is_free)?;
        self.causes.push(NumberedCause { number, cause: cause.clone() });
        Some(number)
    }

    /// Drops the causes of circuits and backoffs that have ended.
    pub(super) fn drop_unused_causes(&mut self) {
        let blocks = self.circuits.iter().chain(&self.entry_backoffs).map(|block| block.cause);
        let server = self.server_backoff.iter().map(|backoff| backoff.cause);
        let used: Vec<_> = blocks.chain(server).flatten().collect();
        self.causes.retain(|known| used.contains(&known.number));
    }
}

fn cut(text: &str, max: usize) -> String {
    if text.len() <= max {
        return text.to_owned();
    }
    let mut end = max - '…'.len_utf8();
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}…", text.get(..end).unwrap_or_default())
}

/// The kind of an error by its name, the same in all versions.
mod kind {
    use super::{Deserialize as _, Deserializer, ErrorKind, Serialize as _, Serializer};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    pub(super) fn serialize<S: Serializer>(
        kind: &ErrorKind,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        kind.as_str().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<ErrorKind, D::Error> {
        let name = <&str>::deserialize(deserializer)?;
        let found = ErrorKind::ALL.into_iter().find(|kind| kind.as_str() == name);
        // A later version may have more kinds.
        Ok(found.unwrap_or(ErrorKind::Unavailable))
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Block, change::RecordChange},
        *,
    };
    use crate::time::Timestamp;

    fn error(text: &str) -> Error {
        Error::new(ErrorKind::Config, text.to_owned())
            .with_status(400)
            .with_code("invalid_scope")
            .expected("a scope")
            .advice("set a scope")
    }

    #[test]
    fn a_cause_is_the_error_that_it_was_made_of() {
        let original = error("the server said \"é\"");
        let again = Cause::of(&original).error();
        assert_eq!(again.to_string(), original.to_string());
        assert_eq!((again.kind(), again.status()), (original.kind(), original.status()));
        assert_eq!((again.code(), again.detail()), (original.code(), original.detail()));
    }

    /// Rule: Formats: the texts of a cause in a record are bounded in bytes.
    #[test]
    fn a_cause_has_a_maximum_size() {
        let long = "é".repeat(4_000);
        let error = error(&long).with_code(long.clone()).expected(long.clone()).advice(long);
        let cause = Cause::of(&error);
        assert!(cause.detail.len() <= MAX_DETAIL && cause.detail.ends_with("é…"));
        for (text, max) in
            [(cause.code, MAX_CODE), (cause.expected, MAX_TEXT), (cause.advice, MAX_TEXT)]
        {
            assert!(text.unwrap().len() <= max);
        }
    }

    /// Rule: Formats: a record keeps each cause once, the last 8, and none that no circuit or backoff has.
    #[test]
    fn a_record_keeps_each_cause_once_and_the_last_eight() {
        let mut state = RecordState::<Timestamp>::default();
        for n in 0..12_u8 {
            for options in [1, 2] {
                let cause = Cause::of(&error(&format!("cause {n}")));
                let credentials = crate::CredentialsFingerprint::from_bytes([n; 32]);
                let options = Some(crate::provider::OptionsFingerprint::from_bytes([options; 8]));
                let (until, count, cause) = (Timestamp(3_600_000), 1, Some(cause));
                let change = RecordChange::Rejected { credentials, options, until, count, cause };
                state.merge(&change, Timestamp(0));
            }
        }
        assert_eq!(state.causes.len(), MAX_CAUSES);
        let detail = |block: &Block<_>| state.cause(block.cause).map(|cause| cause.detail.clone());
        let details: Vec<_> = state.circuits.iter().map(detail).collect();
        let expected = (0..12).flat_map(|n| [n, n]);
        let expected: Vec<_> = expected.map(|n| (n >= 4).then(|| format!("cause {n}"))).collect();
        assert_eq!(details, expected);
        for n in 0..12 {
            let credentials = crate::CredentialsFingerprint::from_bytes([n; 32]);
            state.merge(&RecordChange::Unblocked { credentials, at: Timestamp(1) }, Timestamp(0));
        }
        assert_eq!(state, RecordState::default());
    }
}
