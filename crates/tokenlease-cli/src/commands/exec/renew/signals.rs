//! Signals for this process, which are passed on to the command.

#[cfg(windows)]
use std::io;

/// A signal that this process got.
pub(super) struct Received {
    #[cfg(unix)]
    signal: rustix::process::Signal,
    /// Whether the terminal sends it to the command, too.
    #[cfg(unix)]
    is_of_terminal: bool,
}

#[cfg(unix)]
mod unix {
    use std::{fs::File, io, pin::Pin, task::Poll};

    use rustix::process::{Pid, Signal, getpgrp, kill_process};
    use tokio::signal::unix::{SignalKind, signal};

    use super::Received;

    /// The signals that would end this process.
    pub(in super::super) struct Signals(Vec<(Signal, tokio::signal::unix::Signal)>);

    impl Signals {
        pub(in super::super) fn new() -> io::Result<Self> {
            let all = [
                (Signal::TERM, SignalKind::terminate()),
                (Signal::INT, SignalKind::interrupt()),
                (Signal::HUP, SignalKind::hangup()),
                (Signal::QUIT, SignalKind::quit()),
                (Signal::USR1, SignalKind::user_defined1()),
                (Signal::USR2, SignalKind::user_defined2()),
            ];
            let all = all.into_iter().map(|(name, kind)| Ok((name, signal(kind)?)));
            let all = all.collect::<io::Result<_>>()?;
            crate::signals::are_handled_elsewhere();
            Ok(Self(all))
        }

        pub(in super::super) async fn next(&mut self) -> Received {
            let signal = std::future::poll_fn(|context| {
                for (name, stream) in &mut self.0 {
                    if let Poll::Ready(Some(())) = Pin::new(stream).poll_recv(context) {
                        return Poll::Ready(*name);
                    }
                }
                Poll::Pending
            })
            .await;
            let is_of_keyboard = matches!(signal, Signal::INT | Signal::QUIT);
            Received { signal, is_of_terminal: is_of_keyboard && is_in_foreground() }
        }
    }

    impl Received {
        /// Sends the signal to the command, unless the terminal has done so.
        pub(in super::super) fn pass_on(&self, pid: u32) {
            let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
            if let Some(pid) = pid.filter(|_| !self.is_of_terminal) {
                // The command may just have ended.
                let _ = kill_process(pid, self.signal);
            }
        }
    }

    /// Returns whether the terminal sends its signals to this process and its command.
    fn is_in_foreground() -> bool {
        let Ok(terminal) = File::open("/dev/tty") else { return false };
        rustix::termios::tcgetpgrp(&terminal).is_ok_and(|group| group == getpgrp())
    }
}

#[cfg(unix)]
pub(super) use unix::Signals;

/// The console's events, which it also sends to the command.
#[cfg(windows)]
pub(super) struct Signals {
    _attached: super::super::child::Attached,
}

#[cfg(windows)]
impl Signals {
    pub(super) fn new() -> io::Result<Self> {
        super::super::child::Attached::new().map(|attached| Self { _attached: attached })
    }

    /// Never completes: no event must be passed on.
    pub(super) async fn next(&mut self) -> Received {
        std::future::pending().await
    }
}

#[cfg(windows)]
impl Received {
    #[expect(clippy::unused_self, reason = "it is used on other systems")]
    pub(super) fn pass_on(&self, _: u32) {}
}
