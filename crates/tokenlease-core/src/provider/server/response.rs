//! From the response of a provider's exchange to an answer.

use ::http::Response;
use zeroize::Zeroizing;

use super::{Server, Validation, unsupported};
use crate::{
    credentials::Credentials,
    error::{Error, ErrorKind},
    identity::Provider,
    provider::{
        call::{Answer, Call},
        oauth2::{self, failure::Presented},
        reading::Reading,
        winkas,
    },
    time::Timestamp,
};

impl Server {
    /// Reads the response to a call whose request was sent at `sent_at`.
    ///
    /// Errors quote the server, but contain neither the credentials nor the call's token.
    pub fn read(
        &self,
        call: &Call,
        response: &Response<impl AsRef<[u8]>>,
        sent_at: Timestamp,
        credentials: &Credentials,
    ) -> Answer {
        let pairs = self.pairs(credentials);
        let secrets = secrets(call, credentials, &pairs);
        let reading = &Reading::of(response).hiding(&secrets);
        match (self.identity.provider(), call) {
            (Provider::Winkas, Call::Login) => Answer::granted(winkas::read_login(
                reading,
                sent_at,
                ErrorKind::CredentialsRejected,
            )),
            (Provider::Winkas, Call::Refetch) => winkas::read_refetch(reading, sent_at),
            (Provider::Winkas, Call::Validate(_)) => {
                Answer::validation(winkas::read_validation(reading))
            }
            (Provider::Wyn | Provider::OAuth2, Call::Login) => {
                let granted = oauth2::wire::granted(reading, sent_at, Presented::Credentials);
                Answer::granted(granted.map_err(|error| self.without_document(error)))
            }
            (Provider::Wyn | Provider::OAuth2, Call::Validate(_)) => {
                let (name, path, result) = match self.validation() {
                    Some(Validation::Introspection(path)) => {
                        ("introspection", path, oauth2::read_introspection(reading))
                    }
                    Some(Validation::Userinfo(path)) => {
                        ("userinfo", path, oauth2::read_userinfo(reading))
                    }
                    None => return Answer::Failed(unsupported("this server validates no tokens")),
                };
                Answer::validation(
                    result.map_err(|error| error.within(format!("{name} at {path}"))),
                )
            }
            (Provider::Wyn | Provider::OAuth2, Call::Revoke(_)) => {
                let path = self.options.revocation_path.as_deref().unwrap_or_default();
                match oauth2::read_revocation(reading) {
                    Ok(()) => Answer::Revoked,
                    Err(error) => {
                        let is_refused = oauth2::revoke::proves_nothing_revoked(&error);
                        let error = error.within(format!("revocation at {path}"));
                        if is_refused { Answer::NotRevoked(error) } else { Answer::Failed(error) }
                    }
                }
            }
            (Provider::Winkas, Call::Revoke(_)) => {
                Answer::Failed(unsupported("WinKAS Air has no revocation"))
            }
            (Provider::Wyn | Provider::OAuth2, Call::Refetch) => {
                Answer::Failed(unsupported("OAuth2 has no call that returns a running token"))
            }
        }
    }

    /// Removes the credentials and the call's token from an error that quotes an HTTP library, which may
    /// quote the address or the body of the request.
    #[must_use]
    pub fn redact(&self, error: Error, call: &Call, credentials: &Credentials) -> Error {
        error.redact(&secrets(call, credentials, &self.pairs(credentials)))
    }
}

/// Returns the secrets of a call's request. `pairs` are those of the client's `Basic` header.
fn secrets<'a>(
    call: &'a Call,
    credentials: &'a Credentials,
    pairs: &'a [Zeroizing<String>],
) -> Vec<&'a str> {
    let mut secrets = credentials.texts();
    secrets.extend(pairs.iter().map(|pair| pair.as_str()));
    if let Call::Validate(token) | Call::Revoke(token) = call {
        secrets.push(token.expose());
    }
    secrets
}
