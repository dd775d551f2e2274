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

pub(crate) use self::sources::{config_file, merged};
use self::sources::{extra_secrets, from_environment, from_profile, from_service, place, variable};
use crate::{
    args::Connection,
    deadline::CommandDeadline,
    output::{config, warn},
    secrets,
};

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
    /// The deadline of the whole command.
    deadline: CommandDeadline,
    /// Whether a secret without a source is asked for on the terminal.
    may_prompt: bool,
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
        let service = from_service(connection, environment)?;

        let secret = |kind: SecretKind| -> Result<Option<SecretSource>> {
            if let Some(source) = given.secret_source(kind, None, "given")? {
                return Ok(Some(source));
            }
            let text = variable(environment, kind.variable())?.map(Secret::from);
            if let Some(source) = variables.secret_source(kind, text, "set in the environment")? {
                return Ok(Some(source));
            }
            let of_profile = profile.secret_source(kind, None, "set in the profile")?;
            Ok(of_profile.or(service.secret_source(kind, None, "of the service")?))
        };
        let password = secret(SecretKind::Password)?;
        let client_secret = secret(SecretKind::ClientSecret)?;
        let extra_secrets = extra_secrets(&given, &variables, &profile, environment)?;
        let options = given.or(variables).or(profile).or(service);
        let store_passphrase = store_passphrase(environment)?;
        let identity = options.identity_by(place)?;
        let deadline = CommandDeadline::new(options.deadline);
        Ok(Self {
            identity,
            options,
            password,
            client_secret,
            extra_secrets,
            store_passphrase,
            deadline,
            may_prompt: true,
        })
    }

    /// A secret without a source is an error, because another program runs the command.
    pub(crate) fn without_prompts(self) -> Self {
        Self { may_prompt: false, ..self }
    }

    /// Prompts for a secret that has no source.
    fn prompt(&self, kind: SecretKind) -> Result<Secret> {
        if !self.may_prompt {
            return Err(secrets::missing(kind));
        }
        self.deadline.without(|| secrets::prompt(kind, &self.identity))
    }

    /// Reads the secrets that a command needs, and prompts for those that have no source.
    pub(crate) fn credentials(&self, need: Need) -> Result<Credentials> {
        let mut credentials = Credentials::default();
        let never_logs_in = self.options.without_login == Some(true);
        let need = if need == Need::Login && never_logs_in { Need::Validation } else { need };
        if need == Need::Login && self.logs_in_a_user() {
            credentials.password = Some(match &self.password {
                Some(source) => secrets::read(source, SecretKind::Password, &self.deadline)?,
                None => self.prompt(SecretKind::Password)?,
            });
        }
        if self.has_client() && (need != Need::Validation || self.introspects()) {
            credentials.client_secret = match &self.client_secret {
                Some(source) => {
                    Some(secrets::read(source, SecretKind::ClientSecret, &self.deadline)?)
                }
                // With a user's password the client may be a public one (RFC 6749 section 2.1).
                None if self.identity.provider() == Provider::OAuth2 && self.logs_in_a_user() => {
                    None
                }
                None => Some(self.prompt(SecretKind::ClientSecret)?),
            };
        }
        if need == Need::Login {
            self.extra_secrets.add_to(&mut credentials, |warning| warn(warning))?;
        }
        Ok(credentials)
    }

    /// Returns the client secret if it can be read without a prompt.
    pub(crate) fn known_client_secret(&self) -> Option<Secret> {
        secrets::read(self.client_secret.as_ref()?, SecretKind::ClientSecret, &self.deadline).ok()
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
        if !self.may_prompt {
            return self.known_store();
        }
        store_or_prompt(&self.options, self.store_passphrase.as_ref(), &self.deadline)
    }

    /// Returns whether the store is a folder with its key in a file, which needs no network.
    pub(crate) fn store_is_folder(&self) -> bool {
        self.options.store_key.is_none() && self.options.store_url().folder().is_some()
    }

    /// Returns how to open the store, without a prompt.
    pub(crate) fn known_store(&self) -> Result<StoreConfig> {
        if let Some(passphrase) = &self.store_passphrase {
            store_or_prompt(&self.options, Some(passphrase), &self.deadline)
        } else {
            let missing = || {
                Err(config("the store's passphrase is missing")
                    .expected("TOKENLEASE_STORE_PASSPHRASE or --store-passphrase-file"))
            };
            let read = |source: &_, kind| secrets::read(source, kind, &self.deadline);
            StoreConfig::from_options_or_prompt(&self.options, missing, read)
        }
    }

    /// Returns the timeout of one request.
    pub(crate) fn timeout(&self) -> Duration {
        self.options.timeout.unwrap_or(Duration::from_secs(10))
    }

    /// Returns the deadline of the whole command.
    pub(crate) fn deadline(&self) -> &CommandDeadline {
        &self.deadline
    }

    /// Returns whether the server is on this machine.
    pub(crate) fn is_on_this_machine(&self) -> bool {
        tokenlease_config::is_loopback(self.identity.server())
    }

    /// Returns whether requests leave this machine unencrypted.
    pub(crate) fn is_unencrypted(&self) -> bool {
        self.identity.server().starts_with("http:") && !self.is_on_this_machine()
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
        if introspection {
            return Some(Evidence {
                endpoint: "introspection",
                response: "introspection answered active: false",
            });
        }
        if userinfo {
            return Some(Evidence {
                endpoint: "userinfo",
                response: "userinfo answered invalid_token",
            });
        }
        // The client reads the paths; this command does not know them.
        self.introspects().then_some(Evidence {
            endpoint: "the validation in the server's discovery document, if there is one,",
            response: "the server's validation called the token inactive",
        })
    }

    /// Returns whether a validation is, or may be, an introspection, which needs the client's secret.
    fn introspects(&self) -> bool {
        let (userinfo, introspection) = self.validation_endpoints();
        let needs_discovery = self.server().is_ok_and(|server| server.needs_discovery());
        introspection || (needs_discovery && !userinfo)
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
    let deadline = CommandDeadline::new(options.deadline);
    store_or_prompt(options, store_passphrase(environment)?.as_ref(), &deadline)
}

fn store_or_prompt(
    options: &Options,
    passphrase: Option<&SecretSource>,
    deadline: &CommandDeadline,
) -> Result<StoreConfig> {
    let prompt = || match passphrase {
        Some(source) => source.read(SecretKind::StorePassphrase, |warning| warn(warning)),
        None => {
            deadline.without(|| secrets::prompt(SecretKind::StorePassphrase, options.store_url()))
        }
    };
    let read = |source: &_, kind| secrets::read(source, kind, deadline);
    StoreConfig::from_options_or_prompt(options, prompt, read)
}

fn store_passphrase(environment: Environment<'_>) -> Result<Option<SecretSource>> {
    let text = variable(environment, SecretKind::StorePassphrase.variable())?;
    Ok(text.map(|text| SecretSource::Variable(text.into())))
}

#[cfg(test)]
mod tests;
