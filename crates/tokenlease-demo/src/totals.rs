//! What the day came to.

use serde::Serialize;
use tokenlease::{Error, ErrorKind, Result};

use super::{naive::Naive, processes::Processes, world::Fleet};

/// Both providers, as `--output json` prints them.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Numbers {
    pub(super) winkas: Provider,
    pub(super) wyn: Provider,
    /// The second act.
    pub(super) processes: Processes,
}

/// The services of one provider. What begins with `naive` is without tokenlease.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Provider {
    /// Tokens that callers were given.
    pub(super) answers: u64,
    /// Logins that brought a new token.
    pub(super) issued: u64,
    /// The logins that a client that knows everything would have sent.
    pub(super) minimum: u64,
    /// The most that were sent before they were needed.
    #[serde(skip)]
    pub(super) excess: u64,
    pub(super) refetched: u64,
    pub(super) validated: u64,
    pub(super) naive_issued: u64,
    /// Dead tokens that were served although their end could be known.
    pub(super) dead_served: u64,
    /// Dead tokens that were served before anybody could know.
    pub(super) dead_unknowable: u64,
    /// API calls that the provider rejected for their token.
    pub(super) rejected: u64,
    pub(super) naive_rejected: u64,
    /// Sends of wrong credentials.
    pub(super) wrong_sent: u64,
    pub(super) naive_wrong_sent: u64,
    /// Whether that locked the account.
    pub(super) locked: bool,
    pub(super) naive_locked: bool,
}

impl Provider {
    /// Adds a service to its provider.
    pub(super) fn add(&mut self, with: &Fleet, without: &Naive) {
        let (seen, naive) = (with.site.seen(), without.site.seen());
        self.answers += with.tally.answers();
        self.issued += seen.issued;
        self.minimum += with.oracle.minimum();
        self.excess += with.excess;
        self.refetched += seen.refetched;
        self.validated += seen.validated;
        self.naive_issued += naive.issued;
        self.dead_served += with.tally.dead();
        self.dead_unknowable += with.tally.unknowable();
        self.rejected += seen.rejected;
        self.naive_rejected += naive.rejected;
        self.wrong_sent += seen.wrong;
        self.naive_wrong_sent += naive.wrong;
    }

    fn check(&self, name: &str) -> Result<()> {
        let fault = if self.issued != self.minimum {
            format!("{name}: {} logins, where {} would have done", self.issued, self.minimum)
        } else if self.excess != 0 {
            format!("{name}: {} logins were sent before they were needed", self.excess)
        } else if self.dead_served != 0 {
            format!("{name}: {} dead tokens were served", self.dead_served)
        } else {
            return Ok(());
        };
        Err(Error::new(ErrorKind::Internal, fault)
            .expected("the least possible number of logins, and no dead token")
            .advice("please report this with the whole output"))
    }
}

impl Numbers {
    /// Whether the day kept the promises. Kind `Internal` if not.
    pub(super) fn check(&self) -> Result<()> {
        self.winkas.check("WinKAS Air")?;
        self.wyn.check("Wyn Enterprise")
    }

    /// Whether the second act kept them.
    pub(super) fn check_processes(&self) -> Result<()> {
        self.processes.check()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_too_many_too_few_or_too_early_and_a_dead_token_are_faults() {
        let good = Provider { issued: 3, minimum: 3, ..Provider::default() };
        let check = |wyn| Numbers { winkas: good, wyn, ..Numbers::default() }.check();
        assert!(check(good).is_ok());
        for bad in [
            Provider { issued: 4, ..good },
            Provider { issued: 2, ..good },
            Provider { excess: 1, ..good },
            Provider { dead_served: 1, ..good },
        ] {
            let error = check(bad).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Internal);
            assert!(error.detail().starts_with("Wyn Enterprise: "), "{error}");
        }
        assert!(check(Provider { dead_unknowable: 1, ..good }).is_ok());
    }
}
