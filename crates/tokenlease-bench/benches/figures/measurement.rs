//! A benchmark and its result: tokenlease, the baseline and their ratio.

use std::{fmt::Write as _, hint::black_box, time::Instant};

use serde_json::{Map, Value, json};

/// A benchmark: its name, and the explanation that is printed with its result.
#[derive(Clone, Copy)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) unit: &'static str,
    /// The measured operation of tokenlease.
    pub(crate) measures: &'static str,
    /// The operation that it is compared with.
    pub(crate) baseline: &'static str,
}

/// The benchmarks that the command line selects.
pub(crate) struct Selection(Vec<String>);

impl Selection {
    /// Selects the benchmarks whose names start with one of `names`, or all if there are none.
    pub(crate) fn new(names: impl Iterator<Item = String>) -> Self {
        Self(names.collect())
    }

    pub(crate) fn includes(&self, case: Case) -> bool {
        self.0.is_empty() || self.0.iter().any(|start| case.name.starts_with(start.as_str()))
    }
}

/// The result of one benchmark.
pub(crate) struct Measurement {
    pub(crate) case: Case,
    /// The ratio to reach; `None` if the ratio is only reported.
    goal: Option<f64>,
    higher_is_better: bool,
    /// The values of all turns, sorted.
    tokenlease: Vec<f64>,
    baseline: Vec<f64>,
    ratio: Vec<f64>,
}

impl Measurement {
    /// Measures tokenlease and the baseline alternately. Both closures return one value in the
    /// case's unit.
    pub(crate) fn take(
        case: Case,
        turns: usize,
        mut tokenlease: impl FnMut() -> f64,
        mut baseline: impl FnMut() -> f64,
    ) -> Self {
        // The first turn warms up.
        tokenlease();
        baseline();
        let pairs: Vec<_> = (0..turns)
            .map(|turn| {
                // The order changes each turn, so that neither side always runs second.
                if turn % 2 == 0 {
                    let tokenlease = tokenlease();
                    (tokenlease, baseline())
                } else {
                    let baseline = baseline();
                    (tokenlease(), baseline)
                }
            })
            .collect();
        Self::from_pairs(case, &pairs)
    }

    /// Takes pairs of values, of tokenlease and the baseline, that another program measured.
    pub(crate) fn from_pairs(case: Case, pairs: &[(f64, f64)]) -> Self {
        Self {
            case,
            goal: None,
            higher_is_better: false,
            tokenlease: sorted(pairs.iter().map(|pair| pair.0)),
            baseline: sorted(pairs.iter().map(|pair| pair.1)),
            ratio: sorted(pairs.iter().map(|pair| pair.0 / pair.1)),
        }
    }

    /// Sets the goal that the ratio is at most this.
    pub(crate) fn at_most(self, goal: f64) -> Self {
        Self { goal: Some(goal), ..self }
    }

    /// Sets the goal that the ratio is at least this.
    pub(crate) fn at_least(self, goal: f64) -> Self {
        Self { goal: Some(goal), higher_is_better: true, ..self }
    }

    fn ratio(&self) -> f64 {
        quantile(&self.ratio, 0.5)
    }

    /// Returns whether the ratio reaches its goal, if it has one.
    pub(crate) fn meets_goal(&self) -> bool {
        self.goal.is_none_or(|goal| {
            if self.higher_is_better { self.ratio() >= goal } else { self.ratio() <= goal }
        })
    }
}

/// Returns the nanoseconds per call, over that many calls.
pub(crate) fn nanoseconds<R>(calls: u32, mut call: impl FnMut() -> R) -> f64 {
    let start = Instant::now();
    for _ in 0..calls {
        black_box(call());
    }
    start.elapsed().as_secs_f64() * 1e9 / f64::from(calls)
}

pub(crate) fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}

pub(crate) fn quantile(sorted: &[f64], share: f64) -> f64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "an index into a few turns"
    )]
    let at = (share * (sorted.len() - 1) as f64).round() as usize;
    sorted[at]
}

/// Formats all results as one object.
pub(crate) fn json(measurements: &[Measurement]) -> Value {
    let rows = measurements.iter().map(|result| {
        let ratio = |share| round(quantile(&result.ratio, share));
        let row = json!({
            "tokenlease": round(quantile(&result.tokenlease, 0.5)),
            "baseline": round(quantile(&result.baseline, 0.5)),
            "ratio": round(result.ratio()),
            "quartiles": [ratio(0.25), ratio(0.75)],
            "goal": result.goal,
            "higher_is_better": result.higher_is_better,
            "unit": result.case.unit,
            "measures": result.case.measures,
            "compared_with": result.case.baseline,
        });
        (result.case.name.to_owned(), row)
    });
    Value::Object(rows.collect::<Map<_, _>>())
}

/// Formats all results and their explanations as two tables in Markdown.
pub(crate) fn tables(measurements: &[Measurement]) -> String {
    let mut text = "| benchmark | tokenlease | baseline | ratio (quartiles) | goal | |\n\
                    | --- | ---: | ---: | --- | --- | --- |\n"
        .to_owned();
    for result in measurements {
        let goal = match result.goal {
            Some(goal) if result.higher_is_better => format!("≥ {goal}"),
            Some(goal) => format!("≤ {goal}"),
            None => String::new(),
        };
        let missed = if result.meets_goal() { "" } else { "missed" };
        let _ = writeln!(
            text,
            "| {} | {} {unit} | {} {unit} | {:.3} ({:.3} to {:.3}) | {goal} | {missed} |",
            result.case.name,
            round(quantile(&result.tokenlease, 0.5)),
            round(quantile(&result.baseline, 0.5)),
            result.ratio(),
            quantile(&result.ratio, 0.25),
            quantile(&result.ratio, 0.75),
            unit = result.case.unit,
        );
    }
    text.push_str("\n| benchmark | measures | compared with |\n| --- | --- | --- |\n");
    for Measurement { case, .. } in measurements {
        let _ = writeln!(text, "| {} | {} | {} |", case.name, case.measures, case.baseline);
    }
    text
}

/// Rounds to four significant digits.
fn round(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    let scale = 10_f64.powf(3.0 - value.abs().log10().floor());
    (value * scale).round() / scale
}
