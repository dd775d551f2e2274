//! The calls of a client that take several steps of the lifecycle, as steps that wait for nothing.

use std::time::Duration;

use super::report::{ReportStep, ReportSteps};
use crate::{
    error::{Error, ErrorKind, Result},
    lifecycle::{Ask, JobId, Lifecycle, Reply, Report, Revocation, Served},
    time::{Now, Timestamp},
    token::Token,
};

/// A call of a client.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ClientCall {
    /// Get the token to use now.
    Token {
        /// The remaining lifetime that the caller prefers, see [`Ask::min_remaining`].
        min_remaining: Option<Duration>,
    },
    /// Report that an API rejected this token.
    ReportRejected(Token),
    /// Ask the provider whether a token is active.
    Validate(Token),
    /// Ask the provider for the running token.
    Refetch,
    /// Revoke a token at the provider.
    Revoke(Token),
    /// Remove the client's token from memory and store.
    Forget,
    /// Allow rejected credentials to be tried again.
    Unblock,
}

/// The result of a client's call.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum CallResult {
    /// Of `Token` and `Refetch`: the token. Of `ReportRejected`: the token that replaced it.
    Token(Served),
    /// Of `ReportRejected`: the provider says that the token is active.
    StillActive,
    /// Of `Validate`: whether the token is active.
    Validation(bool),
    /// Of `Revoke`.
    Revoked(Revocation),
    /// Of `Forget` and `Unblock`.
    Done,
}

/// How far a call came.
#[derive(Debug)]
pub(super) struct Progress {
    ask: Ask,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// Which calls the server has may be written in its discovery document.
    Document(JobKind),
    Job(JobSteps, JobKind),
    Ask,
    Report {
        steps: ReportSteps,
        served: Option<Served>,
        ask: Ask,
    },
    Change(ChangeSteps),
    Done(Option<Result<CallResult>>),
}

/// A job that a caller requests by name.
#[derive(Clone, Debug)]
enum JobKind {
    Validate(Token),
    Refetch(Ask),
    Revoke(Token),
}

impl JobKind {
    fn begin(&self, lifecycle: &mut Lifecycle) -> Result<JobId> {
        match self {
            Self::Validate(token) => lifecycle.validate(token),
            Self::Refetch(ask) => lifecycle.refetch_running(ask),
            Self::Revoke(token) => lifecycle.revoke(token),
        }
    }
}

impl Progress {
    /// Begins a call that waits for that time. `needs_document`: a discovery document must be read
    /// before it is known which calls the server has.
    pub(super) fn new(
        call: ClientCall,
        asked: Timestamp,
        wait: Duration,
        needs_document: bool,
    ) -> Self {
        let mut ask = Ask::new(asked, wait);
        let job = |kind| {
            if needs_document {
                Stage::Document(kind)
            } else {
                Stage::Job(JobSteps::default(), kind)
            }
        };
        let stage = match call {
            ClientCall::Token { min_remaining } => {
                ask.min_remaining = min_remaining;
                Stage::Ask
            }
            ClientCall::ReportRejected(token) => {
                Stage::Report { steps: ReportSteps::new(token), served: None, ask }
            }
            ClientCall::Validate(token) => job(JobKind::Validate(token)),
            ClientCall::Refetch => job(JobKind::Refetch(ask)),
            ClientCall::Revoke(token) => job(JobKind::Revoke(token)),
            ClientCall::Forget => Stage::Change(ChangeSteps::new(Lifecycle::forget)),
            ClientCall::Unblock => Stage::Change(ChangeSteps::new(Lifecycle::unblock)),
        };
        Self { ask, stage }
    }

    pub(super) fn deadline(&self) -> Timestamp {
        self.ask.deadline
    }

    pub(super) fn needs_document(&self) -> bool {
        matches!(self.stage, Stage::Document(_))
    }

    /// The discovery document was read, or it could not be.
    pub(super) fn found_document(&mut self, error: Option<&Error>) {
        if let Stage::Document(kind) = &self.stage {
            self.stage = match error {
                Some(error) => Stage::Done(Some(Err(error.clone()))),
                None => Stage::Job(JobSteps::default(), kind.clone()),
            };
        }
    }

    /// Returns the result, once.
    pub(super) fn result(&mut self) -> Option<Result<CallResult>> {
        match &mut self.stage {
            Stage::Done(result) => result.take(),
            _ => None,
        }
    }

    pub(super) fn abandon(self, lifecycle: &mut Lifecycle) {
        if let Stage::Job(steps, _) = self.stage {
            steps.abandon(lifecycle);
        }
    }

    /// Takes the steps that need no effect. Returns whether the call came further.
    pub(super) fn step(&mut self, lifecycle: &mut Lifecycle, now: Now) -> bool {
        let mut moved = false;
        while let Some(next) = self.next(lifecycle, now) {
            self.stage = next;
            moved = true;
        }
        moved
    }

    /// Returns the next stage. `None`: it is the same.
    fn next(&mut self, lifecycle: &mut Lifecycle, now: Now) -> Option<Stage> {
        let is_late = now.elapsed >= self.ask.deadline;
        let done = |result| Some(Stage::Done(Some(result)));
        match &mut self.stage {
            Stage::Document(_) if is_late => done(Err(too_late())),
            Stage::Done(_) | Stage::Document(_) => None,
            Stage::Ask => match lifecycle.ask(&self.ask, now) {
                Reply::Lease(served) => done(Ok(CallResult::Token(served))),
                Reply::Error(error) => done(Err(error)),
                Reply::Later => None,
            },
            Stage::Report { steps, served, ask } => loop {
                match steps.next() {
                    ReportStep::Report(token) => {
                        let said = lifecycle.report_rejected(token, now);
                        steps.reported(said, lifecycle.ready(now).is_some());
                        ask.asked = now.elapsed;
                    }
                    ReportStep::Ask => match lifecycle.ask(ask, now) {
                        Reply::Lease(current) => {
                            steps.served(current.lease.token());
                            *served = Some(current);
                        }
                        Reply::Error(error) => return done(Err(error)),
                        Reply::Later => return None,
                    },
                    ReportStep::Done(replacement) => {
                        let served = served.take().filter(|_| replacement.is_some());
                        let result = served.map_or(CallResult::StillActive, CallResult::Token);
                        return done(Ok(result));
                    }
                }
            },
            Stage::Job(steps, kind) => {
                let result = steps.step(lifecycle, |lifecycle| kind.begin(lifecycle));
                let result = result.or_else(|| is_late.then(|| steps.give_up(lifecycle)));
                match result? {
                    Ok(Report::Validation(active)) => done(Ok(CallResult::Validation(active))),
                    Ok(Report::Revoked(revocation)) => done(Ok(CallResult::Revoked(revocation))),
                    Ok(Report::Refetched) => Some(Stage::Ask),
                    Err(error) => done(Err(error)),
                }
            }
            Stage::Change(steps) => {
                let result = steps.step(lifecycle, now);
                let result = result.or_else(|| is_late.then(|| Err(too_late())));
                done(result?.map(|()| CallResult::Done))
            }
        }
    }
}

/// The steps of a job: it is started when no other runs, and its report is given to the caller after
/// what it changed is saved.
#[derive(Debug, Default)]
pub struct JobSteps {
    id: Option<JobId>,
    report: Option<Result<Report>>,
}

impl JobSteps {
    /// Takes the next steps. Call it now and after each completion of the lifecycle. `begin` starts the
    /// job, and is called once.
    pub fn step(
        &mut self,
        lifecycle: &mut Lifecycle,
        begin: impl FnOnce(&mut Lifecycle) -> Result<JobId>,
    ) -> Option<Result<Report>> {
        let id = match self.id {
            Some(id) => id,
            // A job whose caller was cancelled may still run.
            None if lifecycle.has_job() => return None,
            None => match begin(lifecycle) {
                Ok(id) => *self.id.insert(id),
                Err(error) => return Some(Err(error)),
            },
        };
        if self.report.is_none() {
            self.report = lifecycle.take_report(id);
        }
        // The result is saved before the caller gets it, if the store answers.
        let is_saved = !lifecycle.is_unsaved() || lifecycle.store_error().is_some();
        if is_saved { self.report.take() } else { None }
    }

    /// Ends the job of a caller whose deadline passed. A report that is not saved is given anyhow.
    ///
    /// # Errors
    /// `DeadlineExceeded` without a report; otherwise that of the job.
    pub fn give_up(&mut self, lifecycle: &mut Lifecycle) -> Result<Report> {
        self.report.take().unwrap_or_else(|| {
            self.abandon(lifecycle);
            Err(too_late())
        })
    }

    /// Ends the job of a caller that does not wait any more.
    pub fn abandon(&self, lifecycle: &mut Lifecycle) {
        if let Some(id) = self.id {
            lifecycle.abandon(id);
        }
    }
}

/// The steps of a change that other processes must learn of: `forget` and `unblock`.
#[derive(Debug)]
pub struct ChangeSteps {
    change: fn(&mut Lifecycle, Now),
    stage: ChangeStage,
}

#[derive(Debug)]
enum ChangeStage {
    /// The token may be known to the store alone.
    ReadStore,
    Change,
    Saved,
}

impl ChangeSteps {
    /// Begins that change.
    pub fn new(change: fn(&mut Lifecycle, Now)) -> Self {
        Self { change, stage: ChangeStage::ReadStore }
    }

    /// Takes the next steps. Call it now and after each completion of the lifecycle.
    pub fn step(&mut self, lifecycle: &mut Lifecycle, now: Now) -> Option<Result<()>> {
        loop {
            match self.stage {
                ChangeStage::ReadStore => {
                    lifecycle.check_store();
                    self.stage = ChangeStage::Change;
                }
                _ if lifecycle.is_busy() => return None,
                ChangeStage::Change => {
                    (self.change)(lifecycle, now);
                    self.stage = ChangeStage::Saved;
                }
                // Also if nothing is unsaved: a store that was not read may have a token to forget.
                ChangeStage::Saved => {
                    return Some(lifecycle.store_error().cloned().map_or(Ok(()), Err));
                }
            }
        }
    }
}

fn too_late() -> Error {
    let detail = "the call did not complete before its deadline";
    Error::new(ErrorKind::DeadlineExceeded, detail)
        .advice("check the provider and the store, or set a longer deadline")
}
