//! `doctor`: checks each step from the options to a token.
//!
//! Only the last step sends credentials, and only with `--login`.

mod discovery;
mod http;
mod login;
mod network;
mod setup;
mod store;
mod tls;

use std::fmt;

use serde_json::{Value, json};
use tokenlease::Result;

use crate::{
    args::Doctor,
    exit,
    output::{Failure, Output, line},
    session,
    settings::{Environment, Settings},
};

/// The result of one step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    step: &'static str,
    outcome: Outcome,
    detail: String,
    advice: Option<String>,
}

/// The outcome of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Ok,
    /// It works, but should be changed.
    Warn,
    /// It does not work; holds the exit code.
    Fail(u8),
    /// It was not run.
    Skip,
}

impl Outcome {
    fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail(_) => "fail",
            Self::Skip => "skip",
        }
    }
}

impl Finding {
    fn ok(step: &'static str, detail: impl Into<String>) -> Self {
        Self { step, outcome: Outcome::Ok, detail: detail.into(), advice: None }
    }

    fn warn(step: &'static str, detail: impl Into<String>, advice: impl Into<String>) -> Self {
        let advice = Some(advice.into());
        Self { step, outcome: Outcome::Warn, detail: detail.into(), advice }
    }

    fn fail(
        step: &'static str,
        code: u8,
        detail: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        let advice = Some(advice.into());
        Self { step, outcome: Outcome::Fail(code), detail: detail.into(), advice }
    }

    fn error(step: &'static str, error: &tokenlease::Error) -> Self {
        let outcome = Outcome::Fail(exit::of(error));
        // The error's text includes the advice.
        Self { step, outcome, detail: error.to_string(), advice: None }
    }

    fn skip(step: &'static str, detail: impl Into<String>) -> Self {
        Self { step, outcome: Outcome::Skip, detail: detail.into(), advice: None }
    }

    fn json(&self) -> Value {
        json!({
            "step": self.step,
            "outcome": self.outcome.as_str(),
            "detail": self.detail,
            "advice": self.advice,
        })
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<5} {:<9} {}", self.outcome.as_str(), self.step, self.detail)?;
        match &self.advice {
            Some(advice) => write!(f, "\n{:16}-> {advice}", ""),
            None => Ok(()),
        }
    }
}

/// The findings so far. Text output prints each at once, JSON output all at the end.
struct Report {
    output: Output,
    findings: Vec<Finding>,
}

impl Report {
    fn add(&mut self, finding: Finding) -> Result<(), Failure> {
        if self.output == Output::Text {
            line(&finding.to_string())?;
        }
        self.findings.push(finding);
        Ok(())
    }

    /// Returns whether the step failed.
    fn failed(&self, step: &str) -> bool {
        self.findings
            .iter()
            .any(|finding| finding.step == step && matches!(finding.outcome, Outcome::Fail(_)))
    }

    /// Prints JSON output, and returns the exit code of the first failure.
    fn end(self) -> Result<u8, Failure> {
        if self.output == Output::Json {
            let list: Vec<_> = self.findings.iter().map(Finding::json).collect();
            line(&Value::from(list).to_string())?;
        }
        let failure = self.findings.iter().find_map(|finding| match finding.outcome {
            Outcome::Fail(code) => Some(code),
            _ => None,
        });
        Ok(failure.unwrap_or(exit::SUCCESS))
    }
}

pub(crate) fn run(
    args: &Doctor,
    output: Output,
    environment: Environment<'_>,
) -> Result<u8, Failure> {
    let mut report = Report { output, findings: Vec::new() };
    let settings = Settings::resolve(&args.connection, environment)
        .and_then(|settings| settings.server().map(|_| settings));
    let settings = match settings {
        Ok(settings) => settings,
        Err(error) => {
            report.add(Finding::error("settings", &error))?;
            return report.end();
        }
    };
    for finding in setup::check(&settings) {
        report.add(finding)?;
    }
    session::block_on(connect(&settings, &mut report))?;
    for finding in store::check(&settings) {
        report.add(finding)?;
    }
    if !args.login {
        report.add(Finding::skip("login", "not run; use --login to get a token"))?;
    } else if ["address", "dns", "tcp", "tls", "http", "discovery", "store"]
        .iter()
        .any(|step| report.failed(step))
    {
        report.add(Finding::skip("login", "not run: an earlier step failed"))?;
    } else {
        report.add(login::check(&settings))?;
    }
    report.end()
}

/// Checks the connection to the server. Each step needs the one before.
async fn connect(settings: &Settings, report: &mut Report) -> Result<(), Failure> {
    let route = match network::route(settings) {
        Ok(route) => route,
        Err(finding) => return report.add(finding),
    };
    if let Some(finding) = route.finding() {
        report.add(finding)?;
    }
    let timeout = settings.timeout();
    let addresses = match network::look_up(&route, timeout).await {
        Ok((addresses, finding)) => {
            report.add(finding)?;
            addresses
        }
        Err(finding) => return report.add(finding),
    };
    let stream = match network::connect(&addresses, timeout).await {
        Ok((stream, finding)) => {
            report.add(finding)?;
            stream
        }
        Err(finding) => return report.add(finding),
    };
    let trust = match tls::Trust::new(&settings.options) {
        Ok(trust) => trust,
        Err(error) => return report.add(Finding::error("tls", &error)),
    };
    if !route.is_tls() {
        report.add(Finding::skip("tls", "the server is plain HTTP"))?;
    } else if route.is_proxied() {
        report.add(Finding::skip("tls", "the connection goes through a proxy: see http"))?;
        drop(stream);
    } else {
        let finding = tls::check(&trust, &route, stream, timeout).await;
        let is_connected = !matches!(finding.outcome, Outcome::Fail(_));
        report.add(finding)?;
        if !is_connected {
            return Ok(());
        }
    }
    for finding in http::check(settings, &trust, &route).await {
        report.add(finding)?;
    }
    if !report.failed("http") && !report.failed("address") {
        for finding in discovery::check(settings).await {
            report.add(finding)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doctor_exits_with_the_code_of_the_first_failure() {
        let of = |findings: Vec<Finding>| {
            Report { output: Output::Text, findings }.end().map_err(|failure| failure.code)
        };
        let (ok, warn) = (Finding::ok("a", ""), Finding::warn("b", "", ""));
        let fail = |code| Finding::fail("c", code, "", "");
        assert_eq!(of(vec![ok.clone(), warn.clone(), Finding::skip("d", "")]), Ok(0));
        assert_eq!(of(vec![ok, fail(4), warn, fail(2)]), Ok(4));
    }

    #[test]
    fn a_finding_prints_the_fault_and_the_advice() {
        let finding = Finding::fail("tcp", 4, "rejected", "start the server");
        assert_eq!(
            finding.to_string(),
            "fail  tcp       rejected\n                -> start the server"
        );
        assert_eq!(finding.json()["outcome"], "fail");
        assert_eq!(Finding::ok("dns", "x").json()["advice"], Value::Null);
    }
}
