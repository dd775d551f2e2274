//! Counters in the text format of `OpenMetrics` 1.0.

use std::fmt::Write as _;

use tokenlease_core::record::HistoryCause;

use super::{Count, Counter};

/// Returns the text of counts that are in the order of their counters.
pub(super) fn of(counts: &[Count]) -> String {
    text(counts.iter().map(|count| ("", *count)))
}

/// Returns the text of the counts of profiles, with the label `profile`.
pub(super) fn of_profiles(profiles: &[(&str, Vec<Count>)]) -> String {
    let label = |name: &str| {
        let name = name.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        format!("profile=\"{name}\",")
    };
    let labels: Vec<_> = profiles.iter().map(|(name, _)| label(name)).collect();
    let mut counts: Vec<_> = profiles
        .iter()
        .zip(&labels)
        .flat_map(|((_, counts), label)| counts.iter().map(|count| (label.as_str(), *count)))
        .collect();
    counts.sort_by_key(|(label, count)| (count.counter, *label));
    text(counts)
}

/// Returns the text of counts with their first labels.
fn text<'a>(counts: impl IntoIterator<Item = (&'a str, Count)>) -> String {
    let mut text = String::new();
    let mut last = None;
    for (first, count) in counts {
        let name = count.counter.as_str();
        if last != Some(count.counter) {
            let help = help(count.counter);
            let _ =
                writeln!(text, "# TYPE tokenlease_{name} counter\n# HELP tokenlease_{name} {help}");
            last = Some(count.counter);
        }
        let label = |name: &str, value: Option<&'static str>| {
            value.map_or_else(String::new, |value| format!(",{name}=\"{value}\""))
        };
        // These names need no escapes.
        let _ = writeln!(
            text,
            "tokenlease_{name}_total{{{first}provider=\"{}\"{}{}}} {}",
            count.provider.as_str(),
            label("cause", count.cause.map(HistoryCause::as_str)),
            label("result", count.result),
            count.count
        );
    }
    text
}

fn help(counter: Counter) -> &'static str {
    match counter {
        Counter::Logins => "Login requests sent, by cause.",
        Counter::Refetches => "Refetch requests sent, by cause.",
        Counter::Validations => "Validations, by result.",
        Counter::Revocations => "Revocation requests sent.",
        Counter::Rejections => "Rejected tokens and credentials, by cause.",
        Counter::CacheHitsSampled => "Clock ticks in which a cached token was served.",
        Counter::CacheMisses => "Callers that found no fresh token in the cache.",
        Counter::StoreCalls => "Calls to the store.",
        Counter::Errors => "Callers that got an error.",
    }
}

#[cfg(test)]
mod tests {
    use tokenlease_core::identity::Provider;

    use super::*;

    #[test]
    fn a_family_has_its_type_once_and_a_sample_for_each_cause() {
        let count = |counter, cause, result| Count {
            counter,
            provider: Provider::Wyn,
            cause,
            result,
            count: 2,
        };
        let text = of(&[
            count(Counter::Logins, Some(HistoryCause::First), None),
            count(Counter::Logins, Some(HistoryCause::Expired), None),
            count(Counter::Validations, None, Some("active")),
            count(Counter::Errors, None, None),
        ]);
        assert_eq!(
            text,
            "# TYPE tokenlease_logins counter\n\
             # HELP tokenlease_logins Login requests sent, by cause.\n\
             tokenlease_logins_total{provider=\"wyn\",cause=\"first\"} 2\n\
             tokenlease_logins_total{provider=\"wyn\",cause=\"expired\"} 2\n\
             # TYPE tokenlease_validations counter\n\
             # HELP tokenlease_validations Validations, by result.\n\
             tokenlease_validations_total{provider=\"wyn\",result=\"active\"} 2\n\
             # TYPE tokenlease_errors counter\n\
             # HELP tokenlease_errors Callers that got an error.\n\
             tokenlease_errors_total{provider=\"wyn\"} 2\n"
        );
        assert_eq!(of(&[]), "");
    }

    #[test]
    fn the_counts_of_profiles_are_grouped_by_counter() {
        let count = |counter, count| {
            let (provider, cause, result) = (Provider::Winkas, None, None);
            Count { counter, provider, cause, result, count }
        };
        let counts = vec![count(Counter::Revocations, 1), count(Counter::Errors, 2)];
        let text = of_profiles(&[("b", counts.clone()), ("a\"\\", counts)]);
        let lines: Vec<_> = text.lines().filter(|line| !line.starts_with("# HELP")).collect();
        assert_eq!(
            lines,
            [
                "# TYPE tokenlease_revocations counter",
                r#"tokenlease_revocations_total{profile="a\"\\",provider="winkas"} 1"#,
                r#"tokenlease_revocations_total{profile="b",provider="winkas"} 1"#,
                "# TYPE tokenlease_errors counter",
                r#"tokenlease_errors_total{profile="a\"\\",provider="winkas"} 2"#,
                r#"tokenlease_errors_total{profile="b",provider="winkas"} 2"#,
            ]
        );
    }
}
