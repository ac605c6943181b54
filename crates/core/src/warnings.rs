//! What a reader of an outcome should know beside its numbers, with what to do about it.

use serde::{Deserialize, Serialize};

use crate::measurement::Summary;
use crate::memory::MemoryMb;
use crate::plan::Plan;
use crate::request::{MOST_CALLS, Parallel, Request, Search};
use crate::statistics::Heaps;
use crate::tuning::SizeResult;

/// Something that the numbers alone do not say.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Warning {
    /// For programs: `slowInit`.
    pub code: String,
    /// For people.
    pub message: String,
    /// The sizes that it is about.
    pub sizes: Vec<MemoryMb>,
}

/// An average that may be off by more than this share is of too few samples.
const ROUGH: f64 = 0.1;
/// Intervals of fewer samples than this hold less well than they say, at the worst (docs/METHOD.md).
const FEW: u32 = 10;
/// What a size gets that is compared with another one on purpose.
const FOR_A_COMPARISON: u32 = 50;
/// A size whose memory is used up to this share of it.
const NEARLY_FULL: f64 = 0.9;
/// The slowest call takes more than this share of the timeout: the next ones may take longer.
const CLOSE: f64 = 0.5;
/// Timeouts up to this are common, and what a call that hangs costs until then is little.
const COMMON_TIMEOUT_S: u32 = 60;
/// So many times the slowest call is far above it.
const FAR: f64 = 100.0;
/// What timeouts are advised to be, in times of the slowest call.
const ADVISED: f64 = 3.0;
const ADVISED_WHERE_FAR: f64 = 20.0;
const ADVISED_AT_LEAST_S: u32 = 30;
/// Of a Lambda function.
const LONGEST_TIMEOUT_S: u32 = 900;

/// What the warnings are about.
struct Measured<'a> {
    plan: &'a Plan,
    sizes: &'a [SizeResult],
    /// The chosen size and those that are as good.
    of_interest: Vec<MemoryMb>,
}

impl Warning {
    /// Of the sizes that were measured, of which one was chosen, and some are as good as that.
    #[must_use]
    pub fn all(
        plan: &Plan,
        sizes: &[SizeResult],
        chosen: MemoryMb,
        as_good: &[MemoryMb],
    ) -> Vec<Self> {
        let measured = Measured {
            plan,
            sizes,
            of_interest: [&[chosen], as_good].concat(),
        };
        let timeout = sizes.iter().find(|size| size.memory == chosen);
        let warnings = [
            measured.slow_init(),
            measured.too_few_samples(),
            measured.few_calls_of_rivals(),
            measured.bimodal(),
            measured.drift(),
            measured.all_cold(),
            measured.throttled(),
            measured.memory_near_limit(),
            timeout.and_then(|size| measured.timeout_too_close(size)),
            measured.timeout_far_above(),
        ];
        warnings.into_iter().flatten().collect()
    }
}

impl Measured<'_> {
    /// A warning about the sizes for which it holds, with a message for which the first of them is the example.
    fn about<T>(
        &self,
        code: &str,
        holds: impl Fn(&SizeResult) -> Option<T>,
        message: impl FnOnce(&SizeResult, T) -> String,
    ) -> Option<Warning> {
        let held: Vec<(&SizeResult, T)> = self
            .sizes
            .iter()
            .filter_map(|size| Some((size, holds(size)?)))
            .collect();
        let sizes = held.iter().map(|(size, _)| size.memory).collect();
        let (first, found) = held.into_iter().next()?;
        Some(Warning {
            code: code.to_owned(),
            message: message(first, found),
            sizes,
        })
    }

    fn slow_init(&self) -> Option<Warning> {
        let is_slow = |size: &SizeResult| (size.tally.slow_inits > 0).then_some(());
        self.about("slowInit", is_slow, |_, ()| {
            "environments took more than 10 s to start; AWS starts such a one again as a part of the call, so \
             that the call's duration contains the second start, and neither the report nor the duration the first"
                .to_owned()
        })
    }

    /// In a search of the chosen size alone: more calls of the others would not have paid, and no input asks for them.
    fn too_few_samples(&self) -> Option<Warning> {
        let Request {
            search, precision, ..
        } = &self.plan.request;
        let of_interest = match search {
            Search::Grid(_) => &self.of_interest[..],
            Search::Adaptive(_) => &self.of_interest[..1],
        };
        // What is as rough as it was asked for is no surprise.
        let enough = precision.map_or(ROUGH, |precision| precision.max(ROUGH));
        let is_rough = |size: &SizeResult| {
            let summary = summary(size).filter(|_| of_interest.contains(&size.memory))?;
            let off = summary.duration?.relative_half_width();
            (off > enough && off.is_finite()).then_some((summary.samples, off))
        };
        self.about("tooFewSamples", is_rough, |size, (samples, off)| {
            // The half of an interval shrinks with the square root of the samples.
            let needed = (f64::from(samples) * (off / ROUGH).powi(2) / 10.0).ceil() * 10.0;
            let needed = needed.clamp(1.0, f64::from(MOST_CALLS));
            let how = match (search, precision) {
                (Search::Grid(_), _) | (Search::Adaptive(_), Some(_)) => {
                    format!("set `num` to {needed}")
                }
                (Search::Adaptive(_), None) if needed > f64::from(self.plan.request.num) => {
                    format!("set `precision` to {ROUGH}, and `num` to {needed}")
                }
                (Search::Adaptive(_), None) => format!("set `precision` to {ROUGH}"),
            };
            format!(
                "the average duration is known roughly only: at {} it may be off by {:.0} % after {samples} samples; {how}",
                size.memory,
                off * 100.0
            )
        })
    }

    /// A search stops calling a size where more calls would not pay, which leaves open whether it is as good as the chosen one.
    fn few_calls_of_rivals(&self) -> Option<Warning> {
        let Search::Adaptive(_) = self.plan.request.search else {
            return None;
        };
        let [chosen, rivals @ ..] = &self.of_interest[..] else {
            return None;
        };
        let few = |size: &SizeResult| {
            let samples = summary(size)?.samples;
            (rivals.contains(&size.memory) && samples < FEW).then_some(samples)
        };
        self.about("fewCallsOfRivals", few, |size, samples| {
            let mut compared: Vec<u32> = self.of_interest.iter().map(|size| size.get()).collect();
            compared.sort_unstable();
            let compared: Vec<String> = compared.iter().map(u32::to_string).collect();
            format!(
                "a size that may be as good as {chosen} was called a few times only: what is said of {} is of {samples} samples; \
                 to tell them apart, set `search` to `grid`, `powerValues` to [{}] and `num` to {FOR_A_COMPARISON}",
                size.memory,
                compared.join(", ")
            )
        })
    }

    fn bimodal(&self) -> Option<Warning> {
        let of = |size: &SizeResult| summary(size)?.heaps;
        self.about("bimodal", of, |size, heaps| {
            let Heaps {
                slow_share,
                fast_mean,
                slow_mean,
            } = heaps;
            format!(
                "calls fall into two groups: at {} {:.0} % of them take {slow_mean:.0} ms on average, and the others {fast_mean:.0} ms, \
                 so that no average is the duration of a usual call; find out what the slow ones do, or set `discardTopBottom` \
                 to 0 if they are to count in full",
                size.memory,
                slow_share * 100.0
            )
        })
    }

    /// Only calls one after the other are sampled in the order in which they were made.
    fn drift(&self) -> Option<Warning> {
        let (Parallel::OneAtATime | Parallel::AtMost(1)) = self.plan.request.parallel else {
            return None;
        };
        let of = |size: &SizeResult| summary(size)?.drift;
        self.about("drift", of, |size, change| {
            let Request { search, num, .. } = &self.plan.request;
            let more_calls = match search {
                Search::Grid(_) => {
                    let more = num.saturating_mul(2).min(MOST_CALLS);
                    format!("set `num` to {more} if calls get faster as an environment warms up, or ")
                }
                Search::Adaptive(_) => String::new(),
            };
            format!(
                "durations changed while they were measured: at {} the last third of the calls took {:.0} % {} time than the \
                 first; {more_calls}measure again at another time",
                size.memory,
                change.abs() * 100.0,
                if change > 0.0 { "more" } else { "less" },
            )
        })
    }

    fn all_cold(&self) -> Option<Warning> {
        if self.plan.request.is_cold() {
            return None;
        }
        let is_cold = |size: &SizeResult| {
            let summary = summary(size)?;
            summary.cold.filter(|_| summary.warm.is_none())
        };
        self.about("allCold", is_cold, |size, cold| {
            let at_once = (self.plan.request.num / 5).max(1);
            format!(
                "every call was a cold start, which real traffic rarely is: at {} the averages contain {:.0} ms of init; set \
                 `parallelInvocation` to {at_once} or to false, or `onlyColdStarts` to true if cold starts are what you want to tune",
                size.memory, cold.mean_init_ms
            )
        })
    }

    fn throttled(&self) -> Option<Warning> {
        let throttles = |size: &SizeResult| Some(size.tally.throttles).filter(|count| *count > 0);
        self.about("throttled", throttles, |size, count| {
            let fewer = match self.plan.request.parallel {
                Parallel::OneAtATime | Parallel::AtMost(1) => String::new(),
                Parallel::AtMost(calls) => {
                    format!("set `parallelInvocation` to {}, or ", (calls / 2).max(1))
                }
                Parallel::AllAtOnce => {
                    let calls = (self.plan.request.num / 5).max(1);
                    format!("set `parallelInvocation` to {calls}, or ")
                }
            };
            format!(
                "Lambda refused calls for lack of concurrency (at {} {count} of them, which were made again), and may have refused \
                 calls of others; {fewer}raise the concurrency that the function and the account have",
                size.memory
            )
        })
    }

    fn memory_near_limit(&self) -> Option<Warning> {
        let used = |size: &SizeResult| {
            let used = size.tally.max_memory_used_mb;
            let full = f64::from(size.memory.get()) * NEARLY_FULL;
            (summary(size).is_some() && f64::from(used) >= full).then_some(used)
        };
        self.about("memoryNearLimit", used, |size, used| {
            let enough = (f64::from(used) / NEARLY_FULL).floor() + 1.0;
            format!(
                "the function used nearly all of its memory: at {} up to {used} MB, and a call that needs more than there is fails; \
                 give it more than {enough} MB, or leave these sizes out of `powerValues`",
                size.memory
            )
        })
    }

    fn timeout_too_close(&self, chosen: &SizeResult) -> Option<Warning> {
        let timeout_s = self.plan.target.timeout_s;
        let slowest_s = summary(chosen)?.slowest_without_init_ms / 1000.0;
        if slowest_s <= CLOSE * f64::from(timeout_s) {
            return None;
        }
        let advice = if timeout_s < LONGEST_TIMEOUT_S {
            let seconds =
                whole_seconds(slowest_s * ADVISED).clamp(timeout_s + 1, LONGEST_TIMEOUT_S);
            format!("set the function's `Timeout` to {seconds}")
        } else {
            "it cannot be set higher, so give each call less to do".to_owned()
        };
        Some(Warning {
            code: "timeoutTooClose".to_owned(),
            message: format!(
                "at {} the slowest call took {slowest_s:.1} s of the {timeout_s} s that the function's timeout allows, and a slower \
                 one may fail; {advice}",
                chosen.memory
            ),
            sizes: vec![chosen.memory],
        })
    }

    fn timeout_far_above(&self) -> Option<Warning> {
        let timeout_s = self.plan.target.timeout_s;
        let summaries = self.sizes.iter().filter_map(summary);
        let slowest_s = summaries
            .map(|summary| summary.slowest_without_init_ms / 1000.0)
            .fold(0.0, f64::max);
        if timeout_s <= COMMON_TIMEOUT_S || f64::from(timeout_s) <= FAR * slowest_s {
            return None;
        }
        let seconds = whole_seconds(slowest_s * ADVISED_WHERE_FAR).max(ADVISED_AT_LEAST_S);
        let measured = self.sizes.iter().filter(|size| size.result.is_ok());
        Some(Warning {
            code: "timeoutFarAbove".to_owned(),
            message: format!(
                "the function's timeout is {timeout_s} s, and the slowest call at any size took {slowest_s:.1} s; one that hangs is \
                 billed for all of it, so set the function's `Timeout` to {seconds}, unless other calls take longer than these"
            ),
            sizes: measured.map(|size| size.memory).collect(),
        })
    }
}

fn summary(size: &SizeResult) -> Option<&Summary> {
    size.result.as_ref().ok()
}

fn whole_seconds(seconds: f64) -> u32 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a time that is not negative; what is too long becomes the longest"
    )]
    let whole = seconds.ceil() as u32;
    whole
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::measurement::{Cold, Tally, Warm};
    use crate::plan::tests::plan;
    use crate::statistics::Estimate;

    fn size(mb: u32) -> MemoryMb {
        MemoryMb::try_from(mb).expect("a valid size")
    }

    fn around(mean: f64, share: f64) -> Estimate {
        Estimate {
            mean,
            low: mean * (1.0 - share),
            high: mean * (1.0 + share),
            standard_error: mean * share / 2.0,
            freedom: 10.0,
        }
    }

    /// 30 calls of 100 ms or so, of which the first was cold.
    fn usual() -> Summary {
        Summary {
            average_duration_ms: 100.0,
            samples: 30,
            duration: Some(around(100.0, 0.03)),
            slowest_ms: 400.0,
            slowest_without_init_ms: 150.0,
            warm: Some(Warm {
                samples: 29,
                mean_duration_ms: 100.0,
            }),
            cold: Some(cold(1)),
            ..Summary::default()
        }
    }

    fn cold(samples: u32) -> Cold {
        Cold {
            samples,
            mean_duration_ms: 350.0,
            mean_init_ms: 250.0,
        }
    }

    fn measured(mb: u32, summary: &Summary) -> SizeResult {
        SizeResult {
            memory: size(mb),
            tally: Tally {
                max_memory_used_mb: 70,
                ..Tally::default()
            },
            result: Ok(*summary),
        }
    }

    /// Of two sizes, of which the first is chosen.
    fn warnings(
        input: Value,
        timeout_s: u32,
        first: SizeResult,
        second: SizeResult,
    ) -> Vec<Warning> {
        let mut plan = plan(input);
        plan.target.timeout_s = timeout_s;
        let chosen = first.memory;
        Warning::all(&plan, &[first, second], chosen, &[])
    }

    #[test]
    fn an_ordinary_run_warns_of_nothing() {
        for timeout_s in [1, 3, 15, 30, 60] {
            let found = warnings(
                json!({}),
                timeout_s,
                measured(128, &usual()),
                measured(512, &usual()),
            );
            assert_eq!(found, [], "{timeout_s}");
        }
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table")]
    fn each_warning_names_what_to_set_to_what() {
        let with = |change: fn(&mut Summary)| {
            let mut summary = usual();
            change(&mut summary);
            measured(512, &summary)
        };
        let tallied = |change: fn(&mut Tally)| {
            let mut size = measured(512, &usual());
            change(&mut size.tally);
            size
        };
        let cases: Vec<(&str, Value, u32, SizeResult, &str)> = vec![
            (
                "tooFewSamples",
                json!({}),
                30,
                with(|of| of.duration = Some(around(100.0, 0.25))),
                "at 512 MB it may be off by 25 % after 30 samples; set `num` to 190",
            ),
            (
                "tooFewSamples",
                json!({"search": "adaptive", "powerValues": [128, 1024]}),
                30,
                with(|of| of.duration = Some(around(100.0, 0.2))),
                "at 512 MB it may be off by 20 % after 30 samples; set `precision` to 0.1, and `num` to 120",
            ),
            (
                "tooFewSamples",
                json!({"search": "adaptive", "powerValues": [128, 1024], "num": 200}),
                30,
                with(|of| of.duration = Some(around(100.0, 0.2))),
                "after 30 samples; set `precision` to 0.1",
            ),
            (
                "tooFewSamples",
                json!({"search": "adaptive", "powerValues": [128, 1024], "precision": 0.05}),
                30,
                with(|of| of.duration = Some(around(100.0, 0.2))),
                "after 30 samples; set `num` to 120",
            ),
            (
                "bimodal",
                json!({}),
                30,
                with(|of| {
                    of.heaps = Some(Heaps {
                        slow_share: 0.2,
                        fast_mean: 90.0,
                        slow_mean: 900.0,
                    });
                }),
                "at 512 MB 20 % of them take 900 ms on average, and the others 90 ms",
            ),
            (
                "drift",
                json!({}),
                30,
                with(|of| of.drift = Some(-0.25)),
                "at 512 MB the last third of the calls took 25 % less time than the first; set `num` to 20",
            ),
            (
                "allCold",
                json!({"parallelInvocation": true}),
                30,
                with(|of| {
                    of.warm = None;
                    of.cold = Some(cold(30));
                }),
                "at 512 MB the averages contain 250 ms of init; set `parallelInvocation` to 2 or to false",
            ),
            (
                "throttled",
                json!({"parallelInvocation": 8}),
                30,
                tallied(|tally| tally.throttles = 3),
                "(at 512 MB 3 of them, which were made again), and may have refused calls of others; set `parallelInvocation` to 4",
            ),
            (
                "memoryNearLimit",
                json!({}),
                30,
                tallied(|tally| tally.max_memory_used_mb = 461),
                "at 512 MB up to 461 MB, and a call that needs more than there is fails; give it more than 513 MB",
            ),
            (
                "timeoutTooClose",
                json!({}),
                3,
                with(|of| of.slowest_without_init_ms = 1600.0),
                "at 512 MB the slowest call took 1.6 s of the 3 s that the function's timeout allows, and a slower one may \
                 fail; set the function's `Timeout` to 5",
            ),
            (
                "timeoutTooClose",
                json!({}),
                900,
                with(|of| of.slowest_without_init_ms = 600_000.0),
                "it cannot be set higher, so give each call less to do",
            ),
            (
                "timeoutFarAbove",
                json!({}),
                300,
                with(|of| of.slowest_without_init_ms = 2000.0),
                "the function's timeout is 300 s, and the slowest call at any size took 2.0 s; one that hangs is billed for all of \
                 it, so set the function's `Timeout` to 40",
            ),
        ];
        for (code, input, timeout_s, strange, message) in cases {
            let found = warnings(input, timeout_s, strange, measured(1024, &usual()));
            let [warning] = found.as_slice() else {
                panic!("{code}: {found:?}");
            };
            assert_eq!(warning.code, code);
            assert!(warning.message.contains(message), "{}", warning.message);
            if code != "timeoutFarAbove" {
                assert_eq!(warning.sizes, [size(512)], "{code}");
            }
        }
    }

    #[test]
    fn a_search_that_hardly_called_a_rival_says_so() {
        let few = |samples| Summary { samples, ..usual() };
        let sizes = [
            measured(128, &few(4)),
            measured(512, &few(4)),
            measured(1024, &few(9)),
            measured(2048, &few(10)),
        ];
        let found = |input: Value, as_good: &[MemoryMb]| {
            Warning::all(&plan(input), &sizes, size(512), as_good)
        };
        let search = || json!({"search": "adaptive", "powerValues": [128, 2048]});
        let [warning] = &found(search(), &[size(1024), size(2048)])[..] else {
            panic!("one warning");
        };
        assert_eq!(warning.code, "fewCallsOfRivals");
        assert_eq!(warning.sizes, [size(1024)], "no other rival has so few");
        assert_eq!(
            warning.message,
            "a size that may be as good as 512 MB was called a few times only: what is said of 1024 MB is of 9 samples; to tell \
             them apart, set `search` to `grid`, `powerValues` to [512, 1024, 2048] and `num` to 50"
        );
        assert_eq!(found(search(), &[]), [], "all others are shown to be worse");
        assert_eq!(found(search(), &[size(2048)]), [], "called often enough");
        assert_eq!(
            found(json!({}), &[size(1024)]),
            [],
            "as often as it was asked for"
        );
    }

    #[test]
    fn what_is_as_it_was_asked_for_is_no_warning() {
        let mut all_cold = usual();
        all_cold.warm = None;
        all_cold.drift = Some(0.5);
        let side_by_side = json!({"onlyColdStarts": true, "parallelInvocation": true});
        let found = warnings(
            side_by_side,
            30,
            measured(512, &all_cold),
            measured(1024, &usual()),
        );
        assert_eq!(found, [], "cold starts, in no order");
        let mut rough = usual();
        rough.duration = Some(around(100.0, 0.5));
        let found = warnings(
            json!({}),
            30,
            measured(512, &usual()),
            measured(1024, &rough),
        );
        assert_eq!(found, [], "a size that is not chosen");
        let as_asked = json!({"precision": 0.5});
        let found = warnings(
            as_asked,
            30,
            measured(512, &rough),
            measured(1024, &usual()),
        );
        assert_eq!(found, [], "as rough as it was asked for");
        let searched = plan(json!({"search": "adaptive", "powerValues": [128, 1024]}));
        let sizes = [measured(512, &usual()), measured(1024, &rough)];
        let found = Warning::all(&searched, &sizes, size(512), &[size(1024)]);
        assert_eq!(found, [], "a search does not pay for the others");
        let mut started_slowly = usual();
        started_slowly.slowest_ms = 9000.0;
        let found = warnings(
            json!({}),
            10,
            measured(512, &started_slowly),
            measured(1024, &usual()),
        );
        assert_eq!(found, [], "the timeout does not hold for init");
    }
}
