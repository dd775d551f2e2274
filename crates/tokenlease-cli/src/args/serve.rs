//! The options of `serve`.

use std::{net::SocketAddr, path::PathBuf};

use tokenlease_serve::ForwardTo;

#[derive(Debug, clap::Args)]
pub(crate) struct Serve {
    /// The loopback address to listen on. Port 0 takes a free port. Repeat it for more addresses.
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Vec<SocketAddr>,
    /// The Unix socket to listen on. It answers this user, and those that consumers name by `uids`.
    #[arg(long, value_name = "PATH")]
    pub(crate) unix: Option<PathBuf>,
    /// Send requests below `/forward/NAME/` to this URL with the profile's token: in the header, or
    /// in the JSON field `Token` (winkas). Repeat it for more upstreams.
    #[arg(long = "forward", value_name = "NAME=PROFILE,URL")]
    pub(crate) forwards: Vec<ForwardTo>,
    /// The configuration file with the consumers and the profiles. The default is
    /// `tokenlease/config.toml` in `$XDG_CONFIG_HOME` or `~/.config` (Windows: `%APPDATA%`).
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Write a new secret of a consumer to this file, print what its configuration needs, and end.
    #[arg(long, value_name = "FILE", exclusive = true)]
    pub(crate) new_secret: Option<PathBuf>,
}
