//! The tokens of the portal's users.

use std::{error::Error, fmt, time::Duration};

use bytes::Bytes;
use tokenlease::{
    Client, CredentialsSource, EndBy, EndReport, EntryFilter, Registry,
    core::{
        Credentials, Identity, Secret,
        provider::{Server, TokenHeader, wyn},
    },
};
use tokenlease_store::{StoreOptions, open};

/// The lifetime of the tokens: that of a session.
const LIFETIME: Duration = Duration::from_secs(8 * 3600);

/// The tokens of all users. Clones share them.
#[derive(Clone)]
pub(crate) struct Tokens {
    registry: Registry,
    http: reqwest::Client,
    server: String,
    account: String,
    credentials: Credentials,
}

impl Tokens {
    /// Opens the store that the portal's processes share.
    pub(crate) async fn open() -> Result<Self, Box<dyn Error>> {
        let opened = open(&variable("PORTAL_STORE")?, &StoreOptions::new()).await?;
        let registry = Registry::builder().store(opened.store, opened.key).build()?;
        // A process has one provider of cryptography. If there is one, it stays.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().timeout(Duration::from_secs(30)).build()?;
        let credentials = Credentials::password(variable("WYN_PASSWORD")?)
            .with_client_secret(variable("WYN_CLIENT_SECRET")?);
        let (server, account) = (variable("WYN_SERVER")?, variable("WYN_USER")?);
        Ok(Self { registry, http, server, account, credentials })
    }

    /// Returns a client of a user's token. It takes microseconds: the token is in the store.
    fn client(&self, user: &str) -> tokenlease::Result<Client> {
        let identity = Identity::wyn(&self.server, &self.account, wyn::DEFAULT_CLIENT)?;
        let server = Server::new(identity.with_subject(user)?)
            .with_lifetime(LIFETIME)?
            .with_token_header(TokenHeader::ReferenceToken)?;
        let (credentials, user) = (self.credentials.clone(), user.to_owned());
        // It is called for a login only.
        let fresh = CredentialsSource::from_fn(move || {
            let ticket = ticket(&user);
            Ok(credentials.clone().with_extra_secret("customizedParam[accesstoken]", ticket))
        });
        Client::builder(server, fresh).registry(&self.registry).build()
    }

    /// Returns a user's report, as the Wyn server answers.
    pub(crate) async fn report(&self, user: &str) -> Result<http::Response<Bytes>, CallError> {
        let (client, address) = (self.client(user)?, format!("{}/api/v2/me", self.server));
        client
            .call(async |token| {
                let request = client.authorize(&token).reqwest(self.http.get(&address))?;
                let answer = read(request.send().await?).await?;
                Ok((client.read_answer(&answer), answer))
            })
            .await
    }

    /// Revokes a user's token, for all processes. The report says whether the server confirmed it.
    pub(crate) async fn end(&self, user: &str) -> Result<EndReport, CallError> {
        // While it is alive, the registry can find the token.
        let _client = self.client(user)?;
        let filter = EntryFilter::default().subject(user);
        Ok(self.registry.end(&filter, EndBy::Revocation).await?)
    }
}

/// Returns a new ticket of a user, which the server's security provider checks. A portal asks its own
/// identity provider for it.
fn ticket(user: &str) -> Secret {
    Secret::new(format!("ticket of {user}"))
}

/// Returns an environment variable.
pub(crate) fn variable(name: &str) -> Result<String, String> {
    std::env::var(name).map_err(|error| format!("{name}: {error}"))
}

async fn read(response: reqwest::Response) -> reqwest::Result<http::Response<Bytes>> {
    let (status, headers) = (response.status(), response.headers().clone());
    let mut answer = http::Response::new(response.bytes().await?);
    (*answer.status_mut(), *answer.headers_mut()) = (status, headers);
    Ok(answer)
}

/// Why a call of the Wyn server failed.
#[derive(Debug)]
pub(crate) enum CallError {
    Token(tokenlease::Error),
    Http(reqwest::Error),
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Token(error) => error.fmt(f),
            Self::Http(error) => error.fmt(f),
        }
    }
}

impl From<tokenlease::Error> for CallError {
    fn from(error: tokenlease::Error) -> Self {
        Self::Token(error)
    }
}

impl From<reqwest::Error> for CallError {
    fn from(error: reqwest::Error) -> Self {
        Self::Http(error)
    }
}
