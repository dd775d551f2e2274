//! `WinKAS` Air and Wyn Enterprise on loopback, over real HTTP/1.1, with their awkward parts.
//!
//! An [`Emulator`] runs the token endpoints of both providers on two addresses. Its clock can be
//! moved, faults can be ordered for the next calls of an endpoint, and counts say what arrived.
//! What the providers leave undocumented is an option ([`Options`]).
//!
//! ```
//! use std::time::Duration;
//! use tokenlease_emulator::{Emulator, Endpoint, Fault};
//!
//! let emulator = Emulator::builder().start_blocking()?;
//! println!("{}", emulator.winkas().server());
//! emulator.fault(Endpoint::WinkasLogin, Fault::status(503), 2);
//! emulator.advance(Duration::from_secs(12 * 3600));
//! assert_eq!(emulator.counts().winkas.login, 0);
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! # Endpoints
//!
//! Paths are taken in any case, at `WinKAS` with one slash or two after the host. Bodies and
//! answers are as the providers' pages "API Authorization", "API Token" (`WinKAS`) and "How To Use
//! Connect Tokens" (Wyn) show them; `/connect/*` follows `IdentityServer4`.
//!
//! | call | faults and counts | notes |
//! | --- | --- | --- |
//! | `POST /api/Authentication/Authenticate` | `winkas.login` | also with `{"UserToken":"..."}` |
//! | `POST /api/authentication/refetchToken/` | `winkas.refetch` | token in `Token` |
//! | `GET /api/Authentication/Validate?token=` | `winkas.validate` | a raw `\|` answers 400 |
//! | `POST /api/Report/Echo` | `winkas.api` | returns the body, but for `Token`, in `WinKasData` |
//! | `POST /api/Report/Forbidden` | `winkas.api` | looks like a rejected token, and is not |
//! | `POST /connect/token` | `wyn.login` | grant `password` |
//! | `POST /connect/revocation` | `wyn.revoke` | 200 is no credentials fingerprint |
//! | `GET /connect/userinfo` | `wyn.userinfo` | 401 once the token is dead |
//! | `POST /connect/introspect` | `wyn.introspect` | |
//! | `GET /api/v2/me` | `wyn.api` | Bearer, `Reference-Token:` or `?token=` |
//! | `GET /api/v2/forbidden` | `wyn.api` | 403 with a good token |
//! | `POST /api/v2/identity/token/batch-revocation` | | `creationBefore` in milliseconds |
//! | `GET /.well-known/openid-configuration` | | |
//!
//! # Steering over HTTP
//!
//! On either address, in JSON. Input that is wrong is answered with 400 and
//! `{"error": what was wrong, "expected": an example}`.
//!
//! | call | body | answer |
//! | --- | --- | --- |
//! | `GET /_emulator/counts` | | [`Counts`] |
//! | `GET /_emulator/details` | | [`Details`] |
//! | `GET /_emulator/log` | | a list of [`LogEntry`] |
//! | `GET /_emulator/clock` | | `{"now_ms":…,"offset_ms":…}` |
//! | `POST /_emulator/clock` | `{"advance_s":43200}` or `{"advance_ms":-1500}` | the same |
//! | `GET /_emulator/options` | | [`Options`] |
//! | `POST /_emulator/options` | the fields of [`Options`] to change | [`Options`] |
//! | `POST /_emulator/faults` | a fault, see below, or `{"clear":true}` | `{"waiting":n}` calls |
//! | `POST /_emulator/tokens` | `{"end":"all"}`, or `"winkas"` or `"wyn"` | `{"ended":n}` |
//! | | `{"end_token":"TOKEN"}` | `{"ended":n}` |
//! | | `{"is_active":"TOKEN"}` | `{"active":true}` |
//! | | `{"login":"winkas"}`, or `"wyn"` with `"client"` | `{"token":"…"}` of a second system |
//! | `POST /_emulator/account` | `{"provider":"winkas","unlock":true}` | `{"locked":false}` |
//! | | with `"lock":true`, `"passwords":["old","new"]`, at `wyn` `"secrets"` | |
//! | `POST /_emulator/reset` | | `{}`: all as at the start |
//!
//! A fault is `{"endpoint":"winkas.login","times":3,"kind":…}`; `times` is 1 unless given:
//!
//! | kind | its fields | the call is processed |
//! | --- | --- | --- |
//! | `status` | `status` 200 to 999, `body` | no, unless `"when":"after"` |
//! | `reset` | | no, unless `"when":"after"`: the token is issued, its answer lost |
//! | `garbage` | `bytes` | no, unless `"when":"after"` |
//! | `envelope` | `code`, `message`: an envelope in HTTP 200 | no, unless `"when":"after"` |
//! | `delay` | `delay_ms` | yes, before the wait |
//! | `half_body` | | yes |
//! | `content_type` | `content_type` | yes |
//!
//! Any kind may also have `content_type`, `delay_ms`, `retry_after_s` (seconds) or
//! `retry_after_date_s` (the HTTP date so many seconds from now), and `headers`
//! (`{"Location":"…"}`).
//!
//! # Intentional omissions
//!
//! No TLS, no HTTP/2, no refresh tokens, no log-in pages: no test of a token's life needs them.
//! The codes in `WinKAS` envelopes other than 0 are made up, since the provider documents none.

#![forbid(unsafe_code)]

mod accounts;
mod clock;
mod counts;
mod emulator;
mod fault;
mod handles;
mod http1;
mod options;
mod server;
mod state;
mod steering;
mod tokens;
mod winkas;
mod wyn;

pub use counts::{Counts, Details, LogEntry, Provider, ProviderDetails, WinkasCounts, WynCounts};
pub use emulator::{Builder, Emulator};
pub use fault::{Endpoint, Fault};
pub use handles::{Winkas, Wyn};
pub use options::{
    Authenticate, Options, RefetchNone, RefetchWrongPassword, ValidateRejection, WinkasOptions,
    WynOptions,
};
