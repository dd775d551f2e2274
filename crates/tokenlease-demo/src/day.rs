//! Part 1: the events of one day, for three services.

use std::time::Duration;

use tokenlease::{Result, core::lifecycle::Revocation};

use super::{
    comparison::Comparison,
    emulated::{ApiCall, Service, failed},
    report::Report,
    totals::Totals,
};

/// The callers that want a token at the same time.
const CONCURRENT_CALLERS: usize = 1000;
/// How often each worker calls its API between the events.
const CALL_INTERVAL: Duration = Duration::from_secs(15 * 60);
const MINUTE: Duration = Duration::from_secs(60);
/// The rest of the token's lifetime when the outage ends: enough for a slow machine.
const REMAINING_AT_END_OF_OUTAGE: Duration = Duration::from_secs(5);

/// The three services, and the time of the day, which is the same for all of them.
pub(super) struct Day<'a> {
    now: Duration,
    services: [Comparison; 3],
    report: Report<'a>,
}

impl<'a> Day<'a> {
    /// Starts the providers and the workers of all services at 00:00.
    pub(super) async fn start(report: Report<'a>) -> Result<Self> {
        let [one, two, three] = Service::ALL;
        let services = [
            Comparison::start(one).await?,
            Comparison::start(two).await?,
            Comparison::start(three).await?,
        ];
        Ok(Self { now: Duration::ZERO, services, report })
    }

    /// Runs the whole day.
    pub(super) async fn run(&mut self) -> Result<()> {
        self.cold_start().await?;
        self.work_until(at(6, 0)).await?;
        self.restart().await?;
        self.work_until(at(7, 45)).await?;
        self.outage().await?;
        self.work_until(at(11, 45)).await?;
        self.twelve_hours().await?;
        self.work_until(at(13, 0)).await?;
        self.ended_early().await?;
        self.work_until(at(15, 15)).await?;
        self.no_permission().await?;
        self.work_until(at(17, 45)).await?;
        self.revocation().await?;
        self.work_until(at(20, 45)).await?;
        self.wrong_password().await?;
        self.work_until(at(23, 45)).await
    }

    /// Returns the sums of all services so far.
    pub(super) fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        for service in &self.services {
            service.add_to(&mut totals);
        }
        totals
    }

    /// Stops the day's providers and returns its report.
    pub(super) fn into_report(self) -> Report<'a> {
        self.report
    }

    async fn cold_start(&mut self) -> Result<()> {
        for service in &mut self.services {
            service.with.concurrent_callers(self.now, CONCURRENT_CALLERS).await?;
            service.without.concurrent_callers(CONCURRENT_CALLERS).await?;
        }
        for service in Service::ALL {
            self.report_event(service, "1,000 callers at once, and nothing is cached")?;
        }
        self.round(ApiCall::Report).await
    }

    async fn restart(&mut self) -> Result<()> {
        self.service(Service::Winkas12).restart(false)?;
        let text = "moves to a new host with an empty store: a refetch returns the current token";
        self.round_of(Service::Winkas12, text).await?;
        self.service(Service::Wyn).restart(true)?;
        let text = "restarts on the same host: the token is in the store that its processes share";
        self.round_of(Service::Wyn, text).await
    }

    /// The provider is down from before the refresh may begin until shortly before the token
    /// expires.
    async fn outage(&mut self) -> Result<()> {
        self.advance_to(at(7, 54));
        self.service(Service::Wyn).set_outage(true);
        for minute in 55..59 {
            self.advance_to(at(7, minute));
            self.round(ApiCall::Report).await?;
        }
        let remaining = self.service(Service::Wyn).with.remaining().await?;
        // Not past the outage: an unneeded login must be counted and must not shift the day.
        self.advance(remaining.saturating_sub(REMAINING_AT_END_OF_OUTAGE).min(MINUTE));
        let text = "the provider is down (HTTP 503) when a refresh is due: the cached token stays \
                    in use";
        self.round_of(Service::Wyn, text).await?;
        self.service(Service::Wyn).set_outage(false);
        self.advance_to(at(8, 2));
        self.round_of(Service::Wyn, "the provider is up again, and the refresh succeeds").await
    }

    async fn twelve_hours(&mut self) -> Result<()> {
        self.advance_to(at(12, 0));
        let text =
            "12 h, the usual lifetime, have passed: a validation shows that the token has expired";
        self.round_of(Service::Winkas12, text).await?;
        // Within the first minute each request validates again: one caller, one validation.
        let now = self.now;
        self.service(Service::Winkas24).with.concurrent_callers(now, 1).await?;
        self.advance_to(at(12, 2));
        let text = "12 h, the usual lifetime, have passed: a validation shows that the token is still active";
        self.round_of(Service::Winkas24, text).await?;
        self.round(ApiCall::Report).await
    }

    async fn ended_early(&mut self) -> Result<()> {
        self.advance_to(at(13, 15));
        for service in [Service::Winkas12, Service::Wyn] {
            let comparison = self.service(service);
            comparison.with.end_all();
            comparison.without.provider.end_all();
            let text = "the provider ends all tokens early: after one rejected API call, all \
                        workers know";
            self.round_of(service, text).await?;
        }
        self.round(ApiCall::Report).await
    }

    async fn no_permission(&mut self) -> Result<()> {
        self.advance_to(at(15, 30));
        self.call_api(ApiCall::Forbidden).await?;
        let text = "a missing permission looks like a rejected token: a validation shows that the \
                    token is active";
        self.report_event(Service::Winkas12, text)?;
        self.report_event(Service::Winkas24, "a missing permission, as above")?;
        let text = "a missing permission is HTTP 403, which does not reject the token";
        self.report_event(Service::Wyn, text)
    }

    async fn revocation(&mut self) -> Result<()> {
        self.advance_to(at(18, 0));
        let now = self.now;
        let comparison = self.service(Service::Wyn);
        if comparison.with.revoke(now).await? != Revocation::Proven {
            return Err(failed("the provider did not confirm that a revoked token is inactive"));
        }
        comparison.without.end_one().await?;
        let text = "a token leaked into a log and is revoked: the provider confirms that it is \
                    inactive";
        self.round_of(Service::Wyn, text).await?;
        self.round(ApiCall::Report).await
    }

    async fn wrong_password(&mut self) -> Result<()> {
        self.advance_to(at(21, 0));
        for service in [Service::Winkas12, Service::Wyn] {
            let text = self.service(service).wrong_password().await?;
            self.report_event(service, &text)?;
        }
        self.round(ApiCall::Report).await
    }

    /// Every worker calls its API once per [`CALL_INTERVAL`].
    async fn work_until(&mut self, end: Duration) -> Result<()> {
        while self.now < end {
            let rounds = self.now.as_secs() / CALL_INTERVAL.as_secs() + 1;
            self.advance_to(CALL_INTERVAL * u32::try_from(rounds).unwrap_or(u32::MAX));
            self.round(ApiCall::Report).await?;
        }
        Ok(())
    }

    /// Moves the clocks of the clients and of the providers.
    fn advance(&mut self, time: Duration) {
        self.now += time;
        for service in &self.services {
            service.with.advance(time);
            service.without.provider.advance(time);
        }
    }

    fn advance_to(&mut self, time: Duration) {
        self.advance(time.saturating_sub(self.now));
    }

    /// Every worker of every service calls its API once. Logins that belong to no event are
    /// reported.
    async fn round(&mut self, call: ApiCall) -> Result<()> {
        self.call_api(call).await?;
        for service in Service::ALL {
            if self.service(service).unreported_logins() != (0, 0) {
                self.report_event(service, "tokens have expired")?;
            }
        }
        Ok(())
    }

    async fn call_api(&mut self, call: ApiCall) -> Result<()> {
        let now = self.now;
        let [one, two, three] = &mut self.services;
        tokio::try_join!(one.round(now, call), two.round(now, call), three.round(now, call))?;
        Ok(())
    }

    /// Every worker of one service calls its API once, which is reported as an event.
    async fn round_of(&mut self, service: Service, text: &str) -> Result<()> {
        let now = self.now;
        self.service(service).round(now, ApiCall::Report).await?;
        self.report_event(service, text)
    }

    fn report_event(&mut self, service: Service, text: &str) -> Result<()> {
        let now = self.now;
        let logins = self.service(service).take_unreported_logins();
        self.report.event(now, service, text, logins)
    }

    fn service(&mut self, service: Service) -> &mut Comparison {
        &mut self.services[service as usize]
    }
}

/// Returns a time of the day.
fn at(hour: u64, minute: u64) -> Duration {
    Duration::from_secs((hour * 60 + minute) * 60)
}
