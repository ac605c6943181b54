//! Two outcomes side by side: before and after a change of code, arm64 and `x86_64`.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde::Serialize;

use crate::facts::{Facts, Measured, Row};
use crate::markdown::escaped;
use crate::numbers::{change, fixed, memory, of_column};
use crate::table::{Column, Paint, drawn, fitting, wrapped};
use crate::text::plain;
use crate::{Format, Look, NotShown};

/// What both say, from the first to the second.
#[derive(Serialize)]
struct Comparison {
    a: Side,
    b: Side,
    /// Of the chosen sizes.
    #[serde(skip_serializing_if = "Option::is_none")]
    best: Option<Differences>,
    sizes: Vec<Pair>,
    #[serde(skip)]
    currencies_differ: bool,
}

#[derive(Serialize)]
struct Side {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    function: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    architecture: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    strategy: Option<String>,
    currency: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    power: Option<u32>,
    /// What that size is called.
    #[serde(skip)]
    chosen: &'static str,
    #[serde(skip)]
    short_name: String,
    #[serde(skip)]
    place: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Pair {
    memory: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    a: Option<Shown>,
    #[serde(skip_serializing_if = "Option::is_none")]
    b: Option<Shown>,
    #[serde(flatten)]
    differences: Differences,
}

#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    status: &'static str,
    best: bool,
    #[serde(skip)]
    sign: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cost: Option<f64>,
}

#[derive(Clone, Copy, Default, Serialize)]
struct Differences {
    #[serde(skip_serializing_if = "Option::is_none")]
    duration: Option<Difference>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cost: Option<Difference>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Difference {
    percent: f64,
    /// With 95 % confidence; none where one of them has no interval.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub more_than_chance: Option<bool>,
}

/// What a change reads as that is none.
const NOTHING: &str = "0 %";

pub(crate) fn show(
    a: &Facts,
    b: &Facts,
    names: [&str; 2],
    format: Format,
    look: Look,
) -> Result<String, NotShown> {
    let names = names.map(plain);
    for (facts, name) in [(a, &names[0]), (b, &names[1])] {
        if facts.measured().next().is_none() {
            return Err(NotShown::NothingMeasured(format!("`{name}`")));
        }
    }
    let compared = compared(a, b, names);
    match format {
        Format::Table => Ok(table(&compared, look)),
        Format::Markdown => Ok(markdown(&compared)),
        Format::Json => Ok(serde_json::to_string_pretty(&compared)? + "\n"),
        Format::Csv | Format::Html | Format::Svg => Err(NotShown::NoComparison(format)),
    }
}

fn compared(a: &Facts, b: &Facts, [name_a, name_b]: [String; 2]) -> Comparison {
    let sizes: BTreeSet<u32> = a.rows.iter().chain(&b.rows).map(|row| row.mb).collect();
    let currencies_differ = a.currency != b.currency;
    let differences = |one: Option<&Row>, other: Option<&Row>| {
        let both = one
            .and_then(Row::measured)
            .zip(other.and_then(Row::measured));
        both.map(|(one, other)| {
            let differences = Differences::of(one, other);
            Differences {
                cost: differences.cost.filter(|_| !currencies_differ),
                ..differences
            }
        })
    };
    Comparison {
        best: differences(a.row(a.best), b.row(b.best)),
        sizes: sizes
            .into_iter()
            .map(|mb| {
                let (one, other) = (a.row(Some(mb)), b.row(Some(mb)));
                Pair {
                    memory: mb,
                    a: one.map(|row| Shown::of(row, a)),
                    b: other.map(|row| Shown::of(row, b)),
                    differences: differences(one, other).unwrap_or_default(),
                }
            })
            .collect(),
        a: Side::of(a, name_a),
        b: Side::of(b, name_b),
        currencies_differ,
    }
}

impl Side {
    fn of(facts: &Facts, name: String) -> Self {
        Self {
            name,
            function: facts.function.clone(),
            architecture: facts.architecture.clone(),
            strategy: facts.strategy.clone(),
            currency: facts.currency.clone(),
            power: facts.best,
            chosen: facts.chosen(),
            short_name: facts.name.clone(),
            place: facts.region.clone(),
        }
    }

    /// `A is before: orders-api, arm64; 128 MB is the best.` Of two functions the places are said, too.
    fn said(&self, letter: &str, is_one_function: bool) -> String {
        let name = self.function.as_ref().map(|_| &self.short_name);
        let place = self.place.as_ref().filter(|_| !is_one_function);
        let of: Vec<&str> = [name, place, self.architecture.as_ref()]
            .into_iter()
            .flatten()
            .map(String::as_str)
            .collect();
        let best = self.power.map(memory).unwrap_or_default();
        let best = format!("{best} is the {}", self.chosen);
        let all = [of.join(", "), best];
        let said: Vec<&str> = all
            .iter()
            .map(String::as_str)
            .filter(|part| !part.is_empty())
            .collect();
        format!("{letter} is {}: {}.", self.name, said.join("; "))
    }
}

impl Shown {
    fn of(row: &Row, facts: &Facts) -> Self {
        let measured = row.measured();
        Self {
            status: if measured.is_some() {
                "measured"
            } else {
                "failed"
            },
            best: row.is_best(),
            sign: if row.is_best() {
                facts.chosen_sign()
            } else {
                ""
            },
            duration_ms: measured.map(|of| of.ms),
            cost: measured.map(|of| of.cost),
        }
    }
}

impl Differences {
    fn of(a: &Measured, b: &Measured) -> Self {
        Self {
            duration: Difference::of((a.ms, a.ms_interval), (b.ms, b.ms_interval)),
            cost: Difference::of((a.cost, a.cost_interval), (b.cost, b.cost_interval)),
        }
    }
}

impl Difference {
    /// The interval of a difference of two means of which each has an interval of its own is that of Zou & Donner (2008), as
    /// in `power_tuner_core::improvement`. It is more than chance where that does not hold zero.
    pub(crate) fn of(
        (a, a_interval): (f64, Option<[f64; 2]>),
        (b, b_interval): (f64, Option<[f64; 2]>),
    ) -> Option<Self> {
        if a <= 0.0 {
            return None;
        }
        let surely = |[a_low, a_high]: [f64; 2], [b_low, b_high]: [f64; 2]| {
            let low = b - a - (b - b_low).hypot(a_high - a);
            let high = b - a + (b_high - b).hypot(a - a_low);
            low > 0.0 || high < 0.0
        };
        Some(Self {
            percent: (b / a - 1.0) * 100.0,
            more_than_chance: a_interval.zip(b_interval).map(|(a, b)| surely(a, b)),
        })
    }

    /// `−12 %`, with `~` where it may be chance.
    fn shown(&self) -> String {
        let by = change(self.percent);
        match self.more_than_chance {
            Some(false) if by != NOTHING => format!("~ {by}"),
            _ => by,
        }
    }

    /// `duration −12 % (more than chance)`, `duration about the same`.
    fn said(&self, what: &str) -> String {
        let by = change(self.percent);
        if by == NOTHING {
            return format!("{what} about the same");
        }
        let sure = match self.more_than_chance {
            Some(true) => "more than chance",
            Some(false) => "which may be chance",
            None => "with no intervals to tell it from chance",
        };
        format!("{what} {by} ({sure})")
    }
}

impl Comparison {
    fn decimals(&self) -> (usize, usize) {
        let all = || {
            self.sizes
                .iter()
                .flat_map(|pair| [&pair.a, &pair.b])
                .flatten()
        };
        (
            of_column(all().filter_map(|shown| shown.duration_ms), 0, 2),
            of_column(
                all().filter_map(|shown| shown.cost).map(|cost| cost * 1e6),
                2,
                4,
            ),
        )
    }

    fn duration(&self, shown: Option<&Shown>) -> String {
        let (places, _) = self.decimals();
        match shown {
            None => String::new(),
            Some(Shown {
                duration_ms: None, ..
            }) => "failed".to_owned(),
            Some(Shown {
                duration_ms: Some(ms),
                sign,
                ..
            }) => format!("{sign} {} ms", fixed(*ms, places))
                .trim_start()
                .to_owned(),
        }
    }

    fn cost(&self, shown: Option<&Shown>) -> String {
        let (_, places) = self.decimals();
        let cost = shown.and_then(|shown| shown.cost);
        cost.map(|cost| fixed(cost * 1e6, places))
            .unwrap_or_default()
    }

    /// What to read out of it.
    fn lines(&self) -> Vec<String> {
        let is_one_function = self.a.function == self.b.function;
        let mut lines: Vec<String> = [("A", &self.a), ("B", &self.b)]
            .into_iter()
            .map(|(letter, side)| side.said(letter, is_one_function))
            .collect();
        let are_best = [&self.a, &self.b].iter().all(|side| side.chosen == "best");
        if let Some(best) = self.best.as_ref().filter(|_| are_best) {
            let both: Vec<String> = [(best.duration, "duration"), (best.cost, "cost")]
                .into_iter()
                .filter_map(|(of, what)| Some(of?.said(what)))
                .collect();
            if !both.is_empty() {
                lines.push(format!(
                    "At the best size of each, from A to B: {}.",
                    both.join(", ")
                ));
            }
        }
        if self.a.strategy != self.b.strategy
            && self.a.strategy.is_some()
            && self.b.strategy.is_some()
        {
            lines.push("They were tuned with different strategies.".to_owned());
        }
        if self.currencies_differ {
            lines.push("Their currencies differ, so that costs are not compared.".to_owned());
        }
        let may_be_chance =
            |of: &Option<Difference>| of.is_some_and(|of| of.shown().starts_with('~'));
        let mut all = self
            .sizes
            .iter()
            .flat_map(|pair| [&pair.differences.duration, &pair.differences.cost]);
        if all.any(may_be_chance) {
            lines.push("~: the difference may be chance, at 95 % confidence.".to_owned());
        }
        lines
    }
}

fn table(compared: &Comparison, look: Look) -> String {
    let column = |header: String, cell: &dyn Fn(&Pair) -> String| {
        Column::new(header, compared.sizes.iter().map(cell).collect())
    };
    let differs = |of: Option<Difference>| of.map(|of| of.shown()).unwrap_or_default();
    let currency = &compared.a.currency;
    let sizes = column("Memory".to_owned(), &|pair| memory(pair.memory));
    let time = column("Duration A→B".to_owned(), &|pair| {
        differs(pair.differences.duration)
    });
    let cost = column("Cost A→B".to_owned(), &|pair| {
        differs(pair.differences.cost)
    });
    let a = column("A".to_owned(), &|pair| compared.duration(pair.a.as_ref()));
    let b = column("B".to_owned(), &|pair| compared.duration(pair.b.as_ref()));
    let a_cost = column(format!("A {currency}/1M"), &|pair| {
        compared.cost(pair.a.as_ref())
    });
    let b_cost = column(format!("B {}/1M", compared.b.currency), &|pair| {
        compared.cost(pair.b.as_ref())
    });
    // At a narrow terminal the differences are what it is about.
    let wide = [&sizes, &a, &b, &time, &a_cost, &b_cost, &cost]
        .iter()
        .map(|column| column.width())
        .sum::<usize>()
        <= look.width;
    let columns = if wide {
        vec![sizes, a, b, time, a_cost, b_cost, cost]
    } else {
        fitting(vec![sizes, time, cost], vec![a, b], look.width)
    };
    let paint = Paint(look.color);
    let mut lines: Vec<String> = drawn(&columns);
    if let Some(header) = lines.first_mut() {
        *header = paint.with("\u{1b}[2m", header);
    }
    lines.push(String::new());
    for line in compared.lines() {
        lines.extend(wrapped(&line, "  ", look.width));
    }
    lines.join("\n") + "\n"
}

fn markdown(compared: &Comparison) -> String {
    let mut text = format!(
        "### {} and {}\n\n| Memory | A | B | Duration A→B | A, {} for 1M calls | B, {} for 1M calls | Cost A→B |\n| ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n",
        escaped(&compared.a.name),
        escaped(&compared.b.name),
        escaped(&compared.a.currency),
        escaped(&compared.b.currency)
    );
    let differs = |of: Option<Difference>| of.map(|of| escaped(&of.shown())).unwrap_or_default();
    for pair in &compared.sizes {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} | {} |",
            memory(pair.memory),
            compared.duration(pair.a.as_ref()),
            compared.duration(pair.b.as_ref()),
            differs(pair.differences.duration),
            compared.cost(pair.a.as_ref()),
            compared.cost(pair.b.as_ref()),
            differs(pair.differences.cost)
        );
    }
    text.push('\n');
    for line in compared.lines() {
        let _ = writeln!(text, "- {}", escaped(&line));
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::read;

    #[test]
    fn a_difference_is_more_than_chance_where_its_interval_does_not_hold_zero() {
        let of = |a, b| Difference::of(a, b).expect("something to compare with");
        let cases = [
            // Apart by far.
            ((100.0, [99.0, 101.0]), (110.0, [109.0, 111.0]), 10.0, true),
            ((110.0, [109.0, 111.0]), (99.0, [98.0, 100.0]), -10.0, true),
            // 2 apart, and 2.8 by chance.
            ((100.0, [98.0, 102.0]), (102.0, [100.0, 104.0]), 2.0, false),
            // 3 apart: the intervals touch, and the difference is real.
            ((100.0, [98.0, 102.0]), (103.0, [101.0, 105.0]), 3.0, true),
            // What may lie far to the other side does not matter.
            ((100.0, [50.0, 101.0]), (103.0, [102.0, 180.0]), 3.0, true),
            ((100.0, [99.0, 150.0]), (103.0, [102.0, 104.0]), 3.0, false),
            ((100.0, [100.0, 100.0]), (100.0, [100.0, 100.0]), 0.0, false),
        ];
        for ((a, a_ends), (b, b_ends), percent, is_more) in cases {
            let found = of((a, Some(a_ends)), (b, Some(b_ends)));
            assert!((found.percent - percent).abs() < 1e-9, "{a} {b}: {found:?}");
            assert_eq!(found.more_than_chance, Some(is_more), "{a} {b}");
        }
        let unknown = of((100.0, None), (50.0, Some([49.0, 51.0])));
        assert_eq!(unknown.more_than_chance, None);
        assert_eq!(Difference::of((0.0, None), (1.0, None)), None);
    }

    #[test]
    fn what_is_the_same_is_not_called_chance() {
        let of = |b| Difference::of((100.0, Some([98.0, 102.0])), (b, Some([b - 3.0, b + 3.0])));
        let said = |b| of(b).map(|of| (of.shown(), of.said("duration")));
        let text = |shown: &str, said: &str| Some((shown.to_owned(), said.to_owned()));
        assert_eq!(said(100.0), text("0 %", "duration about the same"));
        assert_eq!(said(99.98), text("0 %", "duration about the same"));
        assert_eq!(
            said(99.0),
            text("~ −1 %", "duration −1 % (which may be chance)")
        );
        assert_eq!(
            said(200.0),
            text("+100 %", "duration +100 % (more than chance)")
        );
    }

    fn reference(power: u32, duration: f64, link: &str) -> Value {
        json!({
            "power": power, "cost": 1e-6, "duration": duration,
            "stateMachine": {"executionCost": 0, "lambdaCost": 0, "visualization": link},
        })
    }

    const LOOK: Look = Look {
        width: 80,
        color: false,
    };

    #[test]
    fn costs_in_two_currencies_are_not_compared() {
        let report =
            |link: &str| read(&reference(512, 100.0, link).to_string()).expect("an output");
        let (here, there) = (
            report("https://a.example/"),
            report("https://a.example/?currency=CNY"),
        );
        let shown = here
            .compare(&there, ["a", "b"], Format::Json, LOOK)
            .expect("two outcomes");
        let shown: Value = serde_json::from_str(&shown).expect("JSON");
        assert_eq!(shown["sizes"][0].get("cost"), None, "{shown}");
        assert_eq!(shown["sizes"][0]["duration"], json!({"percent": 0.0}));
        let table = here
            .compare(&there, ["a", "b"], Format::Table, LOOK)
            .expect("two outcomes");
        assert!(table.contains("Their currencies differ"), "{table}");
    }

    #[test]
    fn what_cannot_be_compared_says_why() {
        let measured = read(&reference(512, 100.0, "").to_string()).expect("an output");
        let tried = json!({"dryRun": true, "function": "f", "region": "r", "architecture": "arm64", "sizes": []});
        let tried = read(&tried.to_string()).expect("a dry run");
        let refused = |a: &crate::Report, b: &crate::Report, format| {
            let refused = a.compare(b, ["x.json", "y.json"], format, LOOK);
            refused.expect_err("a refusal").to_string()
        };
        assert_eq!(
            refused(&measured, &tried, Format::Table),
            "a comparison needs two outcomes with measured sizes, and `y.json` has none"
        );
        assert_eq!(
            refused(&measured, &measured, Format::Csv),
            "a comparison is shown as `table`, `markdown` or `json`, not as `csv`"
        );
    }
}
