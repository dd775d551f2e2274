//! The words of a server in a response without an error code, as common frameworks write them.

use super::reading::Reading;

impl Reading<'_> {
    /// Returns the quoted words of a JSON body: `error_description` (RFC 6749), `message` (Spring, AWS,
    /// ASP.NET), `title` and `detail` (RFC 9457),
    /// or a free text in `error`.
    pub(crate) fn words(&self) -> Option<String> {
        let names = ["error_description", "message", "title", "detail", "error"];
        let same = |name: &str, key: &str| name.eq_ignore_ascii_case(key);
        let [description, message, title, detail, error] = self.fields(names, same).ok()?;
        let one = description.word().or_else(|| message.word());
        let words = match (one, title.word(), detail.word()) {
            (Some(one), _, _) => one.to_owned(),
            (None, Some(title), Some(detail)) => format!("{title}: {detail}"),
            (None, title, detail) => title.or(detail).or_else(|| error.word())?.to_owned(),
        };
        Some(format!("\"{}\"", self.quote(&words)))
    }

    /// Returns whether the text of `error` is a code. Some servers write a phrase there instead, or the
    /// reason of the status.
    pub(crate) fn is_code(&self, text: &str) -> bool {
        let is_reason =
            |reason: &str| self.status.as_u16() != 200 && reason.eq_ignore_ascii_case(text);
        !text.contains(char::is_whitespace)
            && !self.status.canonical_reason().is_some_and(is_reason)
    }
}

#[cfg(test)]
mod tests {
    use ::http::Response;

    use super::*;
    use crate::error::ErrorKind;

    /// Rule: Secrets: an error quotes the fields of common frameworks, redacted, and nothing that the server
    /// did not say.
    #[test]
    fn an_error_quotes_the_fields_of_common_frameworks() {
        for (body, detail) in [
            (r#"{"Message":"no p4ss"}"#, "the server said \"no [redacted]\""),
            (
                r#"{"message":"Bad credentials","status":404}"#,
                "the server said \"Bad credentials\"",
            ),
            (r#"{"title":"A","detail":"b"}"#, "the server said \"A: b\""),
            (r#"{"title":"A"}"#, "the server said \"A\""),
            (r#"{"error":"HTTP 404 Not Found"}"#, "the server said \"HTTP 404 Not Found\""),
            (r#"{"error":"Not Found","message":"a"}"#, "the server said \"a\""),
            ("", "the server answered 404 Not Found with an empty body"),
            ("{}", "the server answered 404 Not Found with 2 bytes of no stated type"),
        ] {
            let response = Response::builder().status(404).body(body).unwrap();
            let error = Reading::of(&response).hiding(&["p4ss"]).by_status(ErrorKind::Unavailable);
            assert_eq!(error.detail(), detail);
        }
    }
}
