//! The verdict of a check: whether the current size will do.

use power_tuner_core::gate::{Decision, Doubt, Fault, Verdict};
use serde_json::json;

use crate::numbers::{memory, money, percent};
use crate::text::plain;
use crate::words::degrees;
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
    match format {
        Format::Table => {
            let lines = textwrap::wrap(&words.all(), look.width.max(1)).join("\n");
            let text = if look.color {
                format!("{}{lines}{PLAIN}", words.color)
            } else {
                lines
            };
            Ok(format!("{text}\n\n{}", report.show(format, look)?))
        }
        Format::Markdown => Ok(format!(
            "### {} {}\n\n{}\n\n{}",
            words.mark,
            words.title,
            markdown::escaped(&words.all()),
            report.show(format, look)?
        )),
        Format::Json => {
            let both = json!({"check": verdict, "outcome": report.source});
            Ok(serde_json::to_string_pretty(&both)? + "\n")
        }
        Format::Csv | Format::Html | Format::Svg => report.show(format, look),
    }
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
            Decision::Outside(_) => ("❌", "\u{1b}[31m", "The memory is not right"),
            Decision::Inconclusive(_) => {
                ("⚠️", "\u{1b}[33m", "Not clear whether the memory is right")
            }
        };
        let advice = match &verdict.decision {
            Decision::Inconclusive(doubt) => Some(advice(doubt)),
            Decision::Within | Decision::Outside(_) => None,
        };
        let saving = verdict.monthly_saving.as_ref();
        let saving =
            saving.filter(|saving| saving.amount > 0.0 && verdict.current != Some(verdict.best));
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
            "{current} is good enough: {best_memory} is {} {comparative}, and {tolerated} is tolerated.",
            percent(better)
        ),
        Decision::Outside(Fault::TooFarFromTheBest) => {
            let surely = verdict
                .at_least_percent
                .map(|least| format!(", with 95 % confidence by more than {}", percent(least)));
            format!(
                "{best_memory} is {} {comparative} than {current} and {tolerated} is tolerated{}.",
                percent(better),
                surely.unwrap_or_default()
            )
        }
        Decision::Outside(Fault::BreaksTheLimits) => {
            format!("{current} does not keep to the limits, and {best_memory} does.")
        }
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
                "{best_memory} looks {} {comparative} than {current} which may be chance.",
                percent(better)
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
        Doubt::LimitsNotMet => "Raise `num` to find out more, add larger sizes, or ask for less.",
        Doubt::UnsureOfTheLimits => "Raise `num` to find out.",
        Doubt::MayBeChance => "Raise `num` to find out, or tolerate as much.",
        Doubt::TooFewSamples => "Raise `num`.",
    }
}
