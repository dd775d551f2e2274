//! The sources of a configuration and their order, for the libraries: what the caller sets overrides
//! the environment, which overrides the profile.

use std::{ffi::OsString, path::Path};

use tokenlease::{CredentialsSource, Result, core::Credentials};

use crate::{
    environment::{self, Lookup},
    options::Options,
    profile,
};

/// The options and secrets of all sources. The order of the calls does not matter.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The values that the caller sets.
    pub given: Options,
    variables: Options,
    /// The secrets of the environment.
    secrets: Credentials,
    profile: Options,
    profile_name: Option<String>,
    /// The folder of the credentials of a systemd service.
    service: Option<OsString>,
}

impl Sources {
    /// Reads a profile, in place of one that was read before. The file is the given one, else that
    /// of the variable `TOKENLEASE_CONFIG`, else the user's own.
    ///
    /// # Errors
    /// As for [`profile::load`].
    pub fn load_profile(&mut self, file: Option<&Path>, name: &str) -> Result<()> {
        self.profile = load(file, name, &|name| std::env::var_os(name))?;
        self.profile_name = Some(name.to_owned());
        Ok(())
    }

    /// Reads the environment as the program does: the variables `TOKENLEASE_…` of options and
    /// secrets, the credentials of a systemd service, and the profile that `TOKENLEASE_PROFILE`
    /// names, unless [`load_profile`](Self::load_profile) reads another one.
    ///
    /// # Errors
    /// [`Config`](tokenlease::ErrorKind::Config) for a malformed variable, and the errors of
    /// [`load_profile`](Self::load_profile).
    pub fn load_environment(&mut self) -> Result<()> {
        self.load_environment_by(&|name| std::env::var_os(name))
    }

    fn load_environment_by(&mut self, lookup: Lookup<'_>) -> Result<()> {
        let variables = environment::options(lookup)?;
        let secrets = environment::credentials(lookup, &variables)?;
        let name = environment::variable(lookup, environment::PROFILE_VARIABLE)?;
        if let (None, Some(name)) = (&self.profile_name, name) {
            self.profile = load(None, &name, lookup)?;
            self.profile_name = Some(name);
        }
        self.service = lookup(environment::SERVICE_VARIABLE);
        (self.variables, self.secrets) = (variables, secrets);
        Ok(())
    }

    /// Returns the options of all sources.
    pub fn options(&self) -> Options {
        let Self { given, variables, profile, .. } = self.clone();
        let name = self.profile_name.as_deref();
        let service = environment::service(&|_| self.service.clone(), name);
        given.or(variables).or(profile).or(service)
    }

    /// Returns the source of the credentials: the given secrets, else those that the options name,
    /// else those of the environment, and so on. Files and commands are read again each time
    /// credentials are sent.
    ///
    /// # Errors
    /// As for [`Options::credentials`].
    pub fn credentials(&self, given: Credentials) -> Result<CredentialsSource> {
        self.options().credentials(self.with_secrets(given))
    }

    /// Like [`credentials`](Self::credentials), for secrets that a function returns. Those that it omits
    /// come from the other sources.
    ///
    /// # Errors
    /// As for [`Options::credentials`].
    pub fn credentials_from(
        &self,
        fetch: impl Fn() -> Result<Credentials> + Send + Sync + 'static,
    ) -> Result<CredentialsSource> {
        let sources = self.clone();
        self.options().credentials_from(move || Ok(sources.with_secrets(fetch()?)))
    }

    /// Adds the secrets of the environment that neither the given ones nor the given options replace.
    fn with_secrets(&self, mut given: Credentials) -> Credentials {
        let secrets = self.secrets.clone();
        if !self.given.sets_password() {
            given.password = given.password.or(secrets.password);
        }
        if self.given.client_secret_file.is_none() {
            given.client_secret = given.client_secret.or(secrets.client_secret);
        }
        if self.given.extra_secret_file.is_none() {
            let names: Vec<_> = given.extra_secrets.iter().map(|(name, _)| name.clone()).collect();
            let more = secrets.extra_secrets.into_iter();
            given.extra_secrets.extend(more.filter(|(name, _)| !names.contains(name)));
        }
        given
    }
}

fn load(file: Option<&Path>, name: &str, lookup: Lookup<'_>) -> Result<Options> {
    let file = file.map(Path::to_owned).or_else(|| environment::config_file(lookup));
    let warn = |warning: &str| tracing::warn!(target: "tokenlease", "{warning}");
    profile::load(file.as_deref(), name, warn)
}

#[cfg(test)]
mod tests {
    use std::{collections::HashMap, fs};

    use super::*;

    fn sources(variables: &[(&str, &str)], given: &[(&str, &str)]) -> Result<Sources> {
        let map: HashMap<_, _> = variables.iter().copied().collect();
        let mut sources = Sources::default();
        for (key, text) in given {
            sources.given.set(key, text)?;
        }
        sources.load_environment_by(&|name| map.get(name).map(OsString::from))?;
        Ok(sources)
    }

    /// Rule: Formats: the values of a caller override the environment, and those override the profile, in
    /// each language and whatever the order of the calls.
    #[test]
    fn the_caller_overrides_the_environment_and_that_the_profile() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.toml");
        fs::write(
            &file,
            "[profile.erp]\nprovider = \"winkas\"\nuser = \"of profile\"\ncontract = \"of profile\"\n\
             server = \"https://profile.example\"\npassword_file = \"secret\"\n\
             [profile.other]\n",
        )
        .unwrap();
        let variables = [
            ("TOKENLEASE_CONFIG", file.to_str().unwrap()),
            ("TOKENLEASE_PROFILE", "erp"),
            ("TOKENLEASE_USER", "of variable"),
            ("TOKENLEASE_CONTRACT", "of variable"),
            ("TOKENLEASE_PASSWORD", "of variable"),
            ("TOKENLEASE_TIMEOUT", ""),
        ];
        let sources = sources(&variables, &[("user", "given")]).unwrap();
        let options = sources.options();
        assert_eq!(options.user.as_deref(), Some("given"));
        assert_eq!(options.contract.as_deref(), Some("of variable"));
        assert_eq!(options.server.as_deref(), Some("https://profile.example"));
        assert_eq!(options.password_file, Some(folder.path().join("secret")));
        let mut other = Sources::default();
        other.load_profile(Some(&file), "other").unwrap();
        let map: HashMap<_, _> = variables.into_iter().collect();
        other.load_environment_by(&|name| map.get(name).map(OsString::from)).unwrap();
        assert_eq!(other.options().server, None, "the profile that the caller names is kept");
        let secrets = sources.with_secrets(Credentials::default());
        assert_eq!(secrets.password.unwrap().expose(), "of variable");
        let secrets = sources.with_secrets(Credentials::password("given"));
        assert_eq!(secrets.password.unwrap().expose(), "given");
    }

    #[test]
    fn a_file_that_the_caller_names_overrides_the_variable_of_a_secret() {
        let variables = [
            ("TOKENLEASE_PASSWORD", "p"),
            ("TOKENLEASE_CLIENT_SECRET", "s"),
            ("TOKENLEASE_EXTRA_SECRET", "a=1\nb=2"),
        ];
        let given = [
            ("password_command", "echo p"),
            ("client_secret_file", "f"),
            ("extra_secret_file", "a=f"),
        ];
        let all = sources(&variables, &given).unwrap().with_secrets(Credentials::default());
        assert!(all.password.is_none() && all.client_secret.is_none());
        assert!(all.extra_secrets.is_empty());
        let given = Credentials::default().with_extra_secret("a", "given");
        let all = sources(&variables, &[]).unwrap().with_secrets(given);
        let extra: Vec<_> = all.extra_secrets.iter().map(|(_, s)| s.expose()).collect();
        assert_eq!(extra, ["given", "2"]);
    }

    /// Rule: Secrets: an error about a variable of the environment quotes no secret.
    #[test]
    fn a_malformed_variable_is_an_error_that_names_it() {
        for (name, text, part) in [
            ("TOKENLEASE_TIMEOUT", "5", "5 has no unit"),
            ("TOKENLEASE_PASSWORD", "canary\nmore", "more than one line"),
            ("TOKENLEASE_EXTRA_SECRET", "canary", "no name"),
        ] {
            let error = sources(&[(name, text)], &[]).unwrap_err().to_string();
            assert!(error.contains(name) && error.contains(part), "{error}");
            assert!(!error.contains("canary"), "{error}");
        }
        let two = [("TOKENLEASE_PASSWORD", "a"), ("TOKENLEASE_PASSWORD_FILE", "b")];
        let error = sources(&two, &[]).unwrap_err().to_string();
        assert!(error.contains("two sources of the password"), "{error}");
    }
}
