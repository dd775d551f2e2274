//! Secret text: zeroized when dropped, redacted in Debug and compared in constant time.

use std::{fmt, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// A password, client secret or token text.
///
/// Clones share one allocation, which is overwritten when the last clone is dropped.
#[derive(Clone)]
pub struct Secret(Arc<Zeroizing<Box<str>>>);

impl Secret {
    /// Takes ownership of the text and leaves no copy behind.
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self(Arc::new(Zeroizing::new(text.into())))
    }

    /// Returns the text. The caller must keep it out of logs, errors and URLs.
    pub fn expose(&self) -> &str {
        &self.0
    }

    pub(crate) fn is_clone_of(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.expose().as_bytes().ct_eq(other.expose().as_bytes()).into()
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for Secret {
    fn from(mut text: String) -> Self {
        let secret = Self::new(text.as_str());
        // `into_boxed_str` may reallocate and leave the old allocation as it is.
        zeroize::Zeroize::zeroize(&mut text);
        secret
    }
}

/// Replaces each secret in `text` by `[redacted]`.
///
/// It finds a secret in plain text, percent-encoded (a space as `+` or `%20`, hexadecimal digits in
/// either case), JSON-escaped and in base64.
pub(crate) fn redact(text: &str, secrets: &[&str]) -> String {
    let mut forms: Vec<Zeroizing<String>> = Vec::new();
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        let form: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        forms.push(Zeroizing::new((*secret).to_owned()));
        forms.push(Zeroizing::new(form.replace('+', "%20")));
        forms.push(Zeroizing::new(lower_hex(&form)));
        forms.push(Zeroizing::new(form));
        forms.push(Zeroizing::new(BASE64.encode(secret)));
        if let Ok(json) = serde_json::to_string(secret) {
            forms.push(Zeroizing::new(json.trim_matches('"').to_owned()));
        }
    }
    let mut hidden = vec![false; text.len()];
    for form in forms.iter().filter(|form| !form.is_empty()) {
        for (at, _) in text.char_indices() {
            if text.get(at..).is_some_and(|rest| rest.starts_with(form.as_str())) {
                hidden.iter_mut().skip(at).take(form.len()).for_each(|byte| *byte = true);
            }
        }
    }
    let (mut redacted, mut was_hidden) = (String::with_capacity(text.len()), false);
    for (c, hidden) in text.char_indices().map(|(at, c)| (c, hidden.get(at) == Some(&true))) {
        if !hidden {
            redacted.push(c);
        } else if !was_hidden {
            redacted.push_str("[redacted]");
        }
        was_hidden = hidden;
    }
    redacted
}

fn lower_hex(encoded: &str) -> String {
    let mut digits = 0;
    encoded
        .chars()
        .map(|c| {
            if c == '%' {
                digits = 2;
                c
            } else if digits > 0 {
                digits -= 1;
                c.to_ascii_lowercase()
            } else {
                c
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rule: Secrets: secrets that are short or that overlap are redacted as a whole, and the text around
    /// them stays readable.
    #[test]
    fn short_and_overlapping_secrets_are_redacted_as_a_whole() {
        assert_eq!(redact("a wrong d", &["d", "w"]), "a [redacted]rong [redacted]");
        assert_eq!(redact("it was abcde!", &["abc", "bcde"]), "it was [redacted]!");
        assert_eq!(redact("aaa, ab", &["aa"]), "[redacted], ab");
    }

    /// Rule: Secrets: Debug of a secret shows none of it.
    #[test]
    fn debug_of_a_secret_is_redacted() {
        assert_eq!(format!("{:?}", Secret::from("hunter2")), "[redacted]");
    }

    /// Rule: Secrets: a secret that a server echoes is redacted in plain text, percent-encoded,
    /// JSON-escaped and in base64.
    #[test]
    fn secrets_are_redacted_in_every_form_a_server_may_echo() {
        let secret = "pä|w \"d";
        let echoes = format!(
            "{secret}, {}, {}, {}",
            "p%C3%A4%7Cw+%22d",
            "p%c3%a4%7cw+%22d",
            BASE64.encode(secret)
        );
        assert_eq!(
            redact(&echoes, &[secret, ""]),
            "[redacted], [redacted], [redacted], [redacted]"
        );
        assert_eq!(redact("p\\\"x", &["p\"x"]), "[redacted]");
    }
}
