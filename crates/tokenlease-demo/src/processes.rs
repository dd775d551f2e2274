//! Part 2: real processes of the running program, started at once, that share a folder.

use std::{
    io::Read as _,
    path::Path,
    process::{Child, Command, Output, Stdio},
    time::Duration,
};

use serde::Serialize;
use serde_json::Value;
use tempfile::TempDir;
use tokenlease::{
    Error, ErrorKind, Result,
    core::{Credentials, Secret, Token},
};
use tokenlease_config::secrets::SecretKind;
use zeroize::Zeroizing;

use super::{
    PROCESS_COMMAND,
    emulated::{EmulatedProvider, ProviderCounts, Service, failed},
};

/// The processes of each scenario.
const PROCESSES: usize = 16;
/// The delay of the login whose process is killed: longer than the demo runs.
const LOGIN_DELAY: Duration = Duration::from_secs(600);
/// The timeout for steps that take no time unless the demo is broken.
const TIMEOUT: Duration = Duration::from_secs(60);
const POLL_INTERVAL: Duration = Duration::from_millis(1);

/// Blocks a process of part 2 until the demo starts it, by the end of standard input.
pub fn wait_for_start() {
    let mut ignored = Vec::new();
    // An error ends the input too.
    let _ = std::io::stdin().lock().read_to_end(&mut ignored);
}

/// The counts of part 2.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct ProcessTotals {
    pub(super) winkas: Scenarios,
    pub(super) wyn: Scenarios,
}

/// The scenarios at one provider.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Scenarios {
    /// All processes start on an empty folder.
    pub(super) cold_start: ScenarioCounts,
    /// One process is killed in the middle of its login while the others wait for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) killed_login: Option<ScenarioCounts>,
    /// All processes have a wrong password.
    pub(super) wrong_password: ScenarioCounts,
}

/// The results of a scenario's processes, and the calls that they sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct ScenarioCounts {
    pub(super) processes: u64,
    /// Processes that got an active token.
    pub(super) served: u64,
    /// Processes that got an inactive token.
    pub(super) inactive_served: u64,
    /// Processes that got the error `CredentialsRejected`.
    pub(super) credentials_rejected: u64,
    pub(super) killed: u64,
    /// Different tokens among those that were served.
    pub(super) distinct_tokens: u64,
    pub(super) logins: u64,
    pub(super) refetches: u64,
    /// Requests with wrong credentials.
    pub(super) wrong_credentials_sent: u64,
    /// Whether wrong credentials locked the account.
    pub(super) account_locked: bool,
}

/// The providers of part 2.
pub(super) struct Providers {
    winkas: EmulatedProvider,
    wyn: EmulatedProvider,
}

impl Providers {
    pub(super) async fn start() -> Result<Self> {
        let (winkas, wyn) = (
            EmulatedProvider::start(Service::Winkas12).await?,
            EmulatedProvider::start(Service::Wyn).await?,
        );
        Ok(Self { winkas, wyn })
    }

    pub(super) fn get(&self, is_wyn: bool) -> &EmulatedProvider {
        if is_wyn { &self.wyn } else { &self.winkas }
    }
}

/// Starts all processes on an empty folder.
pub(super) async fn cold_start(provider: &EmulatedProvider) -> Result<ScenarioCounts> {
    start_all(provider, &provider.credentials()).await
}

/// Starts all processes with a wrong password.
pub(super) async fn wrong_password(provider: &EmulatedProvider) -> Result<ScenarioCounts> {
    start_all(provider, &provider.wrong_credentials()).await
}

async fn start_all(
    provider: &EmulatedProvider,
    credentials: &Credentials,
) -> Result<ScenarioCounts> {
    let folder = temporary_folder()?;
    let before = provider.counts();
    let mut processes = spawn_all(provider, credentials, folder.path())?;
    processes.iter_mut().for_each(Process::start);
    count(provider, before, processes, 0).await
}

/// Starts one process and kills it after its login reached the provider, before the response. The
/// others start while it waits for that response.
pub(super) async fn killed_login(provider: &EmulatedProvider) -> Result<ScenarioCounts> {
    let folder = temporary_folder()?;
    provider.end_all();
    let before = provider.counts();
    provider.delay_next_login(LOGIN_DELAY);
    let mut processes = spawn_all(provider, &provider.credentials(), folder.path())?;
    let mut first = processes.pop().ok_or_else(|| failed("part 2 of the demo has no processes"))?;
    first.start();
    let login_arrived = async {
        while provider.counts().logins == before.logins {
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    };
    tokio::time::timeout(TIMEOUT, login_arrived)
        .await
        .map_err(|_| failed("a process of the demo did not log in"))?;
    processes.iter_mut().for_each(Process::start);
    drop(first);
    count(provider, before, processes, 1).await
}

/// Waits for the processes, and counts their results and their calls.
async fn count(
    provider: &EmulatedProvider,
    before: ProviderCounts,
    processes: Vec<Process>,
    killed: u64,
) -> Result<ScenarioCounts> {
    let started = processes.len() as u64 + killed;
    let mut counts = ScenarioCounts { killed, processes: started, ..ScenarioCounts::default() };
    let mut tokens = Vec::new();
    for process in processes {
        match process.result(provider).await? {
            Some(token) => {
                let is_active = provider.is_active(&token);
                *if is_active { &mut counts.served } else { &mut counts.inactive_served } += 1;
                if !tokens.contains(&token) {
                    tokens.push(token);
                }
            }
            None => counts.credentials_rejected += 1,
        }
    }
    let after = provider.counts();
    counts.distinct_tokens = tokens.len() as u64;
    counts.logins = after.logins - before.logins;
    counts.refetches = after.refetches - before.refetches;
    counts.wrong_credentials_sent = after.wrong_credentials - before.wrong_credentials;
    counts.account_locked = provider.is_locked();
    Ok(counts)
}

impl ProcessTotals {
    /// Returns an error of kind `Internal` if a scenario has other counts than guaranteed.
    pub(super) fn check(&self) -> Result<()> {
        let all = PROCESSES as u64;
        for (name, scenarios, refetches) in
            [("WinKAS Air", &self.winkas, 1), ("Wyn Enterprise", &self.wyn, 0)]
        {
            let one_login =
                ScenarioCounts { processes: all, logins: 1, refetches, ..Default::default() };
            let cold_start = ScenarioCounts { served: all, distinct_tokens: 1, ..one_login };
            let wrong_password = ScenarioCounts {
                credentials_rejected: all,
                wrong_credentials_sent: 1 + refetches,
                ..one_login
            };
            // One more refetch finds the token of the login whose response was lost.
            let killed_login = ScenarioCounts {
                served: all - 1,
                killed: 1,
                refetches: refetches + 1,
                ..cold_start
            };
            let expected =
                [(scenarios.cold_start, cold_start), (scenarios.wrong_password, wrong_password)]
                    .into_iter()
                    .chain(scenarios.killed_login.map(|counts| (counts, killed_login)));
            for (counts, expected) in expected {
                if counts != expected {
                    let text = format!("{name}: the counts of {all} processes are {counts:?}");
                    return Err(Error::new(ErrorKind::Internal, text)
                        .expected(format!("{expected:?}"))
                        .advice("please report this with the whole output"));
                }
            }
        }
        Ok(())
    }
}

/// Creates a folder that is removed with all its files when it is dropped.
fn temporary_folder() -> Result<TempDir> {
    TempDir::with_prefix("tokenlease-demo-").map_err(|error| {
        Error::new(ErrorKind::Config, "the demo cannot create a folder for its processes to share")
            .expected("a writable folder for temporary files")
            .with_source(error)
    })
}

fn spawn_all(
    provider: &EmulatedProvider,
    credentials: &Credentials,
    folder: &Path,
) -> Result<Vec<Process>> {
    (0..PROCESSES).map(|_| Process::spawn(provider, credentials, folder)).collect()
}

/// A process of the running program that waits for its start. Dropping it kills the process.
struct Process(Option<Child>);

impl Process {
    fn spawn(
        provider: &EmulatedProvider,
        credentials: &Credentials,
        folder: &Path,
    ) -> Result<Self> {
        let cannot = |error: std::io::Error| {
            Error::new(ErrorKind::Config, "the demo cannot start this program again")
                .expected("a system that lets programs start other programs")
                .with_source(error)
        };
        let mut command = Command::new(std::env::current_exe().map_err(cannot)?);
        // The user's store and profiles must not take part.
        command.args([PROCESS_COMMAND, "--output", "json"]).env_clear();
        for name in ["PATH", "SystemRoot", "TEMP", "TMP"] {
            command.envs(std::env::var_os(name).map(|value| (name, value)));
        }
        let identity = provider.server().identity();
        let (password, client_secret) = (&credentials.password, &credentials.client_secret);
        command
            .env("TOKENLEASE_STORE", format!("file:{}", folder.display()))
            .env("TOKENLEASE_PROVIDER", identity.provider().as_str())
            .env("TOKENLEASE_SERVER", identity.server())
            .env("TOKENLEASE_USER", identity.user())
            .envs(
                password.as_ref().map(|secret| (SecretKind::Password.variable(), secret.expose())),
            )
            .envs(
                client_secret
                    .as_ref()
                    .map(|secret| (SecretKind::ClientSecret.variable(), secret.expose())),
            );
        if provider.service.is_wyn() {
            let lifetime = format!("{}s", provider.service.lifetime().as_secs());
            command
                .env("TOKENLEASE_LIFETIME", lifetime)
                .env("TOKENLEASE_CLIENT_ID", identity.client());
        } else {
            command.env("TOKENLEASE_CONTRACT", identity.realm());
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Ok(Self(Some(command.spawn().map_err(cannot)?)))
    }

    fn start(&mut self) {
        if let Some(child) = &mut self.0 {
            drop(child.stdin.take());
        }
    }

    /// Waits for the process. Returns its token, or `None` if its credentials were rejected.
    async fn result(mut self, provider: &EmulatedProvider) -> Result<Option<Token>> {
        let gone = || failed("the demo cannot wait for one of its processes");
        let child = self.0.take().ok_or_else(gone)?;
        let wait = tokio::task::spawn_blocking(move || child.wait_with_output());
        let output = wait
            .await
            .map_err(|error| gone().with_source(error))?
            .map_err(|error| gone().with_source(error))?;
        parse(output, provider)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            // An error means that the process has already ended.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn parse(output: Output, provider: &EmulatedProvider) -> Result<Option<Token>> {
    let Output { status, stdout, stderr } = output;
    let stdout = Zeroizing::new(stdout);
    if status.success() {
        let result: Value = serde_json::from_slice(&stdout)
            .map_err(|_| failed("a process of the demo printed no token"))?;
        let text = result.get("token").and_then(Value::as_str).unwrap_or_default();
        return Ok(Some(Token::new(provider.server().token_kind(), Secret::from(text))));
    }
    let stderr = String::from_utf8_lossy(&stderr);
    let error: Value =
        stderr.lines().last().and_then(|line| serde_json::from_str(line).ok()).unwrap_or_default();
    let field = |name: &str| error["error"][name].as_str().unwrap_or_default().to_owned();
    if field("kind") == ErrorKind::CredentialsRejected.as_str() {
        return Ok(None);
    }
    let text = format!("a process of the demo ended with {status}: {}", field("message"));
    Err(Error::new(ErrorKind::Internal, text).advice("please report this"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demo_fails_on_an_extra_login_or_an_extra_wrong_password_of_a_process() {
        let cold_start = ScenarioCounts {
            processes: 16,
            served: 16,
            distinct_tokens: 1,
            logins: 1,
            refetches: 1,
            ..ScenarioCounts::default()
        };
        let wrong_password = ScenarioCounts {
            served: 0,
            distinct_tokens: 0,
            credentials_rejected: 16,
            wrong_credentials_sent: 2,
            ..cold_start
        };
        let killed_login = ScenarioCounts { served: 15, killed: 1, refetches: 2, ..cold_start };
        let winkas = Scenarios { cold_start, killed_login: Some(killed_login), wrong_password };
        let wyn = Scenarios {
            cold_start: ScenarioCounts { refetches: 0, ..cold_start },
            killed_login: None,
            wrong_password: ScenarioCounts {
                refetches: 0,
                wrong_credentials_sent: 1,
                ..wrong_password
            },
        };
        let good = ProcessTotals { winkas, wyn };
        good.check().unwrap();
        let cold_starts = [
            ScenarioCounts { logins: 2, ..cold_start },
            ScenarioCounts { served: 15, inactive_served: 1, ..cold_start },
        ];
        let wrong_passwords = [
            ScenarioCounts { wrong_credentials_sent: 3, ..wrong_password },
            ScenarioCounts { account_locked: true, ..wrong_password },
        ];
        let killed_login = Some(ScenarioCounts { logins: 2, ..killed_login });
        let bad = cold_starts
            .map(|cold_start| Scenarios { cold_start, ..winkas })
            .into_iter()
            .chain(wrong_passwords.map(|wrong_password| Scenarios { wrong_password, ..winkas }))
            .chain([Scenarios { killed_login, ..winkas }]);
        for winkas in bad {
            let error = ProcessTotals { winkas, ..good }.check().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Internal);
            assert!(error.detail().starts_with("WinKAS Air: "), "{error}");
        }
    }
}
