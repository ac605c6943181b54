//! The verdict of a check: whether the current size will do.

use power_tuner_core::gate::{Decision, Doubt, Fault, Verdict};
use serde_json::json;

use crate::facts::Facts;
use crate::numbers::{memory, money, percent};
use crate::text::plain;
use crate::words::{better_by, degrees, least_of};
use crate::{Format, Look, NotShown, Report, markdown};

/// The verdict, and what it is based on beneath. On a page and in a picture there is the report alone.
///
/// # Errors
/// Where the format needs what this outcome does not have.
pub fn show(
    report: &Report,
    verdict: &Verdict,
    format: Format,
    look: Look,
) -> Result<String, NotShown> {
    let strategy = report.outcome().map_or("", |outcome| &outcome.strategy);
    let words = Words::of(verdict, strategy);
    let mut facts = Facts::of(report);
    // Nobody is asked to change what passes, or what is not judged.
    if let Decision::Within | Decision::Inconclusive(_) = verdict.decision
        && let Some(told) = facts.told.take()
    {
        facts.sentence = told;
    }
    let shown = || report.show_facts(&facts, format, look);
    match format {
        Format::Table => {
            let lines = textwrap::wrap(&words.all(), look.width.max(1)).join("\n");
            let text = if look.color {
                format!("{}{lines}{PLAIN}", words.color)
            } else {
                lines
            };
            Ok(format!("{text}\n\n{}", shown()?))
        }
        Format::Markdown => Ok(format!(
            "### {} {}\n\n{}\n\n{}",
            words.mark,
            words.title,
            markdown::escaped(&words.all()),
            shown()?
        )),
        Format::Json => {
            let both = json!({"check": verdict, "outcome": report.source});
            Ok(serde_json::to_string_pretty(&both)? + "\n")
        }
        Format::Csv | Format::Html | Format::Svg => shown(),
    }
}

/// The verdict alone, for where the format has no room for it.
#[must_use]
pub fn words(verdict: &Verdict, strategy: &str) -> String {
    let words = Words::of(verdict, strategy);
    format!("{}: {}", words.title, words.all())
}

const PLAIN: &str = "\u{1b}[0m";

struct Words {
    mark: &'static str,
    /// What a terminal switches to.
    color: &'static str,
    title: &'static str,
    sentence: String,
    advice: Option<&'static str>,
    saving: Option<String>,
}

impl Words {
    fn of(verdict: &Verdict, strategy: &str) -> Self {
        let (mark, color, title) = match verdict.decision {
            Decision::Within => ("✅", "\u{1b}[32m", "The memory is right"),
            Decision::Outside(Fault::NoSizeKeepsToTheLimits) => {
                ("❌", "\u{1b}[31m", "No memory size keeps to the limits")
            }
            Decision::Outside(_) => ("❌", "\u{1b}[31m", "The memory is not right"),
            Decision::Inconclusive(_) => {
                ("⚠️", "\u{1b}[33m", "Not clear whether the memory is right")
            }
        };
        let advice = match &verdict.decision {
            Decision::Inconclusive(doubt) => Some(advice(doubt)),
            Decision::Outside(Fault::NoSizeKeepsToTheLimits) => Some(
                "More calls would not change that: ask for less, give each call less to do, or, where more memory makes the \
                 function faster, try larger sizes.",
            ),
            Decision::Within
            | Decision::Outside(Fault::TooFarFromTheBest | Fault::BreaksTheLimits) => None,
        };
        let saving = verdict.monthly_saving.as_ref();
        // What may be chance, or keeps to no limit, promises nothing.
        let is_clear = !matches!(
            verdict.decision,
            Decision::Inconclusive(_) | Decision::Outside(Fault::NoSizeKeepsToTheLimits)
        );
        let saving = saving.filter(|saving| {
            is_clear && saving.amount > 0.0 && verdict.current != Some(verdict.best)
        });
        Self {
            mark,
            color,
            title,
            sentence: sentence(verdict, strategy),
            advice,
            saving: saving.map(|saving| {
                let amount = money(saving.amount, &plain(&saving.currency));
                format!(
                    "{} would save {amount} a month.",
                    memory(verdict.best.get())
                )
            }),
        }
    }

    fn all(&self) -> String {
        let parts = [
            Some(self.sentence.as_str()),
            self.advice,
            self.saving.as_deref(),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}

fn sentence(verdict: &Verdict, strategy: &str) -> String {
    let Verdict {
        decision,
        best,
        tolerance_percent,
        percent: by,
        ..
    } = verdict;
    let best_memory = memory(best.get());
    let current = match verdict.current {
        Some(current) => format!("{}, the current memory,", memory(current.get())),
        None => "The current memory".to_owned(),
    };
    let [comparative, _] = degrees(strategy);
    let tolerated = percent(*tolerance_percent);
    let better = by.unwrap_or_default();
    match decision {
        Decision::Within if verdict.current == Some(*best) => format!("{current} is the best."),
        Decision::Within if better <= 0.0 => {
            format!("{current} is as good as the best, {best_memory}.")
        }
        Decision::Within => format!(
            "{current} is good enough: {best_memory} is {}, and {tolerated} is tolerated.",
            better_by(better, comparative)
        ),
        Decision::Outside(Fault::TooFarFromTheBest) => {
            let surely = verdict
                .at_least_percent
                .map(|least| format!(" (with 95 % confidence by more than {})", least_of(least)));
            format!(
                "{best_memory} is {}{} than {current} and {tolerated} is tolerated.",
                better_by(better, comparative),
                surely.unwrap_or_default()
            )
        }
        Decision::Outside(Fault::BreaksTheLimits) => {
            format!("{current} does not keep to the limits, and {best_memory} does.")
        }
        Decision::Outside(Fault::NoSizeKeepsToTheLimits) if verdict.current == Some(*best) => {
            format!("{current} does not keep to the limits, and no other measured size does.")
        }
        Decision::Outside(Fault::NoSizeKeepsToTheLimits) => format!(
            "{current} does not keep to the limits, and no other measured size does; {best_memory} comes closest."
        ),
        Decision::Inconclusive(doubt) => match doubt {
            Doubt::CurrentUnknown => {
                "The outcome does not say which memory the function had.".to_owned()
            }
            Doubt::CurrentNotMeasured => format!("{current} was not measured."),
            Doubt::CurrentFailed(reason) => {
                format!(
                    "{current} could not be measured: {}.",
                    plain(reason).trim_end_matches('.')
                )
            }
            Doubt::LimitsNotMet => {
                "No measured size is shown to keep to the limits, so that there is no best one."
                    .to_owned()
            }
            Doubt::UnsureOfTheLimits => {
                format!("{current} may keep to the limits or not; the calls do not show it.")
            }
            Doubt::MayBeChance => format!(
                "{best_memory} looks {} than {current} which may be chance.",
                better_by(better, comparative)
            ),
            Doubt::TooFewSamples => {
                format!("There are too few calls to compare {current} with {best_memory}.")
            }
        },
    }
}

fn advice(doubt: &Doubt) -> &'static str {
    match doubt {
        Doubt::CurrentUnknown => "Tune again with this version of the stack.",
        Doubt::CurrentNotMeasured => "Tune with `baseline`, which measures it beside the others.",
        Doubt::CurrentFailed(_) => "Look at that first; the function may not work as it is.",
        Doubt::LimitsNotMet => "Raise `num` to find out more, try larger sizes, or ask for less.",
        Doubt::UnsureOfTheLimits => "Raise `num` to find out.",
        Doubt::MayBeChance => "Raise `num` to find out, or tolerate as much.",
        Doubt::TooFewSamples => "Raise `num`.",
    }
}

#[cfg(test)]
mod tests {
    use power_tuner_core::MemoryMb;
    use power_tuner_core::gate::{Saving, judge};
    use serde_json::{Value, json};

    use super::*;
    use crate::read;

    fn outcome() -> Value {
        let size = |memory: u32, ms: f64, cost: f64| {
            json!({
                "memory": memory, "status": "measured", "averageDurationMs": ms, "averageCost": cost, "samples": 50,
                "calls": 50, "errors": 0, "coldStarts": 1, "throttles": 0, "unmatched": 0, "slowInits": 0,
                "withoutReport": 0, "withoutAnswer": 0, "cutOff": 0, "maxMemoryUsedMB": 60,
            })
        };
        json!({
            "schemaVersion": 1, "power": 512, "cost": 1e-6, "duration": 100.0, "currency": "USD", "strategy": "cost",
            "stateMachine": {"executionCost": 0.001, "lambdaCost": 0.002}, "reason": "512 MB is the cheapest", "rounds": 1,
            "function": "arn:aws:lambda:us-east-1:123456789012:function:f", "region": "us-east-1", "architecture": "arm64",
            "sizes": [size(512, 100.0, 1e-6), size(1024, 60.0, 1.25e-6)], "currentMemory": 1024,
            "improvement": {"over": 1024, "percent": 20.0, "atLeastPercent": 15.0},
        })
    }

    fn verdict(decision: Decision) -> Verdict {
        let memory = |mb: u32| MemoryMb::try_from(mb).expect("a size");
        Verdict {
            decision,
            current: Some(memory(1024)),
            best: memory(512),
            tolerance_percent: 5.0,
            percent: Some(20.0),
            at_least_percent: Some(15.0),
            monthly_saving: None,
        }
    }

    #[test]
    fn each_verdict_says_why_and_what_to_do() {
        use Decision::{Inconclusive, Outside, Within};
        let same = Verdict {
            current: Some(verdict(Within).best),
            percent: Some(0.0),
            ..verdict(Within)
        };
        let close = Verdict {
            percent: Some(3.0),
            ..verdict(Within)
        };
        let worse = Verdict {
            percent: Some(-1.0),
            ..verdict(Within)
        };
        let saving = Verdict {
            monthly_saving: Some(Saving {
                amount: 12.5,
                currency: "USD".to_owned(),
            }),
            ..verdict(Outside(Fault::TooFarFromTheBest))
        };
        let unsure = |doubt| verdict(Inconclusive(doubt));
        let cases = [
            (same, "512 MB, the current memory, is the best."),
            (
                close,
                "1024 MB, the current memory, is good enough: 512 MB is 3 % cheaper, and 5 % is tolerated.",
            ),
            (
                worse,
                "1024 MB, the current memory, is as good as the best, 512 MB.",
            ),
            (
                saving,
                "512 MB is 20 % cheaper (with 95 % confidence by more than 15 %) than 1024 MB, the current memory, and 5 % is \
                 tolerated. 512 MB would save 12.50 USD a month.",
            ),
            (
                verdict(Outside(Fault::BreaksTheLimits)),
                "1024 MB, the current memory, does not keep to the limits, and 512 MB does.",
            ),
            (
                verdict(Outside(Fault::NoSizeKeepsToTheLimits)),
                "1024 MB, the current memory, does not keep to the limits, and no other measured size does; 512 MB comes closest. \
                 More calls would not change that: ask for less, give each call less to do, or, where more memory makes the \
                 function faster, try larger sizes.",
            ),
            (
                unsure(Doubt::CurrentUnknown),
                "The outcome does not say which memory the function had. Tune again with this version of the stack.",
            ),
            (
                unsure(Doubt::CurrentNotMeasured),
                "1024 MB, the current memory, was not measured. Tune with `baseline`, which measures it beside the others.",
            ),
            (
                unsure(Doubt::CurrentFailed("died\u{1b}[2J.".to_owned())),
                "1024 MB, the current memory, could not be measured: died [2J. Look at that first; the function may not work as \
                 it is.",
            ),
            (
                unsure(Doubt::LimitsNotMet),
                "No measured size is shown to keep to the limits, so that there is no best one. Raise `num` to find out more, try \
                 larger sizes, or ask for less.",
            ),
            (
                unsure(Doubt::UnsureOfTheLimits),
                "1024 MB, the current memory, may keep to the limits or not; the calls do not show it. Raise `num` to find out.",
            ),
            (
                unsure(Doubt::MayBeChance),
                "512 MB looks 20 % cheaper than 1024 MB, the current memory, which may be chance. Raise `num` to find out, or \
                 tolerate as much.",
            ),
            (
                unsure(Doubt::TooFewSamples),
                "There are too few calls to compare 1024 MB, the current memory, with 512 MB. Raise `num`.",
            ),
        ];
        for (verdict, want) in cases {
            assert_eq!(Words::of(&verdict, "cost").all(), want);
            if matches!(verdict.decision, Inconclusive(_)) {
                let saving = Verdict {
                    monthly_saving: Some(Saving {
                        amount: 12.5,
                        currency: "USD".to_owned(),
                    }),
                    ..verdict
                };
                assert_eq!(
                    words(&saving, "cost"),
                    format!("Not clear whether the memory is right: {want}")
                );
            }
        }
    }

    #[test]
    fn each_format_has_the_verdict_before_what_it_is_based_on() {
        let report = read(&outcome().to_string()).expect("an outcome");
        let verdict = judge(report.outcome().expect("an outcome"), 5.0);
        let look = Look {
            width: 60,
            color: false,
        };
        let shown = |format, look| show(&report, &verdict, format, look).expect("a text");
        let table = shown(Format::Table, look);
        let (words, rest) = table.split_once("\n\n").expect("an empty line");
        assert!(words.starts_with("512 MB is 20 % cheaper"), "{words}");
        assert!(
            words.lines().all(|line| line.chars().count() <= 60),
            "{words}"
        );
        assert_eq!(rest, report.show(Format::Table, look).expect("a table"));
        let colored = shown(
            Format::Table,
            Look {
                color: true,
                ..look
            },
        );
        assert!(colored.starts_with("\u{1b}[31m512 MB"), "{colored}");
        let markdown = shown(Format::Markdown, look);
        assert!(
            markdown.starts_with("### ❌ The memory is not right\n\n512 MB is 20 % cheaper"),
            "{markdown}"
        );
        let json: Value = serde_json::from_str(&shown(Format::Json, look)).expect("JSON");
        assert_eq!(json["check"]["decision"]["name"], "outside");
        assert_eq!(json["outcome"], outcome());
    }
}
