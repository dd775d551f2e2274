//! The login of a user: the resource owner password credentials grant.

use ::http::Response;

use super::{
    client::{self, Client},
    failure::Presented,
    wire,
};
use crate::{
    error::Result,
    http::Request,
    provider::{granted::Granted, reading::Reading},
    secret::Secret,
    time::Timestamp,
};

/// Logs in a user by name and password (RFC 6749 section 4.3).
///
/// ```
/// use tokenlease_core::{ErrorKind, Secret, Timestamp, provider::oauth2::{Client, ClientAuth, Login}};
///
/// let (password, secret) = (Secret::from("PASSWORD"), Secret::from("SECRET"));
/// let login = Login {
///     endpoint: "https://id.example/token",
///     user: "NAME",
///     password: &password,
///     client: Client { id: "app", secret: Some(&secret), auth: ClientAuth::Body },
///     scope: "",
///     extra: &[],
/// };
/// let request = login.request()?; // send it
/// assert!(request.body().as_bytes().starts_with(b"grant_type=password&username=NAME"));
///
/// let rejected = http::Response::builder().status(400).body(r#"{"error":"invalid_grant"}"#).unwrap();
/// let error = Login::parse(&rejected, Timestamp(0)).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::CredentialsRejected);
/// # Ok::<(), tokenlease_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Login<'a> {
    /// The URL of the token endpoint.
    pub endpoint: &'a str,
    /// The user's name.
    pub user: &'a str,
    /// The user's password.
    pub password: &'a Secret,
    /// The client that logs the user in.
    pub client: Client<'a>,
    /// The scope: words separated by spaces. Empty requests the server's default.
    pub scope: &'a str,
    /// Further form fields, such as `audience`.
    pub extra: &'a [(&'a str, &'a str)],
}

impl Login<'_> {
    /// Builds the request. It contains the password.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if the endpoint is not a URL, or if a header
    /// can't carry the client's id or secret.
    pub fn request(&self) -> Result<Request> {
        let mut fields = vec![
            ("grant_type", "password"),
            ("username", self.user),
            ("password", self.password.expose()),
        ];
        if !self.scope.is_empty() {
            fields.push(("scope", self.scope));
        }
        fields.extend(self.extra);
        client::post(self.endpoint, &self.client, &fields)
    }

    /// Parses the response to a request that was sent at `sent_at`.
    ///
    /// Errors quote the server's texts. [`Error::redact`](crate::Error::redact) hides secrets that the
    /// server echoes.
    ///
    /// # Errors
    /// The kind tells what to do: [`CredentialsRejected`](crate::ErrorKind::CredentialsRejected),
    /// [`Config`](crate::ErrorKind::Config) (scope, grant or client), [`Throttled`](crate::ErrorKind::Throttled),
    /// [`Unavailable`](crate::ErrorKind::Unavailable) or
    /// [`InvalidResponse`](crate::ErrorKind::InvalidResponse).
    pub fn parse(response: &Response<impl AsRef<[u8]>>, sent_at: Timestamp) -> Result<Granted> {
        wire::granted(&Reading::of(response), sent_at, Presented::Credentials)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::ClientAuth;

    #[test]
    fn the_request_of_a_login_follows_the_standard() {
        let request = Login {
            endpoint: "https://id.example/oauth/token",
            user: "ø+&% 😀",
            password: &"p".into(),
            client: Client { id: "app", secret: Some(&"s".into()), auth: ClientAuth::Basic },
            scope: "a b",
            extra: &[("audience", "https://api.example")],
        }
        .request()
        .unwrap();
        assert_eq!(request.method(), "POST");
        assert_eq!(request.uri(), "https://id.example/oauth/token");
        assert_eq!(request.headers()["content-type"], "application/x-www-form-urlencoded");
        assert_eq!(request.headers()["accept"], "application/json");
        assert_eq!(request.headers()["authorization"], "Basic YXBwOnM=");
        let body = b"grant_type=password&username=%C3%B8%2B%26%25+%F0%9F%98%80&password=p\
            &scope=a+b&audience=https%3A%2F%2Fapi.example";
        assert_eq!(request.body().as_bytes(), body);
    }

    /// Rule: Secrets: Debug of a login and of its request shows no secret.
    #[test]
    fn debug_of_a_login_shows_no_secret() {
        let (password, secret) = ("canary".into(), "canary".into());
        let login = Login {
            endpoint: "https://id.example/token",
            user: "u",
            password: &password,
            client: Client { id: "app", secret: Some(&secret), auth: ClientAuth::Body },
            scope: "",
            extra: &[],
        };
        assert!(!format!("{login:?}").contains("canary"));
        assert!(!format!("{:?}", login.request().unwrap()).contains("canary"));
    }
}
