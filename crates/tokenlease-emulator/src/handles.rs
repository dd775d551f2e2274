//! The handle's view of each provider.

use std::net::SocketAddr;

use crate::counts::Provider;
use crate::state::Shared;
use crate::wyn::{self, CLIENT_ID};

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

    /// Its base address: `http://127.0.0.1:PORT`, without a slash at the end.
    pub fn server(self) -> String {
        format!("http://{}", self.addr)
    }

    /// The user that may log in.
    pub fn user(self) -> String {
        self.shared.state().winkas.user.clone()
    }

    /// The password that is valid, the first one if there are more.
    pub fn password(self) -> String {
        self.shared.state().winkas.passwords.first().cloned().unwrap_or_default()
    }

    /// The contract code.
    pub fn contract(self) -> String {
        self.shared.state().contract.clone()
    }

    /// Changes the password. Several are valid at once; with none, nobody can log in. Tokens stay.
    pub fn set_passwords<T: Into<String>>(self, passwords: impl IntoIterator<Item = T>) {
        let passwords = passwords.into_iter().map(Into::into).collect();
        self.shared.state().winkas.passwords = passwords;
    }

    /// Whether wrong passwords have locked the account.
    pub fn is_locked(self) -> bool {
        is_locked(self.shared, Provider::Winkas)
    }

    /// Opens a locked account, and forgets the wrong passwords so far.
    pub fn unlock(self) {
        self.shared.state().winkas.unlock();
    }

    /// A second system logs in as the same user: what Authenticate would do, counted nowhere.
    pub fn log_in_elsewhere(self) -> String {
        let now = self.shared.clock.now();
        self.shared.state().log_in_elsewhere(Provider::Winkas, now)
    }

    /// The active tokens, newest first.
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

    /// Its base address: `http://127.0.0.1:PORT`, without a slash at the end.
    pub fn server(self) -> String {
        format!("http://{}", self.addr)
    }

    /// The user that may log in.
    pub fn user(self) -> String {
        self.shared.state().wyn.user.clone()
    }

    /// The password that is valid, the first one if there are more.
    pub fn password(self) -> String {
        self.shared.state().wyn.passwords.first().cloned().unwrap_or_default()
    }

    /// The client: `integration`, as on every Wyn server.
    pub const fn client_id(self) -> &'static str {
        CLIENT_ID
    }

    /// The client secret that is valid, the first one if there are more.
    pub fn client_secret(self) -> String {
        self.shared.state().secrets.first().cloned().unwrap_or_default()
    }

    /// Changes the password. Several are valid at once; with none, nobody can log in. Tokens stay.
    pub fn set_passwords<T: Into<String>>(self, passwords: impl IntoIterator<Item = T>) {
        let passwords = passwords.into_iter().map(Into::into).collect();
        self.shared.state().wyn.passwords = passwords;
    }

    /// Changes the client secret. Several are valid at once; with none, none is. Tokens stay.
    pub fn set_client_secrets<T: Into<String>>(self, secrets: impl IntoIterator<Item = T>) {
        self.shared.state().secrets = secrets.into_iter().map(Into::into).collect();
    }

    /// Whether wrong passwords have locked the account.
    pub fn is_locked(self) -> bool {
        is_locked(self.shared, Provider::Wyn)
    }

    /// Opens a locked account, and forgets the wrong passwords so far.
    pub fn unlock(self) {
        self.shared.state().wyn.unlock();
    }

    /// A second system logs in as the same user and client: counted nowhere.
    pub fn log_in_elsewhere(self) -> String {
        let now = self.shared.clock.now();
        self.shared.state().log_in_elsewhere(Provider::Wyn, now)
    }

    /// A token of another client, which `integration` cannot revoke.
    pub fn foreign_token(self) -> String {
        wyn::login_elsewhere(&mut self.shared.state(), "other", self.shared.clock.now())
    }

    /// The active tokens of all clients, newest first.
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
