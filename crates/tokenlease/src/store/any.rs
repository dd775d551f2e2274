//! A store of any type.

use std::{any::Any, fmt, future::Future, pin::Pin, sync::Arc, time::Duration};

use super::{Loaded, Locked, Owner, RecordName, Store, StoreError, Swapped};

/// A store whose type is chosen at run time. Clones share the store.
///
/// `async fn` makes the [`Store`] trait unusable as `dyn Store`. This type holds any store and boxes
/// the futures of its calls.
///
/// ```
/// use std::sync::Arc;
/// use tokenlease::{AnyStore, MemoryStore, Registry, SystemClock, core::Key};
///
/// let store = AnyStore::new(MemoryStore::new(Arc::new(SystemClock)));
/// let key = Key::new([7; 32]); // use 32 random bytes, the same in every process
/// let registry = Registry::builder().store(store, key).build()?;
/// # let _ = registry;
/// # Ok::<(), tokenlease::Error>(())
/// ```
#[derive(Clone)]
pub struct AnyStore(Arc<dyn Boxed>);

impl AnyStore {
    /// Holds a store of any type. An `AnyStore` is returned as it is.
    pub fn new(store: impl Store) -> Self {
        match (&store as &dyn Any).downcast_ref::<Self>() {
            Some(any) => any.clone(),
            None => Self(Arc::new(store)),
        }
    }
}

impl Store for AnyStore {
    async fn load(&self, name: &RecordName) -> Result<Loaded, StoreError> {
        self.0.load(name).await
    }

    fn load_now(&self, name: &RecordName) -> Option<Result<Loaded, StoreError>> {
        self.0.load_now(name)
    }

    fn after_fork(&self) -> Option<Self> {
        self.0.after_fork()
    }

    async fn swap(
        &self,
        name: &RecordName,
        expected: Option<u64>,
        record: &[u8],
        keep: Option<Duration>,
    ) -> Result<Swapped, StoreError> {
        self.0.swap(name, expected, record, keep).await
    }

    async fn lock(
        &self,
        name: &RecordName,
        owner: &Owner,
        ttl: Duration,
    ) -> Result<Locked, StoreError> {
        self.0.lock(name, owner, ttl).await
    }

    async fn renew(
        &self,
        name: &RecordName,
        owner: &Owner,
        ttl: Duration,
    ) -> Result<Locked, StoreError> {
        self.0.renew(name, owner, ttl).await
    }

    async fn unlock(&self, name: &RecordName, owner: &Owner) -> Result<(), StoreError> {
        self.0.unlock(name, owner).await
    }
}

impl fmt::Debug for AnyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// [`Store`] with boxed futures, which can be a trait object.
trait Boxed: fmt::Debug + Send + Sync {
    fn load<'a>(&'a self, name: &'a RecordName) -> BoxFuture<'a, Loaded>;

    fn load_now(&self, name: &RecordName) -> Option<Result<Loaded, StoreError>>;

    fn after_fork(&self) -> Option<AnyStore>;

    fn swap<'a>(
        &'a self,
        name: &'a RecordName,
        expected: Option<u64>,
        record: &'a [u8],
        keep: Option<Duration>,
    ) -> BoxFuture<'a, Swapped>;

    fn lock<'a>(
        &'a self,
        name: &'a RecordName,
        owner: &'a Owner,
        ttl: Duration,
    ) -> BoxFuture<'a, Locked>;

    fn renew<'a>(
        &'a self,
        name: &'a RecordName,
        owner: &'a Owner,
        ttl: Duration,
    ) -> BoxFuture<'a, Locked>;

    fn unlock<'a>(&'a self, name: &'a RecordName, owner: &'a Owner) -> BoxFuture<'a, ()>;
}

impl<S: Store> Boxed for S {
    fn load<'a>(&'a self, name: &'a RecordName) -> BoxFuture<'a, Loaded> {
        Box::pin(Store::load(self, name))
    }

    fn load_now(&self, name: &RecordName) -> Option<Result<Loaded, StoreError>> {
        Store::load_now(self, name)
    }

    fn after_fork(&self) -> Option<AnyStore> {
        Store::after_fork(self).map(AnyStore::new)
    }

    fn swap<'a>(
        &'a self,
        name: &'a RecordName,
        expected: Option<u64>,
        record: &'a [u8],
        keep: Option<Duration>,
    ) -> BoxFuture<'a, Swapped> {
        Box::pin(Store::swap(self, name, expected, record, keep))
    }

    fn lock<'a>(
        &'a self,
        name: &'a RecordName,
        owner: &'a Owner,
        ttl: Duration,
    ) -> BoxFuture<'a, Locked> {
        Box::pin(Store::lock(self, name, owner, ttl))
    }

    fn renew<'a>(
        &'a self,
        name: &'a RecordName,
        owner: &'a Owner,
        ttl: Duration,
    ) -> BoxFuture<'a, Locked> {
        Box::pin(Store::renew(self, name, owner, ttl))
    }

    fn unlock<'a>(&'a self, name: &'a RecordName, owner: &'a Owner) -> BoxFuture<'a, ()> {
        Box::pin(Store::unlock(self, name, owner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{MemoryStore, SystemClock};

    #[test]
    fn an_any_store_is_not_boxed_twice() {
        let once = AnyStore::new(MemoryStore::new(Arc::new(SystemClock)));
        let twice = AnyStore::new(once.clone());
        assert!(Arc::ptr_eq(&once.0, &twice.0));
    }
}
