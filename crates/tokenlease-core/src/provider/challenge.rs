//! The challenges of `WWW-Authenticate` (RFC 9110 section 11.6.1).

use ::http::{HeaderMap, header};

/// Returns whether a challenge of the scheme Bearer states this error (RFC 6750 section 3).
///
/// A response may have several headers, and a header several challenges.
pub(crate) fn bearer_error_is(headers: &HeaderMap, code: &str) -> bool {
    headers
        .get_all(header::WWW_AUTHENTICATE)
        .iter()
        // A description may contain bytes that are not ASCII. The code is ASCII.
        .any(|value| states(&String::from_utf8_lossy(value.as_bytes()), code))
}

fn states(text: &str, code: &str) -> bool {
    let mut rest = text;
    let mut is_bearer = false;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let (name, after) = token(rest);
        if name.is_empty() {
            let mut chars = rest.chars();
            if chars.next().is_none() {
                return false;
            }
            rest = chars.as_str();
            continue;
        }
        let Some(after) = after.trim_start().strip_prefix('=') else {
            is_bearer = name.eq_ignore_ascii_case("bearer");
            rest = after;
            continue;
        };
        let (value, after) = value(after.trim_start());
        if is_bearer && name.eq_ignore_ascii_case("error") && value == code {
            return true;
        }
        rest = after;
    }
}

fn token(text: &str) -> (&str, &str) {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    text.split_at(text.find(|c| !is_part(c)).unwrap_or(text.len()))
}

/// Splits off a token or a quoted text, in which a backslash escapes the next character.
fn value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let (value, rest) = token(text);
        return (value.to_owned(), rest);
    };
    let mut value = String::new();
    let mut chars = quoted.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => break,
            '\\' => value.extend(chars.next()),
            c => value.push(c),
        }
    }
    (value, chars.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_error_of_a_bearer_challenge_counts() {
        for (text, expected) in [
            (r#"Bearer error="insufficient_scope""#, true),
            ("bearer ERROR=insufficient_scope", true),
            (r#"Bearer realm="a, \"b", error = "insufficient_scope", scope="openid""#, true),
            (r#"Basic realm="x", Bearer realm="y", error="insufficient_scope""#, true),
            (r#"Negotiate YWJj==, Bearer error="insufficient_scope""#, true),
            (r#"Bearer realm="y", DPoP error="insufficient_scope""#, false),
            (r#"Bearer realm="error=insufficient_scope""#, false),
            (r#"Bearer error_description="insufficient_scope""#, false),
            (r#"Bearer error="invalid_token""#, false),
            (r#"Bearer error="insufficient_scope\"#, true),
            (r#"Bearer realm="open"#, false),
            ("", false),
        ] {
            assert_eq!(states(text, "insufficient_scope"), expected, "{text}");
        }
    }
}
