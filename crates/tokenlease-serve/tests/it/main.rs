//! The server over HTTP, with emulated providers behind it.

mod forward;
mod hostile;
mod oauth2;
#[cfg(unix)]
mod sockets;
mod support;
