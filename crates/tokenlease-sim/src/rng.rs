//! Random numbers that are the same on every machine (splitmix64).

/// A sequence of random numbers.
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    /// Starts the sequence of a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns the next number.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Returns a number from `low` to `high`, both included.
    pub fn range(&mut self, low: i64, high: i64) -> i64 {
        let span = high.abs_diff(low).saturating_add(1);
        low.saturating_add_unsigned(self.draw() % span)
    }

    /// Returns true in `percent` of 100 cases.
    pub fn chance(&mut self, percent: u64) -> bool {
        self.draw() % 100 < percent
    }

    /// Returns one of these values, each with the same probability.
    pub fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        let len = of.len() as u64;
        of[usize::try_from(self.draw() % len).unwrap_or_default()]
    }

    /// Returns an exponentially distributed wait with this mean, as between independent events.
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "a wait")]
    pub fn wait(&mut self, mean: i64) -> i64 {
        let fraction = (self.draw() >> 11) as f64 / (1_u64 << 53) as f64;
        (-(1.0 - fraction).ln() * mean as f64) as i64
    }
}
