//! Where the reports of a tuning are stored, and what the outcome says about that.

use serde::{Deserialize, Serialize};

use crate::function::FunctionArn;
use crate::moved::Moved;
use crate::outcome::Outcome;

/// What became of the reports, in a stack that stores them: nothing yet where all is empty.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Filed {
    /// `s3://BUCKET/KEY`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub html: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub json: Option<String>,
    /// To the HTML, for whoever has it, and for some hours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// Where another size is recommended than in the outcome that was stored last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved: Option<Moved>,
    /// Why not everything is stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// The keys of one tuning's objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    pub html: String,
    pub json: String,
    /// The outcome that was stored last, which the next one replaces.
    pub latest: String,
}

/// What Step Functions carries from one state to the next, in bytes, without what the reporter is told besides the outcome.
pub(crate) const MOST_BYTES: usize = (256 - 2) * 1024;

fn fits(outcome: &Outcome) -> bool {
    serde_json::to_string(outcome).is_ok_and(|text| text.len() <= MOST_BYTES)
}

impl Filed {
    #[must_use]
    pub fn failed(why: String) -> Self {
        Self {
            error: Some(why),
            ..Self::default()
        }
    }

    /// Of an outcome that is to be stored, and that Step Functions can hand to the reporter.
    #[must_use]
    pub fn wanted(outcome: &Outcome) -> Option<Self> {
        outcome.report.clone().filter(|_| fits(outcome))
    }

    /// The outcome with this in it, or with as much of this as Step Functions carries.
    #[must_use]
    pub fn in_outcome(self, outcome: Outcome) -> Outcome {
        let without_extras = Self {
            link: None,
            moved: None,
            ..self.clone()
        };
        let with = |report: Self| Outcome {
            report: Some(report),
            ..outcome.clone()
        };
        let tries = [self, without_extras].map(with);
        let fitting = tries.into_iter().find(fits);
        fitting.unwrap_or(Outcome {
            report: None,
            ..outcome
        })
    }
}

impl Keys {
    /// `started` is when the execution did, as Step Functions says it.
    ///
    /// # Errors
    ///
    /// What is not as AWS gives it.
    pub fn of(
        prefix: &str,
        outcome: &Outcome,
        execution: &str,
        started: &str,
    ) -> Result<Self, String> {
        let folder = folder(&outcome.function, execution)?;
        let moment = moment(started).ok_or_else(|| format!("`{started}` is no time"))?;
        let name = execution.rsplit(':').next().unwrap_or(execution);
        Ok(Self {
            html: format!("{prefix}{folder}/{moment}-{name}.html"),
            json: format!("{prefix}{folder}/{moment}-{name}.json"),
            latest: format!("{prefix}{folder}/{}", latest(&outcome.strategy)),
        })
    }
}

/// The name of the outcome of a strategy that was stored last, in its function's folder.
#[must_use]
pub fn latest(strategy: &str) -> String {
    format!("latest-{strategy}.json")
}

/// The function's name; one of another account or region has those behind a dot, which no name has.
///
/// # Errors
///
/// It is no function's ARN.
pub fn folder(function: &str, execution: &str) -> Result<String, String> {
    let function = FunctionArn::try_from(function.to_owned())?;
    let of_tuner = execution.split(':').skip(3).take(2);
    if of_tuner.eq([function.region(), function.account()]) {
        return Ok(function.name().to_owned());
    }
    let (name, region, account) = (function.name(), function.region(), function.account());
    Ok(format!("{name}.{account}.{region}"))
}

/// `2026-11-21T233016Z` of `2026-11-21T23:30:16.123Z`.
fn moment(rfc_3339: &str) -> Option<String> {
    let (date, time) = rfc_3339.split_once('T')?;
    let time = time.get(..8)?.replace(':', "");
    let is_of_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let is_moment = time.len() == 6 && date.len() == 10 && is_of_digits(&time);
    (is_moment && is_of_digits(&date.replace('-', ""))).then(|| format!("{date}T{time}Z"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::tests::outcome_of;

    const EXECUTION: &str =
        "arn:aws:states:us-east-1:123456789012:execution:power-tuner-tuner:a-name";

    #[test]
    fn keys_are_of_the_function_and_the_moment() {
        let outcome = outcome_of("cost", &[(128, 2.0, 200.0)], 128);
        let keys = Keys::of("tunings/", &outcome, EXECUTION, "2026-11-21T23:30:16.123Z");
        let keys = keys.expect("keys");
        assert_eq!(keys.html, "tunings/f/2026-11-21T233016Z-a-name.html");
        assert_eq!(keys.json, "tunings/f/2026-11-21T233016Z-a-name.json");
        assert_eq!(keys.latest, "tunings/f/latest-cost.json");
    }

    #[test]
    fn functions_of_other_accounts_and_regions_have_folders_of_their_own() {
        for (function, folder) in [
            ("arn:aws:lambda:us-east-1:123456789012:function:f", "f"),
            (
                "arn:aws:lambda:us-east-1:210987654321:function:f",
                "f.210987654321.us-east-1",
            ),
            (
                "arn:aws:lambda:eu-west-1:123456789012:function:f",
                "f.123456789012.eu-west-1",
            ),
        ] {
            let outcome = Outcome {
                function: function.to_owned(),
                ..outcome_of("cost", &[(128, 2.0, 200.0)], 128)
            };
            let keys = Keys::of("", &outcome, EXECUTION, "2026-11-21T23:30:16Z").expect("keys");
            assert_eq!(keys.latest, format!("{folder}/latest-cost.json"));
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for started in [
            "",
            "yesterday",
            "2026-11-21",
            "2026-11-21T23",
            "2026-x1-21T23:30:16Z",
        ] {
            let outcome = outcome_of("cost", &[(128, 2.0, 200.0)], 128);
            let refused = Keys::of("", &outcome, EXECUTION, started).expect_err(started);
            assert_eq!(refused, format!("`{started}` is no time"));
        }
    }

    fn bytes(outcome: &Outcome) -> usize {
        serde_json::to_string(outcome).expect("JSON").len()
    }

    fn outcome_of_bytes(wanted: usize) -> Outcome {
        let outcome = outcome_of("cost", &[(128, 2.0, 200.0)], 128);
        let reason = "r".repeat(wanted + outcome.reason.len() - bytes(&outcome));
        Outcome { reason, ..outcome }
    }

    #[test]
    fn what_step_functions_cannot_hand_over_is_not_stored() {
        let with_report = |wanted| Outcome {
            report: Some(Filed::default()),
            ..outcome_of_bytes(wanted)
        };
        assert_eq!(Filed::wanted(&outcome_of_bytes(10_000)), None);
        for (wanted, is_stored) in [(10_000, true), (MOST_BYTES, false)] {
            let outcome = with_report(wanted);
            assert_eq!(Filed::wanted(&outcome).is_some(), is_stored, "{wanted}");
        }
    }

    #[test]
    fn an_outcome_gets_no_more_of_it_than_step_functions_carries() {
        let stored = Filed {
            html: Some("s3://b/h".to_owned()),
            json: Some("s3://b/j".to_owned()),
            link: Some("l".repeat(2_000)),
            ..Filed::default()
        };
        for (before, has_html, has_link) in [
            (10_000, true, true),
            (MOST_BYTES - 1_000, true, false),
            (MOST_BYTES - 10, false, false),
        ] {
            let outcome = stored.clone().in_outcome(outcome_of_bytes(before));
            let report = outcome.report.clone().unwrap_or_default();
            assert_eq!(
                (report.html.is_some(), report.link.is_some()),
                (has_html, has_link)
            );
            assert!(bytes(&outcome) <= MOST_BYTES, "{before}");
        }
    }
}
