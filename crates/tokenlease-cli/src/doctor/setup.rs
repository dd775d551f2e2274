//! Checks of the settings that need no network.

use tokenlease::core::{Identity, identity::Provider, provider::wyn};

use super::Finding;
use tokenlease_config::duration::show;

use crate::{exit, settings::Settings};

pub(super) fn check(settings: &Settings) -> Vec<Finding> {
    let identity = &settings.identity;
    let mut findings = vec![Finding::ok("settings", identity.to_string())];
    findings.push(address(settings));
    if identity.provider() == Provider::Wyn {
        findings.extend(tenant(identity));
        findings.extend(factory_secret(settings));
        findings.push(lifetime(settings));
    }
    findings
}

fn address(settings: &Settings) -> Finding {
    let server = settings.identity.server();
    if !settings.is_unencrypted() {
        let why =
            if settings.is_on_this_machine() { "on this machine" } else { "encrypted (HTTPS)" };
        return Finding::ok("address", format!("{server} is {why}"));
    }
    let detail = format!("{server} is plain HTTP: others on the network path can read secrets");
    if settings.options.allow_plain_http == Some(true) {
        return Finding::warn("address", detail, "enable HTTPS on the server");
    }
    Finding::fail(
        "address",
        exit::USAGE,
        detail,
        "use https://, or --allow-plain-http in a network that you trust entirely",
    )
}

fn tenant(identity: &Identity) -> Option<Finding> {
    let tenant = identity.realm();
    let why = if !tenant.starts_with('/') {
        "does not start with a slash"
    } else if tenant.len() > 1 && tenant.ends_with('/') {
        "ends with a slash"
    } else if tenant.contains("//") || tenant.contains('\\') {
        "contains an empty part or a backslash"
    } else {
        return None;
    };
    Some(Finding::warn(
        "tenant",
        format!("the tenant \"{tenant}\" {why}"),
        "set --tenant as Wyn writes it: / for the global organization, /Org/SubOrg for another",
    ))
}

fn factory_secret(settings: &Settings) -> Option<Finding> {
    let secret = settings.known_client_secret()?;
    (secret.expose() == wyn::FACTORY_CLIENT_SECRET).then(|| {
        Finding::warn(
            "secret",
            "the client secret is the public default of Wyn",
            format!("change it at {}/management#client-management", settings.identity.server()),
        )
    })
}

fn lifetime(settings: &Settings) -> Finding {
    match settings.options.lifetime {
        Some(lifetime) => {
            Finding::ok("lifetime", format!("new tokens are requested for {}", show(lifetime)))
        }
        None => Finding::warn(
            "lifetime",
            "no lifetime is set: on a Wyn server as installed, tokens are active for 10 years",
            "set --lifetime, for example --lifetime 8h, and revoke tokens after use",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_malformed_tenant_is_a_warning() {
        let of = |path| tenant(&Identity::wyn("https://h", "u", "c").unwrap().with_tenant(path));
        for good in ["", "/", "/Org", "/Org/Sub Org"] {
            assert_eq!(of(good), None, "{good}");
        }
        for bad in ["Org", "/Org/", "//Org", "/Org\\Sub"] {
            assert!(of(bad).is_some(), "{bad}");
        }
    }
}
