//! The steps of a report that an API rejected a token.

use crate::{lifecycle::Rejection, token::Token};

/// The steps of [`Lifecycle::report_rejected`](crate::lifecycle::Lifecycle::report_rejected) and the
/// demands for a token that follow it, until the caller knows whether to repeat its API call.
#[derive(Debug)]
pub struct ReportSteps {
    token: Token,
    next: Next,
    /// The report was made a second time.
    again: bool,
    outdated: bool,
}

#[derive(Debug)]
enum Next {
    Report,
    Ask,
    Done(Option<Token>),
}

/// The next step of a report.
#[derive(Debug)]
#[must_use]
pub enum ReportStep<'a> {
    /// Report the token to the lifecycle, and call [`ReportSteps::reported`].
    Report(&'a Token),
    /// Get the token to use now, and call [`ReportSteps::served`].
    Ask,
    /// Another token has replaced the rejected one; `None`: the provider says that it is active.
    Done(Option<Token>),
}

impl ReportSteps {
    /// Begins the report of that token.
    pub fn new(token: Token) -> Self {
        Self { token, next: Next::Report, again: false, outdated: false }
    }

    /// Returns the next step.
    pub fn next(&self) -> ReportStep<'_> {
        match &self.next {
            Next::Report => ReportStep::Report(&self.token),
            Next::Ask => ReportStep::Ask,
            Next::Done(replacement) => ReportStep::Done(replacement.clone()),
        }
    }

    /// Takes the lifecycle's answer to the report, and whether it serves a token without a flight.
    pub fn reported(&mut self, rejection: Rejection, is_ready: bool) {
        self.outdated = rejection == Rejection::Outdated && !self.again;
        self.again = true;
        self.next = if rejection == Rejection::StillActive && is_ready {
            Next::Done(None)
        } else {
            Next::Ask
        };
    }

    /// Takes the token to use now.
    pub fn served(&mut self, current: &Token) {
        let is_same = *current == self.token;
        self.next = if is_same && self.outdated {
            // This client did not have the token: another process or the provider had. Now this client
            // has it, so the report makes it suspected.
            Next::Report
        } else {
            Next::Done((!is_same).then(|| current.clone()))
        };
    }
}
