//! Messages to systemd (`sd_notify`). Without `NOTIFY_SOCKET` they do nothing.

/// A state of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceState {
    /// It answers requests.
    Ready,
    /// It reads its configuration again.
    Reloading,
    /// It ends.
    Stopping,
}

/// Notifies systemd of a state, for a service with `Type=notify` or `Type=notify-reload`.
#[cfg(target_os = "linux")]
pub fn notify(state: ServiceState) {
    use sd_notify::NotifyState;
    let sent = match state {
        ServiceState::Ready => sd_notify::notify(&[NotifyState::Ready]),
        ServiceState::Stopping => sd_notify::notify(&[NotifyState::Stopping]),
        ServiceState::Reloading => NotifyState::monotonic_usec_now()
            .and_then(|now| sd_notify::notify(&[NotifyState::Reloading, now])),
    };
    if let Err(error) = sent {
        tracing::warn!(target: "tokenlease", "systemd could not be notified: {error}");
    }
}

/// Other systems have no systemd.
#[cfg(not(target_os = "linux"))]
pub fn notify(_: ServiceState) {}
