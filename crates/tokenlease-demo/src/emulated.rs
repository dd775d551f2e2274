//! A service that the day is played for: one user at one provider on loopback, whose clock is moved.

use std::time::Duration;

use http::{Method, Response};
use serde_json::json;
use tokenlease::{
    Authorize, Error, ErrorKind, Result,
    core::{
        Credentials, Identity, Secret, Token,
        expiry::margin,
        http::{Body, Request},
        lease::WINKAS_MAX_LIFETIME,
        provider::{ApiAnswer, Server},
    },
};
use tokenlease_emulator::{Emulator, Endpoint, Fault, ProviderDetails};

/// One user's work at one provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Service {
    /// WinKAS Air, by the usual agreement: tokens live 12 hours.
    Winkas12,
    /// WinKAS Air, by an agreement of tokens that live 24 hours. Nobody tells the client.
    Winkas24,
    /// Wyn Enterprise, with tokens that were asked to live 8 hours.
    Wyn,
}

impl Service {
    pub(super) const ALL: [Self; 3] = [Self::Winkas12, Self::Winkas24, Self::Wyn];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Winkas12 => "WinKAS 12 h",
            Self::Winkas24 => "WinKAS 24 h",
            Self::Wyn => "Wyn 8 h",
        }
    }

    pub(super) fn is_wyn(self) -> bool {
        self == Self::Wyn
    }

    /// How long the provider lets a token live.
    pub(super) fn life(self) -> Duration {
        match self {
            Self::Winkas12 => WINKAS_MAX_LIFETIME / 2,
            Self::Winkas24 => WINKAS_MAX_LIFETIME,
            Self::Wyn => Duration::from_secs(8 * 3600),
        }
    }

    /// How long before its end a token is no longer handed out: nothing where nobody states ends.
    pub(super) fn margin(self) -> Duration {
        if self.is_wyn() { margin(self.life()) } else { Duration::ZERO }
    }
}

/// What a worker does with its token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Work {
    /// A call that the user may make.
    Report,
    /// A call that the user has no permission for.
    Forbidden,
}

/// The provider of a service, with real HTTP between it and who uses it.
pub(super) struct Site {
    pub(super) service: Service,
    emulator: Emulator,
    server: Server,
    http: reqwest::Client,
}

impl Site {
    pub(super) async fn start(service: Service) -> Result<Self> {
        let seconds = u32::try_from(service.life().as_secs()).unwrap_or(u32::MAX);
        let builder =
            Emulator::builder().options(|options| options.winkas.lifetime_s = seconds).start();
        let emulator = builder.await.map_err(|error| {
            Error::new(ErrorKind::Transport, "the demo's providers can't listen on this machine")
                .expected("a free port on 127.0.0.1")
                .with_source(error)
        })?;
        let server = if service.is_wyn() {
            let wyn = emulator.wyn();
            let identity = Identity::wyn(&wyn.server(), &wyn.user(), wyn.client_id())?;
            Server::new(identity).with_lifetime(service.life())?
        } else {
            let winkas = emulator.winkas();
            let (user, contract) = (winkas.user(), winkas.contract());
            Server::new(Identity::winkas(&winkas.server(), &user, &contract)?)
        };
        Ok(Self { service, emulator, server, http: plain_http()? })
    }

    pub(super) fn server(&self) -> &Server {
        &self.server
    }

    pub(super) fn credentials(&self) -> Credentials {
        if self.service.is_wyn() {
            self.with_client_secret(self.emulator.wyn().password())
        } else {
            Credentials::password(self.emulator.winkas().password())
        }
    }

    /// As [`credentials`](Self::credentials), after someone mistyped the password.
    pub(super) fn wrong_credentials(&self) -> Credentials {
        if self.service.is_wyn() {
            self.with_client_secret("mistyped".to_owned())
        } else {
            Credentials::password("mistyped")
        }
    }

    fn with_client_secret(&self, password: String) -> Credentials {
        let secret = Secret::from(self.emulator.wyn().client_secret());
        Credentials::password(password).with_client_secret(secret)
    }

    /// Calls the provider's API with a token, and reads what the answer says about it.
    pub(super) async fn work(&self, token: &Token, work: Work) -> Result<ApiAnswer> {
        let path = match (self.service.is_wyn(), work) {
            (false, Work::Report) => "/api/Report/Echo",
            (false, Work::Forbidden) => "/api/Report/Forbidden",
            (true, Work::Report) => "/api/v2/me",
            (true, Work::Forbidden) => "/api/v2/forbidden",
        };
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = format!("{}{path}", self.server.identity().server())
            .parse()
            .map_err(|_| failed("an address of the demo is none"))?;
        if self.service.is_wyn() {
            Authorize::new(token).request(&mut request)?;
        } else {
            let mut body = json!({ "DebtorNumber": 1 });
            Authorize::new(token).json_body(&mut body)?;
            *request.method_mut() = Method::POST;
            *request.body_mut() = Body::json(&body)?;
            let json = http::HeaderValue::from_static("application/json");
            request.headers_mut().insert(http::header::CONTENT_TYPE, json);
        }
        Ok(self.server.read_api(&self.send(request).await?))
    }

    /// Sends a request as any program would, without help of the library's transport.
    pub(super) async fn send(&self, request: Request) -> Result<Response<Vec<u8>>> {
        let failure = |error: reqwest::Error| {
            // Without the address: it may hold a token.
            failed("a call to the demo's own provider failed").with_source(error.without_url())
        };
        let (parts, body) = request.into_parts();
        let answer = self
            .http
            .request(parts.method, parts.uri.to_string())
            .headers(parts.headers)
            .body(body.as_bytes().to_vec())
            .send()
            .await
            .map_err(failure)?;
        let mut response = Response::new(Vec::new());
        *response.status_mut() = answer.status();
        *response.headers_mut() = answer.headers().clone();
        *response.body_mut() = answer.bytes().await.map_err(failure)?.to_vec();
        Ok(response)
    }

    pub(super) fn pass(&self, time: Duration) {
        self.emulator.advance(time);
    }

    pub(super) fn is_active(&self, token: &Token) -> bool {
        self.emulator.token_is_active(token.expose())
    }

    /// The provider ends a token before its time.
    pub(super) fn end(&self, token: &Token) {
        self.emulator.end_token(token.expose());
    }

    /// The provider ends all tokens before their time; these.
    pub(super) fn end_all(&self) -> Vec<Token> {
        let texts = if self.service.is_wyn() {
            self.emulator.wyn().active_tokens()
        } else {
            self.emulator.winkas().active_tokens()
        };
        self.emulator.end_all_tokens();
        texts.into_iter().map(|text| Token::new(self.server.token_kind(), text)).collect()
    }

    /// Whether each request for a token is answered with 503 from now on.
    pub(super) fn set_outage(&self, is_down: bool) {
        self.emulator.clear_faults();
        if is_down {
            let endpoint =
                if self.service.is_wyn() { Endpoint::WynLogin } else { Endpoint::WinkasLogin };
            self.emulator.fault(endpoint, Fault::status(503), u32::MAX);
        }
    }

    /// The next login is done at once and its answer held up for that long.
    pub(super) fn hold_up_a_login(&self, time: Duration) {
        let endpoint =
            if self.service.is_wyn() { Endpoint::WynLogin } else { Endpoint::WinkasLogin };
        self.emulator.fault(endpoint, Fault::delay(time), 1);
    }

    /// Whether wrong passwords have locked the account.
    pub(super) fn is_locked(&self) -> bool {
        if self.service.is_wyn() {
            self.emulator.wyn().is_locked()
        } else {
            self.emulator.winkas().is_locked()
        }
    }

    /// An administrator opens the account.
    pub(super) fn unlock(&self) {
        self.emulator.wyn().unlock();
        self.emulator.winkas().unlock();
    }

    /// What the provider counted.
    pub(super) fn seen(&self) -> Seen {
        let (counts, details) = (self.emulator.counts(), self.emulator.details());
        if self.service.is_wyn() {
            let of = counts.wyn;
            Seen::new(details.wyn, of.login, 0, of.userinfo, of.rejected)
        } else {
            let of = counts.winkas;
            Seen::new(details.winkas, of.login, of.refetch, of.validate, of.rejected)
        }
    }
}

/// What a provider counted of one service.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    /// Logins that brought a new token.
    pub(super) issued: u64,
    /// All logins.
    pub(super) logins: u64,
    /// Calls with wrong credentials.
    pub(super) wrong: u64,
    pub(super) refetched: u64,
    /// Questions whether a token is active.
    pub(super) validated: u64,
    /// API calls that were rejected for their token.
    pub(super) rejected: u64,
}

impl Seen {
    fn new(
        details: ProviderDetails,
        logins: u64,
        refetched: u64,
        validated: u64,
        rejected: u64,
    ) -> Self {
        let (issued, wrong) = (details.tokens_issued, details.wrong_credentials);
        Self { issued, logins, wrong, refetched, validated, rejected }
    }
}

/// What goes wrong in the demo itself.
pub(super) fn failed(detail: &'static str) -> Error {
    Error::new(ErrorKind::Internal, detail).advice("please report this")
}

/// HTTP to this machine alone: it trusts no one and asks no proxy.
fn plain_http() -> Result<reqwest::Client> {
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| failed("the demo has no TLS").with_source(error))?
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .no_proxy()
        .build()
        .map_err(|error| failed("the demo has no HTTP").with_source(error))
}
