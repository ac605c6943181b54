//! Whether what is recommended is news, after what was recommended before.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::choice::{Candidate, Scale};
use crate::limits::Meets;
use crate::memory::MemoryMb;
use crate::outcome::{Outcome, Size, Status};
use crate::statistics::six_digits;

/// Another size than before is recommended.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Moved {
    pub from: MemoryMb,
    pub to: MemoryMb,
    /// By how much the one is better than the other, in what the strategy wants, both as they are measured now. Where the
    /// one before is not measured any more, as it was then; none where that cannot be compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<f64>,
    /// Why the one before is out of the question, however good it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<Because>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monthly_saving: Option<f64>,
    /// What people are told of it, where it is worth telling.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub news: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Because {
    /// It could not be measured.
    Fails,
    /// It does not keep to the limits of the input, and the other one does.
    BreaksLimits,
}

impl Moved {
    /// None where the same size is recommended, or where the two are not about the same.
    #[must_use]
    pub fn between(last: &Outcome, now: &Outcome) -> Option<Self> {
        let is_about_the_same = last.function == now.function && last.strategy == now.strategy;
        if !is_about_the_same || last.power == now.power {
            return None;
        }
        let of_last = now
            .sizes
            .iter()
            .chain(&now.baseline)
            .find(|size| size.memory == last.power);
        let meets = |memory: MemoryMb| {
            let size = now.sizes.iter().find(|size| size.memory == memory);
            size.and_then(|size| size.meets_constraint)
        };
        let because = if of_last.is_some_and(|size| size.status == Status::Failed) {
            Some(Because::Fails)
        } else if meets(last.power) == Some(Meets::No) && meets(now.power) == Some(Meets::Yes) {
            Some(Because::BreaksLimits)
        } else {
            None
        };
        let before = match of_last {
            Some(size) => size.candidate(),
            None => (last.currency == now.currency).then_some(Candidate {
                memory: last.power,
                cost: last.cost,
                duration_ms: last.duration,
            }),
        };
        Some(Self {
            from: last.power,
            to: now.power,
            percent: before.and_then(|before| improvement(now, before)),
            because,
            monthly_saving: saving(now, last.power),
            news: None,
        })
    }

    /// Whether people want to hear of it: it is better by more than so much, or the one before is out of the question.
    #[must_use]
    pub fn is_news(&self, above_percent: f64) -> bool {
        self.because.is_some() || self.percent.is_some_and(|percent| percent > above_percent)
    }

    /// What to tell them.
    #[must_use]
    pub fn in_words(&self, now: &Outcome, execution: &str, report: Option<&str>) -> String {
        let Self { from, to, .. } = self;
        let mut text = format!(
            "The power tuner recommends {to} for {}, instead of {from} as before.\n\n",
            now.function
        );
        match (self.because, self.percent) {
            (Some(Because::Fails), _) => {
                let _ = writeln!(text, "{from} could not be measured any more.");
            }
            (Some(Because::BreaksLimits), _) => {
                let _ = writeln!(text, "{from} does not keep to the limits any more.");
            }
            (None, Some(percent)) => {
                let _ = writeln!(
                    text,
                    "By the strategy `{}`, {to} is better by {percent:.1} %.",
                    now.strategy
                );
            }
            (None, None) => {}
        }
        let _ = writeln!(
            text,
            "At {to} a call takes {:.1} ms and costs {} {}.",
            now.duration,
            six_digits(now.cost),
            now.currency
        );
        if let Some(saving) = self.monthly_saving {
            let (verb, amount) = if saving < 0.0 {
                ("costs", -saving)
            } else {
                ("saves", saving)
            };
            let _ = writeln!(
                text,
                "Against {from} that {verb} {amount:.2} {} a month.",
                now.currency
            );
        }
        match (&now.optimization, now.current_memory) {
            (Some(applied), _) if applied.applied => {
                let _ = writeln!(text, "The function has {} now.", applied.to);
            }
            (_, Some(current)) => {
                let _ = writeln!(text, "The function has {current}, and was left as it is.");
            }
            (_, None) => {}
        }
        if let Some(report) = report {
            let _ = write!(text, "\nReport: {report}");
        }
        let _ = writeln!(text, "\nExecution: {execution}");
        text
    }
}

/// Of the new best over this one, in percent.
fn improvement(now: &Outcome, before: Candidate) -> Option<f64> {
    let strategy = now.aim()?;
    let measured = now.sizes.iter().filter_map(Size::candidate);
    let all: Vec<Candidate> = measured.chain([before]).collect();
    let scale = Scale::of(&all);
    let from = scale.value(strategy, before.cost, before.duration_ms);
    let to = scale.value(strategy, now.cost, now.duration);
    (from > 0.0).then(|| six_digits((from - to) / from * 100.0))
}

fn saving(now: &Outcome, from: MemoryMb) -> Option<f64> {
    let mut sizes = now.sizes.iter().chain(&now.baseline);
    let before = sizes.find(|size| size.memory == from)?.monthly_cost?;
    let saving = before.saving(&now.monthly.as_ref()?.best.cost)?;
    Some(six_digits(saving))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop, prop_assert, prop_assert_eq, proptest};

    use super::*;
    use crate::outcome::tests::outcome_of;

    fn mb(mb: u32) -> MemoryMb {
        MemoryMb::try_from(mb).expect("a valid size")
    }

    const SIZES: &[(u32, f64, f64)] = &[(128, 4.0, 400.0), (256, 3.0, 200.0), (512, 2.0, 150.0)];

    fn moved(strategy: &str, from: u32, to: u32) -> Option<Moved> {
        let last = outcome_of(strategy, SIZES, from);
        Moved::between(&last, &outcome_of(strategy, SIZES, to))
    }

    #[test]
    fn the_same_size_has_not_moved() {
        assert_eq!(moved("cost", 512, 512), None);
    }

    #[test]
    fn another_size_is_judged_by_what_the_strategy_wants() {
        for (strategy, from, to, percent) in [
            ("cost", 128, 512, 50.0),
            ("speed", 256, 512, 25.0),
            // Half of the share of the cost, and half of that of the duration.
            ("balanced", 128, 512, 56.25),
            ("cost", 512, 256, -50.0),
        ] {
            let moved = moved(strategy, from, to).expect("another size");
            assert_eq!((moved.from, moved.to), (mb(from), mb(to)));
            assert_eq!(moved.percent, Some(percent), "{strategy}");
        }
    }

    #[test]
    fn only_more_than_the_threshold_is_news() {
        let moved = moved("cost", 128, 512).expect("another size");
        for (above, is_news) in [(0.0, true), (49.9, true), (50.0, false), (60.0, false)] {
            assert_eq!(moved.is_news(above), is_news, "{above}");
        }
        let worse = self::moved("cost", 512, 256).expect("another size");
        assert!(!worse.is_news(0.0), "{worse:?}");
    }

    #[test]
    fn what_was_recommended_is_measured_anew() {
        // It was twice as dear as it is now.
        let last = outcome_of("cost", &[(256, 6.0, 200.0)], 256);
        let now = outcome_of("cost", SIZES, 512);
        let moved = Moved::between(&last, &now).expect("another size");
        assert_eq!(moved.percent, Some(33.3333));
        // It is not measured any more.
        let last = outcome_of("cost", &[(1024, 8.0, 200.0)], 1024);
        let moved = Moved::between(&last, &now).expect("another size");
        assert_eq!(moved.percent, Some(75.0));
        let elsewhere = Outcome {
            currency: "CNY".to_owned(),
            ..last
        };
        let moved = Moved::between(&elsewhere, &now).expect("another size");
        assert_eq!(moved.percent, None);
        assert!(!moved.is_news(0.0));
    }

    #[test]
    fn the_current_size_beside_the_others_is_a_measurement_too() {
        let last = outcome_of("cost", &[(1024, 1.0, 200.0)], 1024);
        let mut now = outcome_of("cost", SIZES, 512);
        let beside = outcome_of("cost", &[(1024, 4.0, 100.0)], 1024);
        now.baseline = beside.sizes.into_iter().next();
        let moved = Moved::between(&last, &now).expect("another size");
        assert_eq!(moved.percent, Some(50.0));
    }

    #[test]
    fn a_size_that_fails_now_is_news_whatever_the_threshold_is() {
        let last = outcome_of("cost", SIZES, 128);
        let mut now = outcome_of("cost", SIZES, 512);
        now.sizes[0].status = Status::Failed;
        (now.sizes[0].average_cost, now.sizes[0].average_duration_ms) = (None, None);
        let moved = Moved::between(&last, &now).expect("another size");
        assert_eq!((moved.percent, moved.because), (None, Some(Because::Fails)));
        assert!(moved.is_news(100.0));
    }

    #[test]
    fn a_size_that_breaks_the_limits_now_is_news_whatever_the_threshold_is() {
        let last = outcome_of("cost", SIZES, 512);
        let mut now = outcome_of("cost", SIZES, 256);
        now.sizes[2].meets_constraint = Some(Meets::No);
        for (of_best, is_news) in [(Meets::Yes, true), (Meets::No, false)] {
            now.sizes[1].meets_constraint = Some(of_best);
            let moved = Moved::between(&last, &now).expect("another size");
            assert_eq!(moved.is_news(0.0), is_news, "{of_best:?}");
        }
    }

    #[test]
    fn outcomes_of_something_else_are_not_compared() {
        let now = outcome_of("cost", SIZES, 512);
        let other = Outcome {
            function: "arn:aws:lambda:us-east-1:123456789012:function:g".to_owned(),
            ..outcome_of("cost", SIZES, 128)
        };
        assert_eq!(Moved::between(&other, &now), None);
        assert_eq!(Moved::between(&outcome_of("speed", SIZES, 128), &now), None);
    }

    #[test]
    fn people_are_told_what_it_is_about() {
        let last = outcome_of("cost", SIZES, 128);
        let now = Outcome {
            current_memory: Some(mb(128)),
            ..outcome_of("cost", SIZES, 512)
        };
        let moved = Moved {
            monthly_saving: Some(12.345),
            ..Moved::between(&last, &now).expect("another size")
        };
        let text = moved.in_words(&now, "arn:execution", Some("s3://bucket/f.html"));
        assert_eq!(
            text,
            "The power tuner recommends 512 MB for arn:aws:lambda:us-east-1:123456789012:function:f, instead of 128 MB as \
             before.\n\nBy the strategy `cost`, 512 MB is better by 50.0 %.\nAt 512 MB a call takes 150.0 ms and costs 2 \
             USD.\nAgainst 128 MB that saves 12.35 USD a month.\nThe function has 128 MB, and was left as it is.\n\nReport: \
             s3://bucket/f.html\nExecution: arn:execution\n"
        );
    }

    proptest! {
        /// Whoever moves there and back again is told once at the most.
        #[test]
        fn a_move_and_its_opposite_are_not_both_news(
            sizes in prop::collection::vec((1e-9..1e-3, 1.0..1e6), 2..8),
            strategy in prop::sample::select(vec!["cost", "speed", "balanced"]),
            above in 0.0..50.0,
        ) {
            let sizes: Vec<(u32, f64, f64)> = sizes
                .into_iter()
                .zip(1u32..)
                .map(|((cost, ms), place)| (128 * place, cost, ms))
                .collect();
            let (one, other) = (outcome_of(strategy, &sizes, 128), outcome_of(strategy, &sizes, 256));
            let there = Moved::between(&one, &other).expect("another size");
            let back = Moved::between(&other, &one).expect("another size");
            prop_assert!(!(there.is_news(above) && back.is_news(above)));
            prop_assert_eq!(there.percent.is_some(), back.percent.is_some());
        }
    }
}
