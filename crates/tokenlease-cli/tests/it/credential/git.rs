//! git's own programs, with the helper in their configuration.

use std::{fs, process::Command, sync::atomic::Ordering};

use tokenlease_test_servers::found;

use super::{
    Home, Run, run,
    server::{Authorization, Server},
};

/// Returns the start of an attribute's line in the output.
fn attribute<'a>(out: &'a str, name: &str) -> Option<&'a str> {
    out.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
}

/// A user with a server of a repository, for which the helper answers.
struct Git {
    home: Home,
    server: Server,
}

impl Git {
    /// `None` without git.
    fn new() -> Option<Self> {
        found(&["git"])?;
        let home = Home::new("");
        let server = Server::start(home.path().join("served"), &home.emulator);
        let git = Self { home, server };
        git.make_repository();
        let host = &git.server.address;
        let table = format!("[git.\"{host}\"]\nprofile = \"bi\"\n");
        let config = fs::read_to_string(git.home.path().join("config.toml")).expect("a profile");
        git.home.save("config.toml", &format!("{config}{table}"));
        git.git(&["config", "--global", "credential.helper", "tokenlease"], "");
        Some(git)
    }

    /// Makes a repository with one branch, for HTTP servers that serve files.
    fn make_repository(&self) {
        let script = "git init -q --bare served/one.git && cd served/one.git && \
                      tree=$(git hash-object -t tree -w /dev/null) && \
                      commit=$(git -c user.name=a -c user.email=a@b commit-tree -m one $tree) && \
                      git update-ref refs/heads/main $commit && git update-server-info";
        let made = run(self.home.command("sh").args(["-c", script]), "");
        assert_eq!(made.code, Some(0), "{made:?}");
    }

    fn git(&self, args: &[&str], input: &str) -> Run {
        run(self.home.command("git").args(args), input)
    }

    fn ls_remote(&self) -> Run {
        let url = format!("http://{}/one.git", self.server.address);
        self.git(&["ls-remote", &url], "")
    }

    /// Returns the credentials of the requests since the last call that had some.
    fn last_seen(&self) -> Authorization {
        self.server.take_seen().pop().expect("a request with credentials")
    }

    /// Returns whether this git can send a Bearer token (2.46).
    fn has_bearer(&self) -> bool {
        self.git(&["credential", "capability"], "").out.contains("capability authtype")
    }
}

/// Rule: Plug-ins: git lists the branches of a server with the token as its credential, and ten calls cost one
/// login.
#[test]
fn git_reads_a_repository_with_the_token() {
    let Some(git) = Git::new() else { return };
    for _ in 0..10 {
        let listed = git.ls_remote();
        assert!(listed.out.contains("refs/heads/main"), "{listed:?}");
    }
    assert_eq!(git.home.logins(), 1);
    let (scheme, username) = if git.has_bearer() { ("bearer", "") } else { ("basic", "oauth2") };
    let seen = git.last_seen();
    assert_eq!((&*seen.scheme, &*seen.username), (scheme, username));
    assert_eq!(seen.token, git.home.token());
}

/// Rule: Plug-ins: a token that a server rejects is reported by git's `erase`. It is replaced if the provider
/// calls it inactive, and kept if the provider calls it active.
#[test]
fn a_token_that_git_rejects_is_checked_before_it_is_replaced() {
    let Some(git) = Git::new() else { return };
    assert_eq!(git.ls_remote().code, Some(0));
    let first = git.last_seen().token;
    git.server.rejects.store(true, Ordering::SeqCst);
    let rejected = git.ls_remote();
    assert_ne!(rejected.code, Some(0), "{rejected:?}");
    assert_eq!((git.home.logins(), git.home.token()), (1, first.clone()));
    git.server.rejects.store(false, Ordering::SeqCst);
    assert!(git.home.emulator.end_token(&first));
    let inactive = git.ls_remote();
    assert_ne!(inactive.code, Some(0), "{inactive:?}");
    let listed = git.ls_remote();
    assert!(listed.out.contains("refs/heads/main"), "{listed:?}");
    assert_ne!(git.last_seen().token, first);
    assert_eq!(git.home.logins(), 2);
}

/// Rule: Plug-ins: git's `fill`, `approve` and `reject` work with the helper; it answers for no other host.
#[test]
fn git_credential_fills_approves_and_rejects() {
    let Some(git) = Git::new() else { return };
    let host = &git.server.address;
    let question = format!("protocol=http\nhost={host}\n\n");
    let filled = git.git(&["credential", "fill"], &question);
    assert_eq!(attribute(&filled.out, "username"), Some("oauth2"), "{filled:?}");
    let token = attribute(&filled.out, "password").expect("a password").to_owned();
    assert_eq!(token, git.home.token());
    for action in ["approve", "reject"] {
        let done = git.git(&["credential", action], &filled.out);
        assert_eq!((done.code, &*done.out), (Some(0), ""), "{done:?}");
    }
    assert_eq!(git.home.token(), token, "the provider calls it active");
    // The name that the URL has goes with the token.
    let named = format!("protocol=http\nhost={host}\nusername=robot\n\n");
    let filled = git.git(&["credential", "fill"], &named);
    assert_eq!(attribute(&filled.out, "username"), Some("robot"), "{filled:?}");
    assert_eq!(attribute(&filled.out, "password"), Some(&*token), "{filled:?}");
    let other = git.git(&["credential", "fill"], "protocol=https\nhost=other.example.com\n\n");
    assert_ne!(other.code, Some(0), "{other:?}");
    assert!(!other.out.contains(&token) && other.err.contains("Username"), "{other:?}");
    assert_eq!(git.home.logins(), 1);
}

/// Rule: Plug-ins: if there is no token for a host that the helper answers for, git stops with the reason and
/// asks nobody for a password.
#[test]
fn git_stops_with_the_reason_if_there_is_no_token() {
    let Some(git) = Git::new() else { return };
    git.home.save("password", "wrong");
    let failed = git.ls_remote();
    assert_ne!(failed.code, Some(0));
    assert!(failed.err.contains("credentials rejected"), "{failed:?}");
    assert!(failed.err.contains("us to quit"), "{failed:?}");
    assert_eq!(git.home.logins(), 1);
}

/// Git 2.46 announces that it takes a scheme and a credential.
const BEARER: &str = "capability[]=authtype\ncapability[]=state\nprotocol=https\n\
                      host=git.example.com\nwwwauth[]=Basic realm=\"x\"\nwwwauth[]=Bearer\n";

fn helper(home: &Home, operation: &str, input: &str) -> Run {
    let args = ["--profile", "bi", "--host", "git.example.com", operation];
    home.run("git-credential-tokenlease", &args, input)
}

/// Rule: Plug-ins: git gets a Bearer credential if it and the server can use one; no other helper saves it, and
/// it states until when the token is served.
#[test]
fn git_gets_a_bearer_credential_where_it_can_use_one() {
    let home = Home::new("");
    let got = helper(&home, "get", BEARER);
    let token = home.token();
    let begin =
        format!("capability[]=authtype\nauthtype=Bearer\ncredential={token}\nephemeral=1\n");
    assert!(got.out.starts_with(&begin), "{got:?}");
    let until = attribute(&got.out, "password_expiry_utc").expect("an expiry");
    let status = home.run("tokenlease", &["token", "--profile", "bi", "--output", "json"], "");
    let json: serde_json::Value = serde_json::from_str(&status.out).expect("JSON");
    let date = Command::new("date").args(["-u", "-d", &format!("@{until}"), "+%FT%TZ"]).output();
    let date = String::from_utf8(date.expect("date").stdout).expect("text");
    assert_eq!(json["expires_at"], date.trim());
    // The credential that git sent comes back.
    assert!(home.emulator.end_token(&token));
    let erased = helper(&home, "erase", &format!("{BEARER}authtype=Bearer\ncredential={token}\n"));
    assert_eq!((erased.code, &*erased.out), (Some(0), ""), "{erased:?}");
    assert_ne!(home.token(), token);
    assert_eq!(home.logins(), 2);
}

/// Rule: Plug-ins: the git helper ignores unknown operations and hosts, and rejects plain HTTP, where others can
/// read the token.
#[test]
fn the_git_helper_ignores_what_it_does_not_know() {
    let home = Home::new("");
    for (operation, input) in [
        ("capability", ""),
        ("store", "protocol=https\nhost=git.example.com\nusername=a\npassword=b\n"),
        ("get", "protocol=https\nhost=git.example.com.attacker.example\n"),
        ("get", "protocol=https\nhost=git.example.com:8443\n"),
        ("erase", "protocol=https\nhost=git.example.com\n"),
        ("erase", "protocol=https\nhost=other.example.com\npassword=x\n"),
    ] {
        let done = helper(&home, operation, input);
        assert_eq!((done.code, &*done.out, &*done.err), (Some(0), "", ""), "{operation} {input}");
    }
    let plain = helper(&home, "get", "protocol=http\nhost=git.example.com\n");
    assert_eq!((plain.code, &*plain.out), (Some(2), "quit=1\n"), "{plain:?}");
    assert!(plain.err.contains("plain HTTP"), "{plain:?}");
    let bearer = "protocol=https\nhost=git.example.com\nwwwauth[]=Bearer\n";
    let old = helper(&home, "get", bearer);
    assert!(old.err.contains("git.example.com asks for Bearer; expected"), "{old:?}");
    let unnamed = home.run("git-credential-tokenlease", &["--profile", "bi", "get"], bearer);
    assert!(unnamed.err.contains("expected --host HOST"), "{unnamed:?}");
    assert_eq!(home.logins(), 0);
}
