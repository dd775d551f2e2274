//! The provider handles of an emulator.

use std::net::SocketAddr;

use crate::counts::Provider;
use crate::state::Shared;
use crate::winkas;
use crate::wyn::{self, API_RESOURCE, CLIENT_ID};

/// The `WinKAS` Air side of an [`Emulator`](crate::Emulator).
#[derive(Clone, Copy)]
pub struct Winkas<'a> {
    shared: &'a Shared,
    addr: SocketAddr,
}

impl<'a> Winkas<'a> {
    pub(crate) const fn new(shared: &'a Shared, addr: SocketAddr) -> Self {
        Self { shared, addr }
    }

    /// Returns the base address: `http://127.0.0.1:PORT`, without a trailing slash.
    pub fn server(self) -> String {
        format!("http://{}", self.addr)
    }

    /// Returns the user.
    pub fn user(self) -> String {
        self.shared.state().winkas.user.clone()
    }

    /// Returns the valid password, or the first one of several.
    pub fn password(self) -> String {
        self.shared.state().winkas.passwords.first().cloned().unwrap_or_default()
    }

    /// Returns the contract code.
    pub fn contract(self) -> String {
        self.shared.state().contract.clone()
    }

    /// Sets the valid passwords. With none, every login fails. Tokens stay active.
    pub fn set_passwords<T: Into<String>>(self, passwords: impl IntoIterator<Item = T>) {
        let passwords = passwords.into_iter().map(Into::into).collect();
        self.shared.state().winkas.passwords = passwords;
    }

    /// Returns whether wrong passwords have locked the account.
    pub fn is_locked(self) -> bool {
        is_locked(self.shared, Provider::Winkas)
    }

    /// Unlocks the account and resets the count of wrong passwords.
    pub fn unlock(self) {
        self.shared.state().winkas.unlock();
    }

    /// Logs in as another system with the same user, as Authenticate would. No count changes.
    /// Returns the token.
    pub fn log_in_elsewhere(self) -> String {
        let now = self.shared.clock.now();
        winkas::login(&mut self.shared.state(), now).0
    }

    /// Returns the active tokens, newest first.
    pub fn active_tokens(self) -> Vec<String> {
        active_tokens(self.shared, Provider::Winkas)
    }
}

/// The Wyn Enterprise side of an [`Emulator`](crate::Emulator).
#[derive(Clone, Copy)]
pub struct Wyn<'a> {
    shared: &'a Shared,
    addr: SocketAddr,
}

impl<'a> Wyn<'a> {
    pub(crate) const fn new(shared: &'a Shared, addr: SocketAddr) -> Self {
        Self { shared, addr }
    }

    /// Returns the base address: `http://127.0.0.1:PORT`, without a trailing slash.
    pub fn server(self) -> String {
        format!("http://{}", self.addr)
    }

    /// Returns the user.
    pub fn user(self) -> String {
        self.shared.state().wyn.user.clone()
    }

    /// Returns the valid password, or the first one of several.
    pub fn password(self) -> String {
        self.shared.state().wyn.passwords.first().cloned().unwrap_or_default()
    }

    /// Returns the client: `integration`, as on every Wyn server.
    pub const fn client_id(self) -> &'static str {
        CLIENT_ID
    }

    /// Returns the valid client secret, or the first one of several.
    pub fn client_secret(self) -> String {
        self.shared.state().secrets.first().cloned().unwrap_or_default()
    }

    /// Sets the valid passwords. With none, every login fails. Tokens stay active.
    pub fn set_passwords<T: Into<String>>(self, passwords: impl IntoIterator<Item = T>) {
        let passwords = passwords.into_iter().map(Into::into).collect();
        self.shared.state().wyn.passwords = passwords;
    }

    /// Returns the API resource that may introspect tokens, as a client id.
    pub const fn api_resource(self) -> &'static str {
        API_RESOURCE
    }

    /// Returns the secret of the API resource.
    pub fn api_secret(self) -> String {
        self.shared.state().api_secret.clone()
    }

    /// Sets the valid client secrets. With none, every login fails. Tokens stay active.
    pub fn set_client_secrets<T: Into<String>>(self, secrets: impl IntoIterator<Item = T>) {
        self.shared.state().secrets = secrets.into_iter().map(Into::into).collect();
    }

    /// Returns whether wrong passwords have locked the account.
    pub fn is_locked(self) -> bool {
        is_locked(self.shared, Provider::Wyn)
    }

    /// Unlocks the account and resets the count of wrong passwords.
    pub fn unlock(self) {
        self.shared.state().wyn.unlock();
    }

    /// Logs in as another system with the same user and client. No count changes. Returns the token.
    pub fn log_in_elsewhere(self) -> String {
        let now = self.shared.clock.now();
        wyn::login_elsewhere(&mut self.shared.state(), CLIENT_ID, now)
    }

    /// Issues a token to another client, which `integration` cannot revoke. Returns the token.
    pub fn foreign_token(self) -> String {
        wyn::login_elsewhere(&mut self.shared.state(), "other", self.shared.clock.now())
    }

    /// Returns the active tokens of all clients, newest first.
    pub fn active_tokens(self) -> Vec<String> {
        active_tokens(self.shared, Provider::Wyn)
    }
}

fn is_locked(shared: &Shared, provider: Provider) -> bool {
    let mut state = shared.state();
    let lockout = state.lockout(provider);
    state.account(provider).is_locked(lockout, shared.clock.now())
}

fn active_tokens(shared: &Shared, provider: Provider) -> Vec<String> {
    let now = shared.clock.now();
    shared.state().tokens.actives(provider, now).map(|token| token.value.clone()).collect()
}
