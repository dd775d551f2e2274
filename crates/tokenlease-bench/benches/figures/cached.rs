//! A cached token in Rust.

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
    fixture::Fixture,
    measurement::{Case, Measurement, Selection, nanoseconds},
};

const POINTER_AND_CLOCKS: &str = "an arc-swap load, and two coarse clocks compared with two times";
const WITH_TOKEN: Case = Case {
    name: "cached_with_token",
    unit: "ns",
    measures: "`Client::with_token`, which lends the cached token to a closure",
    baseline: POINTER_AND_CLOCKS,
};
const WITH_TOKEN_BLOCKING: Case = Case {
    name: "cached_with_token_blocking",
    unit: "ns",
    measures: "`with_token` of the blocking client",
    baseline: POINTER_AND_CLOCKS,
};
const TOKEN_OWNED: Case = Case {
    name: "cached_token_owned",
    unit: "ns",
    measures: "`Client::token`, which returns the cached token as an owned value",
    baseline: POINTER_AND_CLOCKS,
};
const MANY_THREADS: Case = Case {
    name: "cached_32_threads",
    unit: "calls/µs",
    measures: "the throughput of `with_token` from 32 threads together",
    baseline: "the throughput of one thread",
};

const CALLS: u32 = 200_000;
const TURNS: usize = 31;
const THREADS: u32 = 32;

/// The baseline: an atomic pointer to the token and its expiry on two coarse clocks.
struct Baseline {
    cached: ArcSwapOption<(String, i64, i64)>,
}

impl Baseline {
    fn new() -> Self {
        let never = i64::MAX;
        Self { cached: ArcSwapOption::from_pointee(Some(("t".repeat(64), never, never))) }
    }

    #[inline(never)]
    fn with_token<R>(&self, use_token: impl FnOnce(&str) -> R) -> Option<R> {
        let guard = self.cached.load();
        let (text, monotonic, wall) = guard.as_deref()?;
        (nanos(ClockId::MonotonicCoarse) < *monotonic && nanos(ClockId::RealtimeCoarse) < *wall)
            .then(|| use_token(text))
    }
}

fn nanos(clock: ClockId) -> i64 {
    let time = clock_gettime(clock);
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}

/// Returns the output of a future that is ready at once.
fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the token is not cached"),
    }
}

fn with_token(client: &Client) {
    black_box(ready(client.with_token(|token| token.expose().len())).expect("a token"));
}

pub(crate) fn run(selection: &Selection) -> Vec<Measurement> {
    let mut measurements = Vec::new();
    let fixture = Fixture::new();
    let client = fixture.warm_client();
    let blocking = client.blocking();
    let pointer = Baseline::new();
    let baseline = || nanoseconds(CALLS, || pointer.with_token(|text| black_box(text).len()));
    let measure = |case, tokenlease: &mut dyn FnMut() -> f64| {
        selection.includes(case).then(|| Measurement::take(case, TURNS, tokenlease, baseline))
    };
    measurements.extend(
        measure(WITH_TOKEN, &mut || nanoseconds(CALLS, || with_token(&client)))
            .map(|measurement| measurement.at_most(1.3)),
    );
    measurements.extend(
        measure(WITH_TOKEN_BLOCKING, &mut || {
            nanoseconds(CALLS, || blocking.with_token(|token| token.expose().len()))
        })
        .map(|measurement| measurement.at_most(1.3)),
    );
    measurements.extend(measure(TOKEN_OWNED, &mut || {
        nanoseconds(CALLS, || ready(client.token()).expect("a token"))
    }));
    if selection.includes(MANY_THREADS) {
        let one_thread = || 1e3 / nanoseconds(CALLS, || with_token(&client));
        let all_threads = || throughput(&client);
        measurements
            .push(Measurement::take(MANY_THREADS, TURNS, all_threads, one_thread).at_least(0.9));
    }
    measurements
}

/// Returns the calls per microsecond of all threads together.
fn throughput(client: &Client) -> f64 {
    let barrier = Arc::new(Barrier::new(THREADS as usize + 1));
    let threads: Vec<_> = (0..THREADS)
        .map(|_| {
            let (client, barrier) = (client.clone(), barrier.clone());
            thread::spawn(move || {
                barrier.wait();
                for _ in 0..CALLS / 8 {
                    with_token(&client);
                }
            })
        })
        .collect();
    barrier.wait();
    let start = Instant::now();
    for thread in threads {
        thread.join().expect("a thread that ends normally");
    }
    let calls = f64::from(THREADS) * f64::from(CALLS / 8);
    calls / (start.elapsed().as_secs_f64() * 1e6)
}
