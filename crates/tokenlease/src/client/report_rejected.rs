//! Reports that an API rejected a token, and calls an API with one retry.

use std::future::Future;

use tokenlease_core::{
    Error, Result, Timestamp, Token,
    machine::{ReportStep, ReportSteps},
    provider::ApiAnswer,
};

use super::Client;
use crate::{token_options::TokenOptions, wait_options::WaitOptions};

/// The result of [`Client::report_rejected`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rejection {
    /// Another token has replaced the rejected one: call the API once more with it.
    Replaced(Token),
    /// The provider says that the token is active. The API rejected the call for another reason,
    /// such as a missing permission: don't call it again.
    StillActive,
}

impl Client {
    /// Reports that an API rejected this token.
    ///
    /// The client checks the report with the provider before it replaces the token. A thousand
    /// reports on one token cause one check and at most one new token.
    ///
    /// ```
    /// use tokenlease::Rejection;
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/common/doc.rs"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> tokenlease::Result<()> {
    /// # let (emulator, client) = winkas().await;
    /// let token = client.token().await?;
    /// # emulator.end_token(token.expose());
    /// // The API answers 401.
    /// match client.report_rejected(&token).await? {
    ///     Rejection::Replaced(new) => println!("call the API once more with {new:?}"),
    ///     Rejection::StillActive => println!("the user lacks a permission"),
    ///     _ => {}
    /// }
    /// # assert_eq!(client.stats().logins, 2);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The kinds [of every client](Self#errors); `TokenRejected` if the provider cannot confirm the
    /// token, and the client backs off before the next login.
    pub async fn report_rejected(&self, token: &Token) -> Result<Rejection> {
        self.report_rejected_with(token, WaitOptions::default()).await
    }

    /// As [`report_rejected`](Self::report_rejected), with a deadline.
    ///
    /// # Errors
    /// As [`report_rejected`](Self::report_rejected); `DeadlineExceeded` at the deadline in the options.
    pub async fn report_rejected_with(
        &self,
        token: &Token,
        options: WaitOptions,
    ) -> Result<Rejection> {
        let deadline = self.0.deadline_of(options);
        self.0.call(self.report(token, deadline)).await
    }

    async fn report(&self, token: &Token, deadline: Timestamp) -> Result<Rejection> {
        let state = &self.0;
        let entry = state.entry_by(deadline).await?;
        let mut steps = ReportSteps::new(token.clone());
        loop {
            match steps.next() {
                ReportStep::Report(token) => {
                    let reported = state
                        .with(&entry, |machine| machine.report_rejected(token, state.now()))?;
                    steps.reported(reported, state.cached(|_| ()).is_some());
                }
                ReportStep::Ask => steps.served(state.lease_by(deadline).await?.lease.token()),
                ReportStep::Done(Some(token)) => return Ok(Rejection::Replaced(token)),
                ReportStep::Done(None) => return Ok(Rejection::StillActive),
            }
        }
    }

    /// Reads whether an API's answer rejects the token of the call.
    ///
    /// ```
    /// use tokenlease::core::provider::ApiAnswer;
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/common/doc.rs"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let (emulator, client) = wyn().await;
    /// let response = http::Response::builder().status(401).body("")?;
    /// assert_eq!(client.read_answer(&response), ApiAnswer::Rejected);
    /// # let _ = emulator;
    /// # Ok(())
    /// # }
    /// ```
    pub fn read_answer(&self, response: &http::Response<impl AsRef<[u8]>>) -> ApiAnswer {
        self.0.server.read_answer(response)
    }

    /// Calls an API with the token. Calls it once more with another token if the API rejected the
    /// first one and the provider confirms that it is no longer active.
    ///
    /// `call` gets the token. It returns whether the API's answer rejects the token
    /// ([`read_answer`](Self::read_answer)), and the answer itself.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/common/doc.rs"));
    /// # async fn call_api(_: &tokenlease::core::Token) -> tokenlease::Result<http::Response<String>> {
    /// #     Ok(http::Response::new("{}".to_owned()))
    /// # }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> tokenlease::Result<()> {
    /// # let (emulator, client) = wyn().await;
    /// let answer = client
    ///     .call(async |token| {
    ///         let response = call_api(&token).await?; // any HTTP stack
    ///         Ok::<_, tokenlease::Error>((client.read_answer(&response), response))
    ///     })
    ///     .await?;
    /// assert_eq!(answer.status(), 200);
    /// # let _ = emulator;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The errors of `call`, and the kinds [of every client](Self#errors).
    pub async fn call<R, E, F, C>(&self, call: C) -> Result<R, E>
    where
        C: FnMut(Token) -> F,
        F: Future<Output = Result<(ApiAnswer, R), E>>,
        E: From<Error>,
    {
        self.call_with(TokenOptions::default(), call).await
    }

    /// As [`call`](Self::call), with a deadline or a minimum remaining lifetime of the token.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub async fn call_with<R, E, F, C>(&self, options: TokenOptions, mut call: C) -> Result<R, E>
    where
        C: FnMut(Token) -> F,
        F: Future<Output = Result<(ApiAnswer, R), E>>,
        E: From<Error>,
    {
        let token = self.token_with(options).await?;
        let (said, answer) = call(token.clone()).await?;
        if matches!(said, ApiAnswer::NotRejected) {
            return Ok(answer);
        }
        match self.report_rejected(&token).await? {
            Rejection::Replaced(token) => Ok(call(token).await?.1),
            // The caller gets the API's own answer.
            Rejection::StillActive => Ok(answer),
        }
    }
}
