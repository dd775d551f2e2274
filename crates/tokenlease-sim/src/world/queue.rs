//! The queue of scheduled actions.

use std::{
    cmp::Ordering,
    collections::{BinaryHeap, binary_heap::PeekMut},
};

/// The most actions in the heap; more of them are merged into the sorted list.
const MAX_HEAP: usize = 256;

/// Actions by time; of one time in the order in which they were added.
///
/// A plan adds thousands of actions at the start, and each action adds a few that are soon due. So
/// most of them are in a sorted list, and only the recent ones in a heap.
pub(super) struct Queue<A> {
    /// The next action is the last one.
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

    /// Returns how many actions were ever added.
    pub(super) fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Counts an action that runs without having been added.
    pub(super) fn count(&mut self) {
        self.sequence += 1;
    }

    pub(super) fn push(&mut self, t: i64, action: A) {
        self.sequence += 1;
        self.heap.push(Scheduled { at: (t, self.sequence), action });
    }

    /// Returns when the next action is due.
    pub(super) fn next(&self) -> Option<i64> {
        let first = self.heap.peek().map(|next| next.at);
        let sorted = self.sorted.last().map(|next| next.at);
        first.into_iter().chain(sorted).min().map(|(t, _)| t)
    }

    /// Removes the next action, if it is due by `until`.
    pub(super) fn pop(&mut self, until: i64) -> Option<(i64, A)> {
        if self.heap.len() > MAX_HEAP {
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
    /// The next action is the greatest one, because a heap returns the greatest first.
    fn cmp(&self, other: &Self) -> Ordering {
        other.at.cmp(&self.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_are_due_by_time_and_at_one_time_in_the_order_they_were_added() {
        let mut queue = Queue::new();
        let time = |n: i64| n * 7919 % 100;
        (0..1_000).for_each(|n| queue.push(time(n), n));
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
    fn an_action_that_is_not_due_is_not_removed() {
        let mut queue = Queue::new();
        queue.push(5, ());
        assert!(queue.pop(4).is_none() && queue.pop(5).is_some());
    }
}
