//! The challenges of `WWW-Authenticate` (RFC 9110 section 11.6.1).

use ::http::{HeaderMap, header};

/// The errors of a resource (RFC 6750 section 3.1). A token endpoint has other ones.
const OF_RESOURCES: [&str; 3] = ["invalid_request", "invalid_token", "insufficient_scope"];

/// Returns whether a challenge of the scheme Bearer states this error (RFC 6750 section 3).
pub(crate) fn bearer_error_is(headers: &HeaderMap, code: &str) -> bool {
    let mut all = challenges(headers).into_iter();
    all.any(|challenge| {
        challenge.is("Bearer") && challenge.errors.iter().any(|error| error == code)
    })
}

/// Returns whether the response asks for a token: there is a Bearer challenge, and no challenge asks
/// for the credentials of a client or states an error about them.
pub(crate) fn asks_for_a_token(headers: &HeaderMap) -> bool {
    let all = challenges(headers);
    let of_a_resource = |challenge: &Challenge| {
        challenge.errors.iter().all(|error| OF_RESOURCES.contains(&error.as_str()))
    };
    all.iter().any(|challenge| challenge.is("Bearer"))
        && all.iter().all(|challenge| !challenge.is("Basic") && of_a_resource(challenge))
}

/// Returns the names of the schemes in a value of `WWW-Authenticate`, as the server writes them.
pub fn challenge_schemes(value: &str) -> Vec<String> {
    let mut all = Vec::new();
    parse(value, &mut all);
    all.into_iter().map(|challenge| challenge.scheme).collect()
}

struct Challenge {
    scheme: String,
    /// The values of `error`.
    errors: Vec<String>,
}

impl Challenge {
    fn is(&self, scheme: &str) -> bool {
        self.scheme.eq_ignore_ascii_case(scheme)
    }
}

/// Returns the challenges. A header may contain several challenges, and several headers count as one with
/// commas between them (RFC 9110 section 5.3): `IdentityServer4` sends each parameter in its own header.
fn challenges(headers: &HeaderMap) -> Vec<Challenge> {
    let mut all = Vec::new();
    for value in headers.get_all(header::WWW_AUTHENTICATE) {
        // A description may contain bytes that are not ASCII. The code is ASCII.
        parse(&String::from_utf8_lossy(value.as_bytes()), &mut all);
    }
    all
}

fn parse(text: &str, all: &mut Vec<Challenge>) {
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let (name, after) = token(rest);
        if name.is_empty() {
            let mut chars = rest.chars();
            if chars.next().is_none() {
                return;
            }
            rest = chars.as_str();
            continue;
        }
        let Some(after) = after.trim_start().strip_prefix('=') else {
            all.push(Challenge { scheme: name.to_owned(), errors: Vec::new() });
            rest = after;
            continue;
        };
        let (value, after) = value(after.trim_start());
        if name.eq_ignore_ascii_case("error")
            && let Some(challenge) = all.last_mut()
        {
            challenge.errors.push(value);
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

    fn headers(texts: &[&str]) -> HeaderMap {
        let challenge = |text: &&str| (header::WWW_AUTHENTICATE, text.parse().unwrap());
        texts.iter().map(challenge).collect()
    }

    #[test]
    fn the_schemes_of_a_value_are_those_of_its_challenges() {
        for (value, expected) in [
            (r#"Basic realm="a, Digest b""#, &["Basic"][..]),
            (r#"Bearer realm="x", error="invalid_token", basic realm=y"#, &["Bearer", "basic"]),
            ("Negotiate", &["Negotiate"]),
            ("", &[]),
        ] {
            assert_eq!(challenge_schemes(value), expected, "{value}");
        }
    }

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
            assert_eq!(
                bearer_error_is(&headers(&[text]), "insufficient_scope"),
                expected,
                "{text}"
            );
        }
    }

    #[test]
    fn a_challenge_may_be_split_over_several_headers() {
        let split = headers(&[r#"Bearer realm="IdentityServer""#, r#"error="invalid_token""#]);
        assert!(bearer_error_is(&split, "invalid_token"));
        let other = headers(&["Bearer", r#"Basic realm="a""#, r#"error="invalid_token""#]);
        assert!(!bearer_error_is(&other, "invalid_token"));
    }

    #[test]
    fn a_response_asks_for_a_token_if_no_challenge_is_about_a_client() {
        for (texts, expected) in [
            (&["Bearer"][..], true),
            (&[r#"bearer realm="api", error="invalid_token""#], true),
            (&["Negotiate YWJj==", "Bearer"], true),
            (&["Bearer", r#"Basic realm="token""#], false),
            (&[r#"Bearer realm="Doorkeeper", error="invalid_client""#], false),
            (&["Basic"], false),
            (&[r#"Digest realm="Bearer""#], false),
            (&[""], false),
            (&[], false),
        ] {
            assert_eq!(asks_for_a_token(&headers(texts)), expected, "{texts:?}");
        }
    }
}
