//! The options of all faces: the program and its profiles, C, C++ and Python take those of one table, and
//! the table has what Rust can set.

use std::fs;

use tokenlease_config::{KEYS, Parts, key_of, table};

use crate::crate_folder;

/// The name of each function of Rust elsewhere: an option, or a secret of `tokenlease_config_set_secret`.
const SETTINGS: &[(&str, &str)] = &[
    ("with_proxy", "proxy"),
    ("without_proxy", "proxy"),
    ("with_proxy_password", "proxy_password"),
    ("with_no_proxy", "no_proxy"),
    ("with_extra_ca", "ca"),
    ("with_client_certificate", "client_cert"),
    ("with_timeout", "timeout"),
    ("with_max_concurrent_logins", "max_concurrent_logins"),
    ("with_user_agent", "user_agent"),
    ("dangerously_allow_plain_http", "allow_plain_http"),
    ("with_lifetime", "lifetime"),
    ("with_grant", "grant"),
    ("with_client_auth", "client_auth"),
    ("with_token_path", "token_path"),
    ("with_revocation_path", "revocation_path"),
    ("with_introspection_path", "introspection_path"),
    ("with_userinfo_path", "userinfo_path"),
    ("with_new_token_ends_old", "new_token_ends_old"),
    ("with_token_header", "token_header"),
    ("deadline", "deadline"),
    ("store_check_interval", "store_check_interval"),
    ("on_store_outage", "on_store_outage"),
    ("agreed_lifetime", "agreed_lifetime"),
    ("max_lifetime", "max_lifetime"),
    ("without_login", "without_login"),
];

/// The settings of Rust alone, with the reason.
const ONLY_RUST: &[(&str, &str)] = &[
    ("lock_ttl", "a wrong value costs logins, and the default follows the timeout"),
    ("registry", "an argument of the calls that make clients"),
    ("on_event", "not an option: a function"),
    ("on_log", "not an option: a function, in C `tokenlease_config_set_log_function`"),
    ("build_hosted", "not an option: it makes a client whose program sends the requests"),
    ("build", "not an option: it makes the client"),
    ("builder", "not an option: it begins the builder"),
    ("new", "not an option: the defaults"),
];

/// Where Rust sets what a client and its requests do.
const RUST: [&str; 3] = [
    "crates/tokenlease/src/builder.rs",
    "crates/tokenlease/src/transport/http_options.rs",
    "crates/tokenlease-core/src/provider/server/options.rs",
];

fn read(path: &str) -> String {
    fs::read_to_string(crate_folder().join("../..").join(path)).unwrap()
}

/// Rule: Languages: each setting of Rust is an option or a secret of all languages, or has a reason why not.
#[test]
fn each_setting_of_rust_is_an_option_of_all_languages() {
    let mut seen = Vec::new();
    for source in RUST.map(read) {
        for line in source.lines() {
            let Some(rest) = line.trim_start().strip_prefix("pub fn ") else { continue };
            let name = rest.split(['(', '<']).next().unwrap().to_owned();
            seen.push(name);
        }
    }
    assert!(seen.len() > 25, "{seen:?}");
    for name in &seen {
        let known = SETTINGS.iter().find(|(rust, _)| rust == name);
        let excused = ONLY_RUST.iter().any(|(rust, _)| rust == name);
        assert!(known.is_some() || excused, "{name} is in no table of tests/header/faces.rs");
        if let Some((_, elsewhere)) = known {
            let secret = Parts::default().set_secret(elsewhere, "x");
            assert!(KEYS.contains(elsewhere) || secret.is_ok(), "{elsewhere}");
        }
    }
    for (name, _) in SETTINGS.iter().chain(ONLY_RUST) {
        assert!(seen.iter().any(|found| found == name), "Rust has no {name}");
    }
}

/// Rule: Languages: the program, C and Python have the same options.
#[test]
fn all_faces_have_the_options_of_the_table() {
    let python = read("python/tokenlease/_options.py");
    let header = read("include/tokenlease.h");
    let help = read("crates/tokenlease-cli/tests/it/snapshots/it__help__tokenlease_token.snap");
    for option in table() {
        assert!(header.contains(&format!("\n * {}: ", option.name)), "{}", option.name);
        assert!(python.contains(&format!("\n    {}: ", option.name)), "{}", option.name);
        let flag = format!("--{}", option.name.replace('_', "-"));
        let is_flag = |line: &str| {
            let line = line.trim_start();
            line == flag
                || line.starts_with(&format!("{flag} "))
                || line.starts_with(&format!("{flag}["))
        };
        assert!(help.lines().any(is_flag), "{flag}");
        assert_eq!(key_of(&flag[2..]), option.name);
    }
}
