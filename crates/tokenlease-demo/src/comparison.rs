//! A service that is played twice.

use std::time::Duration;

use tokenlease::Result;

use super::{
    naive::Naive,
    numbers::Numbers,
    site::{Service, Work},
    world::Fleet,
};

/// The workers of each service.
const WORKERS: usize = 8;
/// The callers of a process that was started with a wrong password.
const MISTYPED: usize = 50;

/// One service, twice, with a provider of its own each.
pub(super) struct Twins {
    pub(super) with: Fleet,
    pub(super) without: Naive,
    /// The logins that were told already.
    told: (u64, u64),
    locked: (bool, bool),
}

impl Twins {
    pub(super) async fn born(service: Service) -> Result<Self> {
        let (with, without) =
            (Fleet::start(service, WORKERS).await?, Naive::start(service, WORKERS).await?);
        Ok(Self { with, without, told: (0, 0), locked: (false, false) })
    }

    pub(super) async fn work(&mut self, now: Duration, work: Work) -> Result<()> {
        tokio::try_join!(self.with.round(now, work), self.without.round(work))?;
        Ok(())
    }

    pub(super) fn restart(&mut self, same_host: bool) -> Result<()> {
        self.without.restart();
        self.with.restart(same_host)
    }

    pub(super) fn set_outage(&self, is_down: bool) {
        self.with.site.set_outage(is_down);
        self.without.site.set_outage(is_down);
    }

    /// Many callers of a process that was started with a wrong password. Says what that did, which
    /// an administrator then undoes.
    pub(super) async fn mistyped(&mut self) -> Result<String> {
        self.with.mistyped(MISTYPED).await?;
        self.without.mistyped(MISTYPED).await?;
        let (with, without) = (&self.with.site, &self.without.site);
        self.locked = (with.is_locked(), without.is_locked());
        let locked = match self.locked {
            (false, false) => "",
            (true, false) => ", which locks the account with",
            (false, true) => ", which locks the account without",
            (true, true) => ", which locks both accounts",
        };
        let (sent, naive) = (with.seen().wrong, without.seen().wrong);
        with.unlock();
        without.unlock();
        let sent = format!("{sent} sent with, {naive} without");
        Ok(format!("{MISTYPED} callers, a wrong password: {sent}{locked}"))
    }

    fn logins(&self) -> (u64, u64) {
        (self.with.site.seen().issued, self.without.site.seen().issued)
    }

    pub(super) fn untold(&self) -> (u64, u64) {
        let now = self.logins();
        (now.0 - self.told.0, now.1 - self.told.1)
    }

    /// The logins since the last time.
    pub(super) fn tell(&mut self) -> (u64, u64) {
        let untold = self.untold();
        self.told = self.logins();
        untold
    }

    /// Adds what this service came to.
    pub(super) fn add_to(&self, numbers: &mut Numbers) {
        let is_wyn = self.with.site.service.is_wyn();
        let provider = if is_wyn { &mut numbers.wyn } else { &mut numbers.winkas };
        provider.add(&self.with, &self.without);
        provider.locked |= self.locked.0;
        provider.naive_locked |= self.locked.1;
    }
}
