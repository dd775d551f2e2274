//! The answer to a request, as far as it arrived.
//!
//! A login that was sent is spent, so its token is used if its bytes can be had. A JSON object ends
//! with its last brace, so a body that broke off is whole if it can be read as an object: its server
//! sent no `close_notify`, or announced more bytes than it sent. An error's status says enough
//! without its body.

use std::time::Duration;

use http::{
    Response, Uri,
    header::{CONTENT_ENCODING, CONTENT_LENGTH},
    response::Parts,
};
use serde::de::IgnoredAny;
use tokenlease_core::{Error, ErrorKind};
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::{
    BODY_CAP, SendError,
    content_coding::{self, Trouble},
    send_error::{self, Place},
};

/// How long more of a body is awaited that is whole as JSON.
const NO_MORE: Duration = Duration::from_secs(1);

/// How long the body of an error is awaited at least.
const A_MOMENT: Duration = Duration::from_millis(50);

/// Returns the part that counts of an answer that another HTTP library received, and how it broke off if it did.
pub(crate) fn received_elsewhere(
    uri: &Uri,
    head: Parts,
    body: &[u8],
    broke_off: Option<Error>,
) -> Result<Answer, SendError> {
    let place = Place::of(uri);
    let received = Received::of(head, body.get(..BODY_CAP).unwrap_or(body));
    let ended = if body.len() > BODY_CAP {
        Err(received.too_long(&place))
    } else {
        broke_off.map_or(Ok(()), |error| Err(SendError::Lost(error)))
    };
    received.answer(&place, ended)
}

/// An answer whose bytes arrive one after the other.
#[derive(Default)]
pub(super) struct Received {
    head: Option<Parts>,
    body: Zeroizing<Vec<u8>>,
}

impl Received {
    /// Makes an answer of what another HTTP library received.
    pub(super) fn of(head: Parts, body: &[u8]) -> Self {
        Self { head: Some(head), body: Zeroizing::new(body.to_vec()) }
    }

    /// Returns the error of a body that is longer than an answer may be.
    pub(super) fn too_long(&self, place: &Place) -> SendError {
        let status = self.head.as_ref().map(|head| head.status).unwrap_or_default();
        send_error::too_long(place, status)
    }

    /// Reads an answer to its end. The rest of a body that says enough already, because its status is
    /// an error or it is whole as JSON, is not awaited for much longer than until `patience`, even if
    /// bytes arrive all the time: the answer must be read before the login is given up as lost.
    pub(super) async fn read(
        &mut self,
        place: &Place,
        mut incoming: reqwest::Response,
        patience: Instant,
        failed: impl Fn(reqwest::Error) -> SendError,
    ) -> Result<(), SendError> {
        let announced = incoming.content_length().unwrap_or(4096);
        let room = usize::try_from(announced).unwrap_or(usize::MAX).min(BODY_CAP);
        self.body = Zeroizing::new(Vec::with_capacity(room));
        let status = incoming.status();
        let mut head = Response::new(());
        *head.status_mut() = status;
        *head.version_mut() = incoming.version();
        *head.headers_mut() = std::mem::take(incoming.headers_mut());
        self.head = Some(head.into_parts().0);
        let latest = || patience.max(Instant::now() + A_MOMENT);
        let error_until = (!status.is_success()).then(latest);
        let mut whole_until = None;
        loop {
            let until = if is_whole(&self.body) {
                let soon = || latest().min(Instant::now() + NO_MORE);
                Some(*whole_until.get_or_insert_with(soon))
            } else {
                error_until
            };
            let chunk = match until {
                Some(until) => match tokio::time::timeout_at(until, incoming.chunk()).await {
                    Ok(chunk) => chunk,
                    Err(_) => return Ok(()),
                },
                None => incoming.chunk().await,
            };
            let Some(chunk) = chunk.map_err(&failed)? else { return Ok(()) };
            let room = BODY_CAP - self.body.len();
            append(&mut self.body, &chunk[..chunk.len().min(room)]);
            if chunk.len() > room {
                return Err(send_error::too_long(place, status));
            }
        }
    }

    /// Returns the answer. `ended` says how the reading ended.
    pub(super) fn answer(
        self,
        place: &Place,
        ended: Result<(), SendError>,
    ) -> Result<Answer, SendError> {
        let Self { head, mut body } = self;
        let Some(mut head) = head else {
            let without_status = || {
                let error = Error::new(ErrorKind::Internal, "an answer without a status was read");
                SendError::Lost(error)
            };
            return Err(ended.err().unwrap_or_else(without_status));
        };
        let mut trouble = ended.err();
        if !is_whole(&body) {
            let decoded = content_coding::decode(&head.headers, &body, BODY_CAP, is_whole);
            if let Some(decoded) = decoded.body {
                body = decoded;
                head.headers.remove(CONTENT_LENGTH);
            }
            trouble = trouble.or_else(|| {
                decoded.trouble.map(|trouble| match trouble {
                    Trouble::TooLong => send_error::too_long(place, head.status),
                    Trouble::Unknown(coding) => {
                        send_error::unknown_coding(place, head.status, &coding)
                    }
                    Trouble::Damaged(coding) => {
                        send_error::damaged_coding(place, head.status, &coding)
                    }
                })
            });
        }
        head.headers.remove(CONTENT_ENCODING);
        let says_enough = is_whole(&body) || !head.status.is_success();
        let trouble = trouble.filter(|_| !says_enough);
        Ok(Answer { response: Response::from_parts(head, body), trouble })
    }
}

/// An answer with a status.
pub(crate) struct Answer {
    response: Response<Zeroizing<Vec<u8>>>,
    /// Why the body of a success cannot be used.
    trouble: Option<SendError>,
}

impl Answer {
    /// Returns the response if its body can be used, or if `status_is_enough` and it is a success.
    pub(crate) fn usable(
        self,
        status_is_enough: bool,
    ) -> Result<Response<Zeroizing<Vec<u8>>>, SendError> {
        match self.trouble {
            Some(error) if !status_is_enough => Err(error),
            _ => Ok(self.response),
        }
    }
}

/// Returns whether the bytes are one JSON object and nothing else. No object is the beginning of
/// another one.
fn is_whole(body: &[u8]) -> bool {
    let text = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body).trim_ascii();
    // Most bodies that are not whole are not read to their end here.
    text.starts_with(b"{")
        && text.ends_with(b"}")
        && serde_json::from_slice::<IgnoredAny>(text).is_ok()
}

/// Appends to the body. If it must grow, the old copy is overwritten.
pub(super) fn append(body: &mut Zeroizing<Vec<u8>>, chunk: &[u8]) {
    let needed = body.len() + chunk.len();
    if needed > body.capacity() {
        let mut larger = Zeroizing::new(Vec::with_capacity(needed.max(2 * body.capacity())));
        larger.extend_from_slice(body);
        *body = larger;
    }
    body.extend_from_slice(chunk);
}
