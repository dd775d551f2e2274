//! The adapters of HTTP libraries, with servers of other projects.

use std::{path::Path, process::Command};

use serde_json::{Value, json};
use tokenlease_tests::servers::{self, Running};

use crate::{
    PACKAGE,
    environment::{Environment, run},
    pytest, with_wheel,
};

/// The servers whose tokens the adapters send: one answers an inactive token with an empty 403, the other
/// with a 401.
const SERVERS: [&str; 2] = ["django-oauth-toolkit", "oidc-provider"];

/// Starts the servers, and returns them with the options of clients. Prints why and returns `None` if one
/// cannot be installed.
fn start() -> Option<(Vec<Running>, Value)> {
    let mut found = Vec::new();
    let mut options = Vec::new();
    for name in SERVERS {
        let server = servers::all().into_iter().find(|server| server.name == name).unwrap();
        let running = match server.start() {
            Ok(running) => running,
            Err(why) => {
                eprintln!("skipped: {name}: {why}");
                return None;
            }
        };
        let (_, profile) = server.profiles.iter().find(|(name, _)| name == "oauth2").unwrap();
        let mut profile = json!(profile);
        profile["server"] = running.address().into();
        profile["user"] = "admin".into();
        profile["password"] = "admin-password".into();
        profile["client_id"] = "integration".into();
        profile["client_secret"] = "integration-secret-0123456789abcdef".into();
        options.push(json!({ "options": profile, "api": server.api }));
        found.push(running);
    }
    Some((found, options.into()))
}

/// Returns the versions that a file of requirements pins for the libraries, by name.
fn versions(requirements: &str) -> Value {
    let pins = requirements.lines().filter_map(|line| line.split_once("=="));
    let libraries = pins.filter(|(name, _)| ["aiohttp", "httpx", "requests"].contains(name));
    libraries.map(|(name, version)| (name.to_owned(), json!(version))).collect::<Value>()
}

/// Rule: Languages: the adapters for requests, httpx and aiohttp work with the newest and the oldest
/// supported versions.
#[test]
fn the_adapters_work_with_the_newest_and_the_oldest_libraries() {
    const NEWEST: &str = include_str!("../../python/requirements-adapters.txt");
    const OLDEST: &str = include_str!("../../python/tests/adapters/requirements-oldest.txt");
    let Some(newest) = with_wheel() else { return };
    let Some((_running, servers)) = start() else { return };
    let oldest = match Environment::with("python-oldest", OLDEST) {
        Ok(environment) => environment,
        Err(why) => return eprintln!("skipped: {why}"),
    };
    oldest.install_built(&newest.wheels(Path::new(PACKAGE)), None);
    for (environment, requirements) in [(newest, NEWEST), (&oldest, OLDEST)] {
        let mut command: Command = pytest(environment);
        let folder = Path::new(PACKAGE).join("tests/adapters");
        command.arg(folder).env("TOKENLEASE_SERVERS", servers.to_string());
        command.env("TOKENLEASE_ADAPTERS", versions(requirements).to_string());
        println!("{}", run(&mut command).unwrap_or_else(|why| panic!("{why}")));
    }
}
