//! Folders of several users, of services and of containers, on all kinds of file systems.

use std::{
    fs::{self, Permissions},
    os::unix::fs::{PermissionsExt as _, chown},
    path::Path,
    process::Command,
};

use tokenlease_emulator::Emulator;

use crate::support::{Program, Run, emulator, folder, json, tokenlease, winkas, wyn};

const ALICE: u32 = 61_001;
const BOB: u32 = 61_002;
const TEAM: u32 = 61_000;

/// Returns whether the tests can act as several users.
fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().expect("id");
    id.stdout == b"0\n"
}

fn give_to(folder: &Path, user: u32) {
    chown(folder, Some(user), Some(user)).expect("a new owner");
}

/// Returns the largest record's file. Those of `store check` and `doctor` are empty.
fn record(state: &Path) -> std::path::PathBuf {
    let all = fs::read_dir(state.join("tokenlease")).expect("a folder").flatten();
    let records = all.filter(|entry| entry.path().extension().is_some_and(|end| end == "record"));
    let size = |entry: &fs::DirEntry| entry.metadata().expect("its size").len();
    records.max_by_key(size).expect("a record").path()
}

/// Rule: Store: a folder of another user is an error that names two commands, one to run as that user and
/// one to give the folder away; root leaves no file in it.
#[test]
fn a_folder_of_another_user_is_an_error_with_two_commands() {
    if !is_root() {
        return;
    }
    let (emulator, state) = (emulator(), folder());
    give_to(state.path(), ALICE);
    let token = |program: Program| program.shares(state.path()).run();
    token(wyn(&emulator, "token").by_user(ALICE, ALICE)).exits_with(0);
    let files = || fs::read_dir(state.path().join("tokenlease")).expect("a folder").count();
    let before = files();
    let run = token(wyn(&emulator, "token")).exits_with(6);
    let chown = format!("sudo chown -R root {}", state.path().join("tokenlease").display());
    let run = run.complains(&format!("belongs to uid {ALICE}")).complains(&chown);
    run.complains(&format!("sudo -u '#{ALICE}'"));
    for args in [&["store", "check"][..], &["store", "init"]] {
        token(tokenlease(args)).exits_with(6).complains("belongs to uid");
    }
    assert_eq!(files(), before);
    token(wyn(&emulator, "token").by_user(BOB, BOB)).exits_with(6);
    // A link of that user does not lead root to another folder.
    let (linked, target) = (folder(), folder());
    let link = linked.path().join("tokenlease");
    std::os::unix::fs::symlink(target.path(), &link).expect("a link");
    std::os::unix::fs::lchown(&link, Some(ALICE), Some(ALICE)).expect("a new owner");
    let run = wyn(&emulator, "token").shares(linked.path()).run().exits_with(6);
    run.complains("is a link that belongs to uid");
    assert_eq!(fs::read_dir(target.path()).expect("a folder").count(), 0);
    assert_eq!(emulator.counts().wyn.login, 1);
}

/// Rule: Store: `sudo` makes no folder of root in the home of the user that ran it.
#[test]
fn sudo_makes_no_folder_in_the_home_of_its_caller() {
    if !is_root() {
        return;
    }
    let (emulator, state) = (emulator(), folder());
    give_to(state.path(), ALICE);
    let sudo = || wyn(&emulator, "token").env("SUDO_UID", ALICE.to_string());
    let run = sudo().shares(state.path()).run().exits_with(2);
    run.complains("sudo -H").complains(&format!("sudo -u '#{ALICE}'"));
    assert!(!state.path().join("tokenlease").exists());
    // Root's own folder is root's.
    sudo().run().exits_with(0);
}

/// Rule: Store: `doctor` and `store check` find a record, a lock or a key that belongs to another user.
#[test]
fn doctor_and_store_check_find_files_of_another_user() {
    if !is_root() {
        return;
    }
    let (emulator, state) = (emulator(), folder());
    give_to(state.path(), ALICE);
    let run = |command: &str| {
        let program = match command {
            "store" => {
                let of = emulator.wyn();
                let config = state.path().join("config.toml");
                let text = format!(
                    "[profile.bi]\nprovider = \"wyn\"\nserver = \"{}\"\nuser = \"{}\"\n",
                    of.server(),
                    of.user()
                );
                fs::write(&config, text).expect("written");
                tokenlease(["store", "check", "--profile=bi", "--config"]).args([config])
            }
            command => wyn(&emulator, command),
        };
        program.by_user(ALICE, ALICE).shares(state.path()).run()
    };
    run("doctor").exits_with(0);
    run("token").exits_with(0);
    let checked = run("store").exits_with(0).out;
    assert!(checked.contains("\nrecord   of ") && checked.contains("can be read"), "{checked}");
    let record = record(state.path());
    for (file, code) in
        [(record.clone(), 6), (record.with_extension("lock"), 6), (record.with_file_name("key"), 6)]
    {
        give_to(&file, 0);
        fs::set_permissions(&file, Permissions::from_mode(0o600)).expect("its mode");
        for command in ["doctor", "store"] {
            let Run { out, err, .. } = run(command).exits_with(code);
            let text = format!("{out}{err}");
            assert!(text.contains("belongs to root (uid 0)"), "{}: {text}", file.display());
            assert!(text.contains(&format!("sudo chown -R {ALICE} ")), "{text}");
        }
        give_to(&file, ALICE);
    }
    run("doctor").exits_with(0);
}

/// Rule: Store: several service accounts share a folder by its group, and log in once, whatever their
/// umasks.
#[test]
fn service_accounts_share_a_folder_by_its_group() {
    if !is_root() {
        return;
    }
    let (emulator, state) = (emulator(), folder());
    fs::set_permissions(state.path(), Permissions::from_mode(0o711)).expect("its mode");
    let shared = state.path().join("tokenlease");
    fs::create_dir(&shared).expect("a folder");
    chown(&shared, Some(0), Some(TEAM)).expect("its group");
    fs::set_permissions(&shared, Permissions::from_mode(0o2770)).expect("its mode");
    let token = |user, command: &str| {
        let program = winkas(&emulator, command).args(["--store-access=group"]);
        program.by_user(user, TEAM).shares(state.path()).run()
    };
    let first = token(ALICE, "token").exits_with(0).out;
    for (user, command) in [(BOB, "token"), (ALICE, "token"), (BOB, "doctor"), (ALICE, "doctor")] {
        let out = token(user, command).exits_with(0).out;
        assert!(command == "doctor" || out == first, "{out}");
    }
    assert_eq!(emulator.counts().winkas.login, 1);
    // Each can replace the files of the other.
    token(BOB, "forget").exits_with(0);
    token(ALICE, "token").exits_with(0);
    token(ALICE, "forget").exits_with(0);
    token(BOB, "token").exits_with(0);
    assert_eq!(emulator.counts().winkas.login, 1, "later ones are refetched");
    // A user outside of the group, and one without the option, get an error.
    let outside = winkas(&emulator, "token").args(["--store-access=group"]).by_user(BOB, BOB);
    outside.shares(state.path()).run().exits_with(6);
    let without = winkas(&emulator, "token").by_user(BOB, TEAM).shares(state.path()).run();
    without.exits_with(6).complains("belongs to root (uid 0)");
}

/// Compiles a library that makes calls of the file system fail, as file systems without them do.
fn lacking(folder: &Path, link: &str, sync: &str) -> std::path::PathBuf {
    let source = format!(
        "#define _GNU_SOURCE\n#include <dlfcn.h>\n#include <errno.h>\n#include <sys/stat.h>\n\
         int link(const char *a, const char *b) {{ errno = {link}; return -1; }}\n\
         int linkat(int a, const char *b, int c, const char *d, int e) {{ errno = {link}; return -1; }}\n\
         int renameat2(int a, const char *b, int c, const char *d, unsigned e) {{ errno = EINVAL; return -1; }}\n\
         int fsync(int file) {{\n  struct stat is;\n  if (!fstat(file, &is) && S_ISDIR(is.st_mode)) \
         {{ errno = {sync}; return -1; }}\n  return ((int (*)(int))dlsym(RTLD_NEXT, \"fsync\"))(file);\n}}\n"
    );
    let (path, library) = (folder.join(format!("{link}.c")), folder.join(format!("{link}.so")));
    fs::write(&path, source).expect("written");
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-o"]).args([&library, &path]).arg("-ldl");
    assert!(compiler.status().expect("a C compiler").success());
    library
}

/// Rule: Store: a folder on a file system without hard links or folder sync, as FAT, SMB and FUSE are,
/// works with one login for concurrent commands, and the checks warn of what it lacks.
///
/// Reported as GoogleCloudPlatform/gcsfuse#178
#[test]
fn a_file_system_without_links_and_folder_sync_works_with_a_warning() {
    for (link, sync) in [("EPERM", "EINVAL"), ("EOPNOTSUPP", "EOPNOTSUPP"), ("ENOSYS", "ENOSYS")] {
        let (emulator, state, tools) = (emulator(), folder(), folder());
        let library = lacking(tools.path(), link, sync);
        let run = |program: Program| program.shares(state.path()).env("LD_PRELOAD", &library);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| run(wyn(&emulator, "token")).run().exits_with(0));
            }
        });
        assert_eq!(emulator.counts().wyn.login, 1, "{link}");
        assert!(state.path().join("tokenlease/place.lock").exists(), "{link} was met");
        let check = run(tokenlease(["store", "check"])).run().exits_with(0);
        check.complains("after a power failure the newest tokens may be lost");
        let shared = run(wyn(&emulator, "doctor")).args(["--store-access=group"]);
        shared.run().exits_with(0);
    }
}

/// Rule: Store: `status` makes no folder, no key and no file.
#[test]
fn status_makes_no_file() {
    let (emulator, state) = (emulator(), folder());
    let status = |args: &[&str], code| {
        let program = wyn(&emulator, "status").args(args).shares(state.path());
        program.run().exits_with(code)
    };
    for _ in 0..2 {
        status(&[], 0);
        status(&["--check"], 1);
        status(&["--format=openmetrics"], 0);
        let all = tokenlease(["status"]).shares(state.path()).run().exits_with(0).out;
        assert_eq!(all, "no record and no profile\n");
        assert_eq!(fs::read_dir(state.path()).expect("a folder").count(), 0);
    }
    // In a folder with records too.
    json(wyn(&emulator, "token"), state.path(), 0);
    let store = state.path().join("tokenlease");
    fs::remove_file(store.join("swept")).expect("removed");
    let files = || fs::read_dir(&store).expect("a folder").count();
    let before = files();
    assert!(status(&[], 0).out.contains("live"));
    assert_eq!(files(), before);
}

/// Rule: Store: a record that belongs to no profile is forgotten by the name that `status` prints.
#[test]
fn a_record_of_nobody_is_forgotten_by_name() {
    let (emulator, state) = (emulator(), folder());
    for provider in [wyn, winkas] as [fn(&Emulator, &str) -> Program; 2] {
        json(provider(&emulator, "token"), state.path(), 0);
    }
    let others = || {
        let status = json(wyn(&emulator, "status"), state.path(), 0);
        status["others"].as_array().expect("a list").clone()
    };
    let name = others()[0]["record"].as_str().expect("a name").to_owned();
    let forget = |name: &str, code| {
        let program = tokenlease(["forget", "--record", name, "--output=json"]);
        program.shares(state.path()).run().exits_with(code)
    };
    forget("abc", 2);
    assert_eq!(forget(&name, 0).json()["forgotten"], true);
    assert_eq!(forget(&name, 0).json()["forgotten"], false);
    assert_eq!(others().len(), 0);
    let elsewhere = tokenlease(["forget", "--record", &name, "--store", "memory:"]);
    elsewhere.run().exits_with(2).complains("a folder");
    // The other record stays.
    assert_eq!(json(wyn(&emulator, "token"), state.path(), 0)["source"], "store");
}

/// Rule: Secrets: a service of systemd needs no option for its state folder and its credentials.
#[test]
fn a_service_of_systemd_needs_no_option_for_its_folder_and_credentials() {
    let (emulator, state, credentials) = (emulator(), folder(), folder());
    let of = emulator.wyn();
    for (name, text) in [
        ("bi.password", of.password()),
        ("bi.client_secret", of.client_secret()),
        ("tokenlease.password", "wrong".to_owned()),
        ("tokenlease.client_secret", of.client_secret()),
        ("tokenlease.store_key", "42".repeat(32)),
    ] {
        let path = credentials.path().join(name);
        fs::write(&path, text).expect("written");
        fs::set_permissions(path, Permissions::from_mode(0o400)).expect("its mode");
    }
    let config = state.path().join("config.toml");
    let text = format!(
        "[profile.bi]\nprovider = \"wyn\"\nserver = \"{}\"\nuser = \"{}\"\n",
        of.server(),
        of.user()
    );
    fs::write(&config, text).expect("written");
    let service = |profile: &str| {
        let mut program = tokenlease(["token"]);
        program.command().env_remove("XDG_STATE_HOME");
        program
            .env("TOKENLEASE_CONFIG", &config)
            .env("TOKENLEASE_PROFILE", profile)
            .env("STATE_DIRECTORY", state.path().join("tokenlease"))
            .env("CREDENTIALS_DIRECTORY", credentials.path())
    };
    let run = service("bi").run().exits_with(0);
    assert_eq!(run.err, "");
    assert!(record(state.path()).exists());
    assert!(!state.path().join("tokenlease/key").exists(), "the key is that of the service");
    // Without a profile the names begin with that of the program. A given source is used first.
    let args = ["--provider=wyn", "--server", &of.server(), "--user", &of.user()];
    service("").args(args).run().exits_with(3);
    let given = service("").args(args).env("TOKENLEASE_PASSWORD", of.password());
    given.run().exits_with(0);
    assert_eq!(emulator.counts().wyn.login, 2);
}
