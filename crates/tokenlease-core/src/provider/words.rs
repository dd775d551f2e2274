//! The words of a server about a failure: its error code, and the texts of common frameworks.

use ::http::header;

use super::reading::Reading;

/// So many bytes of a page are searched for its title.
const READ_FOR_TITLE: usize = 16 * 1024;

impl Reading<'_> {
    /// Returns the error code of a JSON body (RFC 6749 section 5.2). A phrase, or the reason of the status,
    /// in the same field is no code.
    pub(crate) fn code(&self) -> Option<String> {
        let [error] = self.fields(["error"], |name, key| name == key).ok()?;
        error.word().filter(|text| self.is_code(text)).map(str::to_owned)
    }

    /// Returns the quoted words of a JSON body: its description, or what it has in `error`.
    pub(crate) fn words(&self) -> Option<String> {
        self.description().or_else(|| {
            let [error] = self.fields(["error"], str::eq_ignore_ascii_case).ok()?;
            Some(format!("\"{}\"", self.quote(error.word()?)))
        })
    }

    /// Returns the quoted description of a JSON body: `error_description` (RFC 6749), `message` (Spring,
    /// AWS, ASP.NET), or `title` and `detail` (RFC 9457).
    pub(crate) fn description(&self) -> Option<String> {
        let names = ["error_description", "message", "title", "detail"];
        let [description, message, title, detail] =
            self.fields(names, str::eq_ignore_ascii_case).ok()?;
        let words =
            match (description.word().or_else(|| message.word()), title.word(), detail.word()) {
                (Some(one), _, _) => one.to_owned(),
                (None, Some(title), Some(detail)) => format!("{title}: {detail}"),
                (None, title, detail) => title.or(detail)?.to_owned(),
            };
        Some(format!("\"{}\"", self.quote(&words)))
    }

    /// Returns the quoted title of an HTML page.
    pub(crate) fn page_title(&self) -> Option<String> {
        let text = self.start_of_text(READ_FOR_TITLE);
        let lower = text.to_ascii_lowercase();
        let after = lower.find("<title")? + "<title".len();
        let start = after + lower.get(after..)?.find('>')? + 1;
        let end = start + lower.get(start..)?.find("</title")?;
        let words: Vec<_> = text.get(start..end)?.split_whitespace().collect();
        (!words.is_empty()).then(|| format!("\"{}\"", self.quote(&words.join(" "))))
    }

    /// Returns whether the body is an HTML page, such as that of a login or of a captive portal.
    pub(crate) fn is_page(&self) -> bool {
        let text = self.start_of_text(READ_FOR_TITLE).to_ascii_lowercase();
        let text = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
        let is_html = self.header(header::CONTENT_TYPE).is_some_and(|kind| kind.contains("html"));
        text.starts_with("<!doctype html")
            || text.starts_with("<html")
            || (is_html && text.starts_with('<'))
    }

    fn is_code(&self, text: &str) -> bool {
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
            (
                "<!DOCTYPE html>\n<HTML><head><Title lang=de>Seite\n nicht\tp4ss </Title></head>",
                "the server answered 404 Not Found with 76 bytes of no stated type, a page titled \
                 \"Seite nicht [redacted]\"",
            ),
            (
                "<title></title>",
                "the server answered 404 Not Found with 15 bytes of no stated type",
            ),
            ("<title>a", "the server answered 404 Not Found with 8 bytes of no stated type"),
            ("", "the server answered 404 Not Found with an empty body"),
            ("{}", "the server answered 404 Not Found with 2 bytes of no stated type"),
        ] {
            let response = Response::builder().status(404).body(body).unwrap();
            let error = Reading::of(&response).hiding(&["p4ss"]).by_status(ErrorKind::Unavailable);
            assert_eq!(error.detail(), detail);
        }
    }

    /// Rule: Proxies: a page of a login or a captive portal in place of an answer has its own sentence, with
    /// its title.
    #[test]
    fn a_page_in_place_of_an_answer_has_its_own_sentence() {
        let title = "<title>Welcome to the Wi-Fi p4ss</title>";
        for (kind, page) in [
            ("text/html", format!("<html>{title}")),
            ("text/html; charset=utf-8", format!("\u{feff}\n<!DOCTYPE HTML>{title}")),
            ("application/xhtml+xml", format!("<?xml version=\"1.0\"?>{title}")),
            ("application/json", format!("<!doctype html>{title}")),
        ] {
            let length = page.len();
            let response = Response::builder().header("content-type", kind).body(page).unwrap();
            let error = Reading::of(&response).hiding(&["p4ss"]).fields(["a"], str::eq);
            assert_eq!(
                error.err().unwrap().to_string(),
                format!(
                    "invalid response: the answer is a web page, not a JSON object: {length} bytes of \
                     {kind}, a page titled \"Welcome to the Wi-Fi [redacted]\" (HTTP 200); expected a \
                     JSON object; log in to the network in a browser if it has a login page, or \
                     correct the server address and its paths"
                )
            );
        }
    }
}
