//! A thousand users of the portal, whose three processes share a folder.
#![cfg(unix)]

use std::{
    collections::BTreeSet,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use serde_json::{Value, json};
use tokenlease_emulator::Emulator;
use tokio::sync::Semaphore;

const USERS: usize = 1000;
const PROCESSES: usize = 3;

/// A process of the portal, which is killed when it is dropped.
struct Process {
    child: Mutex<Child>,
    address: String,
}

impl Process {
    fn start(emulator: &Emulator, folder: &Path) -> Self {
        let wyn = emulator.wyn();
        let mut child = Command::new(env!("CARGO_BIN_EXE_tokenlease-portal"))
            .env("PORTAL_LISTEN", "127.0.0.1:0")
            .env("PORTAL_KEY", "k".repeat(64))
            .env("PORTAL_STORE", format!("file:{}", folder.join("store").display()))
            .env("WYN_SERVER", wyn.server())
            .env("WYN_USER", wyn.user())
            .env("WYN_PASSWORD", wyn.password())
            .env("WYN_CLIENT_SECRET", wyn.client_secret())
            .env("NO_PROXY", "127.0.0.1")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { child: Mutex::new(child), address: line.trim().to_owned() }
    }

    /// Kills the process by SIGKILL.
    fn kill(&self) {
        let mut child = self.child.lock().unwrap();
        child.kill().and_then(|()| child.wait()).unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A browser of a user.
#[derive(Clone)]
struct Browser {
    http: reqwest::Client,
    processes: Arc<Vec<Process>>,
    session: String,
}

impl Browser {
    async fn log_in(http: reqwest::Client, processes: Arc<Vec<Process>>, number: usize) -> Self {
        let url = format!("{}/login", processes[number % PROCESSES].address);
        let body = json!({ "user": format!("user-{number:04}") }).to_string();
        let request = http.post(url).header("content-type", "application/json").body(body);
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 204);
        let cookie = response.headers()["set-cookie"].to_str().unwrap();
        assert!(cookie.contains("HttpOnly"), "{cookie}");
        let session = cookie.split(';').next().unwrap().to_owned();
        Self { http, processes, session }
    }

    /// Sends a request to a process, and to the next one if that process is gone.
    async fn call(&self, method: &str, path: &str, first: usize) -> (u16, Value) {
        for process in self.processes.iter().cycle().skip(first).take(PROCESSES) {
            let url = format!("{}/{path}", process.address);
            let request = self.http.request(method.parse().unwrap(), url);
            let Ok(response) = request.header("cookie", &self.session).send().await else {
                continue;
            };
            let status = response.status().as_u16();
            let Ok(body) = response.bytes().await else { continue };
            return (status, serde_json::from_slice(&body).unwrap_or(Value::Null));
        }
        panic!("no process answers");
    }
}

/// Runs something for all users, 100 at once.
async fn for_all<F: Future<Output = ()> + Send + 'static>(work: impl Fn(usize) -> F) {
    let bound = Arc::new(Semaphore::new(100));
    let mut running = Vec::new();
    for number in 0..USERS {
        let (bound, work) = (bound.clone(), work(number));
        running.push(tokio::spawn(async move {
            let _turn = bound.acquire().await.unwrap();
            work.await;
        }));
    }
    for one in running {
        one.await.unwrap();
    }
}

/// Rule: Subjects: a thousand users of a portal cost a thousand logins, whichever of its processes they use. A
/// process that is killed loses nothing, and each logout ends the user's token at the server.
#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_users_cost_a_thousand_logins_and_log_out() {
    let emulator = Emulator::builder().start().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let processes: Vec<_> =
        (0..PROCESSES).map(|_| Process::start(&emulator, folder.path())).collect();
    let processes = Arc::new(processes);
    let _ = rustls::crypto::ring::default_provider().install_default();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();

    let without = http.get(format!("{}/report", processes[0].address)).send().await.unwrap();
    assert_eq!(without.status(), 401);
    let forged = format!("{}/report", processes[0].address);
    let forged = http.get(forged).header("cookie", "session=user-0001").send().await.unwrap();
    assert_eq!(forged.status(), 401);

    let browsers = Arc::new(Mutex::new(vec![None; USERS]));
    for_all(|number| {
        let (http, processes, browsers) = (http.clone(), processes.clone(), browsers.clone());
        async move {
            let browser = Browser::log_in(http, processes, number).await;
            // Two requests of a page, to two processes.
            let (one, other) = tokio::join!(
                browser.call("GET", "report", number),
                browser.call("GET", "report", number + 1)
            );
            assert_eq!((one.0, other.0), (200, 200), "{one:?} {other:?}");
            browsers.lock().unwrap()[number] = Some(browser);
        }
    })
    .await;
    let logins = || emulator.counts().wyn.login;
    assert_eq!(logins(), USERS as u64);
    let tokens: BTreeSet<_> = emulator.wyn().active_tokens().into_iter().collect();
    assert_eq!(tokens.len(), USERS);

    let browsers: Vec<_> = browsers.lock().unwrap().drain(..).map(Option::unwrap).collect();
    let shown = Arc::new(AtomicUsize::new(0));
    for_all(|number| {
        let (browser, shown) = (browsers[number].clone(), shown.clone());
        async move {
            // While the others are served.
            if shown.fetch_add(1, Ordering::SeqCst) == USERS / 3 {
                browser.processes[0].kill();
            }
            assert_eq!(browser.call("GET", "report", number + 2).await.0, 200);
        }
    })
    .await;
    assert_eq!(logins(), USERS as u64, "the killed process lost no token");

    for_all(|number| {
        let browser = browsers[number].clone();
        async move {
            let (status, report) = browser.call("POST", "logout", number).await;
            assert_eq!((status, &report["proven"], &report["failed"]), (200, &1.into(), &0.into()));
        }
    })
    .await;
    assert!(!tokens.iter().any(|token| emulator.token_is_active(token)));
    assert_eq!((logins(), emulator.wyn().active_tokens().len()), (USERS as u64, 0));
}
