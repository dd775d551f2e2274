//! One request to the provider and its answer, without a client.

use std::time::Duration;

use pyo3::{
    exceptions::PyValueError,
    prelude::*,
    types::{PyBytes, PyDict},
};
use tokenlease::{
    core::provider::{Answer, Call},
    hosted::HostedExchange,
};

use crate::{
    error,
    hosted::{self, OfToken},
    http_message::{Received, Request},
    token::Token,
};

/// One request to the provider, and the meaning of its answer: request bytes out, answer bytes in.
#[pyclass(frozen, weakref, module = "tokenlease.hosted")]
pub(crate) struct Exchange {
    exchange: HostedExchange,
    #[pyo3(get)]
    request: Py<Request>,
}

/// The meaning of an exchange's answer.
#[pyclass(frozen, get_all, module = "tokenlease.hosted")]
pub(crate) struct Meaning {
    result: &'static str,
    token: Option<Py<Token>>,
    lifetime: Option<Duration>,
}

#[pymethods]
impl Exchange {
    #[new]
    #[pyo3(signature = (kind, token=None, /, **options))]
    fn new(
        py: Python<'_>,
        kind: &str,
        token: Option<&Bound<'_, Token>>,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        let token = OfToken::new(kind, token);
        let call = match kind {
            "login" => token.none(Call::Login)?,
            "refetch" => token.none(Call::Refetch)?,
            "validate" => Call::Validate(token.required()?),
            "revoke" => Call::Revoke(token.required()?),
            _ => {
                let known = "login, refetch, validate, revoke";
                return Err(PyValueError::new_err(format!(
                    "the exchange \"{kind}\" is unknown; expected one of {known}"
                )));
            }
        };
        let exchange = hosted::build(py, options, |builder| builder.build_exchange(call))?;
        let request = Request::of(py, exchange.request())?;
        Ok(Self { exchange, request })
    }

    /// Reads the answer.
    #[pyo3(signature = (status, headers=None, body=None, *, broke_off=None))]
    fn read(
        &self,
        py: Python<'_>,
        status: u16,
        headers: Option<&Bound<'_, PyAny>>,
        body: Option<&Bound<'_, PyBytes>>,
        broke_off: Option<String>,
    ) -> PyResult<Meaning> {
        let received = Received::read(status, headers, body, broke_off)?;
        let answer = self.exchange.read(received.answer());
        let meaning = |result| Meaning { result, token: None, lifetime: None };
        match answer.map_err(|failed| error::raise(py, &failed))? {
            Answer::Token(new) => {
                let end = new.expires_at();
                let end = end.map(|end| Duration::from_millis(end.0.try_into().unwrap_or(0)));
                let token = Some(Token::of(py, &new.token, self.exchange.token_header())?);
                Ok(Meaning { result: "token", token, lifetime: end })
            }
            Answer::Active => Ok(meaning("active")),
            Answer::Inactive => Ok(meaning("inactive")),
            Answer::Revoked => Ok(meaning("revocation_accepted")),
            Answer::NoToken(failed) | Answer::NotRevoked(failed) | Answer::Failed(failed) => {
                Err(error::raise(py, &failed))
            }
        }
    }

    #[expect(clippy::unused_self, reason = "Python's protocol")]
    fn __repr__(&self) -> &'static str {
        "<Exchange>"
    }
}

#[pymethods]
impl Meaning {
    fn __repr__(&self) -> String {
        format!("<Meaning {}>", self.result)
    }
}
