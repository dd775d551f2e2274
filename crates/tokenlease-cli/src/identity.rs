//! Who the settings speak of, and which settings must be there to say so.

use std::net::IpAddr;

use tokenlease::{
    Error, Result,
    core::{Identity, vendor::wyn},
};

use crate::{
    options::{Options, Vendor},
    output::config,
};

/// Where `WinKAS` Air is, unless another address is given.
const WINKAS: &str = "https://air.winkas.net";

/// The identity that the options name.
pub(crate) fn of(options: &Options) -> Result<Identity> {
    let needed = |value: &Option<String>, key: &str, what: &str| {
        value.clone().ok_or_else(|| missing(key, what))
    };
    let vendor = options.vendor.ok_or_else(|| missing("vendor", "vendor"))?;
    let foreign: &[(&str, &Option<String>)] = match vendor {
        Vendor::Winkas => &[
            ("client_id", &options.client_id),
            ("tenant", &options.tenant),
            ("scope", &options.scope),
        ],
        Vendor::Wyn => &[("contract", &options.contract)],
        Vendor::OAuth2 => &[("contract", &options.contract), ("tenant", &options.tenant)],
    };
    if let Some((key, _)) = foreign.iter().find(|(_, value)| value.is_some()) {
        let name = clap::ValueEnum::to_possible_value(&vendor);
        let name = name.as_ref().map_or("this vendor", |name| name.get_name());
        return Err(config(format!("{name} has no {}", key.replace('_', " ")))
            .expected(format!("no {}", option(key)))
            .advice(format!("drop it, also from the profile and {}", variable_name(key))));
    }
    let scope = options.scope.as_deref().unwrap_or_default();
    match vendor {
        Vendor::Winkas => {
            let user = needed(&options.user, "user", "user")?;
            let contract = needed(&options.contract, "contract", "contract code")?;
            Identity::winkas(options.server.as_deref().unwrap_or(WINKAS), &user, &contract)
        }
        Vendor::Wyn => {
            let server = needed(&options.server, "server", "server address")?;
            let user = needed(&options.user, "user", "user")?;
            let client = options.client_id.as_deref().unwrap_or(wyn::DEFAULT_CLIENT);
            let identity = Identity::wyn(&server, &user, client)?;
            Ok(identity
                .with_tenant(options.tenant.as_deref().unwrap_or_default())
                .with_scope(scope))
        }
        Vendor::OAuth2 => {
            let server = needed(&options.server, "server", "server address")?;
            let user = options.user.as_deref().unwrap_or_default();
            let client = options.client_id.as_deref().unwrap_or_default();
            Ok(Identity::oauth2(&server, user, client)?.with_scope(scope))
        }
    }
}

fn missing(key: &str, what: &str) -> Error {
    config(format!("no {what} is given")).expected(format!(
        "{}, the variable {}, or a profile that says it",
        option(key),
        variable_name(key)
    ))
}

fn option(key: &str) -> String {
    format!("--{}", key.replace('_', "-"))
}

/// The option's name in the environment.
pub(crate) fn variable_name(key: &str) -> String {
    format!("TOKENLEASE_{}", key.to_uppercase())
}

/// Whether the address is one of this machine's own.
pub(crate) fn is_loopback(server: &str) -> bool {
    let uri: Option<http::Uri> = server.parse().ok();
    uri.as_ref().and_then(http::Uri::host).is_some_and(|host| {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        host.eq_ignore_ascii_case("localhost")
            || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(pairs: &[(&str, &str)]) -> Options {
        let mut options = Options::default();
        for (key, text) in pairs {
            assert_eq!(options.set(key, text), Some(Ok(())), "{key}");
        }
        options
    }

    #[test]
    fn an_option_of_another_vendor_is_an_error_that_says_so() {
        for (vendor, option, detail) in [
            ("winkas", "client_id", "winkas has no client id"),
            ("winkas", "tenant", "winkas has no tenant"),
            ("winkas", "scope", "winkas has no scope"),
            ("wyn", "contract", "wyn has no contract"),
            ("oauth2", "contract", "oauth2 has no contract"),
            ("oauth2", "tenant", "oauth2 has no tenant"),
        ] {
            let error = of(&options(&[("vendor", vendor), (option, "x")])).unwrap_err();
            assert_eq!(error.detail(), detail);
        }
    }

    #[test]
    fn winkas_has_a_default_address_and_wyn_a_default_client() {
        let of = |pairs| of(&options(pairs)).unwrap();
        let winkas = of(&[("vendor", "winkas"), ("user", "u"), ("contract", "c")]);
        assert_eq!(winkas.server(), "https://air.winkas.net");
        let wyn = of(&[("vendor", "wyn"), ("user", "u"), ("server", "https://w")]);
        assert_eq!((wyn.client(), wyn.realm()), ("integration", "/"));
    }

    #[test]
    fn loopback_is_known_by_name_and_by_address() {
        for server in
            ["http://localhost:1", "http://127.0.0.1", "http://127.9.9.9:1/x", "http://[::1]"]
        {
            assert!(is_loopback(server), "{server}");
        }
        for server in ["http://localhost.example", "http://10.0.0.1", "https://h", ""] {
            assert!(!is_loopback(server), "{server}");
        }
    }
}
