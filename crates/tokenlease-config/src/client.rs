//! From options to a registry, credentials and a client.

use tokenlease::{
    Client, ClientBuilder, CredentialsSource, EntryFilter, HttpOptions, Registry, Result,
    core::{Credentials, provider::Server},
};

use crate::{
    config,
    extra::ExtraSecrets,
    options::{KEYS, Options},
    parts::Parts,
    secrets::{SecretKind, SecretSource, command::deadline},
};

/// The options of a registry. Its clients share them.
pub(crate) const REGISTRY_KEYS: [&str; 17] = [
    "store",
    "store_password_file",
    "store_password_command",
    "store_access",
    "store_key",
    "store_key_file",
    "store_passphrase_file",
    "proxy",
    "proxy_password_file",
    "no_proxy",
    "user_agent",
    "client_cert",
    "client_key",
    "ca",
    "allow_plain_http",
    "timeout",
    "max_concurrent_logins",
];

impl Options {
    /// Returns a builder of a client, so that callers can add settings that are no options, such as
    /// an event hook.
    ///
    /// Without a registry the client uses the process's registry, or its own if one of its options
    /// is a registry's. Opening that registry's store blocks.
    ///
    /// # Errors
    /// [`Config`](tokenlease::ErrorKind::Config) for options that are missing, malformed, not the
    /// provider's, or in conflict with each other or with the registry;
    /// [`Store`](tokenlease::ErrorKind::Store) if the store can't be opened.
    pub fn client(
        &self,
        credentials: impl Into<CredentialsSource>,
        registry: Option<&Registry>,
    ) -> Result<ClientBuilder> {
        self.client_with(credentials, registry, &Parts::default())
    }

    /// Like [`client`](Self::client), with parts of a registry that are no options.
    ///
    /// # Errors
    /// As for [`client`](Self::client).
    pub fn client_with(
        &self,
        credentials: impl Into<CredentialsSource>,
        registry: Option<&Registry>,
        parts: &Parts,
    ) -> Result<ClientBuilder> {
        let mut of_registry = REGISTRY_KEYS.into_iter().filter(|key| self.is_set(key));
        let of_registry = of_registry.next().or_else(|| parts.first_set());
        let registry = match registry {
            Some(registry) => {
                if let Some(key) = of_registry {
                    return Err(config(format!(
                        "\"{key}\" is set for a client that shares a registry"
                    ))
                    .expected("it among the registry's own options"));
                }
                registry.clone()
            }
            None if of_registry.is_some() => self.own_registry(parts)?,
            None => Registry::process()?,
        };
        Ok(self.client_for(self.server()?, credentials, &registry))
    }

    /// Returns a builder of a client for the given server and registry, with the timeouts,
    /// lifetimes and outage policy of these options.
    pub fn client_for(
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
        if self.without_login == Some(true) {
            builder = builder.without_login();
        }
        if let Some(life) = self.agreed_lifetime {
            builder = builder.agreed_lifetime(life);
        }
        if let Some(life) = self.max_lifetime {
            builder = builder.max_lifetime(life);
        }
        builder
    }

    /// Returns a registry: the store, the trusted authorities, the request timeout and the bound on
    /// logins that clients share. Without the option `store`, tokens are shared in this process's memory only. Opening
    /// a store blocks.
    ///
    /// # Errors
    /// [`Config`](tokenlease::ErrorKind::Config) for an option of clients or a malformed one;
    /// [`Store`](tokenlease::ErrorKind::Store) if the store can't be opened.
    pub fn registry(&self) -> Result<Registry> {
        self.registry_with(&Parts::default())
    }

    /// Like [`registry`](Self::registry), with parts that are no options.
    ///
    /// # Errors
    /// As for [`registry`](Self::registry), and [`Config`](tokenlease::ErrorKind::Config) for a part
    /// that an option sets too.
    pub fn registry_with(&self, parts: &Parts) -> Result<Registry> {
        let is_of_clients = |key: &&str| self.is_set(key) && !REGISTRY_KEYS.contains(key);
        if let Some(key) = KEYS.iter().find(|key| is_of_clients(key)) {
            return Err(config(format!("\"{key}\" is set for a registry"))
                .expected("it among the options of its clients"));
        }
        self.own_registry(parts)
    }

    /// Returns the filter that selects a registry's entries by the options `server`, `user` and `subject`. Other
    /// options are ignored.
    ///
    /// # Errors
    /// [`Config`](tokenlease::ErrorKind::Config) if the server's address is not an HTTP URL.
    pub fn entry_filter(&self) -> Result<EntryFilter> {
        let mut filter = EntryFilter::default();
        if let Some(server) = &self.server {
            filter = filter.server(server)?;
        }
        if let Some(user) = &self.user {
            filter = filter.user(user.as_str());
        }
        if let Some(subject) = &self.subject {
            filter = filter.subject(subject.as_str());
        }
        Ok(filter)
    }

    fn own_registry(&self, parts: &Parts) -> Result<Registry> {
        let mut builder = Registry::builder().http(self.http_with(parts)?);
        if let Some(opened) = parts.open_store(self)? {
            builder = builder.store(opened.store, opened.key);
        }
        builder.build()
    }

    /// Returns how to send requests: the options `timeout`, `max_concurrent_logins`, `ca`,
    /// `allow_plain_http`, `user_agent`, and those of the proxy and the client certificate.
    ///
    /// # Errors
    /// [`Config`](tokenlease::ErrorKind::Config) if a file that an option names can't be read.
    pub fn http(&self) -> Result<HttpOptions> {
        self.http_with(&Parts::default())
    }

    fn http_with(&self, parts: &Parts) -> Result<HttpOptions> {
        parts.check_files(self)?;
        let mut http = HttpOptions::new();
        if let Some(timeout) = self.timeout {
            http = http.with_timeout(timeout);
        }
        if let Some(logins) = self.max_concurrent_logins.and_then(|count| count.try_into().ok()) {
            http = http.with_max_concurrent_logins(logins);
        }
        if let Some(pem) = self.ca()? {
            http = http.with_extra_ca(pem);
        }
        match self.proxy.as_deref() {
            Some("none") => http = http.without_proxy(),
            Some(proxy) => http = http.with_proxy(proxy),
            None => {}
        }
        if let Some(source) = self.secret_source(SecretKind::ProxyPassword, None, "set")? {
            let warn = |warning: &str| tracing::warn!(target: "tokenlease", "{warning}");
            http = http.with_proxy_password(source.read(SecretKind::ProxyPassword, warn)?);
        }
        if let Some(password) = parts.proxy_password() {
            http = http.with_proxy_password(password.clone());
        }
        if let Some(list) = &self.no_proxy {
            http = http.with_no_proxy(list.as_str());
        }
        if let Some(user_agent) = &self.user_agent {
            http = http.with_user_agent(user_agent.as_str());
        }
        if let Some((chain, key)) = self.client_certificate(parts.client_key())? {
            http = http.with_client_certificate(chain, key);
        }
        if self.allow_plain_http == Some(true) {
            http = http.dangerously_allow_plain_http();
        }
        Ok(http)
    }

    /// Returns the source of the credentials: the given secrets, else the files and the command
    /// that the options name. Those are read again each time credentials are sent.
    ///
    /// # Errors
    /// [`Config`](tokenlease::ErrorKind::Config) if two options name a source of the same secret.
    pub fn credentials(&self, given: Credentials) -> Result<CredentialsSource> {
        let is_in_options = |secret: &Option<_>, kind| match secret {
            Some(_) => Ok(false),
            None => self.secret_source(kind, None, "set").map(|source| source.is_some()),
        };
        if is_in_options(&given.password, SecretKind::Password)?
            || is_in_options(&given.client_secret, SecretKind::ClientSecret)?
            || self.extra_secret_file.is_some()
        {
            return self.credentials_from(move || Ok(given.clone()));
        }
        Ok(given.into())
    }

    /// Like [`credentials`](Self::credentials), for secrets that a function returns. A secret that
    /// it omits is read from the source that the options name.
    ///
    /// # Errors
    /// As for [`credentials`](Self::credentials).
    pub fn credentials_from(
        &self,
        fetch: impl Fn() -> Result<Credentials> + Send + Sync + 'static,
    ) -> Result<CredentialsSource> {
        let warn = |warning: &str| tracing::warn!(target: "tokenlease", "{warning}");
        let password = self.secret_source(SecretKind::Password, None, "set")?;
        let client_secret = self.secret_source(SecretKind::ClientSecret, None, "set")?;
        let extra = ExtraSecrets::new(self.extra_secret_file.as_deref(), None);
        // A command that hangs would block all later callers.
        let limit = self.deadline.unwrap_or(tokenlease::bindings::DEADLINE);
        let read =
            move |secret: &mut Option<_>, source: &Option<SecretSource>, kind| -> Result<()> {
                if let (None, Some(source)) = (&secret, source) {
                    *secret = Some(source.read_while(kind, warn, &deadline(limit))?);
                }
                Ok(())
            };
        Ok(CredentialsSource::from_fn(move || {
            let mut credentials = fetch()?;
            read(&mut credentials.password, &password, SecretKind::Password)?;
            read(&mut credentials.client_secret, &client_secret, SecretKind::ClientSecret)?;
            extra.add_to(&mut credentials, warn)?;
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

    /// Rule: Secrets: a password file is read again before each login.
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
    fn a_registrys_option_is_rejected_for_one_of_its_clients() {
        let erp = [("provider", "winkas"), ("user", "u"), ("contract", "c"), ("timeout", "5s")];
        let registry = Options::default().registry().unwrap();
        let password = Credentials::password("p");
        let error = options(&erp).client(password.clone(), Some(&registry)).unwrap_err();
        assert!(error.to_string().contains("\"timeout\""), "{error}");
        options(&erp).client(password.clone(), None).unwrap().build().unwrap();
        options(&erp[..3]).client(password, Some(&registry)).unwrap().build().unwrap();
    }

    #[test]
    fn a_key_without_a_store_and_two_sources_of_a_secret_are_errors() {
        let error = options(&[("store_key_file", "key")]).registry().unwrap_err();
        assert!(error.to_string().contains("\"store\" as well"), "{error}");
        let both = options(&[("password_file", "a"), ("password_command", "b")]);
        let error = both.credentials(Credentials::default()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        // A given secret takes precedence over the options.
        both.credentials(Credentials::password("p")).unwrap();
    }

    #[tokio::test]
    async fn a_secret_that_a_function_omits_is_read_from_the_options_source() {
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
    fn options_that_cannot_work_are_errors_that_name_them() {
        let erp = [("provider", "winkas"), ("user", "u"), ("contract", "c")];
        for (key, value) in
            [("deadline", "0s"), ("store_check_interval", "20ms"), ("timeout", "1ms")]
        {
            let options = options(&[&erp[..], &[(key, value)]].concat());
            let built = options.client(Credentials::password("p"), None);
            let error = built.and_then(ClientBuilder::build).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config, "{error}");
            assert!(error.detail().starts_with(&format!("{key} is ")), "{error}");
        }
    }

    #[test]
    fn a_clients_option_is_rejected_for_a_registry() {
        let error = options(&[("user", "u")]).registry().unwrap_err();
        assert!(error.to_string().contains("options of its clients"), "{error}");
    }

    /// Rule: Formats: the files of the client certificate and of the proxy's password are read when a client is
    /// built; a file that is not in PEM is an error that says how to convert it.
    #[test]
    fn the_files_of_network_options_are_read_when_a_client_is_built() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            fs::write(&path, bytes).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let error = |pairs: &[(&str, &str)]| {
            let error = options(pairs).http().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            error.to_string()
        };
        let p12 = file("client.p12", b"\x30\x82canary");
        let text = error(&[("client_cert", &p12)]);
        assert!(text.contains("openssl pkcs12") && !text.contains("canary"), "{text}");
        assert!(error(&[("client_key", &p12)]).contains("\"client_cert\" as well"));
        assert!(error(&[("client_cert", "/no/such/file")]).contains("can't be read"));
        let password = file("proxy.password", b"canary\n");
        let set = [("proxy", "http://me@h:1"), ("proxy_password_file", &*password)];
        let http = options(&set).http().unwrap();
        assert!(!format!("{http:?}").contains("canary"), "{http:?}");
        assert!(options(&[]).set("proxy", "http://me:canary@h:1").is_err());
    }
}
