//! The state of the emulator, behind one lock.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::accounts::{Account, Lockout};
use crate::clock::Clock;
use crate::counts::{Counts, Details, Log, Provider};
use crate::fault::Faults;
use crate::options::Options;
use crate::quirk::Quirk;
use crate::tokens::Tokens;

/// The options and credentials of the builder, which a reset restores.
#[derive(Clone)]
pub(crate) struct InitialState {
    pub(crate) options: Options,
    pub(crate) winkas_user: String,
    pub(crate) winkas_password: String,
    pub(crate) contract: String,
    pub(crate) wyn_user: String,
    pub(crate) wyn_password: String,
    pub(crate) client_secret: String,
    pub(crate) api_secret: String,
}

pub(crate) struct Shared {
    pub(crate) clock: Clock,
    pub(crate) start: InitialState,
    state: Mutex<State>,
}

impl Shared {
    pub(crate) fn new(start: InitialState) -> Self {
        Self { clock: Clock::default(), state: Mutex::new(State::new(&start)), start }
    }

    /// Locks the state. No caller waits for anything else while it has the lock.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Restores the initial state, including the clock.
    pub(crate) fn reset(&self) {
        self.clock.reset();
        *self.state() = State::new(&self.start);
    }
}

pub(crate) struct State {
    pub(crate) options: Options,
    pub(crate) winkas: Account,
    pub(crate) contract: String,
    pub(crate) wyn: Account,
    /// The valid client secrets; more than one during a rotation.
    pub(crate) secrets: Vec<String>,
    /// The secret of the API resource, which may introspect tokens.
    pub(crate) api_secret: String,
    pub(crate) tokens: Tokens,
    pub(crate) faults: Faults,
    pub(crate) counts: Counts,
    pub(crate) details: Details,
    pub(crate) log: Log,
    /// The token requests that the quirk `config-error` has answered.
    pub(crate) config_errors: u32,
}

impl State {
    fn new(start: &InitialState) -> Self {
        Self {
            options: start.options.clone(),
            winkas: Account::new(start.winkas_user.clone(), vec![start.winkas_password.clone()]),
            contract: start.contract.clone(),
            wyn: Account::new(start.wyn_user.clone(), vec![start.wyn_password.clone()]),
            secrets: vec![start.client_secret.clone()],
            api_secret: start.api_secret.clone(),
            tokens: Tokens::default(),
            faults: Faults::default(),
            counts: Counts::default(),
            details: Details::default(),
            log: Log::default(),
            config_errors: 0,
        }
    }

    /// Returns the account of a provider.
    pub(crate) const fn account(&mut self, provider: Provider) -> &mut Account {
        match provider {
            Provider::Winkas => &mut self.winkas,
            Provider::Wyn => &mut self.wyn,
        }
    }

    /// Returns whether a quirk is active.
    pub(crate) fn has(&self, quirk: Quirk) -> bool {
        self.options.quirks.contains(&quirk)
    }

    /// Returns the lockout rule of a provider.
    pub(crate) const fn lockout(&self, provider: Provider) -> Lockout {
        let (winkas, wyn) = (&self.options.winkas, &self.options.wyn);
        match provider {
            Provider::Winkas => {
                Lockout { failures: winkas.lockout_failures, seconds: winkas.lockout_s }
            }
            Provider::Wyn => Lockout { failures: wyn.lockout_failures, seconds: wyn.lockout_s },
        }
    }
}
