//! A token that is cached.

use std::{
    future::Future,
    hint::black_box,
    pin::pin,
    sync::{Arc, Barrier},
    task::{Context, Poll, Waker},
    thread,
    time::Instant,
};

use arc_swap::ArcSwapOption;
use rustix::time::{ClockId, clock_gettime};
use tokenlease::Client;

use crate::{
    figure::{Figure, Wanted, nanoseconds},
    request::World,
};

const LOOPS: u32 = 200_000;
const TURNS: usize = 31;
const THREADS: u32 = 32;

/// The least: a guarded pointer and two coarse clocks, compared.
struct Least {
    cached: ArcSwapOption<(String, i64, i64)>,
}

impl Least {
    fn new() -> Self {
        let never = i64::MAX;
        Self { cached: ArcSwapOption::from_pointee(Some(("t".repeat(64), never, never))) }
    }

    #[inline(never)]
    fn use_it<R>(&self, use_it: impl FnOnce(&str) -> R) -> Option<R> {
        let guard = self.cached.load();
        let (text, monotonic, wall) = guard.as_deref()?;
        (nanos(ClockId::MonotonicCoarse) < *monotonic && nanos(ClockId::RealtimeCoarse) < *wall)
            .then(|| use_it(text))
    }
}

fn nanos(clock: ClockId) -> i64 {
    let time = clock_gettime(clock);
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}

/// What is ready at once.
fn now<T>(work: impl Future<Output = T>) -> T {
    match pin!(work).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => done,
        Poll::Pending => panic!("a cached token is waited for"),
    }
}

fn with_token(client: &Client) {
    black_box(now(client.with_token(|token| token.expose().len())).expect("a token"));
}

pub(crate) fn figures(wanted: &Wanted) -> Vec<Figure> {
    let mut figures = Vec::new();
    let world = World::new();
    let client = world.warm_client();
    let blocking = client.blocking();
    let least = Least::new();
    let limit = || nanoseconds(LOOPS, || least.use_it(|text| black_box(text).len()));
    let figure = |name, ours: &mut dyn FnMut() -> f64| {
        wanted.has(name).then(|| Figure::measure(name, "ns", TURNS, ours, limit))
    };
    figures.extend(
        figure("cached_with_token", &mut || nanoseconds(LOOPS, || with_token(&client)))
            .map(|f| f.at_most(1.3)),
    );
    figures.extend(
        figure("cached_with_token_blocking", &mut || {
            nanoseconds(LOOPS, || blocking.with_token(|token| token.expose().len()))
        })
        .map(|figure| figure.at_most(1.3)),
    );
    figures.extend(figure("cached_token_owned", &mut || {
        nanoseconds(LOOPS, || now(client.token()).expect("a token"))
    }));
    if wanted.has("cached_32_threads") {
        let one = || 1e3 / nanoseconds(LOOPS, || with_token(&client));
        let many = || throughput(&client);
        figures
            .push(Figure::measure("cached_32_threads", "calls/µs", TURNS, many, one).at_least(0.9));
    }
    figures
}

/// Calls a microsecond of all threads together.
fn throughput(client: &Client) -> f64 {
    let barrier = Arc::new(Barrier::new(THREADS as usize + 1));
    let threads: Vec<_> = (0..THREADS)
        .map(|_| {
            let (client, barrier) = (client.clone(), barrier.clone());
            thread::spawn(move || {
                barrier.wait();
                for _ in 0..LOOPS / 8 {
                    with_token(&client);
                }
            })
        })
        .collect();
    barrier.wait();
    let began = Instant::now();
    for thread in threads {
        thread.join().expect("a thread that only reads");
    }
    let calls = f64::from(THREADS) * f64::from(LOOPS / 8);
    calls / (began.elapsed().as_secs_f64() * 1e6)
}
