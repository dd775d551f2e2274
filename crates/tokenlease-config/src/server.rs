//! From options to an identity and a server.

use std::net::IpAddr;

use tokenlease::{
    Result,
    core::{
        Identity,
        provider::{Server, winkas, wyn},
    },
};

use crate::{choice::Provider, config, options::Options};

impl Options {
    /// Returns the identity that the options describe.
    ///
    /// # Errors
    /// [`Config`](tokenlease::ErrorKind::Config) for an option that is missing, malformed or not
    /// one of the provider's.
    pub fn identity(&self) -> Result<Identity> {
        self.identity_by(|key| format!("\"{key}\""))
    }

    /// Like [`identity`](Self::identity). `place` returns, for an option's name, the words that say in
    /// an error how to set it.
    ///
    /// # Errors
    /// As for [`identity`](Self::identity).
    pub fn identity_by(&self, place: impl Fn(&str) -> String) -> Result<Identity> {
        let missing =
            |key: &str, what: &str| config(format!("the {what} is missing")).expected(place(key));
        let needed = |value: &Option<String>, key: &str, what: &str| {
            value.clone().ok_or_else(|| missing(key, what))
        };
        let provider = self.provider.ok_or_else(|| missing("provider", "provider"))?;
        let foreign: &[&str] = match provider {
            Provider::Winkas => &["client_id", "tenant", "scope", "extra", "extra_secret_file"],
            Provider::Wyn => &["contract"],
            Provider::OAuth2 => &["contract", "tenant"],
        };
        if let Some(key) = foreign.iter().find(|key| self.is_set(key)) {
            let name = provider.as_str();
            let what = if key.starts_with("extra") { "extra fields" } else { key };
            return Err(config(format!("{name} has no {}", what.replace('_', " ")))
                .expected("only options of this provider")
                .advice(format!("remove {}", place(key))));
        }
        let scope = self.scope.as_deref().unwrap_or_default();
        let identity = match provider {
            Provider::Winkas => {
                let user = needed(&self.user, "user", "user")?;
                let contract = needed(&self.contract, "contract", "contract code")?;
                let server = self.server.as_deref().unwrap_or(winkas::DEFAULT_SERVER);
                Identity::winkas(server, &user, &contract)?
            }
            Provider::Wyn => {
                let server = needed(&self.server, "server", "server address")?;
                let user = needed(&self.user, "user", "user")?;
                let client = self.client_id.as_deref().unwrap_or(wyn::DEFAULT_CLIENT);
                let identity = Identity::wyn(&server, &user, client)?;
                identity.with_tenant(self.tenant.as_deref().unwrap_or_default()).with_scope(scope)
            }
            Provider::OAuth2 => {
                let server = needed(&self.server, "server", "server address")?;
                let user = self.user.as_deref().unwrap_or_default();
                let client = self.client_id.as_deref().unwrap_or_default();
                Identity::oauth2(&server, user, client)?.with_scope(scope)
            }
        };
        let identity = match &self.subject {
            Some(subject) => identity.with_subject(subject)?,
            None => identity,
        };
        let mut fields = self.extra.iter().flatten();
        fields.try_fold(identity, |identity, field| identity.with_extra(&field.name, &field.value))
    }

    /// Returns the server that the options describe.
    ///
    /// # Errors
    /// [`Config`](tokenlease::ErrorKind::Config) for an option that is missing, malformed or not
    /// one of the provider's.
    pub fn server(&self) -> Result<Server> {
        self.server_for(self.identity()?)
    }

    /// Returns the server that the options describe, for the given identity.
    ///
    /// # Errors
    /// [`Config`](tokenlease::ErrorKind::Config) for an option that is malformed or not one of the
    /// provider's.
    pub fn server_for(&self, identity: Identity) -> Result<Server> {
        let mut server = Server::new(identity)
            .with_new_token_ends_old(self.new_token_ends_old.unwrap_or_default());
        if let Some(lifetime) = self.lifetime {
            server = server.with_lifetime(lifetime)?;
        }
        if let Some(grant) = self.grant {
            server = server.with_grant(grant.into())?;
        }
        if let Some(auth) = self.client_auth {
            server = server.with_client_auth(auth.into())?;
        }
        if let Some(path) = &self.token_path {
            server = server.with_token_path(path)?;
        }
        if let Some(path) = &self.revocation_path {
            server = server.with_revocation_path(path)?;
        }
        if let Some(path) = &self.introspection_path {
            server = server.with_introspection_path(path)?;
        }
        if let Some(path) = &self.userinfo_path {
            server = server.with_userinfo_path(path)?;
        }
        if let Some(header) = self.token_header {
            server = server.with_token_header(header.into())?;
        }
        Ok(server)
    }
}

/// Returns whether a server's URL names this machine: `localhost` or a loopback address.
pub fn is_loopback(server: &str) -> bool {
    let uri: Option<http::Uri> = server.parse().ok();
    uri.as_ref().and_then(http::Uri::host).is_some_and(|host| {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        host.eq_ignore_ascii_case("localhost")
            || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(pairs: &[(&str, &str)]) -> Options {
        let mut options = Options::default();
        for (key, text) in pairs {
            options.set(key, text).unwrap();
        }
        options
    }

    #[test]
    fn an_option_of_another_provider_is_an_error() {
        for (provider, option, detail) in [
            ("winkas", "client_id", "winkas has no client id"),
            ("winkas", "tenant", "winkas has no tenant"),
            ("winkas", "scope", "winkas has no scope"),
            ("winkas", "extra", "winkas has no extra fields"),
            ("winkas", "extra_secret_file", "winkas has no extra fields"),
            ("wyn", "contract", "wyn has no contract"),
            ("oauth2", "contract", "oauth2 has no contract"),
            ("oauth2", "tenant", "oauth2 has no tenant"),
        ] {
            let error = options(&[("provider", provider), (option, "x=y")]).identity().unwrap_err();
            assert_eq!(error.detail(), detail);
        }
    }

    #[test]
    fn winkas_has_a_default_server_and_wyn_a_default_client() {
        let of = |pairs| options(pairs).identity().unwrap();
        let winkas = of(&[("provider", "winkas"), ("user", "u"), ("contract", "c")]);
        assert_eq!(winkas.server(), "https://air.winkas.net");
        let wyn = of(&[("provider", "wyn"), ("user", "u"), ("server", "https://w")]);
        assert_eq!((wyn.client(), wyn.realm()), ("integration", "/"));
    }

    #[test]
    fn loopback_is_recognized_by_name_and_by_address() {
        for server in
            ["http://localhost:1", "http://127.0.0.1", "http://127.9.9.9:1/x", "http://[::1]"]
        {
            assert!(is_loopback(server), "{server}");
        }
        for server in ["http://localhost.example", "http://10.0.0.1", "https://h", ""] {
            assert!(!is_loopback(server), "{server}");
        }
    }
}
