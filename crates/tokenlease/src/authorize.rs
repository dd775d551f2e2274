//! Puts a token into a request to an API.

use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use tokenlease_core::{
    Error, ErrorKind, Result, Token, TokenKind,
    provider::{JSON_FIELD, TokenHeader},
};

use crate::{blocking, client::Client};

/// Puts a token into a request. It replaces a token that is already there, so a request can be sent
/// again with another token.
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
    header: TokenHeader,
}

impl Client {
    /// Puts a token of this client into a request, in the header that the server's
    /// [`token_header`](tokenlease_core::provider::Server::with_token_header) is.
    ///
    /// ```
    /// use tokenlease::core::{Identity, provider::{Server, TokenHeader}};
    /// # use tokenlease::{Client, core::Credentials};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let emulator = tokenlease_emulator::Emulator::builder().start().await?;
    /// # let w = emulator.wyn();
    /// # let identity = Identity::wyn(&w.server(), &w.user(), w.client_id())?;
    /// # let credentials = Credentials::password(w.password()).with_client_secret(w.client_secret());
    /// let server = Server::new(identity).with_token_header(TokenHeader::ReferenceToken)?;
    /// let client = Client::builder(server, credentials).build()?;
    /// let token = client.token().await?;
    /// let mut request = http::Request::get(format!("{}/api/v2/me", w.server())).body(())?;
    /// client.authorize(&token).request(&mut request)?;
    /// assert!(request.headers().contains_key("Reference-Token"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn authorize<'a>(&self, token: &'a Token) -> Authorize<'a> {
        Authorize { token, header: self.token_header() }
    }

    /// Returns the header in which the server's API takes Bearer tokens.
    pub fn token_header(&self) -> TokenHeader {
        self.0.server.token_header()
    }
}

impl blocking::Client {
    /// See [`Client::authorize`](crate::Client::authorize).
    pub fn authorize<'a>(&self, token: &'a Token) -> Authorize<'a> {
        self.0.authorize(token)
    }

    /// Returns the header in which the server's API takes Bearer tokens.
    pub fn token_header(&self) -> TokenHeader {
        self.0.token_header()
    }
}

impl<'a> Authorize<'a> {
    /// Uses this token. Its kind decides the place: `Authorization: Bearer` (RFC 6750 section 2.1),
    /// or the field `Token` of a JSON body for WinKAS Air.
    pub fn new(token: &'a Token) -> Self {
        Self { token, header: TokenHeader::Authorization }
    }

    /// Uses the header `Reference-Token`, which some calls of Wyn Enterprise require.
    #[must_use]
    pub fn as_reference_token(mut self) -> Self {
        self.header = TokenHeader::ReferenceToken;
        self
    }

    /// Sets the header. It is marked as sensitive, so that HTTP libraries do not log it.
    ///
    /// # Errors
    /// `Config` for a token of WinKAS Air, which belongs into the body, and for a token with
    /// characters that are not allowed in a header.
    pub fn header(&self, headers: &mut HeaderMap) -> Result<()> {
        let text = self.token.header_value(self.header).map_err(|error| {
            if self.token.kind() == TokenKind::Winkas {
                error.advice("call `json_body`")
            } else {
                error
            }
        })?;
        let name =
            HeaderName::try_from(self.header.name()).map_err(|_| crate::client::impossible())?;
        headers.insert(name, value(text.expose())?);
        Ok(())
    }

    /// Sets the field `Token` of a JSON object, as WinKAS Air requires in every call.
    ///
    /// The body then contains a copy of the token. The caller must keep it secret.
    ///
    /// # Errors
    /// `Config` if the body is not an object, or the token is not one of WinKAS Air.
    pub fn json_body(&self, body: &mut Value) -> Result<()> {
        if self.token.kind() != TokenKind::Winkas {
            return Err(Error::new(
                ErrorKind::Config,
                "a Bearer token does not go into the request body",
            )
            .expected("the header `Authorization`")
            .advice("call `header`"));
        }
        let found = match body {
            Value::Object(fields) => {
                fields.insert(JSON_FIELD.into(), self.token.expose().into());
                return Ok(());
            }
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::String(_) => "a string",
            Value::Array(_) => "an array",
        };
        Err(Error::new(ErrorKind::Config, format!("the request's body is {found}"))
            .expected("a JSON object, to which the field `Token` can be added")
            .advice("send the body {} in a call without arguments"))
    }

    /// Sets the header of a request of any HTTP stack that uses the `http` crate.
    ///
    /// # Errors
    /// As [`header`](Self::header).
    pub fn request<B>(&self, request: &mut http::Request<B>) -> Result<()> {
        self.header(request.headers_mut())
    }

    /// Sets the header of a reqwest request.
    ///
    /// # Errors
    /// As [`header`](Self::header).
    pub fn reqwest(&self, request: reqwest::RequestBuilder) -> Result<reqwest::RequestBuilder> {
        let mut headers = HeaderMap::new();
        self.header(&mut headers)?;
        Ok(request.headers(headers))
    }
}

/// Returns the value of a header, marked as sensitive, of a text that a header can carry.
fn value(text: &str) -> Result<HeaderValue> {
    let mut value = HeaderValue::from_str(text).map_err(|_| crate::client::impossible())?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn token(kind: TokenKind) -> Token {
        Token::new(kind, "canary")
    }

    /// Rule: Secrets: a token in a request's header is marked as sensitive and is not printed.
    #[test]
    fn a_bearer_token_goes_into_its_header_and_is_not_printed() {
        let token = token(TokenKind::Bearer);
        let mut request = http::Request::new(());
        Authorize::new(&token).request(&mut request).unwrap();
        assert_eq!(request.headers()["authorization"], "Bearer canary");
        assert!(!format!("{request:?} {:?}", Authorize::new(&token)).contains("canary"));
    }

    #[test]
    fn a_reference_token_goes_into_its_own_header_without_a_scheme() {
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
    fn a_body_that_is_not_an_object_is_an_error_that_names_its_type() {
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

    /// Rule: Secrets: an error about a token that a header cannot contain does not quote the token.
    #[test]
    fn a_token_that_a_header_cannot_contain_is_not_quoted() {
        let token = Token::new(TokenKind::Bearer, "canary\n");
        let error = Authorize::new(&token).header(&mut HeaderMap::new()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(!error.to_string().contains("canary"), "{error}");
    }

    #[test]
    fn a_reqwest_request_gets_the_header_once() {
        let token = token(TokenKind::Bearer);
        let tls = crate::tls::config(&[], None).unwrap();
        let client = reqwest::Client::builder().tls_backend_preconfigured(tls).build().unwrap();
        let request = client.get("http://localhost/").bearer_auth("old");
        let request = Authorize::new(&token).reqwest(request).unwrap().build().unwrap();
        let values: Vec<_> = request.headers().get_all("authorization").iter().collect();
        assert_eq!(values, ["Bearer canary"]);
    }
}
