//! The most similar of several names.

/// Returns the name that is most similar to `text`, at most three edits away.
pub(crate) fn nearest_of(text: &str, names: &[&'static str]) -> Option<&'static str> {
    let text = text.replace('-', "_").to_lowercase();
    let distances = names.iter().map(|name| (distance(&text, name), *name));
    distances.min().filter(|(edits, _)| *edits <= 3).map(|(_, name)| name)
}

/// Returns the number of inserted, deleted or replaced letters (Levenshtein distance).
fn distance(from: &str, to: &str) -> usize {
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
    fn the_edit_distance_counts_letters() {
        for (from, to, count) in
            [("", "abc", 3), ("abc", "", 3), ("kitten", "sitting", 3), ("same", "same", 0)]
        {
            assert_eq!(distance(from, to), count, "{from} {to}");
        }
    }
}
