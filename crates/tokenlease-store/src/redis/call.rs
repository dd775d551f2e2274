//! One call of a script, and the slot of its key in a cluster.

use std::sync::Arc;

use ::redis::{FromRedisValue, RedisResult, Script, ServerErrorKind, aio::MultiplexedConnection};
use tokenlease::Error;

use super::connect::{Address, Connection, Connector};
use crate::connection::{Failure, Remedy};

/// A script with its key and arguments.
pub(super) struct Call<'a> {
    pub(super) script: &'a Script,
    pub(super) key: String,
    pub(super) arguments: Vec<&'a [u8]>,
}

/// The answer of a server.
pub(super) enum Reply<R> {
    Done(R),
    /// The server rejected the call. Another server would reject it, too.
    Rejected(Error),
    /// The key's slot is at that server from now on.
    Moved(Address),
    /// The key's slot is moving, and this key is at that server already.
    Ask(Address),
}

impl Call<'_> {
    /// Sends the call. `asking` follows a redirection for this call alone.
    pub(super) async fn send<R: FromRedisValue>(
        &self,
        connector: &Connector,
        connection: Arc<Connection>,
        asking: bool,
    ) -> Result<Reply<R>, Failure> {
        let error = match self.invoke(connection.link.clone(), asking).await {
            Ok(reply) => return Ok(Reply::Done(reply)),
            Err(error) => error,
        };
        if let Some((address, _)) = error.redirect_node()
            && let Some(address) = parse(address, &connection.address)
        {
            let is_ask = error.kind() == ::redis::ErrorKind::Server(ServerErrorKind::Ask);
            return Ok(if is_ask { Reply::Ask(address) } else { Reply::Moved(address) });
        }
        let failure = connector.failure(&connection.address, "a call failed", &error);
        match failure.remedy {
            Remedy::None => Ok(Reply::Rejected(failure.error)),
            _ => Err(failure),
        }
    }

    async fn invoke<R: FromRedisValue>(
        &self,
        mut link: MultiplexedConnection,
        asking: bool,
    ) -> RedisResult<R> {
        let mut call = ::redis::cmd("EVALSHA");
        call.arg(self.script.get_hash()).arg(1).arg(&self.key).arg(&self.arguments);
        if asking {
            self.script.load_async(&mut link).await?;
            // The permission holds for the next command, so both are sent at once.
            let mut both = ::redis::pipe();
            both.cmd("ASKING").ignore().add_command(call);
            let (reply,): (R,) = both.query_async(&mut link).await?;
            return Ok(reply);
        }
        match call.query_async(&mut link).await {
            Err(error) if error.code() == Some("NOSCRIPT") => {
                self.script.load_async(&mut link).await?;
                call.query_async(&mut link).await
            }
            result => result,
        }
    }
}

/// Parses the address of a redirection. One without a host means the host that sent it.
fn parse(text: &str, sender: &Address) -> Option<Address> {
    let (host, port) = text.rsplit_once(':')?;
    let host = host.trim_matches(['[', ']']);
    let host = if host.is_empty() { &sender.host } else { host };
    Some(Address { host: host.to_owned(), port: port.parse().ok()? })
}

/// Returns the slot of a key: the CRC-16/XMODEM of the text in its braces, modulo 16384.
///
/// Source: the Redis cluster specification.
pub(super) fn slot(key: &str) -> u16 {
    let tag = key.split_once('{').and_then(|(_, rest)| rest.split_once('}'));
    let tag = tag.map_or(key, |(tag, _)| if tag.is_empty() { key } else { tag });
    let crc = tag.bytes().fold(0_u16, |crc, byte| {
        (0..8).fold(crc ^ u16::from(byte) << 8, |crc, _| {
            if crc & 0x8000 == 0 { crc << 1 } else { crc << 1 ^ 0x1021 }
        })
    });
    crc % 16384
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keys_slot_is_computed_as_the_cluster_specification_says() {
        assert_eq!(slot("123456789"), 0x31c3);
        assert_eq!(slot("tokenlease:{123456789}:lock"), 0x31c3);
        assert_eq!(slot("foo{}{bar}"), 8363);
    }

    #[test]
    fn a_redirection_without_a_host_leads_to_the_host_that_sent_it() {
        let sender = Address { host: "h".into(), port: 1 };
        let at = |host: &str| Some(Address { host: host.into(), port: 6381 });
        assert_eq!(parse("127.0.0.1:6381", &sender), at("127.0.0.1"));
        assert_eq!(parse("::1:6381", &sender), at("::1"));
        assert_eq!(parse(":6381", &sender), at("h"));
        assert_eq!(parse("6381", &sender), None);
    }
}
