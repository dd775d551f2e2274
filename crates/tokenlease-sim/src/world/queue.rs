//! What is to happen, in the order of its moments.

use std::{
    cmp::Ordering,
    collections::{BinaryHeap, binary_heap::PeekMut},
};

/// As many new actions may wait apart from the sorted ones.
const FEW: usize = 256;

/// Actions by moment; of one moment that which was put in first.
///
/// A plan puts thousands in at the beginning, and each that runs a few more, which are soon due: so
/// the many stand sorted, and only the few are in a heap.
pub(super) struct Queue<A> {
    /// The next one stands last.
    sorted: Vec<Scheduled<A>>,
    heap: BinaryHeap<Scheduled<A>>,
    sequence: u64,
}

struct Scheduled<A> {
    at: (i64, u64),
    action: A,
}

impl<A> Queue<A> {
    pub(super) fn new() -> Self {
        Self { sorted: Vec::new(), heap: BinaryHeap::new(), sequence: 0 }
    }

    /// How many were ever put in.
    pub(super) fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Counts one that happens without having been put in.
    pub(super) fn count(&mut self) {
        self.sequence += 1;
    }

    pub(super) fn push(&mut self, t: i64, action: A) {
        self.sequence += 1;
        self.heap.push(Scheduled { at: (t, self.sequence), action });
    }

    /// When the next one is due.
    pub(super) fn next(&self) -> Option<i64> {
        let first = self.heap.peek().map(|next| next.at);
        let sorted = self.sorted.last().map(|next| next.at);
        first.into_iter().chain(sorted).min().map(|(t, _)| t)
    }

    /// Takes the next one out, if it is due by then.
    pub(super) fn pop(&mut self, until: i64) -> Option<(i64, A)> {
        if self.heap.len() > FEW {
            self.sorted.extend(self.heap.drain());
            self.sorted.sort_unstable();
        }
        let sorted = self.sorted.last().map(|next| next.at);
        let next = match self.heap.peek_mut() {
            Some(first) if sorted.is_none_or(|sorted| first.at < sorted) => {
                if first.at.0 > until {
                    return None;
                }
                PeekMut::pop(first)
            }
            _ => self.sorted.pop_if(|next| next.at.0 <= until)?,
        };
        Some((next.at.0, next.action))
    }
}

impl<A> PartialEq for Scheduled<A> {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at
    }
}
impl<A> Eq for Scheduled<A> {}
impl<A> PartialOrd for Scheduled<A> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl<A> Ord for Scheduled<A> {
    /// The next one is the greatest: that which a heap has on top.
    fn cmp(&self, other: &Self) -> Ordering {
        other.at.cmp(&self.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_due_comes_by_its_moment_and_of_one_moment_in_the_order_it_was_put_in() {
        let mut queue = Queue::new();
        let moments = |n: i64| n * 7919 % 100;
        (0..1_000).for_each(|n| queue.push(moments(n), n));
        let mut last = (0, -1);
        for taken in 0..1_500 {
            let due = queue.next().unwrap();
            let (t, n) = queue.pop(due).unwrap();
            assert!((t, n) > last && t == due, "{taken}: {t} {n} after {last:?}");
            last = (t, n);
            if taken < 500 {
                queue.push(t, 1_000 + taken);
            }
        }
        assert!(queue.pop(i64::MAX).is_none());
    }

    #[test]
    fn what_is_not_due_yet_stays() {
        let mut queue = Queue::new();
        queue.push(5, ());
        assert!(queue.pop(4).is_none() && queue.pop(5).is_some());
    }
}
