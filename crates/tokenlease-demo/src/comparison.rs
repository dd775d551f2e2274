//! One service with tokenlease and the same service without it.

use std::time::Duration;

use tokenlease::Result;

use super::{
    emulated::{ApiCall, Service},
    fleet::Fleet,
    naive::NaiveFleet,
    totals::Totals,
};

/// The workers of each service.
const WORKERS: usize = 8;
/// The callers in a process that was started with a wrong password.
const WRONG_PASSWORD_CALLERS: usize = 50;

/// The two runs of a service. Each has its own provider.
pub(super) struct Comparison {
    pub(super) with: Fleet,
    pub(super) without: NaiveFleet,
    /// The logins that are already in the report, with tokenlease and without.
    reported: (u64, u64),
    /// Whether a wrong password locked the account, with tokenlease and without.
    locked: (bool, bool),
}

impl Comparison {
    pub(super) async fn start(service: Service) -> Result<Self> {
        let (with, without) =
            (Fleet::start(service, WORKERS).await?, NaiveFleet::start(service, WORKERS).await?);
        Ok(Self { with, without, reported: (0, 0), locked: (false, false) })
    }

    /// Calls the API once from each worker.
    pub(super) async fn round(&mut self, now: Duration, call: ApiCall) -> Result<()> {
        tokio::try_join!(self.with.round(now, call), self.without.round(call))?;
        Ok(())
    }

    pub(super) fn restart(&mut self, same_host: bool) -> Result<()> {
        self.without.restart();
        self.with.restart(same_host)
    }

    pub(super) fn set_outage(&self, is_down: bool) {
        self.with.provider.set_outage(is_down);
        self.without.provider.set_outage(is_down);
    }

    /// Requests a token for many callers with a wrong password, and returns the text of the event.
    /// Afterwards, an administrator unlocks the accounts.
    pub(super) async fn wrong_password(&mut self) -> Result<String> {
        self.with.wrong_password(WRONG_PASSWORD_CALLERS).await?;
        self.without.wrong_password(WRONG_PASSWORD_CALLERS).await?;
        let (with, without) = (&self.with.provider, &self.without.provider);
        self.locked = (with.is_locked(), without.is_locked());
        let (sent, naive) = (with.counts().wrong_credentials, without.counts().wrong_credentials);
        with.unlock();
        without.unlock();
        let (sent, naive) = (sends(sent, self.locked.0), sends(naive, self.locked.1));
        Ok(format!(
            "{WRONG_PASSWORD_CALLERS} callers, wrong password: sent {} with{}, {} without{}",
            sent.0, sent.1, naive.0, naive.1
        ))
    }

    fn logins(&self) -> (u64, u64) {
        (self.with.provider.counts().new_tokens, self.without.provider.counts().new_tokens)
    }

    /// Returns the logins that are not in the report yet, with tokenlease and without.
    pub(super) fn unreported_logins(&self) -> (u64, u64) {
        let now = self.logins();
        (now.0 - self.reported.0, now.1 - self.reported.1)
    }

    /// Returns the same as [`unreported_logins`](Self::unreported_logins), and marks these logins
    /// as reported.
    pub(super) fn take_unreported_logins(&mut self) -> (u64, u64) {
        let unreported = self.unreported_logins();
        self.reported = self.logins();
        unreported
    }

    /// Adds the counts of this service to its provider's.
    pub(super) fn add_to(&self, totals: &mut Totals) {
        let is_wyn = self.with.provider.service.is_wyn();
        let provider = if is_wyn { &mut totals.wyn } else { &mut totals.winkas };
        provider.add(&self.with, &self.without);
        provider.account_locked |= self.locked.0;
        provider.naive_account_locked |= self.locked.1;
    }
}

/// Returns how often wrong credentials were sent, and whether that locked the account, as texts.
fn sends(count: u64, locked: bool) -> (String, &'static str) {
    let times = match count {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        _ => format!("{count} times"),
    };
    (times, if locked { " (account locked)" } else { "" })
}
