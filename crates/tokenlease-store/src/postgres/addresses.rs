//! The addresses of a store's hosts. They are looked up here: the lookup of `tokio_postgres` panics, or
//! never ends, if the system allows no more threads.

use tokenlease::{Error, ErrorKind, Result, runtime::look_up};
use tokio_postgres::{Config, config::Host};

/// The port of a host without one.
const DEFAULT_PORT: u16 = 5432;

/// Returns the configuration with the addresses of its hosts, each of which is tried in turn.
///
/// # Errors
/// [`ErrorKind::Store`] with that of [`look_up`], if no host has an address.
pub(super) async fn with_addresses(config: &Config, hosts: &str) -> Result<Config> {
    let names: Option<Vec<&str>> = config.get_hosts().iter().map(name).collect();
    // A wrong number of ports is an error of the connection.
    let is_resolvable = config.get_hostaddrs().is_empty()
        && [0, 1, config.get_hosts().len()].contains(&config.get_ports().len());
    let Some(names) = names.filter(|_| is_resolvable) else {
        return Ok(config.clone());
    };
    let mut found = without_hosts(config);
    let mut failed = None;
    for (at, host) in names.into_iter().enumerate() {
        // One port is that of all hosts.
        let ports = config.get_ports();
        let port = ports.get(at).or_else(|| ports.first()).copied().unwrap_or(DEFAULT_PORT);
        match look_up(host, port).await {
            Ok(addresses) => {
                for address in addresses {
                    found.host(host).hostaddr(address.ip()).port(port);
                }
            }
            Err(error) => failed = Some(error),
        }
    }
    match failed {
        Some(error) if found.get_hosts().is_empty() => {
            let detail = format!("the address of PostgreSQL at {hosts} was not found: {error}");
            let advice = "check the host in the URL and this machine's DNS; the client retries by \
                          itself";
            Err(Error::new(ErrorKind::Store, detail).advice(advice).with_source(error))
        }
        _ => Ok(found),
    }
}

/// The name of a host. `None` for a socket: a list of addresses has none for it.
fn name(host: &Host) -> Option<&str> {
    match host {
        Host::Tcp(name) => Some(name),
        #[cfg(unix)]
        Host::Unix(_) => None,
    }
}

fn without_hosts(config: &Config) -> Config {
    let mut copy = Config::new();
    config.get_user().map(|user| copy.user(user));
    config.get_password().map(|password| copy.password(password));
    config.get_dbname().map(|name| copy.dbname(name));
    config.get_options().map(|options| copy.options(options));
    config.get_application_name().map(|name| copy.application_name(name));
    config.get_connect_timeout().map(|timeout| copy.connect_timeout(*timeout));
    config.get_tcp_user_timeout().map(|timeout| copy.tcp_user_timeout(*timeout));
    config.get_keepalives_interval().map(|interval| copy.keepalives_interval(interval));
    config.get_keepalives_retries().map(|retries| copy.keepalives_retries(retries));
    copy.ssl_mode(config.get_ssl_mode())
        .ssl_negotiation(config.get_ssl_negotiation())
        .keepalives(config.get_keepalives())
        .keepalives_idle(config.get_keepalives_idle())
        .target_session_attrs(config.get_target_session_attrs())
        .channel_binding(config.get_channel_binding())
        .load_balance_hosts(config.get_load_balance_hosts());
    copy
}

#[cfg(test)]
mod tests {
    use tokenlease::runtime::Runtime;

    use super::*;

    fn resolved(text: &str) -> Result<Config> {
        let config: Config = text.parse().unwrap();
        let found = async move { with_addresses(&config, "h").await };
        Runtime::current().unwrap().block_on(found).unwrap()
    }

    #[test]
    fn the_addresses_of_all_hosts_are_found_and_each_option_is_kept() {
        let options = "user=u password=p dbname=d options=o application_name=a sslmode=require \
                       sslnegotiation=direct connect_timeout=7 tcp_user_timeout=8 keepalives=0 \
                       keepalives_idle=9 keepalives_interval=10 keepalives_retries=11 \
                       target_session_attrs=read-write channel_binding=disable \
                       load_balance_hosts=random";
        let hosts = |list: &str| format!("{options} {list}");
        let of = |list: &str| hosts(list).parse::<Config>().unwrap();
        let found = resolved(&hosts("host=192.0.2.1,::1 port=1,2")).unwrap();
        assert_eq!(found, of("host=192.0.2.1,::1 hostaddr=192.0.2.1,::1 port=1,2"));
        let found = resolved(&hosts("host=192.0.2.1,192.0.2.2 port=7")).unwrap();
        assert_eq!(found, of("host=192.0.2.1,192.0.2.2 hostaddr=192.0.2.1,192.0.2.2 port=7,7"));
        let found = resolved("host=localhost").unwrap();
        assert!(!found.get_hostaddrs().is_empty());
        assert!(found.get_hostaddrs().iter().all(std::net::IpAddr::is_loopback));
        assert_eq!(found.get_hosts().len(), found.get_hostaddrs().len());
        for unchanged in ["host=h hostaddr=192.0.2.1", "host=a,b,c port=1,2"] {
            assert_eq!(resolved(unchanged).unwrap(), unchanged.parse().unwrap());
        }
        // Elsewhere a path is the name of a host.
        #[cfg(unix)]
        assert_eq!(
            resolved("host=/run/postgresql,h").unwrap(),
            "host=/run/postgresql,h".parse().unwrap()
        );
    }

    #[test]
    fn a_host_without_an_address_is_an_error_only_if_no_other_has_one() {
        let error = resolved("host=tokenlease.invalid").unwrap_err().to_string();
        assert!(error.contains("was not found"), "{error}");
        let found = resolved("host=tokenlease.invalid,192.0.2.1").unwrap();
        assert_eq!(found.get_hosts(), [Host::Tcp("192.0.2.1".into())]);
    }
}
