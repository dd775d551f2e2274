//! From options to a client.

use tokenlease::{
    Client, ClientBuilder, CredentialsSource, HttpOptions, Registry, Result,
    core::{Credentials, provider::Server},
};

use crate::{
    config,
    options::{KEYS, Options},
    secrets::{SecretSource, Which},
    store,
};

/// The options that a registry is made of: its clients take them from it.
const OF_REGISTRY: [&str; 7] = [
    "store",
    "store_key",
    "store_key_file",
    "store_passphrase_file",
    "ca",
    "allow_plain_http",
    "timeout",
];

impl Options {
    /// A client's builder, for what options don't say: a hook for events.
    ///
    /// Without a registry the client is of the process's, or of one of its own where options name what a
    /// registry is made of. A store must be opened for that, which blocks.
    ///
    /// # Errors
    /// `Config` for options that are missing, of another provider, or at odds with each other;
    /// `Store` for a store that can't be opened.
    pub fn client(
        &self,
        credentials: impl Into<CredentialsSource>,
        registry: Option<&Registry>,
    ) -> Result<ClientBuilder> {
        let registry = match registry {
            Some(registry) => {
                if let Some(key) = OF_REGISTRY.into_iter().find(|key| self.is_set(key)) {
                    return Err(config(format!("\"{key}\" is given for a client of a registry"))
                        .expected("it among the registry's own options"));
                }
                registry.clone()
            }
            None if OF_REGISTRY.into_iter().any(|key| self.is_set(key)) => self.own_registry()?,
            None => Registry::process()?,
        };
        Ok(self.client_of(self.server()?, credentials, &registry))
    }

    /// A client's builder for that server and registry, with what the options say of its behaviour.
    pub fn client_of(
        &self,
        server: Server,
        credentials: impl Into<CredentialsSource>,
        registry: &Registry,
    ) -> ClientBuilder {
        let mut builder = Client::builder(server, credentials).registry(registry);
        if let Some(wait) = self.deadline {
            builder = builder.deadline(wait);
        }
        if let Some(every) = self.store_check_interval {
            builder = builder.store_check_interval(every);
        }
        if let Some(policy) = self.on_store_outage {
            builder = builder.on_store_outage(policy.into());
        }
        if let Some(life) = self.agreed_lifetime {
            builder = builder.agreed_lifetime(life);
        }
        if let Some(life) = self.max_lifetime {
            builder = builder.max_lifetime(life);
        }
        builder
    }

    /// What clients share: store, trust, and how long a request may take. The store is the memory
    /// of the process unless one is named; opening it blocks.
    ///
    /// # Errors
    /// `Config` for an option of clients; `Store` for a store that can't be opened.
    pub fn registry(&self) -> Result<Registry> {
        let is_foreign = |key: &&str| self.is_set(key) && !OF_REGISTRY.contains(key);
        if let Some(key) = KEYS.iter().find(|key| is_foreign(key)) {
            return Err(config(format!("\"{key}\" is given for a registry"))
                .expected("it among the options of its clients"));
        }
        self.own_registry()
    }

    fn own_registry(&self) -> Result<Registry> {
        let mut builder = Registry::builder().http(self.http()?);
        if self.store.is_some() {
            let opened = store::open_blocking(&store::Shared::of(self)?)?;
            builder = builder.store(opened.store, opened.key);
        } else if self.names_a_key() {
            return Err(config("a store's key is given without a store")
                .expected("\"store\" as well: the memory of a process needs no key"));
        }
        builder.build()
    }

    /// How requests are sent.
    pub fn http(&self) -> Result<HttpOptions> {
        let mut http = HttpOptions::new();
        if let Some(timeout) = self.timeout {
            http = http.with_timeout(timeout);
        }
        if let Some(pem) = self.ca()? {
            http = http.with_extra_ca(pem);
        }
        if self.allow_plain_http == Some(true) {
            http = http.dangerously_allow_plain_http();
        }
        Ok(http)
    }

    /// Where the secrets come from: those that are given, else the files and the command that the
    /// options name, which are read again whenever credentials are to be sent.
    ///
    /// # Errors
    /// `Config` if two options name a place of the same secret.
    pub fn credentials(&self, given: Credentials) -> Result<CredentialsSource> {
        let is_elsewhere = |secret: &Option<_>, which| match secret {
            Some(_) => Ok(false),
            None => SecretSource::of(self, None, which, "given").map(|place| place.is_some()),
        };
        if is_elsewhere(&given.password, Which::Password)?
            || is_elsewhere(&given.client_secret, Which::ClientSecret)?
        {
            return self.credentials_from(move || Ok(given.clone()));
        }
        Ok(given.into())
    }

    /// As [`credentials`](Self::credentials), for secrets that a function fetches; what it leaves
    /// out is read where the options say.
    pub fn credentials_from(
        &self,
        fetch: impl Fn() -> Result<Credentials> + Send + Sync + 'static,
    ) -> Result<CredentialsSource> {
        let warn = |warning: &str| tracing::warn!(target: "tokenlease", "{warning}");
        let password = SecretSource::of(self, None, Which::Password, "given")?;
        let client_secret = SecretSource::of(self, None, Which::ClientSecret, "given")?;
        let read =
            move |secret: &mut Option<_>, place: &Option<SecretSource>, which| -> Result<()> {
                if let (None, Some(place)) = (&secret, place) {
                    *secret = Some(place.read(which, warn)?);
                }
                Ok(())
            };
        Ok(CredentialsSource::from_fn(move || {
            let mut credentials = fetch()?;
            read(&mut credentials.password, &password, Which::Password)?;
            read(&mut credentials.client_secret, &client_secret, Which::ClientSecret)?;
            Ok(credentials)
        }))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tokenlease::ErrorKind;
    use tokenlease_emulator::Emulator;

    use super::*;

    fn options(pairs: &[(&str, &str)]) -> Options {
        let mut options = Options::default();
        for (key, text) in pairs {
            options.set(key, text).unwrap();
        }
        options
    }

    #[tokio::test]
    async fn a_password_file_is_read_again_before_each_login() {
        let emulator = Emulator::builder().start().await.unwrap();
        let (winkas, folder) = (emulator.winkas(), tempfile::tempdir().unwrap());
        let (file, server) = (folder.path().join("password"), winkas.server());
        let options = options(&[
            ("provider", "winkas"),
            ("server", &server),
            ("user", &winkas.user()),
            ("contract", &winkas.contract()),
            ("password_file", file.to_str().unwrap()),
        ]);
        let credentials = options.credentials(Credentials::default()).unwrap();
        let client = options.client(credentials, None).unwrap().build().unwrap();
        let error = client.token().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        fs::write(&file, winkas.password()).unwrap();
        client.token().await.unwrap();
        assert_eq!(emulator.counts().winkas.login, 1);
    }

    #[test]
    fn what_a_registry_is_made_of_is_not_taken_for_one_of_its_clients() {
        let erp = [("provider", "winkas"), ("user", "u"), ("contract", "c"), ("timeout", "5s")];
        let registry = Options::default().registry().unwrap();
        let password = Credentials::password("p");
        let error = options(&erp).client(password.clone(), Some(&registry)).unwrap_err();
        assert!(error.to_string().contains("\"timeout\""), "{error}");
        options(&erp).client(password.clone(), None).unwrap().build().unwrap();
        options(&erp[..3]).client(password, Some(&registry)).unwrap().build().unwrap();
    }

    #[test]
    fn a_key_without_a_store_and_a_secret_of_two_places_are_errors() {
        let error = options(&[("store_key_file", "key")]).registry().unwrap_err();
        assert!(error.to_string().contains("\"store\" as well"), "{error}");
        let both = options(&[("password_file", "a"), ("password_command", "b")]);
        let error = both.credentials(Credentials::default()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        // A secret that is given wins over places.
        both.credentials(Credentials::password("p")).unwrap();
    }

    #[tokio::test]
    async fn what_a_function_leaves_out_is_read_where_the_options_say() {
        let emulator = Emulator::builder().start().await.unwrap();
        let (wyn, folder) = (emulator.wyn(), tempfile::tempdir().unwrap());
        let file = folder.path().join("secret");
        fs::write(&file, wyn.client_secret()).unwrap();
        let options = options(&[
            ("provider", "wyn"),
            ("server", &wyn.server()),
            ("user", &wyn.user()),
            ("client_secret_file", file.to_str().unwrap()),
        ]);
        let password = wyn.password();
        let fetch = move || Ok(Credentials::password(password.as_str()));
        let credentials = options.credentials_from(fetch).unwrap();
        options.client(credentials, None).unwrap().build().unwrap().token().await.unwrap();
    }

    #[test]
    fn an_option_of_clients_is_none_of_a_registry() {
        let error = options(&[("user", "u")]).registry().unwrap_err();
        assert!(error.to_string().contains("options of its clients"), "{error}");
    }
}
