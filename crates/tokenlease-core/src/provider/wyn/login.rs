//! A token for a user of an organization.

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

/// A new token for a user and a password (`POST /connect/token`). User, password, client id and
/// secret may be 100 characters long at most: the server answers longer ones as wrong ones.
#[derive(Clone, Copy, Debug)]
pub struct Login<'a> {
    /// The server's base address.
    pub server: &'a str,
    /// The path of the token endpoint, as a rule [`TOKEN_PATH`](super::TOKEN_PATH).
    pub path: &'a str,
    /// The user that the token signs in as.
    pub user: &'a str,
    /// The user's password.
    pub password: &'a Secret,
    /// The client that asks, as a rule [`DEFAULT_CLIENT`](super::DEFAULT_CLIENT).
    pub client: oauth2::Client<'a>,
    /// The organization: `/` is the global one, `/Org/SubOrg` a path down.
    pub tenant: &'a str,
    /// How long the token shall live, in whole seconds. The server's default is ten years.
    pub lifetime: Option<Duration>,
    /// The scope: words separated by spaces; empty asks for the server's default.
    pub scope: &'a str,
}

impl Login<'_> {
    /// The request to send. It holds the password.
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

    /// Reads the answer to a request that was sent at `sent_at`.
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
        }
        .request()
    }

    #[test]
    fn the_request_is_the_documented_one() {
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
    fn the_global_organization_and_the_servers_lifetime_are_not_sent() {
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
    fn lesson_12_the_ten_years_of_the_documented_answer_fit() {
        let response = Response::new(
            r#"{"access_token":"4E2EDEF2","expires_in":315360000,"token_type":"Bearer",
                "scope":"cache email openid profile scheduler server_portal storage"}"#,
        );
        let granted = Login::parse(&response, Timestamp(5)).unwrap();
        assert_eq!(granted.life, Life::Stated(Duration::from_secs(315_360_000)));
        assert_eq!(granted.expires_at(), Some(Timestamp(315_360_000_005)));
    }
}
