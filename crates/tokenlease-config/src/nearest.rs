//! The option that a wrong name may have meant.

use crate::options::KEYS;

/// The known key that is at most three slips away.
pub fn nearest(key: &str) -> Option<&'static str> {
    let key = key.replace('-', "_").to_lowercase();
    let distances = KEYS.iter().map(|known| (slips(&key, known), *known));
    distances.min().filter(|(slips, _)| *slips <= 3).map(|(_, known)| known)
}

/// Letters to insert, drop or replace to make one text of the other (Levenshtein's distance).
fn slips(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (b, above) in to.iter().zip(row.iter_mut().skip(1)) {
            let cost = (diagonal + usize::from(a != *b)).min(left + 1).min(*above + 1);
            diagonal = *above;
            *above = cost;
            left = cost;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_counted() {
        for (from, to, count) in
            [("", "abc", 3), ("abc", "", 3), ("kitten", "sitting", 3), ("same", "same", 0)]
        {
            assert_eq!(slips(from, to), count, "{from} {to}");
        }
    }
}
