//! Servers that answer and reject calls, and processes that use them meanwhile.

use std::time::Duration;

use crate::{
    engine::Engine,
    process::Answer,
    raw_records::{postgres, redis},
    world::{World, wait_until},
};

/// How the server rejects calls.
#[derive(Clone, Copy, Debug)]
enum Rejection {
    WrongPassword,
    NoPassword,
    NoPermission,
    /// The server's memory is full.
    Full,
    NoTable,
    NoDatabase,
    /// The authority that issued the server's certificate is not trusted.
    UnknownAuthority,
}

impl Rejection {
    /// Makes the server reject the calls of that URL, and returns it and the cause in the error.
    fn begin(self, engine: &Engine, world: &World) -> (String, &'static str) {
        let url = &world.store;
        match (engine.name, self) {
            (_, Self::UnknownAuthority) => {
                (engine.server().unwrap().secure_url(), "is not a trusted authority")
            }
            ("redis", Self::WrongPassword) => (url.replace("canary", "wrong"), "WRONGPASS"),
            ("redis", Self::NoPassword) => (url.replace(":canary@", ""), "Authentication required"),
            ("redis", Self::NoPermission) => {
                command(url, "ACL SETUSER reader on >canary ~* +@read +@connection");
                (url.replace("//:", "//reader:"), "permissions")
            }
            ("redis", Self::Full) => {
                world.reject_writes(true);
                (url.clone(), "maxmemory")
            }
            ("redis", Self::NoDatabase) => {
                (format!("{}/99", url.trim_end_matches("/1")), "index is out of range")
            }
            ("postgres", Self::WrongPassword | Self::NoPassword) => {
                execute(url, "drop role if exists app; create role app login password 'right'");
                execute(url, "grant select, insert, update, delete on tokenlease to app");
                let given = if matches!(self, Self::NoPassword) { "app" } else { "app:wrong" };
                let cause = if matches!(self, Self::NoPassword) {
                    "password missing"
                } else {
                    "password authentication failed"
                };
                (url.replace("tokens:canary", given), cause)
            }
            ("postgres", Self::NoPermission) => {
                execute(url, "drop role if exists guest; create role guest login");
                (
                    url.replace("tokens:canary", "guest:canary"),
                    "permission denied for table tokenlease",
                )
            }
            ("postgres", Self::NoTable) => {
                execute(url, "alter table tokenlease rename to other");
                (url.clone(), "does not exist")
            }
            ("postgres", Self::NoDatabase) => {
                (url.replace("/postgres?", "/none?"), "database \"none\" does not exist")
            }
            other => unreachable!("{other:?}"),
        }
    }

    fn end(self, engine: &Engine, world: &World) {
        match (engine.name, self) {
            ("redis", Self::NoPermission) => command(&world.store, "ACL DELUSER reader"),
            ("redis", Self::Full) => world.reject_writes(false),
            ("postgres", Self::WrongPassword | Self::NoPassword) => {
                execute(&world.store, "drop owned by app; drop role app");
            }
            ("postgres", Self::NoPermission) => execute(&world.store, "drop role guest"),
            ("postgres", Self::NoTable) => {
                execute(&world.store, "alter table other rename to tokenlease");
            }
            _ => {}
        }
    }
}

fn command(url: &str, words: &str) {
    let mut words = words.split(' ');
    let mut command = redis::cmd(words.next().unwrap());
    let () = command.arg(words.collect::<Vec<_>>()).query(&mut redis(url)).unwrap();
}

fn execute(url: &str, statements: &'static str) {
    postgres(url, async |server| server.batch_execute(statements).await.unwrap());
}

/// Rule: Outage: while Redis or PostgreSQL answers and rejects calls, or has a certificate that is not
/// trusted, callers get the cause, and neither
/// a login nor a refetch is sent, also with the policy `login-within-budget`.
#[test]
fn nothing_is_sent_while_a_server_rejects_calls() {
    use Rejection::{
        Full, NoDatabase, NoPassword, NoPermission, NoTable, UnknownAuthority, WrongPassword,
    };
    for engine in Engine::servers() {
        let all: &[Rejection] = match engine.name {
            "redis" => {
                &[WrongPassword, NoPassword, NoPermission, Full, NoDatabase, UnknownAuthority]
            }
            _ => &[WrongPassword, NoPassword, NoPermission, NoTable, NoDatabase, UnknownAuthority],
        };
        for rejection in all {
            engine.repeat(|world, _| test_rejection(&engine, world, *rejection));
        }
    }
}

fn test_rejection(engine: &Engine, world: &World, rejection: Rejection) {
    let what = format!("{} {rejection:?}", engine.name);
    let (url, cause) = rejection.begin(engine, world);
    let starters = [world.winkas(), world.wyn().with("OUTAGE", "budget")]
        .map(|starter| starter.with("STORE", url.clone()));
    let counts = world.emulator.counts();
    for starter in &starters {
        let answer = starter.start_one().ask("token");
        let Answer::Error { kind, text } = &answer else { panic!("{what}: {answer:?}") };
        assert_eq!(kind, "store", "{what}: {text}");
        assert!(text.contains(cause), "{what}: {text}");
        assert!(!text.contains("unavailable"), "{what}: {text}");
        assert!(!text.contains("canary") && !text.contains("wrong"), "{what}: {text}");
    }
    assert_eq!(world.emulator.counts(), counts, "{what}");
    // The processes with a token serve it, and need no restart.
    rejection.end(engine, world);
    let starters = [world.winkas(), world.wyn()];
    for starter in &starters {
        let mut process = starter.start_one();
        let answer = wait_until(|| match process.ask("token") {
            Answer::Error { .. } => {
                std::thread::sleep(Duration::from_millis(50));
                None
            }
            answer => Some(answer),
        });
        assert_eq!(starter.start_one().ask("token").token(), answer.token(), "{what}");
    }
    assert_eq!(world.logins(), 2, "{what}");
}
