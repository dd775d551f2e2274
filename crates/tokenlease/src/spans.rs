//! Spans of flights and their effects, with the feature `spans`. Without it they are empty, and cost nothing.
//!
//! Names of attributes are those of OpenTelemetry's semantic conventions where it has one (`server.address`,
//! `error.type`, `http.response.status_code`), else they begin with `tokenlease.`. No span has a token, a secret
//! or the name of a user.

#[cfg(feature = "spans")]
mod recorded;
#[cfg(not(feature = "spans"))]
mod unrecorded;

#[cfg(feature = "spans")]
pub(crate) use self::recorded::FlightSpan;
#[cfg(not(feature = "spans"))]
pub(crate) use self::unrecorded::FlightSpan;
