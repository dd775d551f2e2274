//! What the command line, the environment and a profile say together.

mod sources;

use std::{ffi::OsString, time::Duration};

use tokenlease::{
    Result,
    core::{Credentials, Identity, Secret, identity::Provider, provider::Server},
};

use tokenlease_config::{
    Grant, Options, Shared, StoreUrl,
    secrets::{SecretSource, Which},
};

pub(crate) use self::sources::{config_file, merged, variable_name};
use self::sources::{from_environment, from_profile, place, variable};
use crate::{args::Connection, output::warn, secrets};

/// How the environment is read: tests bring their own.
pub(crate) type Environment<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// Everything that a command needs to know, checked for what can be checked without a network.
#[derive(Debug)]
pub(crate) struct Settings {
    /// Who tokens speak for.
    pub(crate) identity: Identity,
    /// The rest, as merged. What `identity` says is there as it was given.
    pub(crate) options: Options,
    password: Option<SecretSource>,
    client_secret: Option<SecretSource>,
    /// In the environment; a file of it is among the options.
    store_passphrase: Option<SecretSource>,
}

/// What can prove that a token has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Evidence {
    /// The endpoint that is asked.
    pub(crate) place: &'static str,
    /// What it answered.
    pub(crate) yes: &'static str,
}

/// Which secrets a command sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// All that a login takes.
    Login,
    /// What a revocation takes: the client's secret.
    Revocation,
    /// What the provider is asked with for its word on a token: the client's secret at an
    /// introspection endpoint, else nothing.
    Validation,
}

impl Settings {
    /// Merges the sources: the command line wins over the environment, that over the profile.
    pub(crate) fn resolve(connection: &Connection, environment: Environment<'_>) -> Result<Self> {
        connection.check()?;
        let given = connection.options.clone();
        let variables = from_environment(environment)?;
        let profile = from_profile(connection, environment)?;

        let secret = |which: Which| -> Result<Option<SecretSource>> {
            if let Some(source) = SecretSource::of(&given, None, which, "given")? {
                return Ok(Some(source));
            }
            let text = variable(environment, which.variable())?.map(Secret::from);
            if let Some(source) =
                SecretSource::of(&variables, text, which, "set in the environment")?
            {
                return Ok(Some(source));
            }
            SecretSource::of(&profile, None, which, "in the profile")
        };
        let password = secret(Which::Password)?;
        let client_secret = secret(Which::ClientSecret)?;
        let options = given.or(variables).or(profile);
        let store_passphrase = store_passphrase(environment)?;
        let identity = options.identity_by(place)?;
        Ok(Self { identity, options, password, client_secret, store_passphrase })
    }

    /// The secrets that are needed: read from where they are, asked for where they are nowhere.
    pub(crate) fn credentials(&self, need: Need) -> Result<Credentials> {
        let mut credentials = Credentials::default();
        if need == Need::Login && self.logs_in_a_user() {
            credentials.password = Some(match &self.password {
                Some(source) => source.read(Which::Password, |warning| warn(warning))?,
                None => secrets::ask(Which::Password, &self.identity)?,
            });
        }
        if self.has_client() && (need != Need::Validation || self.introspects()) {
            credentials.client_secret = match &self.client_secret {
                Some(source) => Some(source.read(Which::ClientSecret, |warning| warn(warning))?),
                // A client of a user's may be a public one, without a secret.
                None if self.identity.provider() == Provider::OAuth2 && self.logs_in_a_user() => {
                    None
                }
                None => Some(secrets::ask(Which::ClientSecret, &self.identity)?),
            };
        }
        Ok(credentials)
    }

    /// The client's secret if it is to be had without asking anyone.
    pub(crate) fn known_client_secret(&self) -> Option<Secret> {
        self.client_secret.as_ref()?.read(Which::ClientSecret, |warning| warn(warning)).ok()
    }

    /// What a login takes, if it is to be had without asking anyone.
    pub(crate) fn known_credentials(&self) -> Result<Option<Credentials>> {
        let lacks_password = self.logs_in_a_user() && self.password.is_none();
        let is_public = self.identity.provider() == Provider::OAuth2 && self.logs_in_a_user();
        let lacks_secret = self.has_client() && self.client_secret.is_none() && !is_public;
        if lacks_password || lacks_secret {
            return Ok(None);
        }
        self.credentials(Need::Login).map(Some)
    }

    /// The server as the settings describe it.
    pub(crate) fn server(&self) -> Result<Server> {
        self.options.server_of(self.identity.clone())
    }

    /// Where leases are shared. A passphrase is asked for if it is nowhere.
    pub(crate) fn shared(&self) -> Result<Shared> {
        shared_by(&self.options, self.store_passphrase.as_ref())
    }

    /// The same if it is to be had without asking anyone.
    pub(crate) fn known_shared(&self) -> Result<Shared> {
        if self.store_passphrase.is_some() { self.shared() } else { Shared::of(&self.options) }
    }

    /// How long one request may take.
    pub(crate) fn timeout(&self) -> Duration {
        self.options.timeout.unwrap_or(Duration::from_secs(10))
    }

    /// Whether the server is on this machine.
    pub(crate) fn is_on_this_machine(&self) -> bool {
        tokenlease_config::is_loopback(self.identity.server())
    }

    /// Whether what is sent can be read on the way.
    pub(crate) fn is_sent_in_the_clear(&self) -> bool {
        self.identity.server().starts_with("http:") && !self.is_on_this_machine()
    }

    /// The text of the file of extra authorities.
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

    /// What can prove that a token has ended.
    pub(crate) fn evidence(&self) -> Option<Evidence> {
        let (userinfo, introspection) = self.validation_endpoints();
        if userinfo {
            return Some(Evidence { place: "userinfo", yes: "userinfo answered 401" });
        }
        introspection.then_some(Evidence {
            place: "introspection",
            yes: "introspection answered active: false",
        })
    }

    fn introspects(&self) -> bool {
        self.validation_endpoints() == (false, true)
    }

    /// Whether there is a userinfo endpoint, and an introspection endpoint.
    fn validation_endpoints(&self) -> (bool, bool) {
        let set = |path: &Option<String>, default: bool| {
            path.as_ref().map_or(default, |path| !path.is_empty())
        };
        let userinfo = set(&self.options.userinfo_path, self.identity.provider() == Provider::Wyn);
        (userinfo, set(&self.options.introspection_path, false))
    }
}

/// Whether one of the sources names a provider: without one there is no identity.
pub(crate) fn names_a_provider(
    connection: &Connection,
    environment: Environment<'_>,
) -> Result<bool> {
    Ok(merged(connection.options.clone(), connection, environment)?.provider.is_some())
}

/// Where leases are shared, where no identity is needed.
pub(crate) fn shared(options: &Options, environment: Environment<'_>) -> Result<Shared> {
    shared_by(options, store_passphrase(environment)?.as_ref())
}

fn shared_by(options: &Options, passphrase: Option<&SecretSource>) -> Result<Shared> {
    Shared::asking(options, || match passphrase {
        Some(source) => source.read(Which::StorePassphrase, |warning| warn(warning)),
        None => secrets::ask(Which::StorePassphrase, StoreUrl::of(options)),
    })
}

fn store_passphrase(environment: Environment<'_>) -> Result<Option<SecretSource>> {
    let text = variable(environment, Which::StorePassphrase.variable())?;
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

    #[test]
    fn the_command_line_wins_over_the_environment_and_that_over_the_profile() {
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
            // The same by variables alone.
            let variables = [("TOKENLEASE_PROFILE", "bi"), ("TOKENLEASE_CONFIG", file)];
            assert_eq!(resolve(&[], &variables).unwrap().identity.user(), "profile");
        });
    }

    #[test]
    fn a_secret_comes_from_the_nearest_source_that_names_one() {
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
    fn two_sources_of_one_secret_in_one_place_are_an_error() {
        let line = [&WYN[..], &["--password-file", "a", "--password-command", "b"]].concat();
        let error = resolve(&line, &[]).unwrap_err();
        assert!(error.detail().contains("two sources of the password are given"), "{error}");
        let variables =
            [("TOKENLEASE_CLIENT_SECRET", "canary"), ("TOKENLEASE_CLIENT_SECRET_FILE", "b")];
        let error = resolve(&WYN, &variables).unwrap_err();
        assert!(error.detail().contains("client's secret are set in the environment"), "{error}");
        assert!(!error.to_string().contains("canary"));
    }

    #[test]
    fn what_is_missing_is_an_error_that_names_option_and_variable() {
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

    #[test]
    fn a_command_asks_only_for_the_secrets_that_it_sends() {
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

    #[test]
    fn a_public_client_has_no_secret_to_ask_for() {
        let args =
            ["--provider", "oauth2", "--server", "https://o", "--client-id", "c", "--user", "u"];
        let settings = resolve(&args, &[("TOKENLEASE_PASSWORD", "password")]).unwrap();
        assert_eq!(settings.credentials(Need::Login).unwrap().client_secret, None);
    }
}
