//! Configs from a profile, the environment and JSON text, and stores of the program's own.

use std::fmt::Write as _;
use std::fs;

use serde_json::json;

use crate::support::{Provider, Site, folder, program, succeed};

/// Rule: Languages: a C program reads profiles, the environment and JSON text by the rules of the program,
/// and lists the options.
#[test]
fn a_c_program_reads_its_options_from_a_profile_the_environment_and_json() {
    let Some(sources) = program("config_sources.c") else { return };
    for provider in [Provider::Winkas, Provider::Wyn] {
        let site = Site::start(provider);
        let folder = folder(&format!("config-{provider:?}"));
        let file = |name: &str, text: &str| {
            let path = folder.join(name);
            fs::write(&path, text).unwrap();
            path.to_str().unwrap().to_owned()
        };
        file("password", &site.password());
        file("client_secret", &site.emulator.wyn().client_secret());
        let (server, rest) = match provider {
            Provider::Winkas => {
                let winkas = site.emulator.winkas();
                (winkas.server(), vec![("user", winkas.user()), ("contract", winkas.contract())])
            }
            Provider::Wyn => {
                (site.emulator.wyn().server(), vec![("user", site.emulator.wyn().user())])
            }
        };
        let word = if provider == Provider::Winkas { "winkas" } else { "wyn" };
        let mut options = vec![("provider", word.to_owned()), ("server", server)];
        options.extend(rest);
        let mut profile = "[profile.bad]\nsever = \"x\"\n[profile.erp]\n".to_owned();
        let mut object = serde_json::Map::new();
        for (name, value) in &options {
            writeln!(profile, "{name} = {value:?}").unwrap();
            object.insert((*name).to_owned(), json!(value));
        }
        profile += "password_file = \"password\"\n";
        object.insert("password".into(), json!(site.password()));
        if provider == Provider::Wyn {
            profile += "client-secret-file = \"client_secret\"\n";
            object.insert("client-secret".into(), json!(site.emulator.wyn().client_secret()));
        }
        let config = file("config.toml", &profile);
        let mut command = site.command(&sources);
        command.arg(&config).arg(serde_json::Value::Object(object).to_string());
        command.env("TOKENLEASE_CONFIG", &config).env("TOKENLEASE_PROFILE", "erp");
        command.env("TOKENLEASE_PASSWORD", site.password());
        succeed(&mut command);
        assert_eq!(site.logins(), 1, "all of them share the memory of the process");
    }
}

/// Rule: Store: a store that a C program implements passes the checks of the library's own stores, is shared
/// by its clients, holds only encrypted records, and is dropped once.
#[test]
fn a_store_of_a_c_program_passes_the_checks_and_is_shared() {
    for name in ["custom_store.c", "cpp_store.cpp"] {
        let Some(store) = program(name) else { return };
        for site in Site::both() {
            succeed(&mut site.command(&store));
            assert_eq!(site.logins(), 1);
        }
    }
}

/// Rule: Store: a store of a C program that rejects calls is an error with the program's words, and causes no
/// login.
#[test]
fn a_store_of_a_c_program_that_rejects_calls_causes_no_login() {
    let Some(store) = program("custom_store.c") else { return };
    for site in Site::both() {
        succeed(site.command(&store).arg("rejects"));
        assert_eq!(site.logins(), 0);
    }
}
