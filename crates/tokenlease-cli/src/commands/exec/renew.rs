//! `exec --renew`: keeps the current token in a file while the command runs.

mod signals;

use std::{ffi::OsString, process::Command, time::Duration};

use tokenlease::Error;

use self::signals::Signals;
use crate::{
    exit,
    output::{Failure, warn},
    session::{Leased, Session},
    settings::Settings,
    token_file::TokenFile,
};

/// The variable that holds the path of the file.
const FILE_VARIABLE: &str = "TOKENLEASE_TOKEN_FILE";
/// The shortest time between two requests for the token. They seldom reach the server: the client
/// serves its cached token, and backs off after failures.
const SHORTEST: Duration = Duration::from_millis(250);
/// The time to the next request after a failed one.
const AFTER_FAILURE: Duration = Duration::from_secs(1);
/// How often the token is requested if `store_check_interval` is not set.
const USUAL: Duration = Duration::from_secs(30);

/// A file that is renewed while a command runs.
pub(super) struct Renewal<'a> {
    pub(super) file: TokenFile,
    pub(super) variable: &'a str,
    pub(super) min_remaining: Option<Duration>,
}

impl Renewal<'_> {
    /// Runs the command, and returns its exit code.
    pub(super) async fn run(
        self,
        session: Session,
        settings: &Settings,
        mut command: Command,
        program: &OsString,
    ) -> Result<exit::Code, Failure> {
        // Before the file is written: a signal must not end this process and leave the file.
        let signals = Signals::new();
        let first = async {
            let leased = session.current(self.min_remaining).await?;
            self.file.write(leased.token.expose())?;
            Ok(leased)
        };
        let leased = match first.await {
            Ok(leased) => leased,
            Err(error) => return session.end(Err(error)).await.map_err(Failure::from),
        };
        leased.warn_if_shorter(self.min_remaining, "");
        command.env(self.variable, leased.token.expose()).env(FILE_VARIABLE, self.file.path());
        let interval = settings.options.store_check_interval.unwrap_or(USUAL);
        let ended = match signals {
            Ok(signals) => self.keep(&session, command, signals, leased, interval).await,
            Err(error) => Err(error),
        };
        let removed = self.file.remove();
        let code =
            session.end(Ok(ended)).await?.map_err(|error| super::not_run(program, &error))?;
        if let Err(error) = removed {
            warn(error);
        }
        Ok(code)
    }

    /// Waits for the command, renews the file and passes signals on.
    async fn keep(
        &self,
        session: &Session,
        command: Command,
        mut signals: Signals,
        mut leased: Leased,
        interval: Duration,
    ) -> std::io::Result<exit::Code> {
        let mut child = tokio::process::Command::from(command).spawn()?;
        let mut wait = next(&leased, interval);
        let mut failed = false;
        loop {
            let renewed = async {
                tokio::time::sleep(wait).await;
                self.renew(session, &leased).await
            };
            tokio::select! {
                status = child.wait() => return status.map(exit::of_command),
                signal = signals.next() => {
                    if let Some(pid) = child.id() {
                        signal.pass_on(pid);
                    }
                }
                result = renewed => match result {
                    Ok(current) => {
                        wait = next(&current, interval);
                        leased = current;
                        failed = false;
                    }
                    Err(error) => {
                        if !failed {
                            warn(format!("the token was not renewed: {error}"));
                        }
                        failed = true;
                        wait = AFTER_FAILURE;
                    }
                }
            }
        }
    }

    async fn renew(&self, session: &Session, leased: &Leased) -> Result<Leased, Error> {
        let current = session.current(self.min_remaining).await?;
        if current.token.expose() != leased.token.expose() || !self.file.path().exists() {
            self.file.write(current.token.expose())?;
        }
        Ok(current)
    }
}

/// Returns the time to the next request for the token: before the client would refresh it.
fn next(leased: &Leased, interval: Duration) -> Duration {
    leased.expires_in().map_or(interval, |left| (left / 2).min(interval).max(SHORTEST))
}
