//! What can be seen in the settings alone.

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
    if !settings.is_sent_in_the_clear() {
        let why =
            if settings.is_on_this_machine() { "on this machine" } else { "encrypted (HTTPS)" };
        return Finding::ok("address", format!("{server} is {why}"));
    }
    let detail = format!("{server} is plain HTTP: passwords and tokens can be read on the way");
    if settings.options.allow_plain_http == Some(true) {
        return Finding::warn("address", detail, "have the server speak HTTPS");
    }
    Finding::fail(
        "address",
        exit::USAGE,
        detail,
        "use https://; only in a network that is trusted wholly, give --allow-plain-http",
    )
}

fn tenant(identity: &Identity) -> Option<Finding> {
    let tenant = identity.realm();
    let why = if !tenant.starts_with('/') {
        "does not begin with a slash"
    } else if tenant.len() > 1 && tenant.ends_with('/') {
        "ends with a slash"
    } else if tenant.contains("//") || tenant.contains('\\') {
        "holds an empty part or a backslash"
    } else {
        return None;
    };
    Some(Finding::warn(
        "tenant",
        format!("the tenant \"{tenant}\" {why}"),
        "write it as Wyn does: / for the global organization, /Org/SubOrg for one below",
    ))
}

fn factory_secret(settings: &Settings) -> Option<Finding> {
    let secret = settings.known_client_secret()?;
    (secret.expose() == wyn::FACTORY_CLIENT_SECRET).then(|| {
        Finding::warn(
            "secret",
            "the client's secret is the one that Wyn is delivered with, which everyone knows",
            format!(
                "set another one at {}/management#client-management",
                settings.identity.server()
            ),
        )
    })
}

fn lifetime(settings: &Settings) -> Finding {
    match settings.options.lifetime {
        Some(lifetime) => {
            Finding::ok("lifetime", format!("new tokens are to live {}", show(lifetime)))
        }
        None => Finding::warn(
            "lifetime",
            "no lifetime is asked for: on a Wyn server as installed, tokens live 10 years",
            "give --lifetime 8h, for example, and `revoke` tokens when done",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_that_looks_wrong_is_warned_of() {
        let of = |path| tenant(&Identity::wyn("https://h", "u", "c").unwrap().with_tenant(path));
        for good in ["", "/", "/Org", "/Org/Sub Org"] {
            assert_eq!(of(good), None, "{good}");
        }
        for bad in ["Org", "/Org/", "//Org", "/Org\\Sub"] {
            assert!(of(bad).is_some(), "{bad}");
        }
    }
}
