//! The login of a client: the client credentials grant.

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
    time::Timestamp,
};

/// Logs in a client with its own credentials (RFC 6749 section 4.4).
///
/// ```
/// use tokenlease_core::{Secret, Timestamp, provider::oauth2::{Client, ClientAuth, ClientLogin}};
///
/// let secret = Secret::from("SECRET");
/// let login = ClientLogin {
///     endpoint: "https://id.example/token",
///     client: Client { id: "app", secret: Some(&secret), auth: ClientAuth::Basic },
///     scope: "read",
///     extra: &[("audience", "https://api.example")],
/// };
/// let request = login.request()?; // send it
/// assert!(request.headers()["authorization"].is_sensitive());
///
/// let response = http::Response::new(r#"{"access_token":"4E2E","token_type":"Bearer","expires_in":60}"#);
/// let granted = ClientLogin::parse(&response, Timestamp(1_000))?;
/// assert_eq!(granted.expires_at(), Some(Timestamp(61_000)));
/// # Ok::<(), tokenlease_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ClientLogin<'a> {
    /// The URL of the token endpoint.
    pub endpoint: &'a str,
    /// The client, with its secret.
    pub client: Client<'a>,
    /// The scope: words separated by spaces. Empty requests the server's default.
    pub scope: &'a str,
    /// Further form fields, such as `audience`.
    pub extra: &'a [(&'a str, &'a str)],
}

impl ClientLogin<'_> {
    /// Builds the request. It contains the client's secret.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if the endpoint is not a URL, or if a header
    /// can't carry the client's id or secret.
    pub fn request(&self) -> Result<Request> {
        let mut fields = vec![("grant_type", "client_credentials")];
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
    fn a_client_login_sends_no_user() {
        let request = ClientLogin {
            endpoint: "https://id.example/token",
            client: Client { id: "app", secret: Some(&"s".into()), auth: ClientAuth::Body },
            scope: "",
            extra: &[],
        }
        .request()
        .unwrap();
        let body = b"grant_type=client_credentials&client_id=app&client_secret=s";
        assert_eq!(request.body().as_bytes(), body);
        assert!(!request.headers().contains_key("authorization"));
    }
}
