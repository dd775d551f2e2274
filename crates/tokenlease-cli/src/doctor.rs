//! `doctor`: looks for what is wrong between here and a token, step by step.
//!
//! No credentials are sent, but by the last step, and that only when asked for.

mod certificate;
mod http;
mod login;
mod network;
mod setup;
mod tls;

use std::fmt;

use serde_json::{Value, json};
use tokenlease::Result;

use tokenlease_config::{duration, store};

use crate::{
    args::Doctor,
    exit,
    output::{Failure, Output, line},
    session,
    settings::{Environment, Settings},
};

/// What one step found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    step: &'static str,
    outcome: Outcome,
    detail: String,
    advice: Option<String>,
}

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Ok,
    /// It works, and should not stay so.
    Warn,
    /// It does not work; with the exit code that this means.
    Fail(u8),
    /// It was not tried.
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
        let outcome = Outcome::Fail(exit::code(error.kind()));
        // Its words say what to do as well.
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

/// The findings so far; for people they are printed as they come.
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

    /// Whether a step of that name failed.
    fn failed(&self, step: &str) -> bool {
        self.findings
            .iter()
            .any(|finding| finding.step == step && matches!(finding.outcome, Outcome::Fail(_)))
    }

    /// Prints what is not printed yet; the code of the first failure.
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
    session::block_on(walk(&settings, &mut report))?;
    report.add(try_store(&settings))?;
    if !args.login {
        report.add(Finding::skip("login", "not asked for; --login gets a token once"))?;
    } else if ["address", "dns", "tcp", "tls", "http", "store"]
        .iter()
        .any(|step| report.failed(step))
    {
        report.add(Finding::skip("login", "not tried: an earlier step failed"))?;
    } else {
        report.add(login::check(&settings))?;
    }
    report.end()
}

/// Where leases are shared, tried out.
fn try_store(settings: &Settings) -> Finding {
    let tried = session::block_on(async {
        let shared = settings.shared()?;
        let opened = store::open(&shared).await?;
        let checked = tokenlease_store::check(&*opened.store).await?;
        let took = duration::show(checked.write);
        Ok::<_, Failure>(format!("{} is in order; a write takes {took}", shared.url))
    });
    match tried {
        Ok(detail) => Finding::ok("store", detail),
        Err(failure) => Finding::error("store", &failure.error),
    }
}

/// The way to the server: each step needs the one before.
async fn walk(settings: &Settings, report: &mut Report) -> Result<(), Failure> {
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
    let trust = match settings.ca().and_then(|ca| tls::Trust::new(ca.as_deref())) {
        Ok(trust) => trust,
        Err(error) => return report.add(Finding::error("tls", &error)),
    };
    if !route.is_tls() {
        report.add(Finding::skip("tls", "the address is a plain HTTP one"))?;
    } else if route.is_proxied() {
        report.add(Finding::skip("tls", "it goes through the proxy: see http"))?;
        drop(stream);
    } else {
        let finding = tls::check(&trust, &route, stream, timeout).await;
        let goes_on = !matches!(finding.outcome, Outcome::Fail(_));
        report.add(finding)?;
        if !goes_on {
            return Ok(());
        }
    }
    for finding in http::check(settings, &trust, &route).await {
        report.add(finding)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_code_is_that_of_the_first_failure() {
        let of = |findings: Vec<Finding>| {
            Report { output: Output::Text, findings }.end().map_err(|failure| failure.code)
        };
        let (ok, warn) = (Finding::ok("a", ""), Finding::warn("b", "", ""));
        let fail = |code| Finding::fail("c", code, "", "");
        assert_eq!(of(vec![ok.clone(), warn.clone(), Finding::skip("d", "")]), Ok(0));
        assert_eq!(of(vec![ok, fail(4), warn, fail(2)]), Ok(4));
    }

    #[test]
    fn a_finding_says_what_is_wrong_and_what_to_mend() {
        let finding = Finding::fail("tcp", 4, "rejected", "start the server");
        assert_eq!(
            finding.to_string(),
            "fail  tcp       rejected\n                -> start the server"
        );
        assert_eq!(finding.json()["outcome"], "fail");
        assert_eq!(Finding::ok("dns", "x").json()["advice"], Value::Null);
    }
}
