//! Finds the primary server with Redis Sentinel.

use std::time::Duration;

use ::redis::Value;
use tokenlease::{Error, ErrorKind, Result};

use super::connect::{Address, Connection, Connector, Peer};

/// The time limit for one sentinel, so that a call can ask the next one.
const SENTINEL_TIMEOUT: Duration = Duration::from_millis(400);

/// The sentinels that watch a primary.
#[derive(Clone)]
pub(super) struct Sentinels {
    pub(super) addresses: Vec<Address>,
    /// The primary's name in the sentinels' configuration.
    pub(super) primary: String,
}

impl Sentinels {
    /// Connects to the server that a sentinel names and that says itself that it is the primary.
    ///
    /// # Errors
    /// The error of the last sentinel, or of the server that it named.
    pub(super) async fn connect(&self, connector: &Connector) -> Result<Connection> {
        let mut last = None;
        for sentinel in &self.addresses {
            let asked = tokio::time::timeout(SENTINEL_TIMEOUT, self.ask(connector, sentinel));
            let named = asked.await.unwrap_or_else(|_| Err(no_answer(sentinel)));
            let connected = match named {
                Ok(address) => connect_primary(connector, &address).await,
                Err(error) => Err(error),
            };
            match connected {
                Ok(connection) => return Ok(connection),
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| Error::new(ErrorKind::Config, "the store's URL has no host")))
    }

    async fn ask(&self, connector: &Connector, sentinel: &Address) -> Result<Address> {
        let mut link = connector.sentinel(sentinel).await?;
        let mut question = ::redis::cmd("SENTINEL");
        question.arg("GET-MASTER-ADDR-BY-NAME").arg(&self.primary);
        let answer: Option<(String, u16)> =
            question.query_async(&mut link).await.map_err(|error| {
                connector.failed(Peer::Sentinel, sentinel, "finding the primary failed", &error)
            })?;
        let (host, port) = answer.ok_or_else(|| {
            let (host, name) = (&sentinel.host, &self.primary);
            Error::new(ErrorKind::Store, format!("the sentinel {host} does not know {name:?}"))
                .advice("give the primary's name from the sentinel's configuration in the URL")
        })?;
        Ok(Address { host, port })
    }
}

fn no_answer(sentinel: &Address) -> Error {
    Error::new(ErrorKind::Store, format!("the sentinel {} did not answer", sentinel.host))
        .advice("check the sentinels and the network to them; the client retries by itself")
}

async fn connect_primary(connector: &Connector, address: &Address) -> Result<Connection> {
    let mut connection = connector.server(address).await?;
    match ::redis::cmd("ROLE").query_async::<Value>(&mut connection.link).await {
        Ok(Value::Array(role)) if is_text(role.first(), "master") => Ok(connection),
        // The user may not ask. A replica rejects the first write.
        Err(error) if error.code() == Some("NOPERM") => Ok(connection),
        Ok(_) => Err(Error::new(
            ErrorKind::Store,
            format!("the sentinels name {} as the primary, and it is a replica", address.host),
        )
        .advice("wait for the end of the failover; the client retries by itself")),
        Err(error) => {
            Err(connector.failed(Peer::Server, address, "finding its role failed", &error))
        }
    }
}

fn is_text(value: Option<&Value>, text: &str) -> bool {
    match value {
        Some(Value::BulkString(bytes)) => bytes == text.as_bytes(),
        Some(Value::SimpleString(value)) => value == text,
        _ => false,
    }
}
