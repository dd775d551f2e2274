//! The minimum number of logins that the day needs.

use std::time::Duration;

use super::emulated::Service;

/// Counts the logins of a client with full knowledge: it logs in when a token is wanted and none is
/// active, and keeps the same margins before the expiry as the real client. It gets each event of
/// the day, and sends nothing.
pub(super) struct MinimumLogins {
    /// How long one token can be served.
    serves: Duration,
    /// The time of the day until which the current token can be served.
    until: Option<Duration>,
    logins: u64,
}

impl MinimumLogins {
    pub(super) fn new(service: Service) -> Self {
        let serves = service.lifetime().saturating_sub(service.margin());
        Self { serves, until: None, logins: 0 }
    }

    /// Records that a caller wants a token at this time of the day.
    pub(super) fn token_wanted(&mut self, now: Duration) {
        if self.until.is_none_or(|until| now >= until) {
            self.logins += 1;
            self.until = Some(now + self.serves);
        }
    }

    /// Records that the provider ended the token before its expiry.
    pub(super) fn token_ended(&mut self) {
        self.until = None;
    }

    /// Returns the number of logins that were needed so far.
    pub(super) fn logins(&self) -> u64 {
        self.logins
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);
    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn the_minimum_counts_a_login_when_a_token_is_wanted_and_none_is_active() {
        let mut minimum = MinimumLogins::new(Service::Winkas12);
        assert_eq!(minimum.logins(), 0);
        minimum.token_wanted(Duration::ZERO);
        minimum.token_wanted(11 * HOUR);
        assert_eq!(minimum.logins(), 1);
        minimum.token_wanted(12 * HOUR);
        minimum.token_ended();
        assert_eq!(minimum.logins(), 2, "no caller wants another token yet");
        minimum.token_wanted(13 * HOUR);
        assert_eq!(minimum.logins(), 3);
    }

    #[test]
    fn the_minimum_keeps_the_margin_before_a_stated_expiry() {
        let mut minimum = MinimumLogins::new(Service::Wyn);
        minimum.token_wanted(Duration::ZERO);
        minimum.token_wanted(478 * MINUTE);
        assert_eq!(minimum.logins(), 1);
        minimum.token_wanted(479 * MINUTE);
        assert_eq!(minimum.logins(), 2);
    }
}
