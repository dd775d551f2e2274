//! The endpoints, one per file, and the choice of the profile that a request is about.

pub(crate) mod discovery;
pub(crate) mod introspect;
pub(crate) mod metrics;
pub(crate) mod revoke;
pub(crate) mod token;

use std::sync::Arc;

use tokenlease::core::Token;

use crate::{consumers::ActiveConsumer, profiles::Profile, state::Configured};

/// Returns the profiles that a consumer may get tokens of.
fn profiles_of<'a>(
    configured: &'a Configured,
    consumer: &'a ActiveConsumer,
) -> impl Iterator<Item = &'a Arc<Profile>> {
    let names = consumer.consumer.profiles.iter();
    names.filter_map(|name| configured.profiles.get(name))
}

/// Returns the profile whose current token has that text, with the token.
fn profile_with<'a>(
    configured: &'a Configured,
    consumer: &'a ActiveConsumer,
    text: &str,
) -> Option<(&'a Arc<Profile>, Token)> {
    profiles_of(configured, consumer).find_map(|profile| {
        let token = profile.client.token_from_text(text).ok()?;
        profile.client.facts(&token)?;
        Some((profile, token))
    })
}

/// Returns the only profile of a consumer. Of several, it is not known to which a token belongs whose
/// text no client knows, and another server must not see it.
fn only_profile<'a>(
    configured: &'a Configured,
    consumer: &'a ActiveConsumer,
) -> Option<&'a Arc<Profile>> {
    let mut all = profiles_of(configured, consumer);
    all.next().filter(|_| all.next().is_none())
}
