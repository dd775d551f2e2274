//! The texts of errors, whose lengths are bounded.

use std::{borrow::Cow, fmt};

use crate::redact::{reach_of, redact, redact_start, start_of};

/// The longest text that is kept whole, in bytes.
const MAX_LEN: usize = 4096;
/// The lengths of the parts that are kept of a longer text. Its end often has the reason.
const START: usize = 3072;
const END: usize = 512;

/// A text of an error. A longer one, as one that quotes a wrong option of a megabyte, loses its middle.
#[derive(Clone)]
pub(super) enum Text {
    Whole(Cow<'static, str>),
    Cut { start: String, left_out: usize, end: String, shown: Cow<'static, str> },
}

impl Text {
    pub(super) fn new(text: impl Into<Cow<'static, str>>) -> Self {
        let text = text.into();
        if text.len() <= MAX_LEN {
            return Self::Whole(text);
        }
        let (start, end) = (start_of(&text, START), from(&text, text.len() - END));
        Self::cut(start.to_owned(), text.len() - start.len() - end.len(), end.to_owned())
    }

    fn cut(start: String, left_out: usize, end: String) -> Self {
        let shown = format!("{start} [{left_out} bytes left out] {end}").into();
        Self::Cut { start, left_out, end, shown }
    }

    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::Whole(text) | Self::Cut { shown: text, .. } => text,
        }
    }

    /// Says where it happened before the text.
    pub(super) fn within(&self, place: impl fmt::Display) -> Self {
        match self {
            Self::Whole(text) => Self::new(format!("{place}: {text}")),
            Self::Cut { start, left_out, end, .. } => {
                let text = format!("{place}: {start}");
                let start = start_of(&text, START);
                Self::cut(start.to_owned(), left_out + text.len() - start.len(), end.clone())
            }
        }
    }

    /// Redacts the secrets. A part of one may stand beside the cut, where it can't be found: so as much
    /// as an encoded secret may take is removed there.
    pub(super) fn redact(&self, secrets: &[&str]) -> Self {
        match self {
            Self::Whole(text) => Self::new(redact(text, secrets)),
            Self::Cut { start, left_out, end, .. } => {
                let reach = reach_of(secrets);
                let shown = redact_start(start, secrets, start.len().saturating_sub(reach));
                let kept = from(end, reach);
                let removed = reach.min(start.len()) + end.len() - kept.len();
                Self::cut(shown, left_out + removed, redact(kept, secrets))
            }
        }
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Returns the text from a position on, or from the next character on.
fn from(text: &str, at: usize) -> &str {
    (at..text.len()).find_map(|at| text.get(at..)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Error, ErrorKind};

    /// Rule: Secrets: the texts of an error are bounded, whatever they quote, and keep their start and end.
    #[test]
    fn the_texts_of_an_error_are_bounded() {
        let long = |letter: &str| letter.repeat(1 << 20);
        let detail = format!("the option user = {} is wrong", long("ä"));
        let error = Error::new(ErrorKind::Config, detail)
            .expected(long("e"))
            .advice(long("a"))
            .with_code(long("c"))
            .within(long("w"));
        let text = error.to_string();
        assert!(text.len() < 4 * (MAX_LEN + 64), "{}", text.len());
        assert!(text.contains("bytes left out") && text.contains("is wrong"));
        assert!(error.code().is_some_and(|code| code.len() < MAX_LEN));
        let fits = "x".repeat(MAX_LEN);
        assert_eq!(Error::new(ErrorKind::Config, fits.clone()).detail(), fits);
    }

    /// Rule: Secrets: a secret that a long text contains is redacted, also where the text is cut.
    #[test]
    fn a_secret_at_the_cut_of_a_long_text_is_redacted() {
        let secret = "canary-0123456789";
        for at in
            (START - 40..START + 40).chain(MAX_LEN + 1000 - END - 40..MAX_LEN + 1000 - END + 40)
        {
            let mut text = "x".repeat(at) + secret;
            text.push_str(&"x".repeat(MAX_LEN + 1000 - text.len()));
            let error = Error::new(ErrorKind::Internal, text).redact(&[secret]);
            for part in ["canary", "0123", "6789"] {
                assert!(!error.detail().contains(part), "{at}: {error}");
            }
            assert!(error.detail().starts_with("xxx") && error.detail().ends_with("xxx"));
        }
    }
}
