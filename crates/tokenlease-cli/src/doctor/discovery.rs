//! The server's discovery document: where it is, and which endpoints it names.

use tokenlease::{
    Result, Transport,
    core::{
        identity::Provider,
        provider::oauth2::{Discover, Endpoint, Metadata, WellKnown},
    },
};

use super::Finding;
use crate::settings::Settings;

const STEP: &str = "discovery";

/// Requests the document as a client does, without credentials.
pub(super) async fn check(settings: &Settings) -> Vec<Finding> {
    if settings.identity.provider() != Provider::OAuth2 {
        return Vec::new();
    }
    if settings.options.token_path.is_some() {
        return vec![Finding::skip(STEP, "no document is read, because --token-path is set")];
    }
    match find(settings).await {
        Ok(Some(metadata)) => found(settings, &metadata),
        Ok(None) => {
            let [one, other] = WellKnown::ALL.map(|at| discover(settings, at).address());
            vec![Finding::warn(
                STEP,
                format!("there is no document at {one} or {other}: logins are sent to /token"),
                "check --server, or set --token-path if the token endpoint is elsewhere",
            )]
        }
        Err(error) => vec![Finding::error(STEP, &error)],
    }
}

fn discover(settings: &Settings, at: WellKnown) -> Discover<'_> {
    Discover { server: settings.identity.server(), at }
}

async fn find(settings: &Settings) -> Result<Option<Metadata>> {
    let transport = Transport::new(&settings.options.http()?)?;
    for at in WellKnown::ALL {
        let discover = discover(settings, at);
        let answer = transport.send(discover.request()?, settings.timeout()).await;
        let answer = answer.map_err(|error| error.error().clone())?;
        if let Some(metadata) = discover.parse(&answer)? {
            return Ok(Some(metadata));
        }
    }
    Ok(None)
}

fn found(settings: &Settings, metadata: &Metadata) -> Vec<Finding> {
    let options = &settings.options;
    let (address, issuer) = (metadata.address(), metadata.issuer());
    let detail = format!("{address}: the issuer {issuer} is the server address");
    let mut findings = vec![Finding::ok(STEP, detail)];
    for endpoint in Endpoint::ALL {
        let is_set = match endpoint {
            Endpoint::Token => &options.token_path,
            Endpoint::Revocation => &options.revocation_path,
            Endpoint::Introspection => &options.introspection_path,
            Endpoint::Userinfo => &options.userinfo_path,
        }
        .is_some();
        let field = endpoint.field();
        findings.push(match metadata.endpoint(endpoint) {
            _ if is_set => Finding::ok(STEP, format!("{field}: {} is set", endpoint.option())),
            Ok(Some(url)) => Finding::ok(STEP, format!("{field}: {url} is at the issuer's host")),
            Ok(None) => Finding::skip(STEP, format!("{field}: the document names none")),
            Err(error) => Finding::warn(
                STEP,
                format!("{field}: {}", error.detail()),
                format!("it is not used; set {} to a path at the server", endpoint.option()),
            ),
        });
    }
    findings
}
