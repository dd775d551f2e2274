//! A portal that embeds reports of Wyn Enterprise. Each of its users has a token of that server, and any
//! number of processes share the tokens by a store.
//!
//! | variable | meaning |
//! | --- | --- |
//! | `PORTAL_LISTEN` | the address to listen on |
//! | `PORTAL_KEY` | the key that signs the cookies: 64 characters or more, the same in all processes |
//! | `PORTAL_STORE` | the store, such as `file:/var/lib/portal` or the URL of a Redis server |
//! | `WYN_SERVER`, `WYN_USER`, `WYN_PASSWORD`, `WYN_CLIENT_SECRET` | the Wyn server and the portal's account there |
#![forbid(unsafe_code)]

mod tokens;

use std::error::Error;

use axum::{
    Json, Router,
    extract::{FromRef, FromRequestParts, State},
    http::{StatusCode, request::Parts},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use axum_extra::extract::cookie::{Cookie, Key, SameSite, SignedCookieJar};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use self::tokens::{CallError, Tokens, variable};

const SESSION: &str = "session";

#[derive(Clone)]
struct Portal {
    tokens: Tokens,
    cookies: Key,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let cookies = Key::try_from(variable("PORTAL_KEY")?.as_bytes())?;
    let portal = Portal { tokens: Tokens::open().await?, cookies };
    let listener = TcpListener::bind(variable("PORTAL_LISTEN")?).await?;
    println!("http://{}", listener.local_addr()?);
    let app = Router::new()
        .route("/login", post(login))
        .route("/report", get(report))
        .route("/logout", post(logout))
        .with_state(portal);
    axum::serve(listener, app).await?;
    Ok(())
}

#[derive(Deserialize)]
struct Login {
    user: String,
}

/// Begins a user's session. A portal authenticates the user here.
async fn login(jar: SignedCookieJar, Json(Login { user }): Json<Login>) -> impl IntoResponse {
    let session = Cookie::build((SESSION, user)).http_only(true).same_site(SameSite::Lax);
    (jar.add(session), StatusCode::NO_CONTENT)
}

/// Shows the user's report. The first one costs the user's login at Wyn.
async fn report(State(portal): State<Portal>, user: User) -> Result<Response, CallError> {
    let report = portal.tokens.report(&user.0).await?;
    Ok((report.status(), report.into_body()).into_response())
}

/// Ends the user's session, and the token at the Wyn server.
async fn logout(
    State(portal): State<Portal>,
    user: User,
    jar: SignedCookieJar,
) -> Result<(SignedCookieJar, Json<Value>), CallError> {
    let report = portal.tokens.end(&user.0).await?;
    let proven = json!({ "proven": report.proven(), "failed": report.failed() });
    Ok((jar.remove(SESSION), Json(proven)))
}

/// The user of the session. It is the subject of tokens, so it never comes from a field of the request.
struct User(String);

impl FromRequestParts<Portal> for User {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, portal: &Portal) -> Result<Self, StatusCode> {
        let jar = SignedCookieJar::from_headers(&parts.headers, portal.cookies.clone());
        let user = jar.get(SESSION).map(|cookie| Self(cookie.value().to_owned()));
        user.ok_or(StatusCode::UNAUTHORIZED)
    }
}

impl FromRef<Portal> for Key {
    fn from_ref(portal: &Portal) -> Self {
        portal.cookies.clone()
    }
}

impl IntoResponse for CallError {
    fn into_response(self) -> Response {
        (StatusCode::BAD_GATEWAY, self.to_string()).into_response()
    }
}
