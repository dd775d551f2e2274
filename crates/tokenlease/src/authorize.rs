//! Puts a token where an API wants it.

use http::{HeaderMap, HeaderName, HeaderValue, header};
use serde_json::Value;
use tokenlease_core::{Error, ErrorKind, Result, Token, TokenKind};
use zeroize::Zeroizing;

/// The header in which newer pages of Wyn Enterprise take a token.
const REFERENCE_TOKEN: HeaderName = HeaderName::from_static("reference-token");

/// The field of a JSON body in which WinKAS Air takes a token.
const FIELD: &str = "Token";

/// A token on its way into a request. What is put in replaces the token that was there, so that a
/// request can be sent again with another one.
///
/// ```
/// # use tokenlease::{authorize::Authorize, core::{Token, TokenKind}};
/// let token = Token::new(TokenKind::Bearer, "abc");
/// let mut request = http::Request::get("https://wyn.example/api/v2/identity/users").body(())?;
/// Authorize::new(&token).request(&mut request)?;
/// assert_eq!(request.headers()["authorization"], "Bearer abc");
///
/// let token = Token::new(TokenKind::Winkas, "abc");
/// let mut body = serde_json::json!({ "DebtorNumber": 1 });
/// Authorize::new(&token).json_body(&mut body)?;
/// assert_eq!(body["Token"], "abc");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Authorize<'a> {
    token: &'a Token,
    reference: bool,
}

impl<'a> Authorize<'a> {
    /// Puts this token where its kind belongs: `Authorization: Bearer` (RFC 6750 section 2.1), or
    /// the field `Token` of a JSON body for WinKAS Air.
    pub fn new(token: &'a Token) -> Self {
        Self { token, reference: false }
    }

    /// Uses the header `Reference-Token`, which some calls of Wyn Enterprise ask for.
    #[must_use]
    pub fn as_reference_token(mut self) -> Self {
        self.reference = true;
        self
    }

    /// Sets the header, marked as sensitive so that no log prints it. Kind `Config` for a token of
    /// WinKAS Air, which goes into the body, and for a token that no header can carry.
    pub fn header(&self, headers: &mut HeaderMap) -> Result<()> {
        if self.token.kind() == TokenKind::Winkas {
            return Err(Error::new(ErrorKind::Config, "a WinKAS Air token goes into no header")
                .expected("the field `Token` of the request's JSON body")
                .advice("use `json_body`"));
        }
        let (name, value) = if self.reference {
            (REFERENCE_TOKEN, HeaderValue::from_str(self.token.expose()))
        } else {
            let text = Zeroizing::new(["Bearer ", self.token.expose()].concat());
            (header::AUTHORIZATION, HeaderValue::from_str(&text))
        };
        let mut value = value.map_err(|_| {
            Error::new(ErrorKind::Config, "the token holds characters that no header can carry")
                .expected("visible characters, no line breaks")
                .advice("look for a stray line break where the token was adopted from")
        })?;
        value.set_sensitive(true);
        headers.insert(name, value);
        Ok(())
    }

    /// Sets the field `Token` of a JSON object, as WinKAS Air wants it in every call. Kind
    /// `Config` if the body is no object, or if the token is not one of WinKAS Air.
    ///
    /// The body then holds a copy of the token, which is the caller's to look after.
    pub fn json_body(&self, body: &mut Value) -> Result<()> {
        if self.token.kind() != TokenKind::Winkas {
            return Err(Error::new(ErrorKind::Config, "a Bearer token goes into no body")
                .expected("the header `Authorization`")
                .advice("use `header`"));
        }
        let found = match body {
            Value::Object(fields) => {
                fields.insert(FIELD.into(), self.token.expose().into());
                return Ok(());
            }
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::String(_) => "a string",
            Value::Array(_) => "an array",
        };
        Err(Error::new(ErrorKind::Config, format!("the request's body is {found}"))
            .expected("a JSON object, which the field `Token` can be added to")
            .advice("a call without arguments has the body {}"))
    }

    /// Sets the header of a request of any HTTP stack that uses the `http` crate. As
    /// [`header`](Self::header).
    pub fn request<B>(&self, request: &mut http::Request<B>) -> Result<()> {
        self.header(request.headers_mut())
    }

    /// Sets the header of a request that reqwest is to send. As [`header`](Self::header).
    pub fn reqwest(&self, request: reqwest::RequestBuilder) -> Result<reqwest::RequestBuilder> {
        let mut headers = HeaderMap::new();
        self.header(&mut headers)?;
        Ok(request.headers(headers))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn token(kind: TokenKind) -> Token {
        Token::new(kind, "canary")
    }

    #[test]
    fn lesson_2_a_bearer_token_goes_into_its_header_and_is_not_printed() {
        let token = token(TokenKind::Bearer);
        let mut request = http::Request::new(());
        Authorize::new(&token).request(&mut request).unwrap();
        assert_eq!(request.headers()["authorization"], "Bearer canary");
        assert!(!format!("{request:?} {:?}", Authorize::new(&token)).contains("canary"));
    }

    #[test]
    fn a_reference_token_has_a_header_of_its_own_without_a_scheme() {
        let token = token(TokenKind::Bearer);
        let mut headers = HeaderMap::new();
        Authorize::new(&token).as_reference_token().header(&mut headers).unwrap();
        assert_eq!(headers["Reference-Token"], "canary");
        assert!(headers["Reference-Token"].is_sensitive());
        assert!(!headers.contains_key("authorization"));
    }

    #[test]
    fn a_winkas_token_replaces_the_one_in_the_body() {
        let mut body = json!({ "Token": "old", "DebtorNumber": 1 });
        Authorize::new(&token(TokenKind::Winkas)).json_body(&mut body).unwrap();
        assert_eq!(body, json!({ "Token": "canary", "DebtorNumber": 1 }));
    }

    #[test]
    fn a_body_that_is_no_object_is_an_error_that_says_what_it_is() {
        for (mut body, found) in [(json!([]), "an array"), (Value::Null, "null")] {
            let error = Authorize::new(&token(TokenKind::Winkas)).json_body(&mut body).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(error.detail().contains(found), "{error}");
        }
    }

    #[test]
    fn a_token_in_the_wrong_place_is_an_error_that_names_the_right_one() {
        let winkas = token(TokenKind::Winkas);
        let error = Authorize::new(&winkas).header(&mut HeaderMap::new()).unwrap_err();
        assert!(error.to_string().contains("json_body"), "{error}");
        let bearer = token(TokenKind::Bearer);
        let error = Authorize::new(&bearer).json_body(&mut json!({})).unwrap_err();
        assert!(error.to_string().contains("header"), "{error}");
    }

    #[test]
    fn lesson_2_a_token_that_no_header_can_carry_is_not_quoted() {
        let token = Token::new(TokenKind::Bearer, "canary\n");
        let error = Authorize::new(&token).header(&mut HeaderMap::new()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(!error.to_string().contains("canary"), "{error}");
    }

    #[test]
    fn a_request_of_reqwest_gets_the_header_once() {
        let token = token(TokenKind::Bearer);
        let tls = crate::tls::config(&[], None).unwrap();
        let client = reqwest::Client::builder().tls_backend_preconfigured(tls).build().unwrap();
        let request = client.get("http://localhost/").bearer_auth("old");
        let request = Authorize::new(&token).reqwest(request).unwrap().build().unwrap();
        let values: Vec<_> = request.headers().get_all("authorization").iter().collect();
        assert_eq!(values, ["Bearer canary"]);
    }
}
