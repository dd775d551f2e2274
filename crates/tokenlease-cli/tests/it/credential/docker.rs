//! docker's library for credential helpers, with the helper on its PATH.

use serde_json::{Value, json};

use super::{Home, go, run};

const TABLES: &str = "[docker.\"registry.example.com\"]\nprofile = \"bi\"\n\
                      [docker.\"localhost:5000\"]\nprofile = \"bi\"\nusername = \"robot\"\n";

/// Calls docker's library, and returns its result.
fn call(home: &Home, args: &[&str], secret: &str) -> Option<Value> {
    let called = run(home.command(go("docker")?).args(args), secret);
    assert_eq!(called.code, Some(0), "{called:?}");
    Some(serde_json::from_str(&called.out).expect("JSON"))
}

/// Rule: Plug-ins: docker's library gets the token for the hosts of the table, and no credentials for others.
#[test]
fn docker_gets_the_token_of_a_registry() {
    let home = Home::new(TABLES);
    let registry = "https://registry.example.com/v2/";
    let Some(got) = call(&home, &["get", registry], "") else { return };
    let token = home.token();
    let found = json!({ "ServerURL": registry, "Username": "oauth2", "Secret": token });
    assert_eq!(got["Found"], found, "{got}");
    let named = call(&home, &["get", "http://localhost:5000"], "").expect("a result");
    assert_eq!(named["Found"]["Username"], "robot", "{named}");
    let all = call(&home, &["list"], "").expect("a result");
    let expected = json!({ "registry.example.com": "oauth2", "localhost:5000": "robot" });
    assert_eq!(all["All"], expected, "{all}");
    for other in ["registry.example.com.attacker.example", "registry.example.com:5000"] {
        let none = call(&home, &["get", other], "").expect("a result");
        assert_eq!((&none["NotFound"], &none["Found"]), (&true.into(), &Value::Null), "{none}");
    }
    let empty = call(&home, &["get", ""], "").expect("a result");
    // The library knows the text, and replaces the exit status by it.
    assert!(empty["Error"].to_string().contains("err: no credentials server URL"), "{empty}");
    assert_eq!(home.logins(), 1);
}

/// Rule: Plug-ins: docker may store the current token again, and no other secret; `docker logout` removes the
/// token from the store.
#[test]
fn docker_stores_the_current_token_alone_and_erases_it() {
    let home = Home::new(TABLES);
    let token = home.token();
    let store = |server: &str, username: &str, secret: &str| {
        call(&home, &["store", server, username], secret)
    };
    let Some(stored) = store("registry.example.com", "oauth2", &token) else { return };
    assert_eq!(stored["Error"], "", "{stored}");
    let other = store("registry.example.com", "anna", "hunter2").expect("a result");
    let error = other["Error"].as_str().expect("text");
    assert!(error.contains("gets the token for registry.example.com itself"), "{error}");
    assert!(!error.contains("hunter2"), "{error}");
    let unnamed = store("registry.example.com", "", &token).expect("a result");
    assert!(unnamed["Error"].to_string().contains("err: no credentials username"), "{unnamed}");
    let unknown = store("other.example.com", "anna", "hunter2").expect("a result");
    assert!(unknown["Error"].to_string().contains("credentials not found"), "{unknown}");
    assert_eq!(home.logins(), 1);
    let erased = call(&home, &["erase", "registry.example.com"], "").expect("a result");
    assert_eq!(erased["Error"], "", "{erased}");
    assert_ne!(home.token(), token);
    assert_eq!(home.logins(), 2);
}

/// Rule: Plug-ins: docker shows why there is no token.
#[test]
fn docker_shows_why_there_is_no_token() {
    let home = Home::new(TABLES);
    home.save("password", "wrong");
    let Some(failed) = call(&home, &["get", "registry.example.com"], "") else { return };
    let error = failed["Error"].as_str().expect("text");
    assert!(error.contains("credentials rejected"), "{error}");
    assert_eq!(failed["NotFound"], false, "{failed}");
}

#[test]
fn the_docker_helper_has_a_version_and_rejects_unknown_operations() {
    let home = Home::new(TABLES);
    let version = home.run("docker-credential-tokenlease", &["version"], "");
    let expected =
        format!("docker-credential-tokenlease (tokenlease) v{}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!((version.code, version.out), (Some(0), expected));
    let unknown = home.run("docker-credential-tokenlease", &["push"], "");
    assert_eq!(unknown.code, Some(2));
    assert!(unknown.out.contains("\"push\" is unknown; expected get, list"), "{unknown:?}");
    let plain = home.run(
        "docker-credential-tokenlease",
        &["--profile", "bi", "--host", "registry.example.com", "get"],
        "http://registry.example.com",
    );
    assert!(plain.code == Some(2) && plain.out.contains("plain HTTP"), "{plain:?}");
}
