//! `credential docker`: docker's credential helper.
//!
//! Source: [docker-credential-helpers](https://github.com/docker/docker-credential-helpers) 0.9. Errors go to
//! standard output, and three of them have texts that docker compares.

use serde::Deserialize;
use serde_json::{Map, json};
use tokenlease::{Error, Result};
use tokenlease_config::profile::Hosts;
use zeroize::Zeroizing;

use super::hosts::{Configured, Target};
use crate::{
    args::ForHosts,
    exit,
    output::{Failure, config, line},
    program_name,
    session::{self, Session},
    settings::{Environment, Need},
};

/// No credentials for a server.
const NOT_FOUND: &str = "credentials not found in native keychain";
/// A request without the address of a server.
const NO_SERVER: &str = "no credentials server URL";
/// A request to store a secret without a user name.
const NO_USERNAME: &str = "no credentials username";

/// Why an operation failed.
enum Fault {
    /// One of the texts above.
    Known(&'static str),
    Other(Failure),
}

impl From<Failure> for Fault {
    fn from(failure: Failure) -> Self {
        Self::Other(failure)
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Other(error.into())
    }
}

pub(super) fn run(args: &ForHosts, environment: Environment<'_>) -> Result<u8, Failure> {
    let (text, code) = match answer(args, environment) {
        Ok(()) => return Ok(exit::SUCCESS),
        Err(Fault::Known(text)) => (text.to_owned(), 1),
        Err(Fault::Other(Failure { error, code })) => (format!("tokenlease: {error}"), code),
    };
    line(&text)?;
    Ok(code)
}

fn answer(args: &ForHosts, environment: Environment<'_>) -> Result<(), Fault> {
    let configured = || Configured::read(args, Hosts::Docker, environment);
    match args.operation.as_str() {
        "get" => get(&configured()?),
        "list" => list(&configured()?),
        "store" => store(&configured()?),
        "erase" => erase(&configured()?),
        "version" => {
            let version = env!("CARGO_PKG_VERSION");
            Ok(line(&format!("{} (tokenlease) v{version}", program_name::DOCKER))?)
        }
        other => Err(config(format!("the operation {other:?} is unknown"))
            .expected("get, list, store, erase or version")
            .into()),
    }
}

fn get(configured: &Configured<'_>) -> Result<(), Fault> {
    let input = super::input()?;
    let (url, target) = find(configured, &input)?;
    let leased = super::lease(&target.settings)?;
    let credentials = json!({
        "ServerURL": url,
        "Username": target.username(None),
        "Secret": leased.token.expose(),
    });
    Ok(line(&Zeroizing::new(credentials.to_string()))?)
}

/// Prints the user name of each host. It reads no input and gets no token.
fn list(configured: &Configured<'_>) -> Result<(), Fault> {
    let all: Map<_, _> =
        configured.all().map(|(host, username)| (host.to_owned(), username.into())).collect();
    Ok(line(&json!(all).to_string())?)
}

/// The credentials that `docker login` stores.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Credentials {
    #[serde(rename = "ServerURL", default)]
    server_url: String,
    #[serde(default)]
    username: String,
    #[serde(default)]
    secret: String,
}

/// Accepts the current token, which docker stores again after each login, and nothing else: another secret
/// would be lost, although docker reported its success.
fn store(configured: &Configured<'_>) -> Result<(), Fault> {
    let input = super::input()?;
    let Credentials { server_url, username, secret } =
        serde_json::from_str(&input).map_err(|_| {
            config("standard input has no credentials")
                .expected("a JSON object with ServerURL, Username and Secret")
        })?;
    let secret = Zeroizing::new(secret);
    let (_, target) = find(configured, &server_url)?;
    if username.is_empty() {
        return Err(Fault::Known(NO_USERNAME));
    }
    let leased = super::lease(&target.settings)?;
    if *secret == *leased.token.expose() {
        return Ok(());
    }
    Err(config(format!("tokenlease gets the token for {} itself", host(&server_url)))
        .expected("no other secret for it")
        .advice("omit `docker login`, or remove this host from credHelpers of docker's config.json")
        .into())
}

/// Removes the token from the store. `docker logout` does not say that it was rejected.
fn erase(configured: &Configured<'_>) -> Result<(), Fault> {
    let input = super::input()?;
    let (_, target) = find(configured, &input)?;
    let credentials = target.settings.credentials(Need::Login)?;
    session::block_on(async {
        Session::open(&target.settings, credentials).await?.forget().await
    })?;
    Ok(())
}

/// Returns the address as docker wrote it, and its target.
fn find<'a>(configured: &Configured<'_>, url: &'a str) -> Result<(&'a str, Target), Fault> {
    let url = url.trim();
    if url.is_empty() {
        return Err(Fault::Known(NO_SERVER));
    }
    let target = configured.find(host(url))?.ok_or(Fault::Known(NOT_FOUND))?;
    let protocol = if url.starts_with("http://") { "http" } else { "https" };
    target.check_is_encrypted(protocol, host(url))?;
    Ok((url, target))
}

/// Returns the host and the port of an address, which may lack a scheme or have a path.
fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split('/').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_host_with_or_without_scheme_port_and_path() {
        for (url, expected) in [
            ("registry.example.com", "registry.example.com"),
            ("https://registry.example.com/v1/", "registry.example.com"),
            ("registry.example.com:5000/team", "registry.example.com:5000"),
            ("http://localhost:5000", "localhost:5000"),
            ("", ""),
        ] {
            assert_eq!(host(url), expected);
        }
    }
}
