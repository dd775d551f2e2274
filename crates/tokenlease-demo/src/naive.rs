//! The same work without tokenlease, programmed with care: each worker process keeps its token,
//! logs in when it has no token or an API call fails, and never sends two logins at once.

use std::sync::Arc;

use tokenlease::{
    Result,
    core::{
        Credentials, Timestamp, Token,
        provider::{Answer, ApiAnswer, Call},
    },
};
use tokio::{sync::Mutex, task::JoinSet};

use super::emulated::{ApiCall, EmulatedProvider, Service, failed};

/// The workers of one service.
pub(super) struct NaiveFleet {
    pub(super) provider: Arc<EmulatedProvider>,
    workers: Vec<Arc<Worker>>,
}

/// A process with a token in its memory.
struct Worker {
    provider: Arc<EmulatedProvider>,
    token: Mutex<Option<Token>>,
}

impl NaiveFleet {
    /// Starts the provider, and so many workers.
    pub(super) async fn start(service: Service, workers: usize) -> Result<Self> {
        let provider = Arc::new(EmulatedProvider::start(service).await?);
        Ok(Self { workers: new_workers(&provider, workers), provider })
    }

    /// Replaces all workers by new ones, which have no token.
    pub(super) fn restart(&mut self) {
        self.workers = new_workers(&self.provider, self.workers.len());
    }

    /// Requests a token for that many callers at the same time.
    pub(super) async fn concurrent_callers(&self, count: usize) -> Result<()> {
        let mut callers = JoinSet::new();
        for worker in self.workers.iter().cycle().take(count) {
            let worker = worker.clone();
            callers.spawn(async move { worker.token().await.map(drop) });
        }
        callers.join_all().await.into_iter().collect()
    }

    /// Calls the API once from each worker.
    pub(super) async fn round(&self, call: ApiCall) -> Result<()> {
        for worker in &self.workers {
            worker.call_api(call).await?;
        }
        Ok(())
    }

    /// Ends the token of one worker at the provider, as after a leak.
    pub(super) async fn end_one(&self) -> Result<()> {
        let worker = self.workers.first().ok_or_else(|| failed("the demo has no workers"))?;
        self.provider.end(&worker.token().await?);
        Ok(())
    }

    /// Sends that many callers' logins with a wrong password. Nothing remembers that the provider
    /// rejected it.
    pub(super) async fn wrong_password(&self, callers: usize) -> Result<()> {
        for _ in 0..callers {
            if log_in(&self.provider, &self.provider.wrong_credentials()).await.is_ok() {
                return Err(failed("the provider accepted a wrong password"));
            }
        }
        Ok(())
    }
}

impl Worker {
    async fn token(&self) -> Result<Token> {
        let mut token = self.token.lock().await;
        if let Some(token) = &*token {
            return Ok(token.clone());
        }
        let new = log_in(&self.provider, &self.provider.credentials()).await?;
        Ok(token.insert(new).clone())
    }

    async fn call_api(&self, call: ApiCall) -> Result<()> {
        if self.provider.call_api(&self.token().await?, call).await? != ApiAnswer::NotRejected {
            *self.token.lock().await = None;
            self.provider.call_api(&self.token().await?, call).await?;
        }
        Ok(())
    }
}

fn new_workers(provider: &Arc<EmulatedProvider>, count: usize) -> Vec<Arc<Worker>> {
    let worker = || Arc::new(Worker { provider: provider.clone(), token: Mutex::default() });
    std::iter::repeat_with(worker).take(count).collect()
}

async fn log_in(provider: &EmulatedProvider, credentials: &Credentials) -> Result<Token> {
    let request = provider.server().request(&Call::Login, credentials)?;
    let response = provider.send(request).await?;
    match provider.server().read(&Call::Login, &response, Timestamp(0), credentials) {
        Answer::Token(granted) => Ok(granted.token),
        Answer::Failed(error) => Err(error),
        _ => Err(failed("the response to a login is neither a token nor an error")),
    }
}
