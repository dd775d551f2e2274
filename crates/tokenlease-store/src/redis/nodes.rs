//! The servers of a store: one, the primary that sentinels name, or the servers of a cluster.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use ::redis::{FromRedisValue, Value};
use tokenlease::{Error, ErrorKind, Result, store::StoreError};
use tokio::time::Instant;

use super::{
    call::{Call, Reply, slot},
    connect::{Address, Connection, Connector},
    sentinel::Sentinels,
};
use crate::connection::{Connect, Slot, deadline, of_server};

/// The most servers that a call is sent to.
const MAX_HOPS: usize = 8;

/// The most `SCAN` calls of a search for any record. Each one reads about 10,000 keys.
const MAX_SCANS: u32 = 50;

/// The servers of a store. It follows the redirections of a cluster and remembers them.
pub(super) struct Nodes {
    connector: Arc<Connector>,
    /// The servers of the URL.
    seeds: Vec<Arc<Node>>,
    is_cluster: bool,
    learned: Mutex<Learned>,
}

/// The facts that redirections stated.
#[derive(Default)]
struct Learned {
    nodes: HashMap<Address, Arc<Node>>,
    owners: HashMap<u16, Arc<Node>>,
    /// The seed that answered last.
    seed: usize,
}

/// One server, and the connection to it.
struct Node {
    connector: Arc<Connector>,
    place: Place,
    slot: Slot<Connection>,
}

#[derive(Clone)]
enum Place {
    At(Address),
    Primary(Sentinels),
}

impl Connect for Node {
    type Connection = Connection;

    async fn connect(&self) -> Result<Connection> {
        match &self.place {
            Place::At(address) => self.connector.server(address).await,
            Place::Primary(sentinels) => sentinels.connect(&self.connector).await,
        }
    }

    async fn answers(&self, connection: &Connection) -> bool {
        let mut link = connection.link.clone();
        match ::redis::cmd("PING").query_async::<Value>(&mut link).await {
            Ok(_) => true,
            Err(error) => error.code().is_some(),
        }
    }
}

impl Node {
    fn new(connector: &Arc<Connector>, place: Place) -> Arc<Self> {
        Arc::new(Self { connector: connector.clone(), place, slot: Slot::new() })
    }
}

impl Nodes {
    pub(super) fn at(connector: Arc<Connector>, addresses: Vec<Address>, is_cluster: bool) -> Self {
        let places = addresses.into_iter().map(Place::At);
        let seeds = places.map(|place| Node::new(&connector, place)).collect();
        Self { connector, seeds, is_cluster, learned: Mutex::default() }
    }

    pub(super) fn behind_sentinels(connector: Arc<Connector>, sentinels: Sentinels) -> Self {
        let seeds = vec![Node::new(&connector, Place::Primary(sentinels))];
        Self { connector, seeds, is_cluster: false, learned: Mutex::default() }
    }

    /// Returns the servers of the URL for a forked child, without connections and learned facts.
    pub(super) fn after_fork(&self) -> Self {
        let connector = Arc::new(self.connector.after_fork());
        let places = self.seeds.iter().map(|node| node.place.clone());
        let seeds = places.map(|place| Node::new(&connector, place)).collect();
        Self { connector, seeds, is_cluster: self.is_cluster, learned: Mutex::default() }
    }

    /// Returns the hosts and ports of the URL.
    pub(super) fn hosts(&self) -> Vec<String> {
        let addresses = self.seeds.iter().flat_map(|node| match &node.place {
            Place::At(address) => std::slice::from_ref(address),
            Place::Primary(sentinels) => &sentinels.addresses,
        });
        addresses.map(|at| format!("{}:{}", at.host, at.port)).collect()
    }

    #[cfg(test)]
    pub(super) fn connector(&self) -> &Connector {
        &self.connector
    }

    /// Runs a script at the server that has its key. Follows redirections, and turns to another
    /// server if one can't be reached.
    pub(super) async fn run<R: FromRedisValue>(&self, call: &Call<'_>) -> Result<R, StoreError> {
        let deadline = deadline();
        let slot = slot(&call.key);
        let (mut node, mut asking) = (self.owner(slot), false);
        let mut failed: Vec<Arc<Node>> = Vec::new();
        let mut failure = None;
        for _ in 0..MAX_HOPS {
            let send = |connection| call.send(&self.connector, connection, asking);
            match node.slot.call(deadline, &*node, send).await {
                Ok(Reply::Done(reply)) => {
                    self.answered(&node);
                    return Ok(reply);
                }
                Ok(Reply::Rejected(error)) => return Err(of_server(error)),
                Ok(Reply::Moved(address)) => {
                    self.answered(&node);
                    (node, asking) = (self.moved(slot, &address), false);
                }
                Ok(Reply::Ask(address)) => (node, asking) = (self.node(&address), true),
                Err(error) => {
                    self.unlearn(&node);
                    failed.push(node);
                    let next = self.untried(&failed).filter(|_| Instant::now() < deadline);
                    let Some(next) = next else { return Err(error) };
                    failure = Some(error);
                    (node, asking) = (next, false);
                }
            }
            if let Some(error) = failure.take_if(|_| failed.iter().any(|at| same(at, &node))) {
                // The cluster has not replaced the server yet.
                return Err(error);
            }
        }
        Err(StoreError::Unavailable(
            Error::new(ErrorKind::Store, "the Redis cluster redirected a call too often")
                .advice("check the cluster's state; the client retries by itself"),
        ))
    }

    /// Returns whether a search of at most [`MAX_SCANS`] calls for each primary finds a record.
    pub(super) async fn holds_records(&self) -> Result<bool> {
        let seed = self.owner_of_none();
        let slots = self.ask(&seed, &["CLUSTER", "SLOTS"]).await;
        let primaries: Vec<Address> = match slots {
            Ok(Ok(Value::Array(ranges))) => {
                let sender = match &seed.place {
                    Place::At(address) => &address.host,
                    Place::Primary(_) => "",
                };
                ranges.iter().filter_map(|range| primary(range, sender)).collect()
            }
            // It is no cluster, or the user may not ask.
            Ok(Err(error)) if self.is_cluster => return Err(error),
            Ok(_) => Vec::new(),
            Err(error) => return Err(error.into()),
        };
        let mut nodes: Vec<Arc<Node>> = Vec::new();
        for address in primaries {
            let node = self.node(&address);
            if !nodes.iter().any(|known| same(known, &node)) {
                nodes.push(node);
            }
        }
        if nodes.is_empty() {
            nodes.push(seed);
        }
        for node in nodes {
            let mut cursor = "0".to_owned();
            for _ in 0..MAX_SCANS {
                let scan = ["SCAN", &cursor, "MATCH", "tokenlease:*:record", "COUNT", "10000"];
                let answer = self.ask(&node, &scan).await??;
                let (next, found): (String, Vec<String>) = ::redis::from_redis_value(answer)
                    .map_err(|_| Error::new(ErrorKind::Store, "Redis' answer is no scan"))?;
                if !found.is_empty() {
                    return Ok(true);
                }
                if next == "0" {
                    break;
                }
                cursor = next;
            }
        }
        Ok(false)
    }

    /// Sends a command that needs no key. The inner error is the server's.
    async fn ask(
        &self,
        node: &Arc<Node>,
        words: &[&str],
    ) -> Result<Result<Value, Error>, StoreError> {
        let call = |connection: Arc<Connection>| async move {
            let mut link = connection.link.clone();
            let (name, arguments) = words.split_first().unwrap_or((&"PING", &[]));
            let answer = ::redis::cmd(name).arg(arguments).query_async(&mut link).await;
            answer.map(Ok).or_else(|error| {
                let what = "the search for records failed";
                let failure = self.connector.failure(&connection.address, what, &error);
                match failure.remedy {
                    crate::connection::Remedy::None => Ok(Err(failure.error)),
                    _ => Err(failure),
                }
            })
        };
        node.slot.call(deadline(), &**node, call).await
    }

    fn owner(&self, slot: u16) -> Arc<Node> {
        let owner = self.lock().owners.get(&slot).cloned();
        owner.unwrap_or_else(|| self.owner_of_none())
    }

    /// Returns the seed for keys whose server is not known.
    fn owner_of_none(&self) -> Arc<Node> {
        let seed = self.lock().seed;
        self.seeds[seed % self.seeds.len()].clone()
    }

    fn node(&self, address: &Address) -> Arc<Node> {
        let is_seed = |node: &&Arc<Node>| matches!(&node.place, Place::At(at) if at == address);
        if let Some(seed) = self.seeds.iter().find(is_seed) {
            return seed.clone();
        }
        let make = || Node::new(&self.connector, Place::At(address.clone()));
        self.lock().nodes.entry(address.clone()).or_insert_with(make).clone()
    }

    fn moved(&self, slot: u16, address: &Address) -> Arc<Node> {
        let node = self.node(address);
        self.lock().owners.insert(slot, node.clone());
        node
    }

    fn answered(&self, node: &Arc<Node>) {
        if self.seeds.len() > 1
            && let Some(seed) = self.seeds.iter().position(|seed| same(seed, node))
        {
            self.lock().seed = seed;
        }
    }

    /// Forgets what the server had, after it failed.
    fn unlearn(&self, node: &Arc<Node>) {
        let mut learned = self.lock();
        learned.owners.retain(|_, owner| !same(owner, node));
        learned.nodes.retain(|_, known| !same(known, node));
        if self.seeds.iter().position(|seed| same(seed, node)) == Some(learned.seed) {
            learned.seed = (learned.seed + 1) % self.seeds.len();
        }
    }

    fn untried(&self, failed: &[Arc<Node>]) -> Option<Arc<Node>> {
        let learned: Vec<Arc<Node>> = self.lock().nodes.values().cloned().collect();
        let first = self.owner_of_none();
        let candidates = std::iter::once(&first).chain(&self.seeds).chain(&learned);
        candidates.into_iter().find(|node| !failed.iter().any(|at| same(at, node))).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, Learned> {
        // Each change leaves the maps intact, also before a panic.
        self.learned.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn same(one: &Arc<Node>, other: &Arc<Node>) -> bool {
    Arc::ptr_eq(one, other)
}

/// Returns the primary of one entry of `CLUSTER SLOTS`: first slot, last slot, primary, replicas.
fn primary(range: &Value, sender: &str) -> Option<Address> {
    let Value::Array(range) = range else { return None };
    let Value::Array(server) = range.get(2)? else { return None };
    let host: Option<String> = ::redis::from_redis_value(server.first()?.clone()).ok()?;
    let host = host.filter(|host| !host.is_empty()).unwrap_or_else(|| sender.to_owned());
    Some(Address { host, port: ::redis::from_redis_value(server.get(1)?.clone()).ok()? })
}
