//! The options: which server, which identity, which secrets, which store.
//!
//! The command line, the environment and profiles set them under the same names. The documentation
//! of each field is also the program's `--help`.

mod kind;
mod named;
mod readers;
mod table;

use std::{path::PathBuf, time::Duration};

use tokenlease::{Result, core::Secret};

pub use self::{
    kind::Kind,
    named::{KEYS, Value, is_number, is_repeatable, key_of, nearest, unknown_option},
    table::{OptionInfo, table, table_json},
};
use crate::{
    choice::{ClientAuth, Grant, OnStoreOutage, Provider, StoreAccess, StoreKey, TokenHeader},
    config,
    extra::{ExtraField, ExtraSecretFile},
    pem::PemSource,
    secrets::{SecretKind, SecretSource},
    store_url::StoreUrl,
};

/// Defines the options, and lists the documentation of each.
macro_rules! documented {
    (
        $(#[doc = $about:literal])*
        #[derive($($derive:tt)*)]
        #[cfg_attr($($clap:tt)*)]
        pub struct $name:ident {
            $($(#[doc = $meaning:literal])+ #[cfg_attr($($arg:tt)*)] pub $key:ident: $type:ty,)+
        }
    ) => {
        $(#[doc = $about])*
        #[derive($($derive)*)]
        #[cfg_attr($($clap)*)]
        pub struct $name {
            $($(#[doc = $meaning])+ #[cfg_attr($($arg)*)] pub $key: $type,)+
        }

        /// The documentation of each option, in Markdown.
        const DOCUMENTED: &[(&str, &str)] =
            &[$((stringify!($key), concat!($($meaning),+).trim_ascii())),+];
    };
}

documented! {
    /// The options that one source sets, for example the command line; `None` means not set.
    #[derive(Clone, Debug, Default, PartialEq, Eq)]
    #[cfg_attr(feature = "clap", derive(clap::Args), command(next_help_heading = "Server"))]
    pub struct Options {
        /// The server's API.
        #[cfg_attr(feature = "clap", arg(long, value_enum))]
        pub provider: Option<Provider>,
        /// The server's base URL, for example `https://wyn.example.com`. The default for winkas is
        /// `https://air.winkas.net`.
        #[cfg_attr(feature = "clap", arg(long, value_name = "URL"))]
        pub server: Option<String>,
        /// The user to log in as.
        #[cfg_attr(feature = "clap", arg(long, value_name = "NAME"))]
        pub user: Option<String>,
        /// The contract code (winkas).
        #[cfg_attr(feature = "clap", arg(long, value_name = "CODE"))]
        pub contract: Option<String>,
        /// The client ID (wyn, oauth2). The default for wyn is `integration`.
        #[cfg_attr(feature = "clap", arg(long, value_name = "ID"))]
        pub client_id: Option<String>,
        /// The organization, with a leading slash: `/Org/SubOrg` (wyn). The default is `/`, the global
        /// organization.
        #[cfg_attr(feature = "clap", arg(long, value_name = "PATH"))]
        pub tenant: Option<String>,
        /// The scopes to request, separated by spaces (wyn, oauth2). By default none are requested.
        #[cfg_attr(feature = "clap", arg(long, value_name = "SCOPES"))]
        pub scope: Option<String>,
        /// An extra field of the token request, for example `audience=https://api.example` (wyn, oauth2).
        /// Repeat it for more fields; a name may have several values. Tokens are shared only among
        /// callers with the same fields.
        #[cfg_attr(feature = "clap", arg(long, value_name = "NAME=VALUE", value_parser = ExtraField::read))]
        pub extra: Option<Vec<ExtraField>>,
        /// The application's own name of the user whom the token is for, for portals whose users' secrets are
        /// new each time. The token is then served for each secret: the application vouches for the user. By
        /// default there is none, and a token is served for the same secrets only.
        #[cfg_attr(feature = "clap", arg(long, value_name = "NAME"))]
        pub subject: Option<String>,
        /// Never log in, so that no password is needed: for processes that validate or revoke tokens, or use
        /// those that other processes share by the store. Set `subject` for those.
        #[cfg_attr(feature = "clap", arg(
            long,
            value_name = "BOOL",
            num_args = 0..=1,
            require_equals = true,
            default_missing_value = "true",
            hide_possible_values = true
        ))]
        pub without_login: Option<bool>,
        /// The lifetime to request for new tokens, for example `8h` (wyn). By default the server
        /// decides: 10 years on a Wyn server as installed.
        #[cfg_attr(feature = "clap", arg(long, value_name = "DURATION", value_parser = crate::duration::parse))]
        pub lifetime: Option<Duration>,
        /// The OAuth 2.0 grant of a login (oauth2). The default is `password` if --user is set, else
        /// `client_credentials`.
        #[cfg_attr(feature = "clap", arg(long, value_enum))]
        pub grant: Option<Grant>,
        /// Where to send the client ID and the client secret (wyn, oauth2). The default for oauth2 is
        /// `basic`; for wyn it is `body` in token requests and `basic` in revocations.
        #[cfg_attr(feature = "clap", arg(long, value_enum, value_name = "METHOD"))]
        pub client_auth: Option<ClientAuth>,
        /// The path of the token endpoint, relative to the base URL. The default for wyn is
        /// `/connect/token`. Without it, oauth2 takes all paths that are not set from the server's
        /// discovery document (`/.well-known/openid-configuration` or `oauth-authorization-server`), or
        /// uses `/token` if the server has none.
        #[cfg_attr(feature = "clap", arg(long, value_name = "PATH"))]
        pub token_path: Option<String>,
        /// The path of the revocation endpoint. The default for wyn is `/connect/revocation`;
        /// oauth2 has none but that of the discovery document. An empty path means that the server has none.
        #[cfg_attr(feature = "clap", arg(long, value_name = "PATH"))]
        pub revocation_path: Option<String>,
        /// The path of the introspection endpoint. The default for oauth2 is that of the discovery
        /// document, unless userinfo is used. It is asked before a userinfo endpoint, because it says more.
        #[cfg_attr(feature = "clap", arg(long, value_name = "PATH"))]
        pub introspection_path: Option<String>,
        /// The path of the userinfo endpoint. The default for wyn is `/connect/userinfo`; for oauth2 it is
        /// that of the discovery document, for users with the scope `openid`. An empty path means that the
        /// server has none.
        #[cfg_attr(feature = "clap", arg(long, value_name = "PATH"))]
        pub userinfo_path: Option<String>,
        /// The header that presents a token to the server's API (wyn). The default is `authorization`.
        #[cfg_attr(feature = "clap", arg(long, value_enum, value_name = "HEADER"))]
        pub token_header: Option<TokenHeader>,
        /// The server ends older tokens of an identity when it issues a new one (wyn, oauth2). No
        /// response says this. If set, a token is used until it expires instead of being refreshed
        /// early.
        #[cfg_attr(feature = "clap", arg(
            long,
            value_name = "BOOL",
            num_args = 0..=1,
            require_equals = true,
            default_missing_value = "true",
            hide_possible_values = true
        ))]
        pub new_token_ends_old: Option<bool>,
        /// The lifetime of tokens by agreement with the provider, if no response states it (winkas),
        /// for example `24h`. The default is 12 hours; longer lifetimes are learned.
        #[cfg_attr(feature = "clap", arg(long, value_name = "DURATION", value_parser = crate::duration::parse))]
        pub agreed_lifetime: Option<Duration>,
        /// An upper limit for lifetimes that the server states (wyn, oauth2), for example `12h`. By
        /// default there is no limit.
        #[cfg_attr(feature = "clap", arg(long, value_name = "DURATION", value_parser = crate::duration::parse))]
        pub max_lifetime: Option<Duration>,
        /// The proxy for all requests, for example `http://proxy.example:3128` or
        /// `socks5h://proxy.example:1080`, with `USER@` before the host if it requires a login; `none` for
        /// no proxy. The default is that of the system: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and
        /// `NO_PROXY`.
        #[cfg_attr(feature = "clap", arg(long, value_name = "URL", value_parser = readers::proxy, help_heading = "Network"))]
        pub proxy: Option<String>,
        /// Read the password for the proxy from this file, which must hold it on one line.
        #[cfg_attr(feature = "clap", arg(long, value_name = "FILE", help_heading = "Network"))]
        pub proxy_password_file: Option<PathBuf>,
        /// The servers to reach without a proxy, in place of `NO_PROXY`: domains, addresses and CIDR blocks,
        /// each with a port or not, separated by commas.
        #[cfg_attr(feature = "clap", arg(long, value_name = "LIST", help_heading = "Network"))]
        pub no_proxy: Option<String>,
        /// The `User-Agent` header of all requests. The default is `tokenlease/` and the version.
        #[cfg_attr(feature = "clap", arg(long, value_name = "TEXT", help_heading = "Network"))]
        pub user_agent: Option<String>,
        /// The client certificate to present to servers that request one: a PEM file with its chain, or the PEM text itself without the key.
        #[cfg_attr(feature = "clap", arg(long, value_name = "FILE", value_parser = crate::pem::parser(), help_heading = "Network"))]
        pub client_cert: Option<PemSource>,
        /// The private key of the client certificate: an unencrypted PEM file. By default it is in the
        /// file of --client-cert.
        #[cfg_attr(feature = "clap", arg(long, value_name = "FILE", help_heading = "Network"))]
        pub client_key: Option<PathBuf>,
        /// A PEM file of certificate authorities to trust in addition to the system's, or the PEM text itself. A self-signed
        /// certificate of a server is trusted as that very certificate.
        #[cfg_attr(feature = "clap", arg(long, value_name = "FILE", value_parser = crate::pem::parser(), help_heading = "Network"))]
        pub ca: Option<PemSource>,
        /// Allow `http://` servers. Dangerous: passwords and tokens are sent unencrypted, and everyone
        /// on the network path can read them. Not needed for localhost.
        #[cfg_attr(feature = "clap", arg(
            long,
            value_name = "BOOL",
            num_args = 0..=1,
            require_equals = true,
            default_missing_value = "true",
            hide_possible_values = true,
            help_heading = "Network"
        ))]
        pub allow_plain_http: Option<bool>,
        /// The timeout of one request, for example `500ms` or `10s`. The default is 10 seconds.
        #[cfg_attr(feature = "clap", arg(long, value_name = "DURATION", value_parser = crate::duration::parse, help_heading = "Network"))]
        pub timeout: Option<Duration>,
        /// How many logins to send to one server at once, from 1 to 10000. Further ones wait for their
        /// turn. The default is 8 for each process.
        #[cfg_attr(feature = "clap", arg(long, value_name = "COUNT", value_parser = readers::count, help_heading = "Network"))]
        pub max_concurrent_logins: Option<u32>,
        /// The timeout of the whole call, including retries and waits, for example `1m`. The default is
        /// 30 seconds.
        #[cfg_attr(feature = "clap", arg(long, value_name = "DURATION", value_parser = crate::duration::parse, help_heading = "Network"))]
        pub deadline: Option<Duration>,
        /// Read the password from this file, which must hold it on one line. Only you should be able
        /// to read the file.
        #[cfg_attr(feature = "clap", arg(long, value_name = "FILE", help_heading = "Secrets"))]
        pub password_file: Option<PathBuf>,
        /// Run this command and use the first line of its output as the password, for example
        /// `pass show erp`. It is run by `sh -c` (Windows: `cmd /C`). Other users can see the command,
        /// so put no secret in it.
        #[cfg_attr(feature = "clap", arg(long, value_name = "COMMAND", help_heading = "Secrets"))]
        pub password_command: Option<String>,
        /// Read the client secret from this file, which must hold it on one line (wyn, oauth2).
        #[cfg_attr(feature = "clap", arg(long, value_name = "FILE", help_heading = "Secrets"))]
        pub client_secret_file: Option<PathBuf>,
        /// Read an extra field of the token request from a file, which must hold its secret value on one
        /// line (wyn, oauth2). Repeat it for more fields.
        #[cfg_attr(feature = "clap", arg(long, value_name = "NAME=FILE", value_parser = ExtraSecretFile::read, help_heading = "Secrets"))]
        pub extra_secret_file: Option<Vec<ExtraSecretFile>>,
        /// Where to share tokens: `file:/path` (a folder of this user), `memory:` (this process only),
        /// or the URL of a Redis or PostgreSQL server for many hosts. The default is `file:`, the folder
        /// `tokenlease` in `$STATE_DIRECTORY` (systemd), `$XDG_STATE_HOME` or `~/.local/state`. Set a URL that contains a password by
        /// the variable `TOKENLEASE_STORE`, not here.
        #[cfg_attr(feature = "clap", arg(long, value_name = "URL", value_parser = StoreUrl::read, help_heading = "Store"))]
        pub store: Option<StoreUrl>,
        /// Read the password for the Redis or PostgreSQL server from this file, which must hold it on one
        /// line. The URL has none then.
        #[cfg_attr(feature = "clap", arg(long, value_name = "FILE", help_heading = "Store"))]
        pub store_password_file: Option<PathBuf>,
        /// Run this command and use the first line of its output as the password for the Redis or
        /// PostgreSQL server. It is run like `--password-command`.
        #[cfg_attr(feature = "clap", arg(long, value_name = "COMMAND", help_heading = "Store"))]
        pub store_password_command: Option<String>,
        /// Which users may use the store's folder. The default is `user`, its user alone. With `group`, all
        /// users of the folder's group can read and replace its tokens, for example several service
        /// accounts; set it for all of them.
        #[cfg_attr(
            feature = "clap",
            arg(long, value_enum, value_name = "USERS", help_heading = "Store")
        )]
        pub store_access: Option<StoreAccess>,
        /// Where the store's encryption key comes from, if not from a file. By default a folder has its
        /// own key. All processes that share a store need the same key.
        #[cfg_attr(
            feature = "clap",
            arg(long, value_enum, value_name = "SOURCE", help_heading = "Store")
        )]
        pub store_key: Option<StoreKey>,
        /// Read the store's encryption key from this file: 32 bytes, raw, in hexadecimal or in base64.
        #[cfg_attr(feature = "clap", arg(long, value_name = "FILE", help_heading = "Store"))]
        pub store_key_file: Option<PathBuf>,
        /// Derive the store's encryption key from the passphrase in this file, which must hold it on
        /// one line.
        #[cfg_attr(feature = "clap", arg(long, value_name = "FILE", help_heading = "Store"))]
        pub store_passphrase_file: Option<PathBuf>,
        /// The behavior while the store is unavailable. The default is `refetch-only` if the provider can
        /// refetch (winkas), else `fail`. A store that answers with an error, such as a wrong password or
        /// a full disk, is not unavailable: nothing is sent for a token then, under any policy.
        #[cfg_attr(
            feature = "clap",
            arg(long, value_enum, value_name = "POLICY", help_heading = "Store")
        )]
        pub on_store_outage: Option<OnStoreOutage>,
        /// How often to check the store for changes. A revocation by another process is seen after this
        /// time at the latest. The default is 30 seconds.
        #[cfg_attr(feature = "clap", arg(long, value_name = "DURATION", value_parser = crate::duration::parse, help_heading = "Store"))]
        pub store_check_interval: Option<Duration>,
    }
}

impl Options {
    /// Returns the store's URL: the option `store`, or the user's own folder.
    pub fn store_url(&self) -> StoreUrl {
        self.store.clone().unwrap_or_else(StoreUrl::user_folder)
    }

    /// Returns where to read a secret from: the file or command that these options name, or the
    /// given `variable`. `place` says in an error where these options come from, for example "in
    /// the profile".
    ///
    /// # Errors
    /// [`Config`](tokenlease::ErrorKind::Config) if there is more than one source.
    pub fn secret_source(
        &self,
        kind: SecretKind,
        variable: Option<Secret>,
        place: &str,
    ) -> Result<Option<SecretSource>> {
        let (file, command) = match kind {
            SecretKind::Password => (&self.password_file, &self.password_command),
            SecretKind::ClientSecret => (&self.client_secret_file, &None),
            SecretKind::StorePassword => (&self.store_password_file, &self.store_password_command),
            SecretKind::StorePassphrase => (&self.store_passphrase_file, &None),
            SecretKind::ProxyPassword => (&self.proxy_password_file, &None),
            SecretKind::Extra => return Ok(None),
        };
        let mut sources = [
            variable.map(SecretSource::Variable),
            file.clone().map(SecretSource::File),
            command.clone().map(SecretSource::Command),
        ]
        .into_iter()
        .flatten();
        let first = sources.next();
        if sources.next().is_some() {
            return Err(config(format!("two sources of the {} are {place}", kind.name()))
                .expected("one of: a variable, a file, a command"));
        }
        Ok(first)
    }

    /// Reads the PEM file that the option `ca` names.
    ///
    /// # Errors
    /// [`Config`](tokenlease::ErrorKind::Config) if the file can't be read.
    pub fn ca(&self) -> Result<Option<Vec<u8>>> {
        self.ca.as_ref().map(|ca| ca.bytes("CA")).transpose()
    }

    /// Returns the chain and the key of the client certificate.
    pub(crate) fn client_certificate(
        &self,
        given: Option<&Secret>,
    ) -> Result<Option<(Vec<u8>, Vec<u8>)>> {
        let Some(chain) = &self.client_cert else {
            return match (&self.client_key, given) {
                (None, None) => Ok(None),
                _ => Err(config("a client key is set without a client certificate")
                    .expected("the option \"client_cert\" as well")),
            };
        };
        if let Some(key) = given {
            let chain = chain.bytes_in_pem("client certificate")?;
            return Ok(Some((chain, key.expose().as_bytes().to_vec())));
        }
        let key = match (&self.client_key, chain) {
            (Some(key), _) | (None, PemSource::File(key)) => key,
            (None, PemSource::Text(_)) => {
                return Err(config("the client certificate is set as text without its key")
                    .expected("the file of the key in the option \"client_key\""));
            }
        };
        let chain = chain.bytes_in_pem("client certificate")?;
        Ok(Some((chain, PemSource::File(key.clone()).bytes_in_pem("client key")?)))
    }

    /// Whether one of the options sets the store's key.
    pub(crate) fn sets_store_key(&self) -> bool {
        self.store_key.is_some()
            || self.store_key_file.is_some()
            || self.store_passphrase_file.is_some()
    }

    /// Whether one of the options names the source of the store's password.
    pub(crate) fn sets_store_password(&self) -> bool {
        self.store_password_file.is_some() || self.store_password_command.is_some()
    }

    /// Whether one of the options names the source of the user's password.
    pub(crate) fn sets_password(&self) -> bool {
        self.password_file.is_some() || self.password_command.is_some()
    }

    fn without_password(self) -> Self {
        Self { password_file: None, password_command: None, ..self }
    }

    fn without_store_password(self) -> Self {
        Self { store_password_file: None, store_password_command: None, ..self }
    }

    fn without_store_key(self) -> Self {
        Self { store_key: None, store_key_file: None, store_passphrase_file: None, ..self }
    }
}
