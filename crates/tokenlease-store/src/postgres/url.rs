//! The URL of a PostgreSQL store.

use tokenlease::Result;
use tokio_postgres::{
    Config,
    config::{Host, SslMode},
};
use url::Url;

use crate::{
    connection::{CALL_TIMEOUT, bad_url},
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
    let mut url = Url::parse(url).map_err(|error| bad(&format!("can't be parsed: {error}")))?;
    let has_mode = replace_verify_modes(&mut url);
    let mut config: Config = url.as_str().parse().map_err(|error: tokio_postgres::Error| {
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
    if config.get_application_name().is_none() {
        config.application_name("tokenlease");
    }
    Ok((config, hosts.join(", ")))
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
}
