//! The last step: getting a token.

use tokenlease::core::identity::Provider;

use super::Finding;
use crate::{
    output::{Failure, warn},
    session::{self, Leased, Session},
    settings::{Need, Settings},
};

pub(super) fn check(settings: &Settings) -> Finding {
    if settings.identity.provider() == Provider::Winkas {
        warn("if no token is active, this logs in; `tokenlease token` then prints the same token");
    }
    match lease(settings) {
        Ok(leased) => Finding::ok("login", describe(&leased)),
        Err(failure) => Finding::error("login", &failure.error),
    }
}

fn lease(settings: &Settings) -> Result<Leased, Failure> {
    let credentials = settings.credentials(Need::Login)?;
    session::block_on(async { Session::open(settings, credentials).await?.lease(None).await })
}

fn describe(leased: &Leased) -> String {
    let expiry = match leased.expires_at {
        Some(at) => format!("expiry {} ({})", at, leased.expiry),
        None => format!("expiry {}", leased.expiry),
    };
    format!("the credentials are accepted; token from {}, {expiry}", leased.source)
}
