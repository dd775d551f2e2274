//! The sums of the demo, and the check that they keep the guarantees of tokenlease.

use serde::Serialize;
use tokenlease::{Error, ErrorKind, Result};

use super::{fleet::Fleet, naive::NaiveFleet, processes::ProcessTotals};

/// The sums of both providers. `--output json` prints these fields.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Totals {
    pub(super) winkas: ProviderTotals,
    pub(super) wyn: ProviderTotals,
    /// Part 2.
    pub(super) processes: ProcessTotals,
}

/// The sums of the services of one provider. The fields `naive_…` count the run without tokenlease.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct ProviderTotals {
    /// Tokens that were served to callers.
    pub(super) tokens_served: u64,
    /// Logins that returned a new token.
    pub(super) logins: u64,
    /// The logins that a client with full knowledge would have sent.
    pub(super) minimum_logins: u64,
    /// The most logins that were sent before they were needed, at any time of the day.
    #[serde(skip)]
    pub(super) excess_logins: u64,
    pub(super) refetches: u64,
    pub(super) validations: u64,
    pub(super) naive_logins: u64,
    /// Inactive tokens that were served although the client could know that they were inactive.
    pub(super) inactive_served: u64,
    /// Inactive tokens that were served before any client could know that they were inactive.
    pub(super) inactive_undetectable: u64,
    /// API calls that the provider rejected because of their token.
    pub(super) rejected_calls: u64,
    pub(super) naive_rejected_calls: u64,
    /// Requests that the provider rejected because of their wrong credentials.
    pub(super) wrong_credentials_sent: u64,
    pub(super) naive_wrong_credentials_sent: u64,
    /// Whether wrong credentials locked the account.
    pub(super) account_locked: bool,
    pub(super) naive_account_locked: bool,
}

impl ProviderTotals {
    /// Adds the counts of a service.
    pub(super) fn add(&mut self, with: &Fleet, without: &NaiveFleet) {
        let (counts, naive) = (with.provider.counts(), without.provider.counts());
        self.tokens_served += with.served.total();
        self.logins += counts.new_tokens;
        self.minimum_logins += with.minimum.logins();
        self.excess_logins += with.excess_logins;
        self.refetches += counts.refetches;
        self.validations += counts.validations;
        self.naive_logins += naive.new_tokens;
        self.inactive_served += with.served.inactive();
        self.inactive_undetectable += with.served.undetectable();
        self.rejected_calls += counts.rejected_calls;
        self.naive_rejected_calls += naive.rejected_calls;
        self.wrong_credentials_sent += counts.wrong_credentials;
        self.naive_wrong_credentials_sent += naive.wrong_credentials;
    }

    fn check(&self, provider: &str) -> Result<()> {
        let detail = if self.logins != self.minimum_logins {
            let Self { logins, minimum_logins, .. } = self;
            format!("{provider}: {logins} logins were sent, but {minimum_logins} were needed")
        } else if self.excess_logins != 0 {
            format!("{provider}: {} logins were sent before they were needed", self.excess_logins)
        } else if self.inactive_served != 0 {
            format!("{provider}: {} inactive tokens were served", self.inactive_served)
        } else {
            return Ok(());
        };
        Err(Error::new(ErrorKind::Internal, detail)
            .expected("the minimum number of logins, and no inactive token")
            .advice("please report this with the whole output"))
    }
}

impl Totals {
    /// Returns an error of kind `Internal` if the day broke a guarantee.
    pub(super) fn check(&self) -> Result<()> {
        self.winkas.check("WinKAS Air")?;
        self.wyn.check("Wyn Enterprise")
    }

    /// Returns an error of kind `Internal` if part 2 broke a guarantee.
    pub(super) fn check_processes(&self) -> Result<()> {
        self.processes.check()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demo_fails_on_a_wrong_number_of_logins_or_an_inactive_token() {
        let good = ProviderTotals { logins: 3, minimum_logins: 3, ..ProviderTotals::default() };
        let check = |wyn| Totals { winkas: good, wyn, ..Totals::default() }.check();
        assert!(check(good).is_ok());
        for bad in [
            ProviderTotals { logins: 4, ..good },
            ProviderTotals { logins: 2, ..good },
            ProviderTotals { excess_logins: 1, ..good },
            ProviderTotals { inactive_served: 1, ..good },
        ] {
            let error = check(bad).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Internal);
            assert!(error.detail().starts_with("Wyn Enterprise: "), "{error}");
        }
        assert!(check(ProviderTotals { inactive_undetectable: 1, ..good }).is_ok());
    }
}
