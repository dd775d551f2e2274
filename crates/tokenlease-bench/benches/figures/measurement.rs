//! A figure: ours, the limit, their ratio.

use std::{fmt::Write as _, hint::black_box, time::Instant};

use serde_json::{Map, Value, json};

/// Which figures are asked for.
pub(crate) struct Wanted(Vec<String>);

impl Wanted {
    pub(crate) fn of(names: impl Iterator<Item = String>) -> Self {
        Self(names.collect())
    }

    /// Whether the figure of that name is asked for.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.is_empty() || self.0.iter().any(|start| name.starts_with(start.as_str()))
    }
}

/// One figure.
pub(crate) struct Figure {
    pub(crate) name: &'static str,
    pub(crate) unit: &'static str,
    /// The ratio to keep to; `None`: it is only told.
    pub(crate) goal: Option<f64>,
    pub(crate) higher_is_better: bool,
    ours: Vec<f64>,
    limit: Vec<f64>,
    ratio: Vec<f64>,
}

impl Figure {
    /// Takes that many turns of ours and the limit, which each return what they measured.
    pub(crate) fn measure(
        name: &'static str,
        unit: &'static str,
        turns: usize,
        mut ours: impl FnMut() -> f64,
        mut limit: impl FnMut() -> f64,
    ) -> Self {
        // The first turn warms up.
        ours();
        limit();
        let pairs: Vec<_> = (0..turns)
            .map(|turn| {
                // Neither always comes second.
                if turn % 2 == 0 {
                    let ours = ours();
                    (ours, limit())
                } else {
                    let limit = limit();
                    (ours(), limit)
                }
            })
            .collect();
        Self::of(name, unit, &pairs)
    }

    /// Of pairs that were measured elsewhere: ours and the limit.
    pub(crate) fn of(name: &'static str, unit: &'static str, pairs: &[(f64, f64)]) -> Self {
        Self {
            name,
            unit,
            goal: None,
            higher_is_better: false,
            ours: sorted(pairs.iter().map(|pair| pair.0)),
            limit: sorted(pairs.iter().map(|pair| pair.1)),
            ratio: sorted(pairs.iter().map(|pair| pair.0 / pair.1)),
        }
    }

    pub(crate) fn at_most(self, goal: f64) -> Self {
        Self { goal: Some(goal), ..self }
    }

    pub(crate) fn at_least(self, goal: f64) -> Self {
        Self { goal: Some(goal), higher_is_better: true, ..self }
    }

    fn ratio(&self) -> f64 {
        quantile(&self.ratio, 0.5)
    }

    pub(crate) fn is_met(&self) -> bool {
        self.goal.is_none_or(|goal| {
            if self.higher_is_better { self.ratio() >= goal } else { self.ratio() <= goal }
        })
    }
}

/// Nanoseconds that something takes, over so many loops.
pub(crate) fn nanoseconds<R>(loops: u32, mut once: impl FnMut() -> R) -> f64 {
    let began = Instant::now();
    for _ in 0..loops {
        black_box(once());
    }
    began.elapsed().as_secs_f64() * 1e9 / f64::from(loops)
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}

fn quantile(sorted: &[f64], share: f64) -> f64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "an index into a handful of turns"
    )]
    let at = (share * (sorted.len() - 1) as f64).round() as usize;
    sorted[at]
}

/// All figures as one object.
pub(crate) fn json(figures: &[Figure]) -> Value {
    let rows = figures.iter().map(|figure| {
        let row = json!({
            "ours": round(quantile(&figure.ours, 0.5)),
            "limit": round(quantile(&figure.limit, 0.5)),
            "ratio": round(figure.ratio()),
            "quartiles": [round(quantile(&figure.ratio, 0.25)), round(quantile(&figure.ratio, 0.75))],
            "goal": figure.goal,
            "higher_is_better": figure.higher_is_better,
            "unit": figure.unit,
        });
        (figure.name.to_owned(), row)
    });
    Value::Object(rows.collect::<Map<_, _>>())
}

/// All figures as a table in Markdown.
pub(crate) fn table(figures: &[Figure]) -> String {
    let mut text =
        "| figure | ours | limit | ratio (quartiles) | goal | |\n| --- | ---: | ---: | --- | --- | --- |\n"
            .to_owned();
    for figure in figures {
        let goal = match figure.goal {
            Some(goal) if figure.higher_is_better => format!("≥ {goal}"),
            Some(goal) => format!("≤ {goal}"),
            None => String::new(),
        };
        let mark = if figure.goal.is_some() && !figure.is_met() { "missed" } else { "" };
        let _ = writeln!(
            text,
            "| {} | {} {unit} | {} {unit} | {:.3} ({:.3} to {:.3}) | {goal} | {mark} |",
            figure.name,
            round(quantile(&figure.ours, 0.5)),
            round(quantile(&figure.limit, 0.5)),
            figure.ratio(),
            quantile(&figure.ratio, 0.25),
            quantile(&figure.ratio, 0.75),
            unit = figure.unit,
        );
    }
    text
}

/// Four digits.
fn round(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    let scale = 10_f64.powf(3.0 - value.abs().log10().floor());
    (value * scale).round() / scale
}
