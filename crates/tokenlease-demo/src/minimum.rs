//! The least that the day can cost.

use std::time::Duration;

use super::site::Service;

/// A client that knows everything: it logs in when a token is wanted and none is alive, keeping
/// the margins that the real one keeps. It is told what happens, and sends nothing.
pub(super) struct Oracle {
    serves: Duration,
    until: Option<Duration>,
    minimum: u64,
}

impl Oracle {
    pub(super) fn new(service: Service) -> Self {
        Self { serves: service.life().saturating_sub(service.margin()), until: None, minimum: 0 }
    }

    /// Somebody wants a token at this time of the day.
    pub(super) fn wanted(&mut self, now: Duration) {
        if self.until.is_none_or(|until| now >= until) {
            self.minimum += 1;
            self.until = Some(now + self.serves);
        }
    }

    /// The token was ended before its time.
    pub(super) fn ended(&mut self) {
        self.until = None;
    }

    /// The logins that could not be avoided.
    pub(super) fn minimum(&self) -> u64 {
        self.minimum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);
    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn a_login_is_due_when_a_token_is_wanted_and_none_is_alive() {
        let mut oracle = Oracle::new(Service::Winkas12);
        assert_eq!(oracle.minimum(), 0);
        oracle.wanted(Duration::ZERO);
        oracle.wanted(11 * HOUR);
        assert_eq!(oracle.minimum(), 1);
        oracle.wanted(12 * HOUR);
        oracle.ended();
        assert_eq!(oracle.minimum(), 2, "nobody wants another one yet");
        oracle.wanted(13 * HOUR);
        assert_eq!(oracle.minimum(), 3);
    }

    #[test]
    fn where_ends_are_stated_the_margin_is_kept() {
        let mut oracle = Oracle::new(Service::Wyn);
        oracle.wanted(Duration::ZERO);
        oracle.wanted(478 * MINUTE);
        assert_eq!(oracle.minimum(), 1);
        oracle.wanted(479 * MINUTE);
        assert_eq!(oracle.minimum(), 2);
    }
}
