//! The tasks of the runtime, and their results.
//!
//! The code of tokio for tasks, and that of the standard library for channels, is compiled for each type of
//! result. Here each result has a place, and the task has none, so that this code is in a program once.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{
    runtime::Handle,
    task::{AbortHandle, JoinError, JoinHandle},
};

use super::own_threads::OwnTask;

/// A future without a result.
type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Spawns a task of the runtime, in which blocking calls fail.
pub(crate) fn spawn_on(handle: &Handle, work: Work) -> JoinHandle<()> {
    handle.spawn(OwnTask(work))
}

/// A task with a result. It goes on if this is dropped.
pub(crate) struct Task<T> {
    handle: JoinHandle<()>,
    result: Place<T>,
}

impl<T: Send + 'static> Task<T> {
    pub(super) fn spawn(handle: &Handle, future: impl Future<Output = T> + Send + 'static) -> Self {
        let result = Place::default();
        Self { handle: spawn_on(handle, result.take_result_of(future, || ())), result }
    }

    pub(super) fn abort_handle(&self) -> AbortHandle {
        self.handle.abort_handle()
    }

    /// Waits for the end of the task.
    ///
    /// # Errors
    /// The task panicked, or it was cancelled.
    pub(crate) async fn result(self) -> Result<T, JoinError> {
        self.handle.await?;
        Ok(self.result.take().expect("a task that ended has left its result"))
    }
}

/// The place of a result.
pub(super) struct Place<T>(Arc<Mutex<Option<T>>>);

impl<T> Default for Place<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T> Clone for Place<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: Send + 'static> Place<T> {
    /// Runs a future, leaves its result here, and then calls `ended`.
    pub(super) fn take_result_of(
        &self,
        future: impl Future<Output = T> + Send + 'static,
        ended: impl FnOnce() + Send + 'static,
    ) -> Work {
        let place = self.clone();
        Box::pin(async move {
            place.put(future.await);
            ended();
        })
    }

    pub(super) fn put(&self, result: T) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
    }

    pub(super) fn take(&self) -> Option<T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
