//! `demo`: one day of three services at both providers, played with tokenlease and without it.
//!
//! Both providers run on this machine, and all calls go over real HTTP. No one sleeps: the clocks of
//! the clients and of the providers are moved together. Nothing of the result is written down here:
//! the providers count the logins, look up each token in the moment it is served, and an oracle that
//! is told what happens counts the least that the day can cost.
//!
//! A second act has real processes of this program, which share a folder.

mod naive;
mod numbers;
mod oracle;
pub(crate) mod processes;
mod site;
mod story;
mod twins;
mod world;

use std::time::Duration;

use tokenlease::{Result, core::lifecycle::Revocation};

use self::{
    numbers::Numbers,
    processes::{Processes, Stage},
    site::{Service, Work, failed},
    story::Story,
    twins::Twins,
};
use crate::output::{Failure, Output};

/// The callers that all want a token at the same time.
const CROWD: usize = 1000;
/// How often each worker calls its API, when nothing else happens.
const ROUND: Duration = Duration::from_secs(15 * 60);
const MINUTE: Duration = Duration::from_secs(60);
/// What is left of the token when the outage ends: enough for a slow machine.
const SLACK: Duration = Duration::from_secs(5);

pub(crate) async fn run(output: Output) -> Result<(), Failure> {
    let mut day = Day::dawn(output).await?;
    day.play().await?;
    let mut numbers = day.numbers();
    day.story.end_of_day(&numbers)?;
    numbers.processes = second_act(&day.story).await?;
    day.story.end(&numbers)?;
    numbers.check()?;
    Ok(numbers.check_processes()?)
}

/// Real processes share a folder.
async fn second_act(story: &Story) -> Result<Processes, Failure> {
    story.second_act()?;
    let stage = Stage::set().await?;
    let mut told = Processes::default();
    for (provider, is_wyn, scenes) in
        [("WinKAS Air", false, &mut told.winkas), ("Wyn Enterprise", true, &mut told.wyn)]
    {
        let site = stage.site(is_wyn);
        scenes.start = processes::start(site).await?;
        let text = "an empty folder: one logs in, all get its token";
        story.scene(provider, text, &scenes.start)?;
        if !is_wyn {
            // Wyn has no call that finds the token of a login whose answer was lost.
            let scene = processes::killed(site).await?;
            let text = "one is killed in the middle of its login: a refetch finds its token, for the \
                        15 others";
            story.scene(provider, text, &scene)?;
            scenes.killed = Some(scene);
        }
        scenes.wrong = processes::wrong(site).await?;
        let text = "a wrong password: one tries it, all are told";
        story.scene(provider, text, &scenes.wrong)?;
    }
    Ok(told)
}

/// The three services, and how late it is for all of them.
struct Day {
    now: Duration,
    services: [Twins; 3],
    story: Story,
}

impl Day {
    async fn play(&mut self) -> Result<(), Failure> {
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

    async fn cold_start(&mut self) -> Result<(), Failure> {
        for twins in &mut self.services {
            twins.with.crowd(self.now, CROWD).await?;
            twins.without.crowd(CROWD).await?;
        }
        for service in Service::ALL {
            self.tell(service, "1,000 callers at once, and nothing is cached")?;
        }
        self.round(Work::Report).await
    }

    async fn restart(&mut self) -> Result<(), Failure> {
        self.twins(Service::Winkas12).restart(false)?;
        let text = "moves to a new host with an empty store: the running token is fetched again";
        self.round_of(Service::Winkas12, text).await?;
        self.twins(Service::Wyn).restart(true)?;
        let text =
            "restarts on its host: the token is in the store that the host's processes share";
        self.round_of(Service::Wyn, text).await
    }

    /// The provider is down from before the refresh may begin until the token is all but over.
    async fn outage(&mut self) -> Result<(), Failure> {
        self.pass_until(at(7, 54));
        self.twins(Service::Wyn).set_outage(true);
        for minute in 55..59 {
            self.pass_until(at(7, minute));
            self.round(Work::Report).await?;
        }
        let left = self.twins(Service::Wyn).with.left().await?;
        // No further than the outage: a login too many shall be counted, not move the day.
        self.pass(left.saturating_sub(SLACK).min(MINUTE));
        let text =
            "the provider is down (503) while the refresh is due: the token in use is served on";
        self.round_of(Service::Wyn, text).await?;
        self.twins(Service::Wyn).set_outage(false);
        self.pass_until(at(8, 2));
        self.round_of(Service::Wyn, "the provider is back, and the refresh is made up for").await
    }

    async fn twelve_hours(&mut self) -> Result<(), Failure> {
        self.pass_until(at(12, 0));
        let text = "the 12 h mark: the provider is asked, and says that the token is over";
        self.round_of(Service::Winkas12, text).await?;
        // In the minute after the mark each question is asked anew: one caller, one question.
        let now = self.now;
        self.twins(Service::Winkas24).with.crowd(now, 1).await?;
        self.pass_until(at(12, 2));
        let text = "the 12 h mark: the provider is asked, and the token turns out to live longer";
        self.round_of(Service::Winkas24, text).await?;
        self.round(Work::Report).await
    }

    async fn ended_early(&mut self) -> Result<(), Failure> {
        self.pass_until(at(13, 15));
        for service in [Service::Winkas12, Service::Wyn] {
            let twins = self.twins(service);
            twins.with.end_all();
            twins.without.site.end_all();
            let text = "the provider ends all tokens early: one rejected call, and all know";
            self.round_of(service, text).await?;
        }
        self.round(Work::Report).await
    }

    async fn no_permission(&mut self) -> Result<(), Failure> {
        self.pass_until(at(15, 30));
        self.work(Work::Forbidden).await?;
        let text =
            "a missing permission looks like a rejected token: asked first, the token is kept";
        self.tell(Service::Winkas12, text)?;
        self.tell(Service::Winkas24, "a missing permission, as above")?;
        self.tell(Service::Wyn, "a missing permission is a 403, which rejects no token")
    }

    async fn revocation(&mut self) -> Result<(), Failure> {
        self.pass_until(at(18, 0));
        let now = self.now;
        let twins = self.twins(Service::Wyn);
        if twins.with.revoke(now).await? != Revocation::Proven {
            return Err(failed("the end of a revoked token was not proven").into());
        }
        twins.without.end_one().await?;
        let text = "a token was seen in a log and is revoked; the provider's word proves its end";
        self.round_of(Service::Wyn, text).await?;
        self.round(Work::Report).await
    }

    async fn wrong_password(&mut self) -> Result<(), Failure> {
        self.pass_until(at(21, 0));
        for service in [Service::Winkas12, Service::Wyn] {
            let twins = self.twins(service);
            let text = twins.mistyped().await?;
            self.tell(service, &text)?;
        }
        self.round(Work::Report).await
    }

    /// Every worker does its work, again and again.
    async fn work_until(&mut self, end: Duration) -> Result<(), Failure> {
        while self.now < end {
            let rounds = self.now.as_secs() / ROUND.as_secs() + 1;
            self.pass_until(ROUND * u32::try_from(rounds).unwrap_or(u32::MAX));
            self.round(Work::Report).await?;
        }
        Ok(())
    }

    async fn dawn(output: Output) -> Result<Self, Failure> {
        let story = Story::begin(output)?;
        let [one, two, three] = Service::ALL;
        let services =
            [Twins::born(one).await?, Twins::born(two).await?, Twins::born(three).await?];
        Ok(Self { now: Duration::ZERO, services, story })
    }

    /// Time passes, for the clients and for the providers.
    fn pass(&mut self, time: Duration) {
        self.now += time;
        for twins in &self.services {
            twins.with.pass(time);
            twins.without.site.pass(time);
        }
    }

    fn pass_until(&mut self, time: Duration) {
        self.pass(time.saturating_sub(self.now));
    }

    /// Every worker of every service works. What that cost without an event is told.
    async fn round(&mut self, work: Work) -> Result<(), Failure> {
        self.work(work).await?;
        for service in Service::ALL {
            if self.twins(service).untold() != (0, 0) {
                self.tell(service, "tokens have reached their end")?;
            }
        }
        Ok(())
    }

    async fn work(&mut self, work: Work) -> Result<()> {
        let now = self.now;
        let [one, two, three] = &mut self.services;
        tokio::try_join!(one.work(now, work), two.work(now, work), three.work(now, work))?;
        Ok(())
    }

    /// Every worker of one service works, which is told.
    async fn round_of(&mut self, service: Service, text: &str) -> Result<(), Failure> {
        let now = self.now;
        self.twins(service).work(now, Work::Report).await?;
        self.tell(service, text)
    }

    fn tell(&mut self, service: Service, text: &str) -> Result<(), Failure> {
        let now = self.now;
        let logins = self.twins(service).tell();
        self.story.tell(now, service, text, logins)
    }

    fn twins(&mut self, service: Service) -> &mut Twins {
        &mut self.services[service as usize]
    }

    fn numbers(&self) -> Numbers {
        let mut numbers = Numbers::default();
        for twins in &self.services {
            twins.add_to(&mut numbers);
        }
        numbers
    }
}

/// The time of the day.
fn at(hour: u64, minute: u64) -> Duration {
    Duration::from_secs((hour * 60 + minute) * 60)
}
