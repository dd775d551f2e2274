//! The log of a client: each event in words, with its level, its cause and its duration. All languages
//! get these entries.

use std::{fmt, time::Duration};

use tokenlease_core::{
    Error, Now, Timestamp,
    lifecycle::{Event, Lifecycle},
    time::Moment as _,
};

/// How much a log entry matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum LogLevel {
    /// A normal step.
    Debug,
    /// Rejected credentials, outages of the server or the store, with their ends, and tokens that are active
    /// for a year or longer: somebody may have to act.
    Warning,
}

impl LogLevel {
    /// Returns the level's name in snake case, the same in all languages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Warning => "warning",
        }
    }

    fn of(event: &Event) -> Self {
        match event {
            Event::CircuitOpened(_)
            | Event::CircuitClosed
            | Event::BackedOff(_)
            | Event::LongLifetime(..)
            | Event::LoginLost
            | Event::StoreUnavailable
            | Event::StoreRejected
            | Event::StoreAvailable
            | Event::RecordUnreadable => Self::Warning,
            _ => Self::Debug,
        }
    }
}

/// An entry of a client's log: one event, or one failed attempt. It contains no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogEntry {
    /// How much it matters.
    pub level: LogLevel,
    /// The event's name in snake case, such as `circuit_opened`; `attempt_failed` for a request without
    /// a usable answer.
    pub event: &'static str,
    /// The event in words, with its cause, and until when or for how long it lasts.
    pub text: String,
}

impl fmt::Display for LogEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A function that is called with each entry of the log on the thread where it happens, and with its
/// event if it is one.
pub(crate) type Observer = std::sync::Arc<dyn Fn(Option<&Event>, &LogEntry) + Send + Sync>;

/// An entry of the log, with its event if it is one.
#[derive(Clone, Debug)]
pub(crate) struct Logged {
    pub(crate) event: Option<Event>,
    pub(crate) entry: LogEntry,
}

#[cfg(test)]
impl Logged {
    pub(crate) fn test(event: Event) -> Self {
        let entry =
            LogEntry { level: LogLevel::Debug, event: name(&event), text: event.to_string() };
        Self { event: Some(event), entry }
    }
}

/// Since when the credentials are rejected and the store does not work, to state how long it took.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Troubles {
    rejected: Option<Timestamp>,
    store: Option<Timestamp>,
}

impl Troubles {
    /// Whether one has begun whose end will be logged.
    pub(crate) fn are_open(&self) -> bool {
        self.rejected.is_some() || self.store.is_some()
    }

    /// Describes the events of a step of the machine, and the request that failed in it.
    pub(crate) fn describe(
        &mut self,
        machine: &mut Lifecycle,
        failed: Option<&Error>,
        now: Now,
    ) -> Vec<Logged> {
        let events = machine.events();
        let attempt = failed.map(|error| {
            let next = machine.next_attempt(now.elapsed).map(|next| next.since(now.elapsed));
            let text = match next.filter(|wait| !wait.is_zero()) {
                Some(wait) => {
                    let wait = rounded(wait);
                    format!("attempt failed, the next one is possible in {wait:?}: {error}")
                }
                None => format!("attempt failed: {error}"),
            };
            let level = LogLevel::Debug;
            Logged { event: None, entry: LogEntry { level, event: "attempt_failed", text } }
        });
        let of_event = events.into_iter().map(|event| Logged {
            event: Some(event),
            entry: LogEntry {
                level: LogLevel::of(&event),
                event: name(&event),
                text: format!("{event}{}", self.details(&event, machine, failed, now)),
            },
        });
        attempt.into_iter().chain(of_event).collect()
    }

    /// Returns the cause of an event, and until when or for how long it lasts.
    fn details(
        &mut self,
        event: &Event,
        machine: &Lifecycle,
        failed: Option<&Error>,
        now: Now,
    ) -> String {
        let t = now.elapsed;
        let cause = |error: Option<&Error>| match error {
            Some(error) => format!(": {error}"),
            None => String::new(),
        };
        let lasted = |since: Option<Timestamp>| match since {
            Some(since) => format!(" after {:?}", rounded(t.since(since))),
            None => String::new(),
        };
        match event {
            Event::CircuitOpened(until) => {
                self.rejected.get_or_insert(t);
                format!(", not sent before {}{}", now.wall_at(*until), cause(failed))
            }
            Event::CircuitClosed => lasted(self.rejected.take()),
            Event::BackedOff(until) => {
                format!(" for {:?}{}", rounded(until.since(t)), cause(failed))
            }
            Event::LoginLost => cause(failed),
            Event::LongLifetime(_, lifetime) => {
                let days = lifetime.as_secs() / (24 * 60 * 60);
                format!(
                    " is active for {days} days; set a shorter `lifetime`, and revoke tokens after use"
                )
            }
            Event::StoreUnavailable | Event::StoreRejected | Event::RecordUnreadable => {
                self.store.get_or_insert(t);
                cause(machine.store_error())
            }
            Event::StoreAvailable => lasted(self.store.take()),
            _ => String::new(),
        }
    }
}

/// Returns a time as it is read: in whole seconds, and a short one in whole milliseconds.
fn rounded(time: Duration) -> Duration {
    if time < Duration::from_secs(2) {
        return Duration::from_millis(u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
    }
    Duration::from_secs(time.saturating_add(Duration::from_millis(500)).as_secs())
}

/// Returns an event's name in snake case: the words of its text.
fn name(event: &Event) -> &'static str {
    match event {
        Event::LoggedIn(_) => "logged_in",
        Event::LongLifetime(..) => "long_lifetime",
        Event::Adopted(_) => "adopted",
        Event::Refetched(_) => "refetched",
        Event::Validated(_) => "validated",
        Event::Suspected(_) => "suspected",
        Event::Rejected(_) => "rejected",
        Event::Inactive(_) => "inactive",
        Event::Revoked(_) => "revoked",
        Event::Forgotten(_) => "forgotten",
        Event::CircuitOpened(_) => "circuit_opened",
        Event::CircuitClosed => "circuit_closed",
        Event::BackedOff(_) => "backed_off",
        Event::LoginLost => "login_lost",
        Event::ClocksParted(_) => "clocks_parted",
        Event::StoreUnavailable => "store_unavailable",
        Event::StoreRejected => "store_rejected",
        Event::StoreAvailable => "store_available",
        Event::RecordUnreadable => "record_unreadable",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use tokenlease_core::{Key, Token, TokenFingerprint, TokenKind};

    use super::*;

    #[test]
    fn an_events_name_is_its_text_in_snake_case() {
        let token = Token::new(TokenKind::Bearer, "a");
        let token = TokenFingerprint::of(&Key::new([0; 32]), &token);
        let at = Timestamp(0);
        for event in [
            Event::LoggedIn(token),
            Event::LongLifetime(token, Duration::ZERO),
            Event::Adopted(token),
            Event::Refetched(token),
            Event::Validated(token),
            Event::Suspected(token),
            Event::Rejected(token),
            Event::Inactive(token),
            Event::Revoked(token),
            Event::Forgotten(token),
            Event::CircuitOpened(at),
            Event::CircuitClosed,
            Event::BackedOff(at),
            Event::LoginLost,
            Event::ClocksParted(token),
            Event::StoreUnavailable,
            Event::StoreRejected,
            Event::StoreAvailable,
            Event::RecordUnreadable,
        ] {
            let text = event.to_string().replace(&format!(" {token}"), "");
            assert_eq!(name(&event), text.replace(' ', "_"));
        }
    }
}
