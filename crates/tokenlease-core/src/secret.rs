//! Text that must not be seen: zeroized when dropped, redacted in Debug, compared in constant time.

use std::{fmt, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// A password, client secret or token text. Clones share one allocation, which is overwritten
/// when the last one is dropped.
#[derive(Clone)]
pub struct Secret(Arc<Zeroizing<Box<str>>>);

impl Secret {
    /// Takes the text over; no copy of it is left behind.
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self(Arc::new(Zeroizing::new(text.into())))
    }

    /// The text itself. Whoever calls this is responsible for where it goes.
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
        // `into_boxed_str` may move the text and leave the old place as it is.
        zeroize::Zeroize::zeroize(&mut text);
        secret
    }
}

/// Replaces each secret in `text`: as it is, percent-encoded (both ways of writing a space and
/// both cases of hexadecimal digits), JSON-escaped and base64.
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
    // The longest first: a secret may be the beginning of another.
    forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
    let mut redacted = Zeroizing::new(text.to_owned());
    for form in forms.iter().filter(|form| !form.is_empty()) {
        if redacted.contains(form.as_str()) {
            *redacted = redacted.replace(form.as_str(), "[redacted]");
        }
    }
    redacted.as_str().to_owned()
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

    #[test]
    fn debug_shows_nothing_of_a_secret() {
        assert_eq!(format!("{:?}", Secret::from("hunter2")), "[redacted]");
    }

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
