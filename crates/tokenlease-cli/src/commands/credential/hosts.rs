//! The hosts that `credential git` and `credential docker` answer for.

use tokenlease::Result;
use tokenlease_config::{
    is_loopback,
    profile::{Host, Hosts},
};

use super::settings;
use crate::{
    args::ForHosts,
    output::config,
    settings::{Environment, Settings, config_file},
};

/// The user name beside a token if none is set. Several servers expect this one, most ignore it.
const USERNAME: &str = "oauth2";

/// The options of the command, or else the table of the configuration file.
pub(super) struct Configured<'a> {
    args: &'a ForHosts,
    hosts: Vec<Host>,
    environment: Environment<'a>,
}

/// A host that the command answers for.
pub(super) struct Target {
    /// The options and secrets for its token.
    pub(super) settings: Settings,
    /// The user name that is set for it.
    pub(super) username: Option<String>,
}

impl Target {
    /// Returns the user name beside the token. `known`: the one that the caller already has.
    pub(super) fn username<'a>(&'a self, known: Option<&'a str>) -> &'a str {
        self.username.as_deref().or(known).unwrap_or(USERNAME)
    }

    /// Rejects a connection on which others can read the token.
    pub(super) fn check_is_encrypted(&self, protocol: &str, host: &str) -> Result<()> {
        let is_private = protocol != "http"
            || is_loopback(&format!("http://{host}"))
            || self.settings.options.allow_plain_http == Some(true);
        if is_private {
            return Ok(());
        }
        Err(config(format!("http://{host} is plain HTTP: others on the network path can read it"))
            .expected("https://")
            .advice("use --allow-plain-http only in a network that you trust entirely"))
    }
}

impl<'a> Configured<'a> {
    pub(super) fn read(
        args: &'a ForHosts,
        table: Hosts,
        environment: Environment<'a>,
    ) -> Result<Self> {
        args.connection.check()?;
        let hosts = match &args.host {
            Some(_) => Vec::new(),
            None if args.connection.profile.is_some() => {
                let name = table.name();
                return Err(config("--profile is set without a host")
                    .expected("--host HOST")
                    .advice(format!(
                        "or name the profile under [{name}.\"HOST\"] in the configuration file"
                    )));
            }
            None => table.load(config_file(&args.connection, environment).as_deref())?,
        };
        Ok(Self { args, hosts, environment })
    }

    /// Returns the names and the user names of all hosts.
    pub(super) fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        let given = self.args.host.as_deref().map(|name| (name, self.args.username.as_deref()));
        let listed = self.hosts.iter().map(|host| (host.name.as_str(), host.username.as_deref()));
        given.into_iter().chain(listed).map(|(name, user)| (name, user.unwrap_or(USERNAME)))
    }

    /// Returns the target of that name, if the command answers for it.
    pub(super) fn find(&self, name: &str) -> Result<Option<Target>> {
        let is_it = |known: &str| known.eq_ignore_ascii_case(name);
        if let Some(host) = &self.args.host {
            if !is_it(host) {
                return Ok(None);
            }
            let settings = settings(&self.args.connection, self.environment)?;
            return Ok(Some(Target { settings, username: self.args.username.clone() }));
        }
        let Some(host) = self.hosts.iter().find(|host| is_it(&host.name)) else { return Ok(None) };
        let mut connection = self.args.connection.clone();
        connection.profile = Some(host.profile.clone());
        let settings = settings(&connection, self.environment)?;
        Ok(Some(Target { settings, username: host.username.clone() }))
    }
}
