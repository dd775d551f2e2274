//! Client authentication at an OAuth2 server (RFC 6749 section 2.3.1).

use ::http::{Method, header};
use zeroize::Zeroizing;

use crate::{
    error::{Error, ErrorKind, Result},
    http::{self, Body, Request},
    secret::Secret,
};

/// A client that is registered at the server. An empty id means no client: nothing is sent for it.
#[derive(Clone, Copy, Debug)]
pub struct Client<'a> {
    /// The client's id.
    pub id: &'a str,
    /// The client's secret. A public client has none, and sends its id in the body (RFC 6749 section
    /// 3.2.1).
    pub secret: Option<&'a Secret>,
    /// Where id and secret are sent.
    pub auth: ClientAuth,
}

/// Where a client's id and secret are sent.
///
/// They are sent in one place only, because servers reject a request with both (RFC 6749 section
/// 2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ClientAuth {
    /// As `client_id` and `client_secret` in the body.
    Body,
    /// In a Basic header, each form-encoded, as RFC 6749 section 2.3.1 demands; a space as `%20`.
    Basic,
    /// In a Basic header without encoding, for servers that do not decode them.
    BasicRaw,
}

/// Builds a POST of form fields to an endpoint that authenticates the client.
pub(crate) fn post(
    endpoint: &str,
    client: &Client<'_>,
    fields: &[(&str, &str)],
) -> Result<Request> {
    let mut request = http::request(Method::POST, endpoint)?
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    let mut fields = fields.to_vec();
    match (client.secret, client.auth) {
        _ if client.id.is_empty() => {}
        (None, _) => fields.push(("client_id", client.id)),
        (Some(secret), ClientAuth::Body) => {
            fields.push(("client_id", client.id));
            fields.push(("client_secret", secret.expose()));
        }
        (Some(secret), ClientAuth::Basic) => {
            let value = http::basic(&encoded(client.id), &encoded(secret.expose()))?;
            request = request.header(header::AUTHORIZATION, value);
        }
        (Some(secret), ClientAuth::BasicRaw) => {
            if client.id.contains(':') {
                return Err(Error::new(
                    ErrorKind::Config,
                    "the client id contains a colon, which a raw Basic header can't carry",
                )
                .expected("another way to authenticate the client")
                .advice("set the option client_auth to basic or body"));
            }
            let value = http::basic(client.id, secret.expose())?;
            request = request.header(header::AUTHORIZATION, value);
        }
    }
    http::finish(request, Body::form(fields.iter().copied()))
}

/// Returns the text form-encoded. Full capacity from the start leaves no copy behind.
///
/// A space becomes `%20`: form decoders accept it as well as `+`, and some servers decode percent
/// signs only.
pub(crate) fn encoded(text: &str) -> Zeroizing<String> {
    let mut encoded = Zeroizing::new(String::with_capacity(3 * text.len()));
    let parts = form_urlencoded::byte_serialize(text.as_bytes());
    encoded.extend(parts.map(|part| if part == "+" { "%20" } else { part }));
    encoded
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};

    use super::*;

    fn sent(id: &str, secret: Option<&str>, auth: ClientAuth) -> (Option<String>, String) {
        let secret = secret.map(Secret::from);
        let client = Client { id, secret: secret.as_ref(), auth };
        let request = post("https://a.example/token", &client, &[("a", "1")]).unwrap();
        let basic = request.headers().get(header::AUTHORIZATION).map(|value| {
            assert!(value.is_sensitive());
            let text = value.to_str().unwrap().strip_prefix("Basic ").unwrap();
            String::from_utf8(BASE64.decode(text).unwrap()).unwrap()
        });
        (basic, String::from_utf8(request.body().as_bytes().to_vec()).unwrap())
    }

    #[test]
    fn client_id_and_secret_are_sent_in_one_place_only() {
        let (id, secret) = ("my app", Some("s+e:%/ø"));
        assert_eq!(
            sent(id, secret, ClientAuth::Body),
            (None, "a=1&client_id=my+app&client_secret=s%2Be%3A%25%2F%C3%B8".into())
        );
        assert_eq!(
            sent(id, secret, ClientAuth::Basic),
            (Some("my%20app:s%2Be%3A%25%2F%C3%B8".into()), "a=1".into())
        );
        assert_eq!(
            sent(id, secret, ClientAuth::BasicRaw),
            (Some("my app:s+e:%/ø".into()), "a=1".into())
        );
    }

    #[test]
    fn a_public_client_sends_its_id_in_the_body_and_no_client_sends_nothing() {
        assert_eq!(sent("app", None, ClientAuth::Basic), (None, "a=1&client_id=app".into()));
        assert_eq!(sent("", Some("canary"), ClientAuth::Body), (None, "a=1".into()));
    }

    #[test]
    fn a_space_in_a_basic_header_is_percent_encoded() {
        assert_eq!(encoded(" a  +b%20 ").as_str(), "%20a%20%20%2Bb%2520%20");
    }

    #[test]
    fn a_colon_in_a_raw_client_id_is_a_config_error() {
        let secret = Secret::from("canary");
        let client = Client { id: "a:b", secret: Some(&secret), auth: ClientAuth::BasicRaw };
        let error = post("https://a.example/token", &client, &[]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
    }

    #[test]
    fn an_endpoint_that_is_not_a_url_is_a_config_error() {
        let client = Client { id: "a", secret: None, auth: ClientAuth::Body };
        for endpoint in ["", "/token", "a.example/token", "https://a b/", "ftp://a.example/"] {
            let error = post(endpoint, &client, &[]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config, "{endpoint}");
        }
    }
}
