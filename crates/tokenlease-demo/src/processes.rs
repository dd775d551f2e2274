//! The second act: real processes of this program at once, which share a folder.

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
use zeroize::Zeroizing;

use super::site::{Service, Site, failed};
use tokenlease_config::secrets::Which;

use crate::{
    args::{Connection, Printed},
    commands,
    output::{Failure, Output as Form, config},
    settings::Environment,
};

/// The processes of each scene.
const PROCESSES: usize = 16;
/// How long a login is held up whose process is killed meanwhile: for ever, as it were.
const HELD_UP: Duration = Duration::from_secs(600);
/// How long to wait for what comes at once unless something is wrong.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK_AGAIN: Duration = Duration::from_millis(1);

/// Waits for the start, which is the end of the input, and then does what `token` does. This is
/// what a process of the second act runs.
pub(crate) fn run(environment: Environment<'_>) -> Result<(), Failure> {
    let mut nothing = Vec::new();
    // Whatever ends the input is the start.
    let _ = std::io::stdin().lock().read_to_end(&mut nothing);
    let args = Printed { connection: Connection::default(), show: false };
    commands::token::run(&args, Form::Json, environment)
}

/// What the second act came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Processes {
    pub(super) winkas: Scenes,
    pub(super) wyn: Scenes,
}

/// The scenes at one provider.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Scenes {
    /// All start on an empty folder.
    pub(super) start: Scene,
    /// One is killed in the middle of its login, and the others wait for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) killed: Option<Scene>,
    /// All have a wrong password.
    pub(super) wrong: Scene,
}

/// What happened to the processes of a scene, and what it cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Scene {
    pub(super) processes: u64,
    /// Those that were given a token that was active.
    pub(super) served: u64,
    /// Those that were given a dead one.
    pub(super) dead_served: u64,
    /// Those that were told that their credentials were rejected.
    pub(super) rejected: u64,
    pub(super) killed: u64,
    /// Different tokens.
    pub(super) tokens: u64,
    /// Logins that were sent, and questions for the running token.
    pub(super) logins: u64,
    pub(super) refetches: u64,
    /// Sends of wrong credentials, and whether they locked the account.
    pub(super) wrong_sent: u64,
    pub(super) locked: bool,
}

/// The providers of the second act.
pub(super) struct Stage {
    winkas: Site,
    wyn: Site,
}

impl Stage {
    pub(super) async fn set() -> Result<Self> {
        let (winkas, wyn) =
            (Site::start(Service::Winkas12).await?, Site::start(Service::Wyn).await?);
        Ok(Self { winkas, wyn })
    }

    pub(super) fn site(&self, is_wyn: bool) -> &Site {
        if is_wyn { &self.wyn } else { &self.winkas }
    }
}

/// All start on an empty folder.
pub(super) async fn start(site: &Site) -> Result<Scene> {
    let folder = folder()?;
    let before = site.seen();
    let mut crowd = crowd(site, &site.credentials(), folder.path(), PROCESSES)?;
    crowd.iter_mut().for_each(Process::start);
    count(site, before, crowd, 0).await
}

/// All have a wrong password.
pub(super) async fn wrong(site: &Site) -> Result<Scene> {
    let folder = folder()?;
    let before = site.seen();
    let mut crowd = crowd(site, &site.wrong_credentials(), folder.path(), PROCESSES)?;
    crowd.iter_mut().for_each(Process::start);
    count(site, before, crowd, 0).await
}

/// One logs in and is killed before the answer comes; the others need a token meanwhile.
pub(super) async fn killed(site: &Site) -> Result<Scene> {
    let folder = folder()?;
    site.end_all();
    let before = site.seen();
    site.hold_up_a_login(HELD_UP);
    let credentials = site.credentials();
    let mut crowd = crowd(site, &credentials, folder.path(), PROCESSES)?;
    let mut first = crowd.pop().ok_or_else(|| failed("the second act has no processes"))?;
    first.start();
    let arrived = async {
        while site.seen().logins == before.logins {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    };
    tokio::time::timeout(PATIENCE, arrived)
        .await
        .map_err(|_| failed("a process of the demo did not log in"))?;
    crowd.iter_mut().for_each(Process::start);
    drop(first);
    count(site, before, crowd, 1).await
}

/// Waits for the processes, and counts what became of them and what it cost.
async fn count(
    site: &Site,
    before: super::site::Seen,
    crowd: Vec<Process>,
    killed: u64,
) -> Result<Scene> {
    let mut scene = Scene { killed, processes: crowd.len() as u64 + killed, ..Scene::default() };
    let mut tokens = Vec::new();
    for process in crowd {
        match process.answer(site).await? {
            Some(token) => {
                let served =
                    if site.is_active(&token) { &mut scene.served } else { &mut scene.dead_served };
                *served += 1;
                if !tokens.contains(&token) {
                    tokens.push(token);
                }
            }
            None => scene.rejected += 1,
        }
    }
    let after = site.seen();
    scene.tokens = tokens.len() as u64;
    scene.logins = after.logins - before.logins;
    scene.refetches = after.refetched - before.refetched;
    scene.wrong_sent = after.wrong - before.wrong;
    scene.locked = site.is_locked();
    Ok(scene)
}

impl Processes {
    /// Whether the promises were kept. Kind `Internal` if not.
    pub(super) fn check(&self) -> Result<()> {
        let all = PROCESSES as u64;
        for (name, scenes, refetches) in
            [("WinKAS Air", &self.winkas, 1), ("Wyn Enterprise", &self.wyn, 0)]
        {
            let one = Scene { processes: all, logins: 1, refetches, ..Scene::default() };
            let start = Scene { served: all, tokens: 1, ..one };
            let sent = 1 + refetches;
            let wrong = Scene { rejected: all, wrong_sent: sent, ..one };
            // One more refetch finds the token of the login whose answer was lost.
            let killed = Scene { served: all - 1, killed: 1, refetches: refetches + 1, ..start };
            let expected = [(scenes.start, start), (scenes.wrong, wrong)]
                .into_iter()
                .chain(scenes.killed.map(|scene| (scene, killed)));
            for (scene, expected) in expected {
                if scene != expected {
                    let text = format!("{name}: {all} processes came to {scene:?}");
                    return Err(Error::new(ErrorKind::Internal, text)
                        .expected(format!("{expected:?}"))
                        .advice("please report this with the whole output"));
                }
            }
        }
        Ok(())
    }
}

/// A folder that is removed with all that is in it.
fn folder() -> Result<TempDir> {
    TempDir::with_prefix("tokenlease-demo-").map_err(|error| {
        config("the demo has no folder for its processes to share")
            .expected("a folder for temporary files that can be written to")
            .with_source(error)
    })
}

fn crowd(
    site: &Site,
    credentials: &Credentials,
    folder: &Path,
    count: usize,
) -> Result<Vec<Process>> {
    (0..count).map(|_| Process::new(site, credentials, folder)).collect()
}

/// A process of this program that waits for its start. It is killed when it is dropped.
struct Process(Option<Child>);

impl Process {
    fn new(site: &Site, credentials: &Credentials, folder: &Path) -> Result<Self> {
        let cannot = |error: std::io::Error| {
            config("the demo can't run this program again")
                .expected("a system that lets programs start others")
                .with_source(error)
        };
        let mut command = Command::new(std::env::current_exe().map_err(cannot)?);
        // Nothing of the user's: neither a store nor a profile.
        command.args(["demo-process", "--output", "json"]).env_clear();
        for name in ["PATH", "SystemRoot", "TEMP", "TMP"] {
            command.envs(std::env::var_os(name).map(|value| (name, value)));
        }
        let identity = site.server().identity();
        let (password, client_secret) = (&credentials.password, &credentials.client_secret);
        command
            .env("TOKENLEASE_STORE", format!("file:{}", folder.display()))
            .env("TOKENLEASE_PROVIDER", identity.provider().as_str())
            .env("TOKENLEASE_SERVER", identity.server())
            .env("TOKENLEASE_USER", identity.user())
            .envs(password.as_ref().map(|secret| (Which::Password.variable(), secret.expose())))
            .envs(
                client_secret
                    .as_ref()
                    .map(|secret| (Which::ClientSecret.variable(), secret.expose())),
            );
        if site.service.is_wyn() {
            let life = format!("{}s", site.service.life().as_secs());
            command.env("TOKENLEASE_LIFETIME", life).env("TOKENLEASE_CLIENT_ID", identity.client());
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

    /// The token that it was given; none if its credentials were rejected.
    async fn answer(mut self, site: &Site) -> Result<Option<Token>> {
        let gone = || failed("a process of the demo was not to be waited for");
        let child = self.0.take().ok_or_else(gone)?;
        let wait = tokio::task::spawn_blocking(move || child.wait_with_output());
        let output = wait
            .await
            .map_err(|error| gone().with_source(error))?
            .map_err(|error| gone().with_source(error))?;
        read(output, site)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            // It may have ended by itself, which is as well.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn read(output: Output, site: &Site) -> Result<Option<Token>> {
    let Output { status, stdout, stderr } = output;
    let stdout = Zeroizing::new(stdout);
    if status.success() {
        let answer: Value = serde_json::from_slice(&stdout)
            .map_err(|_| failed("a process of the demo printed something else than a token"))?;
        let text = answer.get("token").and_then(Value::as_str).unwrap_or_default();
        return Ok(Some(Token::new(site.server().token_kind(), Secret::from(text))));
    }
    let said = String::from_utf8_lossy(&stderr);
    let error: Value =
        said.lines().last().and_then(|line| serde_json::from_str(line).ok()).unwrap_or_default();
    let word = |key: &str| error["error"][key].as_str().unwrap_or_default().to_owned();
    if word("kind") == ErrorKind::CredentialsRejected.as_str() {
        return Ok(None);
    }
    let text = format!("a process of the demo ended with {status}: {}", word("message"));
    Err(Error::new(ErrorKind::Internal, text).advice("please report this"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_or_a_wrong_password_too_many_is_a_fault() {
        let start = Scene {
            processes: 16,
            served: 16,
            tokens: 1,
            logins: 1,
            refetches: 1,
            ..Scene::default()
        };
        let wrong = Scene { served: 0, tokens: 0, rejected: 16, wrong_sent: 2, ..start };
        let killed = Scene { served: 15, killed: 1, refetches: 2, ..start };
        let winkas = Scenes { start, killed: Some(killed), wrong };
        let wyn = Scenes {
            start: Scene { refetches: 0, ..start },
            killed: None,
            wrong: Scene { refetches: 0, wrong_sent: 1, ..wrong },
        };
        let good = Processes { winkas, wyn };
        good.check().unwrap();
        for bad in [
            Scenes { start: Scene { logins: 2, ..start }, ..winkas },
            Scenes { start: Scene { served: 15, dead_served: 1, ..start }, ..winkas },
            Scenes { killed: Some(Scene { logins: 2, ..killed }), ..winkas },
            Scenes { wrong: Scene { wrong_sent: 3, ..wrong }, ..winkas },
            Scenes { wrong: Scene { locked: true, ..wrong }, ..winkas },
        ] {
            let error = Processes { winkas: bad, ..good }.check().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Internal);
            assert!(error.detail().starts_with("WinKAS Air: "), "{error}");
        }
    }
}
