//! The login of a user of an organization.

use std::time::Duration;

use ::http::Response;

use super::wire;
use crate::{
    error::Result,
    http::{self, Request},
    provider::{granted::Granted, oauth2},
    secret::Secret,
    time::Timestamp,
};

/// Logs in a user by name and password (`POST /connect/token`).
///
/// User, password, client id and secret may have at most 100 characters. The server answers longer
/// ones as wrong ones.
///
/// ```
/// use std::time::Duration;
/// use tokenlease_core::{
///     Secret, Timestamp,
///     provider::{oauth2::{Client, ClientAuth}, wyn},
/// };
///
/// let (password, secret) = (Secret::from("PASSWORD"), Secret::from("SECRET"));
/// let login = wyn::Login {
///     server: "https://wyn.example",
///     path: wyn::TOKEN_PATH,
///     user: "admin",
///     password: &password,
///     client: Client { id: wyn::DEFAULT_CLIENT, secret: Some(&secret), auth: ClientAuth::Body },
///     tenant: "/Org",
///     lifetime: Some(Duration::from_secs(3600)),
///     scope: "",
///     extra: &[],
/// };
/// let request = login.request()?; // send it
/// assert_eq!(request.uri(), "https://wyn.example/connect/token");
///
/// let response = http::Response::new(r#"{"access_token":"4E2E","expires_in":3600}"#);
/// let granted = wyn::Login::parse(&response, Timestamp(0))?;
/// assert_eq!(granted.expires_at(), Some(Timestamp(3_600_000)));
/// # Ok::<(), tokenlease_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Login<'a> {
    /// The server's base address.
    pub server: &'a str,
    /// The path of the token endpoint, usually [`TOKEN_PATH`](super::TOKEN_PATH).
    pub path: &'a str,
    /// The user's name.
    pub user: &'a str,
    /// The user's password.
    pub password: &'a Secret,
    /// The client that logs the user in, usually [`DEFAULT_CLIENT`](super::DEFAULT_CLIENT).
    pub client: oauth2::Client<'a>,
    /// The organization: `/Org/SubOrg`, or `/` for the global one.
    pub tenant: &'a str,
    /// The lifetime to request, in whole seconds. The server's default is ten years.
    pub lifetime: Option<Duration>,
    /// The scope: words separated by spaces. Empty requests the server's default.
    pub scope: &'a str,
    /// Further form fields, such as `customizedParam`.
    pub extra: &'a [(&'a str, &'a str)],
}

impl Login<'_> {
    /// Builds the request. It contains the password.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if the server's address is not a URL, if the
    /// lifetime is not in whole seconds, or if a header can't carry the client's id or secret.
    pub fn request(&self) -> Result<Request> {
        let seconds = self.lifetime.map(wire::whole_seconds).transpose()?;
        let seconds = seconds.map(|seconds| seconds.to_string());
        let mut extra = Vec::new();
        if !matches!(self.tenant, "" | "/") {
            extra.push(("tenant_path", self.tenant));
        }
        if let Some(seconds) = &seconds {
            extra.push(("access-token-lifetime", seconds));
        }
        extra.extend(self.extra);
        oauth2::Login {
            endpoint: &http::join(self.server, self.path),
            user: self.user,
            password: self.password,
            client: self.client,
            scope: self.scope,
            extra: &extra,
        }
        .request()
    }

    /// Parses the response to a request that was sent at `sent_at`.
    ///
    /// # Errors
    /// As [`oauth2::Login::parse`]: the kinds
    /// [`CredentialsRejected`](crate::ErrorKind::CredentialsRejected),
    /// [`Config`](crate::ErrorKind::Config), [`Throttled`](crate::ErrorKind::Throttled),
    /// [`Unavailable`](crate::ErrorKind::Unavailable) or
    /// [`InvalidResponse`](crate::ErrorKind::InvalidResponse).
    pub fn parse(response: &Response<impl AsRef<[u8]>>, sent_at: Timestamp) -> Result<Granted> {
        oauth2::Login::parse(response, sent_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::{Life, oauth2::ClientAuth, wyn};

    fn request(tenant: &str, lifetime: Option<Duration>) -> Result<Request> {
        Login {
            server: "http://localhost:51980",
            path: wyn::TOKEN_PATH,
            user: "admin",
            password: &"p&w".into(),
            client: oauth2::Client {
                id: wyn::DEFAULT_CLIENT,
                secret: Some(&"s".into()),
                auth: ClientAuth::Body,
            },
            tenant,
            lifetime,
            scope: "",
            extra: &[],
        }
        .request()
    }

    #[test]
    fn the_request_of_a_wyn_login_is_the_documented_one() {
        let request = request("/Org/Sub", Some(Duration::from_secs(3600))).unwrap();
        assert_eq!(request.method(), "POST");
        assert_eq!(request.uri(), "http://localhost:51980/connect/token");
        assert_eq!(request.headers()["content-type"], "application/x-www-form-urlencoded");
        assert!(!request.headers().contains_key("authorization"));
        let body = b"grant_type=password&username=admin&password=p%26w&tenant_path=%2FOrg%2FSub\
            &access-token-lifetime=3600&client_id=integration&client_secret=s";
        assert_eq!(request.body().as_bytes(), body);
    }

    #[test]
    fn the_global_organization_and_the_default_lifetime_are_not_sent() {
        for tenant in ["", "/"] {
            let request = request(tenant, None).unwrap();
            let body = String::from_utf8_lossy(request.body().as_bytes()).into_owned();
            assert!(!body.contains("tenant") && !body.contains("lifetime"), "{body}");
        }
    }

    #[test]
    fn a_lifetime_that_is_not_in_whole_seconds_is_a_config_error() {
        for millis in [0, 1, 1500] {
            let error = request("/", Some(Duration::from_millis(millis))).unwrap_err();
            assert_eq!(error.kind(), crate::ErrorKind::Config);
        }
    }

    #[test]
    fn the_ten_years_of_the_documented_response_fit() {
        let response = Response::new(
            r#"{"access_token":"4E2EDEF2","expires_in":315360000,"token_type":"Bearer",
                "scope":"cache email openid profile scheduler server_portal storage"}"#,
        );
        let granted = Login::parse(&response, Timestamp(5)).unwrap();
        assert_eq!(granted.life, Life::Stated(Duration::from_secs(315_360_000)));
        assert_eq!(granted.expires_at(), Some(Timestamp(315_360_000_005)));
    }
}
