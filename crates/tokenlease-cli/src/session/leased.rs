//! A token and its properties, for printing.

use std::time::Duration;

use tokenlease::{
    Client, Clock as _, Result, SystemClock,
    core::{Secret, Token, TokenKind, WallTime, lifecycle::Served, provider::TokenHeader},
};
use tokenlease_config::duration;

use crate::output::warn;

/// A token and its properties, for printing.
#[derive(Debug)]
pub(crate) struct Leased {
    pub(crate) token: Token,
    token_header: TokenHeader,
    pub(crate) source: &'static str,
    pub(crate) expires_at: Option<WallTime>,
    pub(crate) expiry: &'static str,
    pub(crate) generation: u64,
}

impl Leased {
    pub(super) fn of(served: &Served, client: &Client) -> Self {
        let lease = &served.lease;
        let at = lease.expiry().expires_at(lease.sent_at());
        let now = SystemClock.now();
        Self {
            token: lease.token().clone(),
            token_header: client.token_header(),
            source: served.source.as_str(),
            expires_at: at.map(|at| now.wall_at(at)),
            expiry: lease.expiry().basis().as_str(),
            generation: lease.generation(),
        }
    }

    /// Returns the time until the token expires; `None` if the server stated no expiry.
    pub(crate) fn expires_in(&self) -> Option<Duration> {
        if !matches!(self.expiry, "stated" | "capped") {
            return None;
        }
        let now = SystemClock.now().wall;
        let left = |at: WallTime| u64::try_from(at.0.saturating_sub(now.0)).unwrap_or(0);
        self.expires_at.map(|at| Duration::from_millis(left(at)))
    }

    /// Returns the name of the header that presents the token to an API. `None` for a token that goes into
    /// a request's body.
    pub(crate) fn header_name(&self) -> Option<&'static str> {
        (self.token.kind() == TokenKind::Bearer).then(|| self.token_header.name())
    }

    /// Returns that header: its name and its value.
    pub(crate) fn header(&self) -> Result<Secret> {
        let value = self.token.header_value(self.token_header)?;
        Ok(Secret::new([self.token_header.name(), ": ", value.expose()].concat()))
    }

    /// Returns until when the token is served without another check, if the client knows such a time.
    pub(crate) fn served_until(&self) -> Option<WallTime> {
        self.expires_at.filter(|at| *at > SystemClock.now().wall)
    }

    /// Warns that the token has less than the requested lifetime left.
    pub(crate) fn warn_if_shorter(&self, min_remaining: Option<Duration>, advice: &str) {
        if let (Some(min), Some(left)) = (min_remaining, self.expires_in())
            && left < min
        {
            warn(format!(
                "the token expires in {}, less than {}: no better one can be had now{advice}",
                duration::show(left),
                duration::show(min)
            ));
        }
    }

    pub(crate) fn kind(&self) -> &'static str {
        match self.token.kind() {
            TokenKind::Winkas => "winkas",
            _ => "bearer",
        }
    }
}
