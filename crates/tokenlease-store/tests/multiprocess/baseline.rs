//! A baseline for the cold start: the least code that shares a token, which is a file with the
//! token and a kernel lock around it. It handles no expiry, no rejection, no crashed lock owner and
//! no wrong password, and encrypts nothing.

use std::{fs, io::Write as _, path::Path};

use tokenlease::core::{
    Credentials, Timestamp,
    identity::Provider,
    provider::{Answer, Call, Server},
};

use crate::raw_http;

/// Returns the token in that folder. If there is none, gets one by the provider's calls.
pub(crate) fn token(folder: &Path, server: &Server, credentials: &Credentials) -> String {
    let lock = fs::File::options().create(true).append(true).open(folder.join("lock")).unwrap();
    lock.lock().unwrap();
    let path = folder.join("token");
    if let Ok(token) = fs::read_to_string(&path) {
        return format!("Store {token}");
    }
    let ask = |call: Call| {
        let response = raw_http::send(&server.request(&call, credentials).unwrap());
        match server.read(&call, &response, Timestamp(0), credentials) {
            Answer::Token(granted) => Some(granted.token.expose().to_owned()),
            Answer::NoToken(_) => None,
            other => panic!("{other:?}"),
        }
    };
    let found = (server.identity().provider() == Provider::Winkas).then(|| ask(Call::Refetch));
    let token = found.flatten().or_else(|| ask(Call::Login)).expect("a token");
    let new = folder.join("new");
    let mut file = fs::File::create(&new).unwrap();
    file.write_all(token.as_bytes()).unwrap();
    file.sync_all().unwrap();
    drop(file);
    fs::rename(new, path).unwrap();
    format!("Login {token}")
}
