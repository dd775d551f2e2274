//! Plain HTTP/1.1 requests that do not go through the client.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
};

use http::{Response, StatusCode};
use tokenlease::core::{
    http::{Body, Request},
    identity::Provider,
    provider::Server,
};

/// Sends the request on a new connection, and reads until the server closes it.
pub(crate) fn send(request: &Request) -> Response<Vec<u8>> {
    let authority = request.uri().authority().unwrap().as_str();
    let mut connection = TcpStream::connect(authority).unwrap();
    connection.set_nodelay(true).unwrap();
    let (path, body) = (request.uri().path_and_query().unwrap(), request.body().as_bytes());
    let mut all = Vec::new();
    write!(all, "{} {path} HTTP/1.1\r\nhost: {authority}\r\n", request.method()).unwrap();
    write!(all, "connection: close\r\ncontent-length: {}\r\n", body.len()).unwrap();
    for (name, value) in request.headers() {
        write!(all, "{name}: {}\r\n", value.to_str().unwrap()).unwrap();
    }
    all.extend_from_slice(b"\r\n");
    all.extend_from_slice(body);
    connection.write_all(&all).unwrap();
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer).unwrap();
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("a complete head") + 4;
    let status = std::str::from_utf8(&answer[9..12]).unwrap().parse::<u16>().unwrap();
    let mut response = Response::new(answer.split_off(end));
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    response
}

/// Returns a request to a function of the provider's API that rejects every token.
pub(crate) fn forbidden(server: &Server, token: &str) -> Request {
    let (identity, request) = (server.identity(), http::Request::builder());
    match identity.provider() {
        Provider::Winkas => request
            .method("POST")
            .uri(format!("{}/api/Report/Forbidden", identity.server()))
            .header("content-type", "application/json")
            .body(Body::json(&std::collections::BTreeMap::from([("Token", token)])).unwrap()),
        _ => request
            .uri(format!("{}/api/v2/forbidden", identity.server()))
            .header("authorization", format!("Bearer {token}"))
            .body(Body::empty()),
    }
    .unwrap()
}
