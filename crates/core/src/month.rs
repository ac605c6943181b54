//! What a month of the function costs at each size, on demand and with environments that are kept ready.

use serde::{Deserialize, Serialize};

use crate::configuration::FREE_EPHEMERAL_MB;
use crate::measurement::Tally;
use crate::memory::MemoryMb;
use crate::plan::Plan;
use crate::prices::{ProvisionedRates, Rates};
use crate::statistics::six_digits;
use crate::tuning::SizeResult;

/// AWS reckons a month as so long.
const HOURS: f64 = 730.0;
const SECONDS: f64 = HOURS * 3600.0;

/// What a month's calls cost, on demand.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
pub struct MonthlyCost {
    /// None where a part of it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<f64>,
    pub duration: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<f64>,
    /// For `/tmp` above 512 MB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage: Option<f64>,
}

impl MonthlyCost {
    /// Written with six digits: many sizes have to fit into the state.
    #[must_use]
    pub fn short(self) -> Self {
        Self {
            total: self.total.map(six_digits),
            duration: six_digits(self.duration),
            requests: self.requests.map(six_digits),
            storage: self.storage.map(six_digits),
        }
    }

    /// What another size saves. Requests cost the same at each size, so that their price need not be known.
    #[must_use]
    pub fn saving(&self, at: &Self) -> Option<f64> {
        Some((self.duration + self.storage?) - (at.duration + at.storage?))
    }
}

/// What a month's calls cost with environments that are kept ready.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProvisionedCost {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<f64>,
    /// For keeping the environments ready all month.
    pub ready: f64,
    /// Of the calls that they serve.
    pub duration: f64,
    /// The duration of the calls that they do not serve.
    pub on_demand: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage: Option<f64>,
    /// The share of calls that they can serve at the most.
    pub served_share: f64,
    /// The share of the month in which an environment works.
    pub utilization: f64,
    /// Above which utilisation it is cheaper than on demand. None where it never is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pays_from_utilization: Option<f64>,
    /// Against on demand at the same size; negative where it costs more.
    pub saving: f64,
}

/// What the outcome says about a month.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Monthly {
    pub invocations: u64,
    pub currency: String,
    pub best: AtSize<MonthlyCost>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<AtSize<MonthlyCost>>,
    /// Of the best size against the current one; negative where it costs more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub saving: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provisioned: Option<MonthlyProvisioned>,
    /// What a reader of the numbers has to know.
    pub notes: Vec<String>,
}

/// The same with environments that are kept ready.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct MonthlyProvisioned {
    pub environments: u32,
    pub best: AtSize<ProvisionedCost>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<AtSize<ProvisionedCost>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
pub struct AtSize<T> {
    pub memory: MemoryMb,
    pub cost: T,
}

impl Monthly {
    /// None where the input asks for no month.
    #[must_use]
    pub fn of(plan: &Plan, best: &SizeResult, current: Option<&SizeResult>) -> Option<Self> {
        let bill = Bill::of(plan)?;
        let month = plan.request.month?;
        let on_demand = |size| at_size(size, |memory, ms| Some(bill.on_demand(memory, ms)));
        let ready = |size| at_size(size, |memory, ms| bill.provisioned(memory, ms));
        let (at_best, at_current) = (on_demand(best)?, current.and_then(on_demand));
        Some(Self {
            invocations: month.invocations,
            currency: plan.price.currency.clone(),
            best: at_best,
            current: at_current,
            saving: at_current.and_then(|current| current.cost.saving(&at_best.cost)),
            provisioned: month.provisioned.and_then(|environments| {
                Some(MonthlyProvisioned {
                    environments,
                    best: ready(best)?,
                    current: current.and_then(ready),
                })
            }),
            notes: bill
                .notes(plan.request.price.is_some())
                .into_iter()
                .chain(cold_starts(best))
                .collect(),
        })
    }
}

/// A month may have fewer cold starts than a tuning, or more; where the warm calls decide, its mean has none.
fn cold_starts(best: &SizeResult) -> Option<String> {
    let Tally {
        calls, cold_starts, ..
    } = best.tally;
    if cold_starts == 0 {
        return None;
    }
    let summary = best.result.as_ref().ok()?;
    let warm = summary.warm.map_or(0, |warm| warm.samples);
    let cold = summary.cold.map_or(0, |cold| cold.samples);
    let taken = if summary.samples < warm.saturating_add(cold) {
        "and none is taken to be in the month: in a search the warm calls decide"
    } else {
        "and as many are taken to be in the month"
    };
    let memory = best.memory;
    let were = if cold_starts == 1 {
        "was a cold start"
    } else {
        "were cold starts"
    };
    Some(format!(
        "{cold_starts} of {calls} calls {were} with {memory}, {taken}"
    ))
}

/// None for a size that could not be measured.
fn at_size<T>(
    size: &SizeResult,
    cost: impl FnOnce(MemoryMb, f64) -> Option<T>,
) -> Option<AtSize<T>> {
    let summary = size.result.as_ref().ok()?;
    Some(AtSize {
        memory: size.memory,
        cost: cost(size.memory, summary.mean_billed_ms)?,
    })
}

/// How a month is billed.
#[derive(Clone, Copy, Debug)]
pub struct Bill<'a> {
    pub invocations: f64,
    /// Environments that are kept ready.
    pub environments: Option<u32>,
    pub ephemeral_mb: u32,
    pub rates: &'a Rates,
}

impl<'a> Bill<'a> {
    /// None where the input asks for no month.
    #[must_use]
    pub fn of(plan: &'a Plan) -> Option<Self> {
        let month = plan.request.month?;
        #[expect(clippy::cast_precision_loss, reason = "at most 10^15, which is exact")]
        let invocations = month.invocations as f64;
        Some(Self {
            invocations,
            environments: month.provisioned,
            ephemeral_mb: plan.target.ephemeral_mb,
            rates: plan.rates.as_ref()?,
        })
    }

    #[must_use]
    pub fn on_demand(&self, memory: MemoryMb, mean_billed_ms: f64) -> MonthlyCost {
        let duration = self
            .rates
            .of_duration(self.busy_s(mean_billed_ms) * gb(memory));
        let (requests, storage) = (self.requests(), self.storage(mean_billed_ms));
        MonthlyCost {
            total: total(duration, requests, storage),
            duration,
            requests,
            storage,
        }
    }

    /// None where the input asks for no environments, or their prices are not known.
    #[must_use]
    pub fn provisioned(&self, memory: MemoryMb, mean_billed_ms: f64) -> Option<ProvisionedCost> {
        let ProvisionedRates {
            per_gb_second_ready,
            per_gb_second_at_work,
        } = self.rates.provisioned?;
        let ready_s = f64::from(self.environments?) * SECONDS;
        let busy_s = self.busy_s(mean_billed_ms);
        let served_s = busy_s.min(ready_s);
        let ready = ready_s * gb(memory) * per_gb_second_ready;
        let duration = served_s * gb(memory) * per_gb_second_at_work;
        let on_demand = self.rates.of_duration((busy_s - served_s) * gb(memory));
        let (requests, storage) = (self.requests(), self.storage(mean_billed_ms));
        // What a GB-second costs on demand with as many of them as there are in the month.
        let all_on_demand = self.on_demand(memory, mean_billed_ms).duration;
        let usual = match busy_s * gb(memory) {
            gb_s if gb_s > 0.0 => all_on_demand / gb_s,
            _ => self.rates.of_duration(1.0),
        };
        let pays_from = per_gb_second_ready / (usual - per_gb_second_at_work);
        Some(ProvisionedCost {
            total: total(ready + duration + on_demand, requests, storage),
            ready,
            duration,
            on_demand,
            requests,
            storage,
            served_share: if busy_s > 0.0 { served_s / busy_s } else { 1.0 },
            utilization: served_s / ready_s,
            pays_from_utilization: (0.0..=1.0).contains(&pays_from).then_some(pays_from),
            saving: all_on_demand - ready - duration - on_demand,
        })
    }

    /// What a reader of the numbers has to know.
    #[must_use]
    pub fn notes(&self, is_stated: bool) -> Vec<String> {
        let mut notes = vec![if is_stated {
            "durations at the price that the input states, without tiers; the free tier is not subtracted"
        } else {
            "the tiers are applied to this function alone: what else the account runs moves them; the free tier is not \
             subtracted"
        }];
        if self.rates.per_request.is_none() {
            notes.push("the price of a request is not known, so that there is no total; state `price.perRequest`");
        }
        if self.storage(1.0).is_none() {
            notes.push("the price of /tmp above 512 MB is not known, so that there is neither a total nor a saving");
        }
        if self.environments.is_some() {
            notes.push(match self.rates.provisioned {
                Some(_) => {
                    "with provisioned concurrency as if the environments were kept for 730 hours and the calls came evenly: \
                     the more they come in bursts, the fewer of them the environments serve; the others are billed on demand"
                }
                None => "the prices of provisioned concurrency are not known for this region and currency",
            });
        }
        notes.into_iter().map(str::to_owned).collect()
    }

    /// All calls one after the other.
    fn busy_s(&self, mean_billed_ms: f64) -> f64 {
        self.invocations * mean_billed_ms / 1000.0
    }

    fn requests(&self) -> Option<f64> {
        Some(self.invocations * self.rates.per_request?)
    }

    fn storage(&self, mean_billed_ms: f64) -> Option<f64> {
        let beyond_mb = self.ephemeral_mb.saturating_sub(FREE_EPHEMERAL_MB);
        if beyond_mb == 0 {
            return Some(0.0);
        }
        let gb_s = f64::from(beyond_mb) / 1024.0 * self.busy_s(mean_billed_ms);
        Some(gb_s * self.rates.per_ephemeral_gb_second?)
    }
}

fn gb(memory: MemoryMb) -> f64 {
    f64::from(memory.get()) / 1024.0
}

fn total(duration: f64, requests: Option<f64>, storage: Option<f64>) -> Option<f64> {
    Some(duration + requests? + storage?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

    use super::*;
    use crate::configuration::Architecture;
    use crate::measurement::{Cold, Summary, Warm};
    use crate::prices::{Price, Regions, StatedPrice};

    fn memory(mb: u32) -> MemoryMb {
        MemoryMb::try_from(mb).expect("a valid size")
    }

    fn rates(region: &str, stated: Option<&StatedPrice>) -> Rates {
        let regions = Regions {
            function: region,
            tuner: region,
        };
        let price = match stated {
            Some(stated) => Price::stated(stated, regions),
            None => Price::of(regions, Architecture::X86_64).expect("a known region"),
        };
        Rates::of(region, Architecture::X86_64, &price, stated)
    }

    fn bill(rates: &Rates, invocations: f64) -> Bill<'_> {
        Bill {
            invocations,
            environments: Some(10),
            ephemeral_mb: 512,
            rates,
        }
    }

    #[track_caller]
    fn is(value: impl Into<Option<f64>>, want: f64) {
        let value = value.into().expect("a number");
        assert!(
            (value - want).abs() <= want.abs() * 1e-9 + 1e-9,
            "{value}, not {want}"
        );
    }

    #[test]
    fn a_month_is_durations_requests_and_storage() {
        let rates = rates("us-east-1", None);
        // 3 million calls of 120 ms with 1,536 MB are 540,000 GB-seconds.
        let small = bill(&rates, 3e6).on_demand(memory(1536), 120.0);
        is(small.duration, 540_000.0 * 1.66667e-5); // 9.000018
        is(small.requests, 0.6);
        is(small.storage, 0.0);
        is(small.total, 9.600_018);
        // 2,560 MB of /tmp are 2 GB too many, for 360,000 seconds.
        let large = Bill {
            ephemeral_mb: 2560,
            ..bill(&rates, 3e6)
        };
        let large = large.on_demand(memory(1536), 120.0);
        is(large.storage, 720_000.0 * 3.09e-8); // 0.022248
        is(large.total, 9.622_266);
        is(large.saving(&small), 0.022_248);
    }

    #[test]
    fn tiers_count_the_functions_own_gb_seconds() {
        let rates = rates("us-east-1", None);
        // A call of one GB-second: the tiers end at 6 and at 15 billion of them.
        for (calls, want) in [
            (6e9, 100_000.2),
            (6e9 + 1e6, 100_015.2),
            (15e9, 235_000.2),
            (16e9, 248_333.6),
        ] {
            is(
                bill(&rates, calls).on_demand(memory(1024), 1000.0).duration,
                want,
            );
        }
    }

    #[test]
    fn environments_that_are_kept_ready_cost_for_that_and_for_their_work() {
        let rates = rates("us-east-1", None);
        // Ten environments are 26,280,000 seconds; 131,400,000 calls of 100 ms take half of these.
        let half = bill(&rates, 131_400_000.0);
        let cost = half.provisioned(memory(1024), 100.0).expect("prices");
        is(cost.ready, 26_280_000.0 * 4.1667e-6); // 109.500876
        is(cost.duration, 13_140_000.0 * 9.7222e-6); // 127.749708
        is(cost.on_demand, 0.0);
        is(cost.requests, 26.28);
        is(cost.total, 263.530_584);
        is(cost.served_share, 1.0);
        is(cost.utilization, 0.5);
        // 4.1667 / (16.6667 − 9.7222): the 60 % that is said of it.
        is(cost.pays_from_utilization, 4.1667 / 6.9445);
        is(cost.saving, 219.000_438 - 237.250_584);
    }

    #[test]
    fn calls_beyond_what_the_environments_can_serve_are_on_demand() {
        let rates = rates("us-east-1", None);
        // Twice as much as they have time for.
        let cost = bill(&rates, 525_600_000.0).provisioned(memory(1024), 100.0);
        let cost = cost.expect("prices");
        is(cost.served_share, 0.5);
        is(cost.utilization, 1.0);
        is(cost.duration, 26_280_000.0 * 9.7222e-6);
        is(cost.on_demand, 26_280_000.0 * 1.66667e-5);
        assert!(cost.saving > 0.0, "they are always at work");
    }

    #[test]
    fn provisioned_concurrency_need_not_ever_pay() {
        let stated = StatedPrice {
            per_gb_second: 1e-5,
            per_request: None,
            per_transition: None,
            currency: None,
        };
        let rates = rates("us-east-1", Some(&stated));
        let cost = bill(&rates, 1e6).provisioned(memory(1024), 100.0);
        assert_eq!(cost.expect("prices").pays_from_utilization, None);
    }

    #[test]
    fn what_is_not_known_is_left_out_and_named() {
        let stated = StatedPrice {
            per_gb_second: 1e-5,
            per_request: None,
            per_transition: None,
            currency: Some("EUR".to_owned()),
        };
        let rates = rates("us-east-1", Some(&stated));
        let usual = bill(&rates, 1e6);
        let cost = usual.on_demand(memory(1024), 100.0);
        is(cost.duration, 1.0);
        assert_eq!((cost.total, cost.requests), (None, None));
        is(cost.saving(&usual.on_demand(memory(512), 100.0)), 0.5);
        assert_eq!(usual.provisioned(memory(1024), 100.0), None);
        assert_eq!(usual.notes(true).len(), 3, "{:?}", usual.notes(true));
        let large = Bill {
            ephemeral_mb: 1024,
            ..usual
        };
        let cost = large.on_demand(memory(1024), 100.0);
        assert_eq!((cost.storage, cost.saving(&cost)), (None, None));
        assert_eq!(large.notes(true).len(), 4, "{:?}", large.notes(true));
    }

    #[test]
    fn the_notes_say_whether_cold_starts_are_in_the_month() {
        let note_of = |samples, cold_calls| {
            let summary = Summary {
                samples,
                warm: Some(Warm {
                    samples: 8,
                    mean_duration_ms: 1.0,
                }),
                cold: Some(Cold {
                    samples: 2,
                    mean_duration_ms: 1.0,
                    mean_init_ms: 1.0,
                }),
                ..Summary::default()
            };
            let tally = Tally {
                calls: 10,
                cold_starts: cold_calls,
                ..Tally::default()
            };
            cold_starts(&SizeResult {
                memory: memory(512),
                tally,
                result: Ok(summary),
            })
        };
        let note = |samples| note_of(samples, 2);
        assert_eq!(note_of(10, 0), None);
        let one = note_of(10, 1).expect("one");
        assert!(
            one.starts_with("1 of 10 calls was a cold start with 512 MB"),
            "{one}"
        );
        assert_eq!(
            note(10).as_deref(),
            Some(
                "2 of 10 calls were cold starts with 512 MB, and as many are taken to be in the month"
            )
        );
        assert_eq!(
            note(8).as_deref(),
            Some(
                "2 of 10 calls were cold starts with 512 MB, and none is taken to be in the month: in a search the warm calls decide"
            )
        );
    }

    proptest! {
        #[test]
        fn it_pays_exactly_above_the_utilisation_that_is_named(
            invocations in 1.0..1e7f64,
            mean_ms in 1.0..1e4f64,
            environments in 1u32..50,
            mb in 128u32..=10_240,
        ) {
            let rates = rates("eu-west-1", None);
            let bill = Bill { environments: Some(environments), ..bill(&rates, invocations) };
            let cost = bill.provisioned(memory(mb), mean_ms).expect("prices");
            let pays_from = cost.pays_from_utilization.expect("it can pay");
            if (cost.utilization - pays_from).abs() > 1e-9 {
                prop_assert_eq!(cost.utilization > pays_from, cost.saving > 0.0, "{:?}", cost);
            }
            let on_demand = bill.on_demand(memory(mb), mean_ms).total.expect("known prices");
            let total = cost.total.expect("known prices");
            prop_assert!((on_demand - total - cost.saving).abs() <= 1e-9 * on_demand.max(total));
            prop_assert!(cost.served_share > 0.0 && cost.served_share <= 1.0);
        }
    }
}
