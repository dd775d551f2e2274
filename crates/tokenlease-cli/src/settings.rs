//! Settings: the options and secrets of the command line, the environment and a profile, merged.

mod sources;

use std::{ffi::OsString, time::Duration};

use tokenlease::{
    Result,
    core::{Credentials, Identity, Secret, identity::Provider, provider::Server},
};

use tokenlease_config::{
    Grant, Options, StoreConfig,
    extra::ExtraSecrets,
    secrets::{SecretKind, SecretSource},
};

pub(crate) use self::sources::{config_file, merged, variable_name};
use self::sources::{extra_secrets, from_environment, from_profile, place, variable};
use crate::{args::Connection, output::warn, secrets};

/// Reads a variable of the environment. Tests pass their own function.
pub(crate) type Environment<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// The settings of a command, validated as far as that needs no network.
#[derive(Debug)]
pub(crate) struct Settings {
    /// The identity of the tokens.
    pub(crate) identity: Identity,
    /// The merged options, including those that `identity` is made of.
    pub(crate) options: Options,
    password: Option<SecretSource>,
    client_secret: Option<SecretSource>,
    extra_secrets: ExtraSecrets,
    /// Only from the environment. A file with the passphrase is one of the options.
    store_passphrase: Option<SecretSource>,
}

/// The endpoint that can confirm that a token is inactive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Evidence {
    /// The endpoint's name.
    pub(crate) endpoint: &'static str,
    /// Its response for an inactive token.
    pub(crate) response: &'static str,
}

/// Which secrets a command sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// The secrets of a login.
    Login,
    /// The secret of a revocation: the client secret.
    Revocation,
    /// The secret of a validation: the client secret for an introspection endpoint, else none.
    Validation,
}

impl Settings {
    /// Merges the sources: the command line overrides the environment, which overrides the profile.
    pub(crate) fn resolve(connection: &Connection, environment: Environment<'_>) -> Result<Self> {
        connection.check()?;
        let given = connection.options.clone();
        let variables = from_environment(environment)?;
        let profile = from_profile(connection, environment)?;

        let secret = |kind: SecretKind| -> Result<Option<SecretSource>> {
            if let Some(source) = given.secret_source(kind, None, "given")? {
                return Ok(Some(source));
            }
            let text = variable(environment, kind.variable())?.map(Secret::from);
            if let Some(source) = variables.secret_source(kind, text, "set in the environment")? {
                return Ok(Some(source));
            }
            profile.secret_source(kind, None, "set in the profile")
        };
        let password = secret(SecretKind::Password)?;
        let client_secret = secret(SecretKind::ClientSecret)?;
        let extra_secrets = extra_secrets(&given, &variables, &profile, environment)?;
        let options = given.or(variables).or(profile);
        let store_passphrase = store_passphrase(environment)?;
        let identity = options.identity_by(place)?;
        Ok(Self { identity, options, password, client_secret, extra_secrets, store_passphrase })
    }

    /// Reads the secrets that a command needs, and prompts for those that have no source.
    pub(crate) fn credentials(&self, need: Need) -> Result<Credentials> {
        let mut credentials = Credentials::default();
        if need == Need::Login && self.logs_in_a_user() {
            credentials.password = Some(match &self.password {
                Some(source) => source.read(SecretKind::Password, |warning| warn(warning))?,
                None => secrets::prompt(SecretKind::Password, &self.identity)?,
            });
        }
        if self.has_client() && (need != Need::Validation || self.introspects()) {
            credentials.client_secret = match &self.client_secret {
                Some(source) => {
                    Some(source.read(SecretKind::ClientSecret, |warning| warn(warning))?)
                }
                // With a user's password the client may be a public one (RFC 6749 section 2.1).
                None if self.identity.provider() == Provider::OAuth2 && self.logs_in_a_user() => {
                    None
                }
                None => Some(secrets::prompt(SecretKind::ClientSecret, &self.identity)?),
            };
        }
        if need == Need::Login {
            self.extra_secrets.add_to(&mut credentials, |warning| warn(warning))?;
        }
        Ok(credentials)
    }

    /// Returns the client secret if it can be read without a prompt.
    pub(crate) fn known_client_secret(&self) -> Option<Secret> {
        self.client_secret.as_ref()?.read(SecretKind::ClientSecret, |warning| warn(warning)).ok()
    }

    /// Returns the secrets of a login if they can be read without a prompt.
    pub(crate) fn known_credentials(&self) -> Result<Option<Credentials>> {
        let lacks_password = self.logs_in_a_user() && self.password.is_none();
        let is_public = self.identity.provider() == Provider::OAuth2 && self.logs_in_a_user();
        let lacks_secret = self.has_client() && self.client_secret.is_none() && !is_public;
        if lacks_password || lacks_secret {
            return Ok(None);
        }
        self.credentials(Need::Login).map(Some)
    }

    /// Returns the server.
    pub(crate) fn server(&self) -> Result<Server> {
        self.options.server_for(self.identity.clone())
    }

    /// Returns how to open the store. Prompts for a passphrase that has no source.
    pub(crate) fn store(&self) -> Result<StoreConfig> {
        store_or_prompt(&self.options, self.store_passphrase.as_ref())
    }

    /// Returns how to open the store, without a prompt.
    pub(crate) fn known_store(&self) -> Result<StoreConfig> {
        if self.store_passphrase.is_some() {
            self.store()
        } else {
            StoreConfig::from_options(&self.options)
        }
    }

    /// Returns the timeout of one request.
    pub(crate) fn timeout(&self) -> Duration {
        self.options.timeout.unwrap_or(Duration::from_secs(10))
    }

    /// Returns whether the server is on this machine.
    pub(crate) fn is_on_this_machine(&self) -> bool {
        tokenlease_config::is_loopback(self.identity.server())
    }

    /// Returns whether requests leave this machine unencrypted.
    pub(crate) fn is_unencrypted(&self) -> bool {
        self.identity.server().starts_with("http:") && !self.is_on_this_machine()
    }

    /// Reads the PEM file of additional certificate authorities.
    pub(crate) fn ca(&self) -> Result<Option<Vec<u8>>> {
        self.options.ca()
    }

    fn logs_in_a_user(&self) -> bool {
        match (self.identity.provider(), self.options.grant) {
            (Provider::OAuth2, None) => !self.identity.user().is_empty(),
            (Provider::OAuth2, Some(grant)) => grant == Grant::Password,
            _ => true,
        }
    }

    fn has_client(&self) -> bool {
        !self.identity.client().is_empty()
    }

    /// Returns the endpoint that can confirm that a token is inactive.
    pub(crate) fn evidence(&self) -> Option<Evidence> {
        let (userinfo, introspection) = self.validation_endpoints();
        if userinfo {
            return Some(Evidence { endpoint: "userinfo", response: "userinfo answered 401" });
        }
        introspection.then_some(Evidence {
            endpoint: "introspection",
            response: "introspection answered active: false",
        })
    }

    fn introspects(&self) -> bool {
        self.validation_endpoints() == (false, true)
    }

    /// Returns whether there is a userinfo endpoint and whether there is an introspection endpoint.
    fn validation_endpoints(&self) -> (bool, bool) {
        let set = |path: &Option<String>, default: bool| {
            path.as_ref().map_or(default, |path| !path.is_empty())
        };
        let userinfo = set(&self.options.userinfo_path, self.identity.provider() == Provider::Wyn);
        (userinfo, set(&self.options.introspection_path, false))
    }
}

/// Returns whether one of the sources sets a provider, without which there is no identity.
pub(crate) fn names_a_provider(
    connection: &Connection,
    environment: Environment<'_>,
) -> Result<bool> {
    Ok(merged(connection.options.clone(), connection, environment)?.provider.is_some())
}

/// Returns how to open the store, for commands without an identity.
pub(crate) fn store(options: &Options, environment: Environment<'_>) -> Result<StoreConfig> {
    store_or_prompt(options, store_passphrase(environment)?.as_ref())
}

fn store_or_prompt(options: &Options, passphrase: Option<&SecretSource>) -> Result<StoreConfig> {
    StoreConfig::from_options_or_prompt(options, || match passphrase {
        Some(source) => source.read(SecretKind::StorePassphrase, |warning| warn(warning)),
        None => secrets::prompt(SecretKind::StorePassphrase, options.store_url()),
    })
}

fn store_passphrase(environment: Environment<'_>) -> Result<Option<SecretSource>> {
    let text = variable(environment, SecretKind::StorePassphrase.variable())?;
    Ok(text.map(|text| SecretSource::Variable(text.into())))
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use clap::Parser as _;

    use super::*;
    use crate::args::{Cli, Command};

    fn connection(args: &[&str]) -> Connection {
        let args = ["tokenlease", "token"].iter().chain(args);
        let Command::Token(printed) = Cli::parse_from(args).command else { panic!("token") };
        printed.connection
    }

    fn resolve(args: &[&str], variables: &[(&str, &str)]) -> Result<Settings> {
        let environment = |name: &str| {
            variables.iter().find(|(key, _)| *key == name).map(|(_, text)| OsString::from(text))
        };
        Settings::resolve(&connection(args), &environment)
    }

    fn with_profile(text: &str, check: impl FnOnce(&str, &Path)) {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("config.toml");
        fs::write(&file, text).expect("written");
        check(file.to_str().expect("a path"), folder.path());
    }

    const WYN: [&str; 6] = ["--provider", "wyn", "--server", "https://w", "--user", "u"];

    /// Rule: Languages: the command line overrides the environment, and the environment the profile.
    #[test]
    fn the_command_line_overrides_the_environment_which_overrides_the_profile() {
        let text = "[profile.bi]\nprovider = \"wyn\"\nserver = \"https://profile\"\n\
                    user = \"profile\"\ntenant = \"/profile\"\nlifetime = \"8h\"\n";
        with_profile(text, |file, _| {
            let settings = resolve(
                &["--profile", "bi", "--config", file, "--user", "line"],
                &[
                    ("TOKENLEASE_USER", "env"),
                    ("TOKENLEASE_SERVER", "https://env"),
                    ("TOKENLEASE_TENANT", ""),
                ],
            )
            .unwrap();
            assert_eq!(settings.identity.user(), "line");
            assert_eq!(settings.identity.server(), "https://env");
            assert_eq!(settings.identity.realm(), "/profile");
            assert_eq!(settings.identity.client(), "integration");
            assert_eq!(settings.options.lifetime, Some(Duration::from_secs(28_800)));
            // The profile can be selected by variables.
            let variables = [("TOKENLEASE_PROFILE", "bi"), ("TOKENLEASE_CONFIG", file)];
            assert_eq!(resolve(&[], &variables).unwrap().identity.user(), "profile");
        });
    }

    #[test]
    fn a_secret_comes_from_the_first_source_that_sets_one() {
        let text = "[profile.bi]\nprovider = \"wyn\"\nserver = \"https://w\"\nuser = \"u\"\n\
                    password_file = \"pw\"\nclient_secret_file = \"cs\"\n";
        with_profile(text, |file, folder| {
            fs::write(folder.join("pw"), "from profile\n").unwrap();
            fs::write(folder.join("cs"), "client\n").unwrap();
            fs::write(folder.join("other"), "from line\n").unwrap();
            let password = |more: &[&str], variables: &[(&str, &str)]| {
                let args = [&["--profile", "bi", "--config", file], more].concat();
                let credentials = resolve(&args, variables).unwrap().credentials(Need::Login);
                let credentials = credentials.unwrap();
                assert_eq!(credentials.client_secret.unwrap().expose(), "client");
                credentials.password.unwrap().expose().to_owned()
            };
            let variable = [("TOKENLEASE_PASSWORD", "from env")];
            let other = folder.join("other");
            let line = ["--password-file", other.to_str().unwrap()];
            assert_eq!(password(&[], &[]), "from profile");
            assert_eq!(password(&[], &variable), "from env");
            assert_eq!(password(&line, &variable), "from line");
        });
    }

    #[test]
    fn two_sources_of_a_secret_in_one_place_are_an_error() {
        let line = [&WYN[..], &["--password-file", "a", "--password-command", "b"]].concat();
        let error = resolve(&line, &[]).unwrap_err();
        assert!(error.detail().contains("two sources of the password are given"), "{error}");
        let variables =
            [("TOKENLEASE_CLIENT_SECRET", "canary"), ("TOKENLEASE_CLIENT_SECRET_FILE", "b")];
        let error = resolve(&WYN, &variables).unwrap_err();
        assert!(error.detail().contains("client secret are set in the environment"), "{error}");
        assert!(!error.to_string().contains("canary"));
    }

    #[test]
    fn a_missing_option_is_an_error_that_names_option_and_variable() {
        let winkas = ["--provider", "winkas", "--user", "u"];
        for (args, option) in [
            (&[][..], "--provider, the variable TOKENLEASE_PROVIDER"),
            (&WYN[..2], "--server, the variable TOKENLEASE_SERVER"),
            (&WYN[..4], "--user, the variable TOKENLEASE_USER"),
            (&winkas[..], "--contract, the variable TOKENLEASE_CONTRACT"),
            (&["--config", "x"], "--profile NAME"),
        ] {
            let error = resolve(args, &[]).unwrap_err().to_string();
            assert!(error.contains(option), "{args:?}: {error}");
        }
        let error = resolve(&WYN, &[("TOKENLEASE_LIFETIME", "8")]).unwrap_err().to_string();
        assert!(error.contains("TOKENLEASE_LIFETIME: 8 has no unit"), "{error}");
    }

    /// Rule: Secrets: a command reads only the secrets that it sends.
    #[test]
    fn a_command_reads_only_the_secrets_that_it_sends() {
        let variables =
            [("TOKENLEASE_PASSWORD", "password"), ("TOKENLEASE_CLIENT_SECRET", "secret")];
        let texts = |args: &[&str], need| {
            let credentials = resolve(args, &variables).unwrap().credentials(need).unwrap();
            credentials.texts().iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(texts(&WYN, Need::Login), "password secret");
        assert_eq!(texts(&WYN, Need::Revocation), "secret");
        assert_eq!(texts(&WYN, Need::Validation), "");
        let introspected =
            [&WYN[..], &["--userinfo-path", "", "--introspection-path", "/i"]].concat();
        assert_eq!(texts(&introspected, Need::Validation), "secret");
        let winkas = ["--provider", "winkas", "--user", "u", "--contract", "c"];
        assert_eq!(texts(&winkas, Need::Login), "password");
        assert_eq!(texts(&winkas, Need::Validation), "");
        let client = ["--provider", "oauth2", "--server", "https://o", "--client-id", "c"];
        assert_eq!(texts(&client, Need::Login), "secret");
        let public = ["--provider", "oauth2", "--server", "https://o", "--user", "u"];
        assert_eq!(texts(&public, Need::Login), "password");
    }

    /// Rule: Languages: extra fields come from the command line, else the environment, else the profile.
    #[test]
    fn extra_fields_come_from_the_first_source_that_sets_them() {
        let text = "[profile.bi]\nprovider = \"wyn\"\nserver = \"https://w\"\nuser = \"u\"\n\
                    extra_secret_file = { connection = \"secret\" }\n\
                    extra = { resource = [\"b\", \"a\"], audience = \"c\" }\n";
        with_profile(text, |file, folder| {
            fs::write(folder.join("secret"), "from profile\n").unwrap();
            let read = |more: &[&str], extra: &[(&str, &str)]| {
                let args = [&["--profile", "bi", "--config", file], more].concat();
                let secrets = [("TOKENLEASE_PASSWORD", "p"), ("TOKENLEASE_CLIENT_SECRET", "s")];
                let settings = resolve(&args, &[&secrets[..], extra].concat()).unwrap();
                let fields: Vec<_> = settings.identity.extra().collect();
                let fields: Vec<_> =
                    fields.iter().map(|(name, value)| [*name, *value].join("=")).collect();
                let credentials = settings.credentials(Need::Login).unwrap();
                assert!(settings.credentials(Need::Revocation).unwrap().extra_secrets.is_empty());
                let secret = credentials.extra_secrets.first().map(|(_, s)| s.expose().to_owned());
                (fields.join(" "), secret.unwrap())
            };
            let pair = |fields: &str, secret: &str| (fields.to_owned(), secret.to_owned());
            assert_eq!(read(&[], &[]), pair("audience=c resource=a resource=b", "from profile"));
            let variables =
                [("TOKENLEASE_EXTRA", "a=1\na=2\n"), ("TOKENLEASE_EXTRA_SECRET", "x=from env")];
            assert_eq!(read(&[], &variables), pair("a=1 a=2", "from env"));
            let line = ["--extra", "b=2", "--extra", "b=1=3"];
            assert_eq!(read(&line, &variables), pair("b=1=3 b=2", "from env"));
        });
        let text = "[profile.bi]\nprovider = \"wyn\"\nextra_secret = { a = \"canary\" }\n";
        with_profile(text, |file, _| {
            let error =
                resolve(&["--profile", "bi", "--config", file], &[]).unwrap_err().to_string();
            assert!(error.contains("extra_secret_file") && !error.contains("canary"), "{error}");
        });
        let trapped = resolve(&["--extra-secret", "a=canary"], &[]).unwrap_err().to_string();
        assert!(
            trapped.contains("--extra-secret-file") && !trapped.contains("canary"),
            "{trapped}"
        );
    }

    #[test]
    fn a_public_client_needs_no_client_secret() {
        let args =
            ["--provider", "oauth2", "--server", "https://o", "--client-id", "c", "--user", "u"];
        let settings = resolve(&args, &[("TOKENLEASE_PASSWORD", "password")]).unwrap();
        assert_eq!(settings.credentials(Need::Login).unwrap().client_secret, None);
    }
}
