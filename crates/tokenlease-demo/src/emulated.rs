//! A service's provider, emulated on loopback, with a clock that the demo moves.

use std::time::Duration;

use http::{Method, Response};
use serde_json::json;
use tokenlease::{
    Authorize, Error, ErrorKind, Result,
    core::{
        Credentials, Identity, Secret, Token,
        http::{Body, Request},
        lease::{WINKAS_MAX_LIFETIME, margin},
        provider::{ApiAnswer, Server},
    },
};
use tokenlease_emulator::{Emulator, Endpoint, Fault, ProviderDetails};

/// A service: one user at one provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Service {
    /// WinKAS Air with the usual agreement: tokens live 12 hours.
    Winkas12,
    /// WinKAS Air with an agreement of 24 hours, which the client does not know.
    Winkas24,
    /// Wyn Enterprise, with a requested token lifetime of 8 hours.
    Wyn,
}

impl Service {
    pub(super) const ALL: [Self; 3] = [Self::Winkas12, Self::Winkas24, Self::Wyn];

    /// Returns the name in the report, at most 11 characters.
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

    /// Returns the lifetime of the provider's tokens.
    pub(super) fn lifetime(self) -> Duration {
        match self {
            Self::Winkas12 => WINKAS_MAX_LIFETIME / 2,
            Self::Winkas24 => WINKAS_MAX_LIFETIME,
            Self::Wyn => Duration::from_secs(8 * 3600),
        }
    }

    /// Returns how long before its expiry a token is no longer served: zero if the provider states
    /// no expiry.
    pub(super) fn margin(self) -> Duration {
        if self.is_wyn() { margin(self.lifetime()) } else { Duration::ZERO }
    }
}

/// The API call that a worker makes with its token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ApiCall {
    /// A call that the user may make.
    Report,
    /// A call that the user has no permission for.
    Forbidden,
}

/// The emulated provider of one service, reached over real HTTP.
pub(super) struct EmulatedProvider {
    pub(super) service: Service,
    emulator: Emulator,
    server: Server,
    http: reqwest::Client,
}

impl EmulatedProvider {
    pub(super) async fn start(service: Service) -> Result<Self> {
        let seconds = u32::try_from(service.lifetime().as_secs()).unwrap_or(u32::MAX);
        let builder =
            Emulator::builder().options(|options| options.winkas.lifetime_s = seconds).start();
        let emulator = builder.await.map_err(|error| {
            Error::new(ErrorKind::Transport, "the demo's providers cannot listen on this machine")
                .expected("a free port on 127.0.0.1")
                .with_source(error)
        })?;
        let server = if service.is_wyn() {
            let wyn = emulator.wyn();
            let identity = Identity::wyn(&wyn.server(), &wyn.user(), wyn.client_id())?;
            Server::new(identity).with_lifetime(service.lifetime())?
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

    /// Returns the credentials that the provider accepts.
    pub(super) fn credentials(&self) -> Credentials {
        if self.service.is_wyn() {
            self.with_client_secret(self.emulator.wyn().password())
        } else {
            Credentials::password(self.emulator.winkas().password())
        }
    }

    /// Returns [`credentials`](Self::credentials) with a wrong password.
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

    /// Calls the provider's API with a token. Returns what the response says about the token.
    pub(super) async fn call_api(&self, token: &Token, call: ApiCall) -> Result<ApiAnswer> {
        let path = match (self.service.is_wyn(), call) {
            (false, ApiCall::Report) => "/api/Report/Echo",
            (false, ApiCall::Forbidden) => "/api/Report/Forbidden",
            (true, ApiCall::Report) => "/api/v2/me",
            (true, ApiCall::Forbidden) => "/api/v2/forbidden",
        };
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = format!("{}{path}", self.server.identity().server())
            .parse()
            .map_err(|_| failed("the demo built an invalid address"))?;
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
        Ok(self.server.read_answer(&self.send(request).await?))
    }

    /// Sends a request as any program would, without the transport of tokenlease.
    pub(super) async fn send(&self, request: Request) -> Result<Response<Vec<u8>>> {
        let failure = |error: reqwest::Error| {
            // Without the address, which may contain a token.
            failed("a call to the demo's emulated provider failed").with_source(error.without_url())
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

    /// Moves the provider's clock.
    pub(super) fn advance(&self, time: Duration) {
        self.emulator.advance(time);
    }

    pub(super) fn is_active(&self, token: &Token) -> bool {
        self.emulator.token_is_active(token.expose())
    }

    /// Ends a token before its expiry.
    pub(super) fn end(&self, token: &Token) {
        self.emulator.end_token(token.expose());
    }

    /// Ends all tokens before their expiry, and returns them.
    pub(super) fn end_all(&self) -> Vec<Token> {
        let texts = if self.service.is_wyn() {
            self.emulator.wyn().active_tokens()
        } else {
            self.emulator.winkas().active_tokens()
        };
        self.emulator.end_all_tokens();
        texts.into_iter().map(|text| Token::new(self.server.token_kind(), text)).collect()
    }

    /// Sets whether the provider answers each login with 503 from now on.
    pub(super) fn set_outage(&self, is_down: bool) {
        self.emulator.clear_faults();
        if is_down {
            self.emulator.fault(self.login_endpoint(), Fault::status(503), u32::MAX);
        }
    }

    /// Delays the response to the next login. The provider creates the token at once.
    pub(super) fn delay_next_login(&self, time: Duration) {
        self.emulator.fault(self.login_endpoint(), Fault::delay(time), 1);
    }

    fn login_endpoint(&self) -> Endpoint {
        if self.service.is_wyn() { Endpoint::WynLogin } else { Endpoint::WinkasLogin }
    }

    /// Returns whether wrong passwords have locked the account.
    pub(super) fn is_locked(&self) -> bool {
        if self.service.is_wyn() {
            self.emulator.wyn().is_locked()
        } else {
            self.emulator.winkas().is_locked()
        }
    }

    /// Unlocks the account, as an administrator does.
    pub(super) fn unlock(&self) {
        self.emulator.wyn().unlock();
        self.emulator.winkas().unlock();
    }

    /// Returns the counts of the provider so far.
    pub(super) fn counts(&self) -> ProviderCounts {
        let (counts, details) = (self.emulator.counts(), self.emulator.details());
        if self.service.is_wyn() {
            let of = counts.wyn;
            ProviderCounts::new(details.wyn, of.login, 0, of.userinfo, of.rejected)
        } else {
            let of = counts.winkas;
            ProviderCounts::new(details.winkas, of.login, of.refetch, of.validate, of.rejected)
        }
    }
}

/// The counts of one service's provider.
#[derive(Clone, Copy, Debug)]
pub(super) struct ProviderCounts {
    /// Logins that created a new token.
    pub(super) new_tokens: u64,
    /// All logins.
    pub(super) logins: u64,
    /// Requests with wrong credentials.
    pub(super) wrong_credentials: u64,
    pub(super) refetches: u64,
    pub(super) validations: u64,
    /// API calls that were rejected because of their token.
    pub(super) rejected_calls: u64,
}

impl ProviderCounts {
    fn new(
        details: ProviderDetails,
        logins: u64,
        refetches: u64,
        validations: u64,
        rejected_calls: u64,
    ) -> Self {
        let (new_tokens, wrong_credentials) = (details.tokens_issued, details.wrong_credentials);
        Self { new_tokens, logins, wrong_credentials, refetches, validations, rejected_calls }
    }
}

/// Returns an error for a fault of the demo itself.
pub(super) fn failed(detail: &'static str) -> Error {
    Error::new(ErrorKind::Internal, detail).advice("please report this")
}

/// Returns an HTTP client for loopback only: it trusts no certificate and uses no proxy.
fn plain_http() -> Result<reqwest::Client> {
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| failed("the demo cannot set up TLS").with_source(error))?
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .no_proxy()
        .build()
        .map_err(|error| failed("the demo cannot set up its HTTP client").with_source(error))
}
