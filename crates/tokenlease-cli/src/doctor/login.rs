//! The last step: a token, got once.

use tokenlease::core::identity::Provider;

use super::Finding;
use crate::{
    output::{Failure, warn},
    session::{self, Leased, Session},
    settings::{Need, Settings},
};

pub(super) fn check(settings: &Settings) -> Finding {
    if settings.identity.provider() == Provider::Winkas {
        warn("if no token is active, this login costs a new one; the next `token` finds it again");
    }
    match lease(settings) {
        Ok(leased) => Finding::ok("login", words(&leased)),
        Err(failure) => Finding::error("login", &failure.error),
    }
}

fn lease(settings: &Settings) -> Result<Leased, Failure> {
    let credentials = settings.credentials(Need::Login)?;
    session::block_on(async { Session::open(settings, credentials).await?.lease().await })
}

fn words(leased: &Leased) -> String {
    let end = match leased.expires_at {
        Some(end) => format!("its end is {}: {end}", leased.end),
        None => format!("its end is {}", leased.end),
    };
    format!("the credentials are good; a token came by {}; {end}", leased.source)
}
