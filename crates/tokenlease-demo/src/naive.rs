//! The integrator without tokenlease, done with care: each worker process keeps its token, logs in
//! when it has none or an API call fails, and never twice at a time.

use std::sync::Arc;

use tokenlease::{
    Result,
    core::{
        Credentials, Timestamp, Token,
        provider::{Answer, ApiAnswer, Call},
    },
};
use tokio::{sync::Mutex, task::JoinSet};

use super::site::{Service, Site, Work, failed};

/// The workers of one service.
pub(super) struct Naive {
    pub(super) site: Arc<Site>,
    workers: Vec<Arc<Worker>>,
}

/// A process with a token in its memory.
struct Worker {
    site: Arc<Site>,
    token: Mutex<Option<Token>>,
}

impl Naive {
    pub(super) async fn start(service: Service, workers: usize) -> Result<Self> {
        let site = Arc::new(Site::start(service).await?);
        Ok(Self { workers: processes(&site, workers), site })
    }

    /// All workers end, and as many start.
    pub(super) fn restart(&mut self) {
        self.workers = processes(&self.site, self.workers.len());
    }

    /// So many callers want a token at the same time.
    pub(super) async fn crowd(&self, callers: usize) -> Result<()> {
        let mut crowd = JoinSet::new();
        for worker in self.workers.iter().cycle().take(callers) {
            let worker = worker.clone();
            crowd.spawn(async move { worker.token().await.map(drop) });
        }
        crowd.join_all().await.into_iter().collect()
    }

    /// Each worker calls the API once.
    pub(super) async fn round(&self, work: Work) -> Result<()> {
        for worker in &self.workers {
            worker.work(work).await?;
        }
        Ok(())
    }

    /// The token of one worker was seen where it should not be, and is ended.
    pub(super) async fn end_one(&self) -> Result<()> {
        let worker = self.workers.first().ok_or_else(|| failed("the demo has no workers"))?;
        self.site.end(&worker.token().await?);
        Ok(())
    }

    /// So many callers of a process that was started with a wrong password. Nothing remembers that
    /// the provider rejected it.
    pub(super) async fn mistyped(&self, callers: usize) -> Result<()> {
        for _ in 0..callers {
            if log_in(&self.site, &self.site.wrong_credentials()).await.is_ok() {
                return Err(failed("a wrong password was accepted"));
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
        let new = log_in(&self.site, &self.site.credentials()).await?;
        Ok(token.insert(new).clone())
    }

    async fn work(&self, work: Work) -> Result<()> {
        if self.site.work(&self.token().await?, work).await? != ApiAnswer::NotRejected {
            *self.token.lock().await = None;
            self.site.work(&self.token().await?, work).await?;
        }
        Ok(())
    }
}

fn processes(site: &Arc<Site>, count: usize) -> Vec<Arc<Worker>> {
    let worker = || Arc::new(Worker { site: site.clone(), token: Mutex::default() });
    std::iter::repeat_with(worker).take(count).collect()
}

async fn log_in(site: &Site, credentials: &Credentials) -> Result<Token> {
    let request = site.server().request(&Call::Login, credentials)?;
    let response = site.send(request).await?;
    match site.server().read(&Call::Login, &response, Timestamp(0), credentials) {
        Answer::Token(granted) => Ok(granted.token),
        Answer::Failed(error) => Err(error),
        _ => Err(failed("a login was answered with something else")),
    }
}
