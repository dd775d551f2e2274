//! Access to a store's records that goes past the store's code, to inspect and damage them.

use std::future::Future;
use std::{fs, io::ErrorKind};

use crate::world::World;

/// A record's key in the store, and its stored bytes.
pub(crate) type Raw = (String, Vec<u8>);

impl World {
    /// Returns all records, in the order of their keys.
    pub(crate) fn records(&self) -> Vec<Raw> {
        let mut all: Vec<Raw> = match self.scheme() {
            "file" => {
                let read = |path: std::path::PathBuf| {
                    // A process may remove or replace the file meanwhile.
                    let bytes = fs::read(&path).ok()?;
                    Some((path.to_string_lossy().into_owned(), bytes))
                };
                self.files(".record").into_iter().filter_map(read).collect()
            }
            "redis" => {
                let mut server = redis(&self.store);
                let keys = || redis::cmd("KEYS").arg("tokenlease:*:record").clone();
                let keys: Vec<String> = keys().query(&mut server).unwrap();
                let read = |key: String| {
                    let get = redis::cmd("HGET").arg(&key).arg("d").clone();
                    let bytes: Option<Vec<u8>> = get.query(&mut server).unwrap();
                    Some((key, bytes?))
                };
                keys.into_iter().filter_map(read).collect()
            }
            _ => postgres(&self.store, async |server| {
                let all = "select key, record from tokenlease where record is not null";
                let rows = server.query(all, &[]).await.unwrap();
                rows.into_iter().map(|row| (row.get(0), row.get(1))).collect()
            }),
        };
        all.sort();
        all
    }

    /// Replaces a record's bytes.
    pub(crate) fn put(&self, key: &str, bytes: &[u8]) {
        match self.scheme() {
            "file" => {
                let new = format!("{key}.put");
                fs::write(&new, bytes).unwrap();
                fs::rename(new, key).unwrap();
            }
            "redis" => {
                let set = redis::cmd("HSET").arg(key).arg("d").arg(bytes).clone();
                let _: () = set.query(&mut redis(&self.store)).unwrap();
            }
            _ => postgres(&self.store, async |server| {
                let set = "update tokenlease set record = $2 where key = $1";
                assert_eq!(server.execute(set, &[&key, &bytes]).await.unwrap(), 1);
            }),
        }
    }

    /// Returns the offset of the format's number in a record's bytes. It is not authenticated.
    pub(crate) fn format_at(&self, bytes: &[u8]) -> usize {
        let magic = if self.scheme() == "file" { b"tkfr" } else { b"tkls" };
        assert_eq!(&bytes[..4], magic);
        4
    }

    /// Removes everything, locks included.
    pub(crate) fn empty(&self) {
        match self.scheme() {
            "file" => {
                let folder = self.folder.path().join("store");
                // A running process may make a file meanwhile.
                while folder.exists() {
                    if let Err(error) = fs::remove_dir_all(&folder) {
                        assert_eq!(error.kind(), ErrorKind::DirectoryNotEmpty, "{error}");
                    }
                }
            }
            "redis" => {
                let () = redis::cmd("FLUSHALL").query(&mut redis(&self.store)).unwrap();
            }
            _ => postgres(&self.store, async |server| {
                server.batch_execute("delete from tokenlease").await.unwrap();
            }),
        }
    }

    /// Makes the server reject writes, or accept them again.
    pub(crate) fn reject_writes(&self, reject: bool) {
        match self.scheme() {
            "redis" => {
                // Redis is out of memory then, and keeps its data.
                let limit = if reject { "1" } else { "0" };
                let set = redis::cmd("CONFIG").arg(&["SET", "maxmemory", limit]).clone();
                let () = set.query(&mut redis(&self.store)).unwrap();
            }
            _ => postgres(&self.store, async |server| {
                let mode = if reject { "on" } else { "off" };
                let set = format!("alter system set default_transaction_read_only = {mode}");
                server.batch_execute("set default_transaction_read_only = off").await.unwrap();
                server.batch_execute(&set).await.unwrap();
                server.batch_execute("select pg_reload_conf()").await.unwrap();
                // Each connection applies the new settings with its next message.
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            }),
        }
    }

    /// Returns the ids of the processes that own a lock. Some may have ended already.
    pub(crate) fn lock_owners(&self) -> Vec<u32> {
        let owners: Vec<String> = match self.scheme() {
            "file" => {
                let owner = |path: std::path::PathBuf| path.to_string_lossy().replace('+', ":");
                self.files(".owner").into_iter().map(owner).collect()
            }
            "redis" => {
                let mut server = redis(&self.store);
                let keys: Vec<String> =
                    redis::cmd("KEYS").arg("tokenlease:*:lock").query(&mut server).unwrap();
                let get = |key| redis::cmd("GET").arg(key).query::<Option<String>>(&mut server);
                keys.into_iter().map(get).filter_map(Result::unwrap).collect()
            }
            _ => postgres(&self.store, async |server| {
                let owner = "select owner from tokenlease where owner is not null";
                let rows = server.query(owner, &[]).await.unwrap();
                rows.into_iter().map(|row| row.get(0)).collect()
            }),
        };
        let id = |owner: &String| owner.rsplit(':').nth(1)?.parse().ok();
        owners.iter().filter_map(id).collect()
    }

    fn scheme(&self) -> &str {
        self.store.split(':').next().unwrap()
    }
}

pub(crate) fn redis(url: &str) -> redis::Connection {
    redis::Client::open(url).unwrap().get_connection().unwrap()
}

pub(crate) fn postgres<R, F>(url: &str, work: impl FnOnce(tokio_postgres::Client) -> F) -> R
where
    F: Future<Output = R>,
{
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (client, connection) =
            tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
        let moving = tokio::spawn(connection);
        let result = work(client).await;
        moving.abort();
        result
    })
}
