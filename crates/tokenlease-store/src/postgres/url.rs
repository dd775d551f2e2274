//! The URL of a PostgreSQL store.

use tokenlease::Result;
use tokio_postgres::{
    Config,
    config::{Host, SslMode},
};
use url::Url;

use crate::{
    connection::{CALL_TIMEOUT, KEEPALIVE_IDLE, KEEPALIVE_INTERVAL, KEEPALIVE_RETRIES, bad_url},
    tls,
};

const FORM: &str = "postgres://user:password@host:5432/database";

/// Parses a store's URL. Returns the configuration of the connection, and the hosts' names for
/// error messages. The defaults are TLS for other hosts, and the time limit of a call for
/// connecting.
///
/// # Errors
/// [`ErrorKind::Config`](tokenlease::ErrorKind::Config) if the URL can't be parsed.
pub(super) fn parse(url: &str) -> Result<(Config, String)> {
    let bad = |why: &str| bad_url(why, FORM);
    let (single, hosts) = with_single_host(url);
    let mut url = Url::parse(&single).map_err(|error| bad(&format!("can't be parsed: {error}")))?;
    let has_mode = replace_verify_modes(&mut url);
    let has_idle = url.query_pairs().any(|(name, _)| name == "keepalives_idle");
    let text = match hosts {
        None => url.as_str().to_owned(),
        Some(hosts) => url.as_str().replacen(SINGLE, hosts, 1),
    };
    let mut config: Config = text.parse().map_err(|error: tokio_postgres::Error| {
        let why = std::error::Error::source(&error).map(ToString::to_string);
        bad(&format!("can't be used: {}", why.unwrap_or_else(|| error.to_string())))
            .redact(&[url.password().unwrap_or_default()])
    })?;
    let name = |host: &Host| match host {
        Host::Tcp(host) => host.clone(),
        #[cfg(unix)]
        Host::Unix(path) => path.display().to_string(),
    };
    let hosts: Vec<String> = config.get_hosts().iter().map(name).collect();
    if hosts.is_empty() {
        return Err(bad("has no host"));
    }
    if !has_mode {
        let is_local = hosts.iter().all(|host| tls::is_local(host));
        config.ssl_mode(if is_local { SslMode::Disable } else { SslMode::Require });
    }
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CALL_TIMEOUT);
    }
    if !has_idle {
        config.keepalives_idle(KEEPALIVE_IDLE);
    }
    if config.get_keepalives_interval().is_none() {
        config.keepalives_interval(KEEPALIVE_INTERVAL);
    }
    if config.get_keepalives_retries().is_none() {
        config.keepalives_retries(KEEPALIVE_RETRIES);
    }
    if config.get_application_name().is_none() {
        config.application_name("tokenlease");
    }
    Ok((config, hosts.join(", ")))
}

/// Replaces a list of hosts, which [`Url`] can't parse if they have ports.
const SINGLE: &str = "tokenlease-hosts.invalid";

/// Replaces a list of hosts in the URL by [`SINGLE`], and returns the list, if it has one.
fn with_single_host(url: &str) -> (String, Option<&str>) {
    let start = url.find("://").map_or(0, |at| at + 3);
    let (scheme, rest) = url.split_at(start);
    let (authority, after) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let (user, hosts) = authority.split_at(authority.rfind('@').map_or(0, |at| at + 1));
    if !hosts.contains(',') {
        return (url.to_owned(), None);
    }
    (format!("{scheme}{user}{SINGLE}{after}"), Some(hosts))
}

/// Replaces the modes `verify-ca` and `verify-full`, which `tokio_postgres` does not know, by
/// `require`: certificates are always checked. Returns whether the URL has a mode.
fn replace_verify_modes(url: &mut Url) -> bool {
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    if pairs.is_empty() {
        return false;
    }
    let mut query = url.query_pairs_mut();
    query.clear();
    for (name, value) in &pairs {
        let verify = name == "sslmode" && value.starts_with("verify-");
        query.append_pair(name, if verify { "require" } else { value });
    }
    pairs.iter().any(|(name, _)| name == "sslmode")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rule: Secrets: connections to PostgreSQL on other hosts use TLS and check the certificate,
    /// unless the URL says otherwise.
    #[test]
    fn other_hosts_are_reached_over_tls_unless_the_url_says_otherwise() {
        let replaced = |url: &str| {
            let mut url = Url::parse(url).unwrap();
            (replace_verify_modes(&mut url), url.query().map(str::to_owned))
        };
        let full = "postgres://h/d?sslmode=verify-full&connect_timeout=1";
        assert_eq!(replaced(full), (true, Some("sslmode=require&connect_timeout=1".into())));
        assert_eq!(replaced("postgres://h/d"), (false, None));
        let mode = |url| parse(url).unwrap().0.get_ssl_mode();
        assert_eq!(mode("postgres://u@localhost/d"), SslMode::Disable);
        assert_eq!(mode("postgres://u@db.example/d"), SslMode::Require);
        assert_eq!(mode("postgres://u@db.example/d?sslmode=disable"), SslMode::Disable);
    }
    #[test]
    fn a_url_may_name_several_hosts_with_ports() {
        let url = "postgres://u:p@a.example:1,b.example:2/d?target_session_attrs=read-write";
        let (config, hosts) = parse(url).unwrap();
        assert_eq!((hosts.as_str(), config.get_ports()), ("a.example, b.example", &[1, 2][..]));
        assert_eq!(config.get_ssl_mode(), SslMode::Require);
        assert_eq!(config.get_password(), Some(&b"p"[..]));
        assert!(parse("postgres://u:canary@a:x,b/d").is_err());
    }

    /// Rule: Store: the system checks a quiet connection to PostgreSQL after 30 seconds, unless the
    /// URL says otherwise.
    #[test]
    fn a_quiet_connection_to_postgres_is_kept_alive() {
        let parse = |url| parse(url).unwrap().0;
        let config = parse("postgres://u@h/d");
        assert!(config.get_keepalives());
        assert_eq!(config.get_keepalives_idle(), KEEPALIVE_IDLE);
        assert_eq!(config.get_keepalives_interval(), Some(KEEPALIVE_INTERVAL));
        let config = parse("postgres://u@h/d?keepalives_idle=7&keepalives_interval=3");
        assert_eq!(config.get_keepalives_idle().as_secs(), 7);
        assert_eq!(config.get_keepalives_interval().unwrap().as_secs(), 3);
    }
}
