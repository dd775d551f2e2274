//! A day of a busy service in minutes: its memory, handles and threads stay as they are.
//!
//! `cargo bench --bench load` runs 10^9 calls for a cached token and 10^5 refreshes with 10^4
//! identities. `cargo test` runs a small part of that. The program prints a line for each tenth of the
//! day, and fails if the process grows after the first fifth: by then each history is full.

use std::{
    fs,
    hint::black_box,
    io::{BufRead as _, BufReader, Read as _},
    process::{Child, Command, ExitCode, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use tokenlease::{
    Client, Registry, SteeredClock,
    core::{Credentials, Identity, lifecycle::Event, provider::Server},
};
use tokenlease_emulator::Emulator;

/// The argument that makes this program the server of another one.
const SERVE: &str = "--serve";
const DAY: Duration = Duration::from_secs(24 * 3600);
/// More than the tokens and logins that a record remembers, so that the first fifth fills it.
const ROUNDS: u32 = 200;

/// The size of a run.
struct Load {
    identities: u32,
    /// The identities that are used in each round: their tokens are refreshed.
    busy: u32,
    cached_gets: u64,
}

const FULL: Load = Load { identities: 10_000, busy: 500, cached_gets: 1_000_000_000 };
const REDUCED: Load = Load { identities: 100, busy: 5, cached_gets: 1_000_000 };

/// The emulator in a separate process, so that its memory does not count.
struct Service {
    process: Child,
    wyn: [String; 5],
}

impl Service {
    fn start() -> Self {
        let program = std::env::current_exe().expect("the path of this program");
        let mut process = Command::new(program)
            .arg(SERVE)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a process");
        let mut lines = BufReader::new(process.stdout.take().expect("its output")).lines();
        let wyn = std::array::from_fn(|_| lines.next().expect("a line").expect("text"));
        Self { process, wyn }
    }

    fn client(&self, registry: &Registry, number: u32, events: &Arc<AtomicU64>) -> Client {
        let [server, user, id, password, secret] = &self.wyn;
        let identity = Identity::wyn(server, user, id)
            .expect("an identity")
            .with_tenant(&format!("/tenant-{number:05}"));
        let server = Server::new(identity).with_lifetime(DAY / (2 * ROUNDS)).expect("a lifetime");
        let credentials =
            Credentials::password(password.as_str()).with_client_secret(secret.as_str());
        let logins = events.clone();
        Client::builder(server, credentials)
            .registry(registry)
            .on_event(move |event| {
                if matches!(event, Event::LoggedIn(_)) {
                    logins.fetch_add(1, Ordering::Relaxed);
                }
            })
            .build()
            .expect("a client")
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

/// Prints the emulator's address and credentials, and serves until standard input ends.
fn serve() {
    let emulator = Emulator::builder().start_blocking().expect("a free port");
    let wyn = emulator.wyn();
    let client_id = wyn.client_id();
    for line in [&wyn.server(), &wyn.user(), client_id, &wyn.password(), &wyn.client_secret()] {
        println!("{line}");
    }
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}

/// The resources of a process.
#[derive(Clone, Copy, Debug)]
struct Usage {
    /// Resident memory in KiB.
    memory: u64,
    handles: usize,
    threads: usize,
}

impl Usage {
    fn now() -> Self {
        let statm = fs::read_to_string("/proc/self/statm").expect("Linux");
        let pages: u64 =
            statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).expect("pages");
        let count = |folder| fs::read_dir(folder).expect("a folder").count();
        Self {
            memory: pages * 4,
            handles: count("/proc/self/fd"),
            threads: count("/proc/self/task"),
        }
    }

    /// Returns what grew since then, beyond what the allocator and idle connections vary by.
    fn grown_since(self, before: Self) -> Option<String> {
        if self.memory > before.memory + (before.memory / 50).max(2048) {
            return Some(format!("the memory grew from {} to {} KiB", before.memory, self.memory));
        }
        if self.handles > before.handles + 8 {
            return Some(format!("the handles grew from {} to {}", before.handles, self.handles));
        }
        // The library's pool keeps an idle thread for some seconds, and has 32 at most.
        (self.threads > before.threads + 32)
            .then(|| format!("the threads grew from {} to {}", before.threads, self.threads))
    }
}

/// Asks for cached tokens from two threads.
fn get_cached(clients: &[Client], calls: u64) {
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut clients = clients.iter().cycle();
                for _ in 0..calls / 2 {
                    let cached = clients
                        .next()
                        .and_then(|client| client.cached(|token| token.expose().len()));
                    assert!(black_box(cached).is_some(), "the token is cached");
                }
            });
        }
    });
}

/// Runs a day, and returns what grew.
fn run(load: &Load) -> Option<String> {
    let service = Service::start();
    let clock = SteeredClock::new();
    let registry = Registry::builder().clock(Arc::new(clock.clone())).build().expect("a registry");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let logins = Arc::new(AtomicU64::new(0));
    let clients: Vec<_> =
        (0..load.identities).map(|number| service.client(&registry, number, &logins)).collect();
    let (busy, _) = clients.split_at(load.busy as usize);
    let tokens = |clients: &[Client]| {
        runtime.block_on(async {
            let calls: Vec<_> = clients
                .iter()
                .map(|client| {
                    let client = client.clone();
                    tokio::spawn(async move { client.token().await.map(drop) })
                })
                .collect();
            for call in calls {
                call.await.expect("no panic").expect("a token");
            }
        });
    };
    let start = Instant::now();
    tokens(&clients);
    let mut baseline = None;
    println!("| hour | logins | cached gets | memory KiB | handles | threads | seconds |");
    println!("| ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    for round in 0..=ROUNDS {
        if round % (ROUNDS / 10) == 0 {
            let usage = Usage::now();
            let hour = f64::from(round) * 24.0 / f64::from(ROUNDS);
            let gets = load.cached_gets / u64::from(ROUNDS) * u64::from(round);
            let Usage { memory, handles, threads } = usage;
            let (logins, seconds) = (logins.load(Ordering::Relaxed), start.elapsed().as_secs());
            println!(
                "| {hour} | {logins} | {gets} | {memory} | {handles} | {threads} | {seconds} |"
            );
            match baseline {
                Some(before) => {
                    if let Some(grown) = usage.grown_since(before) {
                        return Some(grown);
                    }
                }
                None if round >= ROUNDS / 5 => baseline = Some(usage),
                None => {}
            }
        }
        if round < ROUNDS {
            clock.advance(DAY / ROUNDS);
            tokens(busy);
            get_cached(busy, load.cached_gets / u64::from(ROUNDS));
        }
    }
    None
}

fn main() -> ExitCode {
    let args: Vec<_> = std::env::args().skip(1).collect();
    if args.iter().any(|arg| arg == SERVE) {
        serve();
        return ExitCode::SUCCESS;
    }
    if !cfg!(target_os = "linux") {
        println!("skipped: a process reads its use of memory from /proc");
        return ExitCode::SUCCESS;
    }
    // `cargo bench` passes the flag `--bench`, `cargo test` does not.
    let load = if args.iter().any(|arg| arg == "--bench") { &FULL } else { &REDUCED };
    match run(load) {
        None => ExitCode::SUCCESS,
        Some(grown) => {
            eprintln!("{grown}");
            ExitCode::FAILURE
        }
    }
}
