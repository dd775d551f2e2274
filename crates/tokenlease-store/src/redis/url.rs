//! The URL of a Redis store.

use std::sync::Arc;

use ::redis::{IntoConnectionInfo as _, RedisConnectionInfo};
use tokenlease::{Error, Result};
use url::Url;

use super::{
    connect::{Address, Connector},
    nodes::Nodes,
    sentinel::Sentinels,
};
use crate::{connection::bad_url, tls};

const PORT: u16 = 6379;
const SENTINEL_PORT: u16 = 26379;
const FORM: &str = "redis://user:password@host:6379/0, redis+cluster://host:6379,host2:6379, or \
                    redis+sentinel://user:password@host:26379,host2:26379/primary/0; rediss for TLS";

fn bad(why: &str) -> Error {
    bad_url(why, FORM)
}

/// How the servers of a URL belong together.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Server,
    Cluster,
    Sentinel,
}

/// Parses a store's URL. Warns if a password would be sent unencrypted to another host.
///
/// # Errors
/// [`ErrorKind::Config`](tokenlease::ErrorKind::Config) if the URL can't be parsed.
pub(super) fn parse(text: &str, extra_cas: &[Vec<u8>]) -> Result<Nodes> {
    let (scheme, rest) = text.split_once("://").ok_or_else(|| bad("has no host"))?;
    let (scheme, kind) = match scheme.split_once('+') {
        None => (scheme, Kind::Server),
        Some((scheme, "cluster")) => (scheme, Kind::Cluster),
        Some((scheme, "sentinel")) => (scheme, Kind::Sentinel),
        Some(_) => return Err(bad("is not a Redis URL")),
    };
    let encrypted = match scheme {
        "redis" => false,
        "rediss" => true,
        _ => return Err(bad("is not a Redis URL")),
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, after) = rest.split_at(end);
    let (user, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
    let hosts: Vec<&str> = hosts.split(',').collect();
    if kind == Kind::Server && hosts.len() > 1 {
        return Err(bad("has several hosts, which need redis+cluster:// or redis+sentinel://"));
    }
    // A URL of one host parses each host, and the user, the password and the path.
    let single = |host: &str| {
        let at = if user.is_empty() { "" } else { "@" };
        let url = Url::parse(&format!("redis://{user}{at}{host}{after}"));
        url.map_err(|error| bad(&format!("can't be parsed: {error}")))
    };
    let port = if kind == Kind::Sentinel { SENTINEL_PORT } else { PORT };
    let addresses: Vec<Address> =
        hosts.iter().map(|host| address(&single(host)?, port)).collect::<Result<_>>()?;
    let mut url = single(hosts.first().copied().unwrap_or_default())?;
    let of_sentinels = sentinel_settings(&url, kind)?;
    url.set_query(None);
    let primary = match kind {
        Kind::Sentinel => {
            let path = url.path().trim_start_matches('/').to_owned();
            let (primary, database) = path.split_once('/').unwrap_or((&path, ""));
            url.set_path(database);
            Some(percent_decoded(primary))
        }
        _ => None,
    };
    if primary.as_deref() == Some("") {
        return Err(bad("does not name the primary that the sentinels watch"));
    }
    let info = url
        .into_connection_info()
        .map_err(|error| bad(&format!("can't be used: {}", error.category())))?;
    let settings = info.redis_settings().clone();
    if kind == Kind::Cluster && settings.db() != 0 {
        return Err(bad("names a database, which clusters do not have"));
    }
    if !encrypted && let Some(other) = addresses.iter().find(|at| !tls::is_local(&at.host)) {
        tracing::warn!(
            target: "tokenlease",
            "the store's password is sent unencrypted to {}; use rediss://", other.host
        );
    }
    let tls = encrypted.then(|| tls::config(extra_cas).map(Arc::new)).transpose()?;
    let connector = Arc::new(Connector { settings, sentinel_settings: of_sentinels, tls });
    Ok(match primary {
        Some(primary) => Nodes::behind_sentinels(connector, Sentinels { addresses, primary }),
        None => Nodes::at(connector, addresses, kind == Kind::Cluster),
    })
}

fn address(url: &Url, port: u16) -> Result<Address> {
    let host = match url.host().ok_or_else(|| bad("has no host"))? {
        url::Host::Domain(name) => name.to_owned(),
        url::Host::Ipv4(address) => address.to_string(),
        url::Host::Ipv6(address) => address.to_string(),
    };
    Ok(Address { host, port: url.port().unwrap_or(port) })
}

/// Returns the user and password of the sentinels, from the query.
fn sentinel_settings(url: &Url, kind: Kind) -> Result<RedisConnectionInfo> {
    if url.fragment().is_some() || url.query().is_some() && kind != Kind::Sentinel {
        return Err(bad("has a query or fragment, which Redis URLs do not have"));
    }
    let mut settings = RedisConnectionInfo::default();
    for (name, value) in url.query_pairs() {
        settings = match &*name {
            "sentinel_user" => settings.set_username(value),
            "sentinel_password" => settings.set_password(value),
            _ => return Err(bad("has an option other than sentinel_user and sentinel_password")),
        };
    }
    Ok(settings)
}

fn percent_decoded(text: &str) -> String {
    // A query's value is decoded the same way, apart from `+`.
    let pair = format!("x={}", text.replace('+', "%2B"));
    url::form_urlencoded::parse(pair.as_bytes())
        .next()
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}
