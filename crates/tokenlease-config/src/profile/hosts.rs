//! The hosts that use a profile's token, in the same file.
//!
//! ```toml
//! [git."git.example.com"]
//! profile = "forge"
//! username = "oauth2"
//! ```

use std::{fs, path::Path};

use tokenlease::Result;

use super::{existing, parse, unreadable};
use crate::typed::Problem;

/// A table of hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hosts {
    /// `[git."HOST"]`: git's servers.
    Git,
    /// `[docker."HOST"]`: registries of container images.
    Docker,
}

/// A host, and the profile whose token it takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// The name, with a port if it is not the scheme's default: `git.example.com:8443`.
    pub name: String,
    /// The name of the profile.
    pub profile: String,
    /// The user name that the host expects beside the token.
    pub username: Option<String>,
}

impl Hosts {
    /// Returns the table's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Git => "git",
            Self::Docker => "docker",
        }
    }

    /// Reads the table from a configuration file; `None` is the user's own. Returns no hosts if the default
    /// file does not exist.
    ///
    /// # Errors
    /// [`Config`](tokenlease::ErrorKind::Config) if the file can't be read or is not TOML, or the table has
    /// another form. The error quotes no line.
    pub fn load(self, file: Option<&Path>) -> Result<Vec<Host>> {
        let Some(path) = existing(file) else { return Ok(Vec::new()) };
        let text = fs::read_to_string(&path).map_err(|error| unreadable(&path, &error))?;
        self.read(&text).map_err(|problem| problem.of(&path.display().to_string()))
    }

    fn read(self, text: &str) -> Result<Vec<Host>, Problem> {
        let expected = || format!("[{}.\"HOST\"] with profile = \"NAME\"", self.name());
        match parse(text)?.get(self.name()) {
            None => Ok(Vec::new()),
            Some(toml::Value::Table(hosts)) => hosts
                .iter()
                .map(|(name, host)| {
                    let place = format!("\"{}.{name}\"", self.name());
                    let Some(members) = host.as_table() else {
                        return Err(Problem::new(format!("{place} is not a table"), expected()));
                    };
                    self.host(name, members)
                })
                .collect(),
            Some(_) => Err(Problem::new(format!("\"{}\" is not a table", self.name()), expected())),
        }
    }

    fn host(self, name: &str, members: &toml::Table) -> Result<Host, Problem> {
        let place = format!("{} \"{name}\"", self.name());
        // A URL would never be equal to the name that git and docker ask for.
        if name.is_empty() || name.contains(['/', '@']) {
            return Err(Problem::new(
                format!("{place} is not the name of a host"),
                "a host, with a port if it needs one, such as \"git.example.com:8443\"",
            ));
        }
        let known = ["profile", "username"];
        if let Some(key) = members.keys().find(|key| !known.contains(&key.as_str())) {
            let detail = format!("{place}: \"{key}\" is unknown");
            return Err(Problem::new(detail, "\"profile\" or \"username\""));
        }
        let text = |key: &str| match members.get(key) {
            None => Ok(None),
            Some(toml::Value::String(text)) if !text.is_empty() => Ok(Some(text.clone())),
            Some(_) => {
                let detail = format!("{place}: \"{key}\" is not a text of one or more letters");
                Err(Problem::new(detail, format!("{key} = \"NAME\"")))
            }
        };
        let profile = text("profile")?.ok_or_else(|| {
            Problem::new(format!("{place} names no profile"), "profile = \"NAME\"")
        })?;
        Ok(Host { name: name.to_owned(), profile, username: text("username")? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_names_the_profile_and_the_user_of_each_host() {
        let text = "[git.\"git.example.com\"]\nprofile = \"forge\"\n\
                    [docker.\"localhost:5000\"]\nprofile = \"images\"\nusername = \"robot\"\n";
        let host = |name: &str, profile: &str, username: Option<&str>| Host {
            name: name.to_owned(),
            profile: profile.to_owned(),
            username: username.map(str::to_owned),
        };
        let git = Hosts::Git.read(text).unwrap_or_default();
        assert_eq!(git, [host("git.example.com", "forge", None)]);
        let docker = Hosts::Docker.read(text).unwrap_or_default();
        assert_eq!(docker, [host("localhost:5000", "images", Some("robot"))]);
        let none = Hosts::Git.read("[profile.erp]\n").unwrap_or_default();
        assert_eq!(none, []);
    }

    #[test]
    fn a_malformed_table_is_an_error_that_shows_the_expected_form() {
        for (text, part) in [
            ("git = 1\n", "\"git\" is not a table; expected [git.\"HOST\"]"),
            ("[git]\nhost = \"a\"\n", "\"git.host\" is not a table"),
            ("[git.\"a\"]\n", "git \"a\" names no profile"),
            ("[git.\"a\"]\nprofile = 1\n", "\"profile\" is not a text"),
            ("[git.\"a\"]\nprofile = \"\"\n", "\"profile\" is not a text"),
            ("[git.\"a\"]\nprofile = \"x\"\nuser = \"y\"\n", "\"user\" is unknown"),
            ("[git.\"https://a/\"]\nprofile = \"x\"\n", "is not the name of a host"),
            ("[got.\"a\"]\nprofile = \"x\"\n", "\"got\" is outside of a profile"),
        ] {
            let error = match Hosts::Git.read(text) {
                Err(problem) => problem.of("config.toml").to_string(),
                Ok(hosts) => panic!("{hosts:?}"),
            };
            assert!(error.contains(part), "{error}");
        }
    }
}
