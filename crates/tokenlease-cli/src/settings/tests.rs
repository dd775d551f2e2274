//! Which source of a setting wins.

use std::{fs, path::Path};

use clap::Parser as _;

use super::*;
use crate::args::{Cli, Command};

fn connection(args: &[&str]) -> Connection {
    let args = ["tokenlease", "token"].iter().chain(args);
    let Command::Token(token) = Cli::parse_from(args).command else { panic!("token") };
    token.printed.connection
}

fn resolve(args: &[&str], variables: &[(&str, &str)]) -> Result<Settings> {
    let environment = |name: &str| {
        variables.iter().find(|(key, _)| *key == name).map(|(_, text)| OsString::from(text))
    };
    Settings::resolve(&connection(args), &environment)
}

fn with_profile(text: &str, check: impl FnOnce(&str, &Path)) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("config.toml");
    fs::write(&file, text).expect("written");
    check(file.to_str().expect("a path"), folder.path());
}

const WYN: [&str; 6] = ["--provider", "wyn", "--server", "https://w", "--user", "u"];

/// Rule: Languages: the command line overrides the environment, and the environment the profile.
#[test]
fn the_command_line_overrides_the_environment_which_overrides_the_profile() {
    let text = "[profile.bi]\nprovider = \"wyn\"\nserver = \"https://profile\"\n\
                user = \"profile\"\ntenant = \"/profile\"\nlifetime = \"8h\"\n";
    with_profile(text, |file, _| {
        let settings = resolve(
            &["--profile", "bi", "--config", file, "--user", "line"],
            &[
                ("TOKENLEASE_USER", "env"),
                ("TOKENLEASE_SERVER", "https://env"),
                ("TOKENLEASE_TENANT", ""),
            ],
        )
        .unwrap();
        assert_eq!(settings.identity.user(), "line");
        assert_eq!(settings.identity.server(), "https://env");
        assert_eq!(settings.identity.realm(), "/profile");
        assert_eq!(settings.identity.client(), "integration");
        assert_eq!(settings.options.lifetime, Some(Duration::from_secs(28_800)));
        // The profile can be selected by variables.
        let variables = [("TOKENLEASE_PROFILE", "bi"), ("TOKENLEASE_CONFIG", file)];
        assert_eq!(resolve(&[], &variables).unwrap().identity.user(), "profile");
    });
}

#[test]
fn a_secret_comes_from_the_first_source_that_sets_one() {
    let text = "[profile.bi]\nprovider = \"wyn\"\nserver = \"https://w\"\nuser = \"u\"\n\
                password_file = \"pw\"\nclient_secret_file = \"cs\"\n";
    with_profile(text, |file, folder| {
        fs::write(folder.join("pw"), "from profile\n").unwrap();
        fs::write(folder.join("cs"), "client\n").unwrap();
        fs::write(folder.join("other"), "from line\n").unwrap();
        let password = |more: &[&str], variables: &[(&str, &str)]| {
            let args = [&["--profile", "bi", "--config", file], more].concat();
            let credentials = resolve(&args, variables).unwrap().credentials(Need::Login);
            let credentials = credentials.unwrap();
            assert_eq!(credentials.client_secret.unwrap().expose(), "client");
            credentials.password.unwrap().expose().to_owned()
        };
        let variable = [("TOKENLEASE_PASSWORD", "from env")];
        let other = folder.join("other");
        let line = ["--password-file", other.to_str().unwrap()];
        assert_eq!(password(&[], &[]), "from profile");
        assert_eq!(password(&[], &variable), "from env");
        assert_eq!(password(&line, &variable), "from line");
    });
}

#[test]
fn two_sources_of_a_secret_in_one_place_are_an_error() {
    let line = [&WYN[..], &["--password-file", "a", "--password-command", "b"]].concat();
    let error = resolve(&line, &[]).unwrap_err();
    assert!(error.detail().contains("two sources of the password are given"), "{error}");
    let variables =
        [("TOKENLEASE_CLIENT_SECRET", "canary"), ("TOKENLEASE_CLIENT_SECRET_FILE", "b")];
    let error = resolve(&WYN, &variables).unwrap_err();
    assert!(error.detail().contains("client secret are set in the environment"), "{error}");
    assert!(!error.to_string().contains("canary"));
}

#[test]
fn a_missing_option_is_an_error_that_names_option_and_variable() {
    let winkas = ["--provider", "winkas", "--user", "u"];
    for (args, option) in [
        (&[][..], "--provider, the variable TOKENLEASE_PROVIDER"),
        (&WYN[..2], "--server, the variable TOKENLEASE_SERVER"),
        (&WYN[..4], "--user, the variable TOKENLEASE_USER"),
        (&winkas[..], "--contract, the variable TOKENLEASE_CONTRACT"),
        (&["--config", "x"], "--profile NAME"),
    ] {
        let error = resolve(args, &[]).unwrap_err().to_string();
        assert!(error.contains(option), "{args:?}: {error}");
    }
    let error = resolve(&WYN, &[("TOKENLEASE_LIFETIME", "8")]).unwrap_err().to_string();
    assert!(error.contains("TOKENLEASE_LIFETIME: 8 has no unit"), "{error}");
}

/// Rule: Secrets: a command reads only the secrets that it sends.
#[test]
fn a_command_reads_only_the_secrets_that_it_sends() {
    let variables = [("TOKENLEASE_PASSWORD", "password"), ("TOKENLEASE_CLIENT_SECRET", "secret")];
    let texts = |args: &[&str], need| {
        let credentials = resolve(args, &variables).unwrap().credentials(need).unwrap();
        credentials.texts().iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(texts(&WYN, Need::Login), "password secret");
    assert_eq!(texts(&WYN, Need::Revocation), "secret");
    assert_eq!(texts(&WYN, Need::Validation), "");
    let introspected = [&WYN[..], &["--userinfo-path", "", "--introspection-path", "/i"]].concat();
    assert_eq!(texts(&introspected, Need::Validation), "secret");
    let winkas = ["--provider", "winkas", "--user", "u", "--contract", "c"];
    assert_eq!(texts(&winkas, Need::Login), "password");
    assert_eq!(texts(&winkas, Need::Validation), "");
    let client = ["--provider", "oauth2", "--server", "https://o", "--client-id", "c"];
    assert_eq!(texts(&client, Need::Login), "secret");
    let public = ["--provider", "oauth2", "--server", "https://o", "--user", "u"];
    assert_eq!(texts(&public, Need::Login), "password");
}

/// Rule: Languages: extra fields come from the command line, else the environment, else the profile.
#[test]
fn extra_fields_come_from_the_first_source_that_sets_them() {
    let text = "[profile.bi]\nprovider = \"wyn\"\nserver = \"https://w\"\nuser = \"u\"\n\
                extra_secret_file = { connection = \"secret\" }\n\
                extra = { resource = [\"b\", \"a\"], audience = \"c\" }\n";
    with_profile(text, |file, folder| {
        fs::write(folder.join("secret"), "from profile\n").unwrap();
        let read = |more: &[&str], extra: &[(&str, &str)]| {
            let args = [&["--profile", "bi", "--config", file], more].concat();
            let secrets = [("TOKENLEASE_PASSWORD", "p"), ("TOKENLEASE_CLIENT_SECRET", "s")];
            let settings = resolve(&args, &[&secrets[..], extra].concat()).unwrap();
            let fields: Vec<_> = settings.identity.extra().collect();
            let fields: Vec<_> =
                fields.iter().map(|(name, value)| [*name, *value].join("=")).collect();
            let credentials = settings.credentials(Need::Login).unwrap();
            assert!(settings.credentials(Need::Revocation).unwrap().extra_secrets.is_empty());
            let secret = credentials.extra_secrets.first().map(|(_, s)| s.expose().to_owned());
            (fields.join(" "), secret.unwrap())
        };
        let pair = |fields: &str, secret: &str| (fields.to_owned(), secret.to_owned());
        assert_eq!(read(&[], &[]), pair("audience=c resource=a resource=b", "from profile"));
        let variables =
            [("TOKENLEASE_EXTRA", "a=1\na=2\n"), ("TOKENLEASE_EXTRA_SECRET", "x=from env")];
        assert_eq!(read(&[], &variables), pair("a=1 a=2", "from env"));
        let line = ["--extra", "b=2", "--extra", "b=1=3"];
        assert_eq!(read(&line, &variables), pair("b=1=3 b=2", "from env"));
    });
    let text = "[profile.bi]\nprovider = \"wyn\"\nextra_secret = { a = \"canary\" }\n";
    with_profile(text, |file, _| {
        let error = resolve(&["--profile", "bi", "--config", file], &[]).unwrap_err().to_string();
        assert!(error.contains("extra_secret_file") && !error.contains("canary"), "{error}");
    });
    let trapped = resolve(&["--extra-secret", "a=canary"], &[]).unwrap_err().to_string();
    assert!(trapped.contains("--extra-secret-file") && !trapped.contains("canary"), "{trapped}");
}

#[test]
fn a_public_client_needs_no_client_secret() {
    let args = ["--provider", "oauth2", "--server", "https://o", "--client-id", "c", "--user", "u"];
    let settings = resolve(&args, &[("TOKENLEASE_PASSWORD", "password")]).unwrap();
    assert_eq!(settings.credentials(Need::Login).unwrap().client_secret, None);
}
