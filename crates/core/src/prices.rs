//! AWS's prices, exact for each region and architecture. Sources stand in `data/prices.json`.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::configuration::Architecture;
use crate::error::TuneError;
use crate::memory::MemoryMb;

/// What running a function of one architecture in one region costs, and the tuning itself in its own, in `currency`.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Price {
    pub currency: String,
    pub per_gb_second: f64,
    /// For each state transition of a Standard workflow.
    pub per_transition: f64,
}

/// Prices that an input states: for a region that the table does not have, or for somebody who pays less.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StatedPrice {
    pub per_gb_second: f64,
    pub per_request: Option<f64>,
    pub per_transition: Option<f64>,
    pub currency: Option<String>,
}

#[derive(Deserialize)]
struct Table {
    regions: HashMap<String, Region>,
}

#[derive(Deserialize)]
struct Region {
    currency: String,
    x86_64: Tiers,
    arm64: Tiers,
    request: f64,
    ephemeral_gb_s: f64,
    step_functions_transition: f64,
}

impl Region {
    fn tiers(&self, architecture: Architecture) -> &Tiers {
        match architecture {
            Architecture::X86_64 => &self.x86_64,
            Architecture::Arm64 => &self.arm64,
        }
    }
}

#[derive(Deserialize)]
struct Tiers {
    gb_second: Vec<Tier>,
    provisioned_concurrency_gb_s: Option<f64>,
    provisioned_duration_gb_s: Option<f64>,
}

/// A price for GB-seconds of a month up to so many, those of the tiers before counted.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
pub struct Tier {
    /// None where there is no bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    up_to_gb_s: Option<f64>,
    price: f64,
}

/// What a month of a function is billed by, in the currency of its [`Price`]. What is not known is not guessed.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rates {
    /// Ascending.
    pub duration: Vec<Tier>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_request: Option<f64>,
    /// For what a function has in `/tmp` beyond what each has, for the time of its calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_ephemeral_gb_second: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provisioned: Option<ProvisionedRates>,
}

/// For each GB-second that environments are kept ready, and for each in which they work.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProvisionedRates {
    pub per_gb_second_ready: f64,
    pub per_gb_second_at_work: f64,
}

impl Rates {
    /// Those of the table, where its currency is that of `price`; what the input states instead wins.
    ///
    /// # Panics
    ///
    /// Never in a released build: the embedded table is read by this module's tests.
    #[must_use]
    pub fn of(
        region: &str,
        architecture: Architecture,
        price: &Price,
        stated: Option<&StatedPrice>,
    ) -> Self {
        let table = Table::embedded();
        let region = table.regions.get(region);
        let region = region.filter(|region| region.currency == price.currency);
        let tiers = region.map(|region| region.tiers(architecture));
        // A price that is stated is one for all of the month.
        let flat = || {
            vec![Tier {
                up_to_gb_s: None,
                price: price.per_gb_second,
            }]
        };
        Self {
            duration: match (stated, tiers) {
                (None, Some(tiers)) => tiers.gb_second.clone(),
                _ => flat(),
            },
            per_request: stated
                .and_then(|stated| stated.per_request)
                .or(region.map(|region| region.request)),
            per_ephemeral_gb_second: region.map(|region| region.ephemeral_gb_s),
            provisioned: tiers.and_then(|tiers| {
                Some(ProvisionedRates {
                    per_gb_second_ready: tiers.provisioned_concurrency_gb_s?,
                    per_gb_second_at_work: tiers.provisioned_duration_gb_s?,
                })
            }),
        }
    }

    /// The first GB-seconds of a month at the price of the first tier, and so on.
    #[must_use]
    pub fn of_duration(&self, gb_seconds: f64) -> f64 {
        let mut below = 0.0;
        let mut cost = 0.0;
        for tier in &self.duration {
            let end = tier.up_to_gb_s.unwrap_or(f64::INFINITY).min(gb_seconds);
            cost += (end - below).max(0.0) * tier.price;
            below = end.max(below);
        }
        cost
    }
}

const US_DOLLARS: &str = "USD";
/// Of most regions (the table's source).
const USUAL_TRANSITION: f64 = 2.5e-5;

const TABLE: &str = include_str!("../data/prices.json");

impl Table {
    fn embedded() -> Self {
        serde_json::from_str(TABLE).expect("the embedded table is valid")
    }
}

/// Where what is paid for happens.
#[derive(Clone, Copy, Debug)]
pub struct Regions<'a> {
    /// The calls.
    pub function: &'a str,
    /// The state transitions.
    pub tuner: &'a str,
}

impl Price {
    /// What is stated, and the rest from the table. A region that the table does not have is paid in US dollars, with
    /// the price of a state transition that most regions have, unless that is stated too.
    ///
    /// # Panics
    ///
    /// Never in a released build: the embedded table is read by this module's tests.
    #[must_use]
    pub fn stated(stated: &StatedPrice, regions: Regions) -> Self {
        let table = Table::embedded();
        let currency = table
            .regions
            .get(regions.function)
            .map_or(US_DOLLARS, |region| &region.currency);
        let per_transition = table
            .regions
            .get(regions.tuner)
            .map_or(USUAL_TRANSITION, |region| region.step_functions_transition);
        Self {
            currency: stated
                .currency
                .clone()
                .unwrap_or_else(|| currency.to_owned()),
            per_gb_second: stated.per_gb_second,
            per_transition: stated.per_transition.unwrap_or(per_transition),
        }
    }

    /// The on-demand price of the first tier.
    ///
    /// # Errors
    ///
    /// [`TuneError::PriceUnknown`]: a guess would make every cost of the outcome wrong.
    ///
    /// # Panics
    ///
    /// Never in a released build: the embedded table is read by this module's tests.
    pub fn of(regions: Regions, architecture: Architecture) -> Result<Self, TuneError> {
        let table = Table::embedded();
        let unknown = |region: &str| TuneError::PriceUnknown {
            region: region.to_owned(),
            architecture: architecture.to_string(),
        };
        let calls = table.regions.get(regions.function).and_then(|region| {
            let first = region.tiers(architecture).gb_second.first()?;
            Some((region.currency.clone(), first.price))
        });
        let (currency, per_gb_second) = calls.ok_or_else(|| unknown(regions.function))?;
        let tuner = table.regions.get(regions.tuner);
        Ok(Self {
            currency,
            per_gb_second,
            per_transition: tuner
                .ok_or_else(|| unknown(regions.tuner))?
                .step_functions_transition,
        })
    }

    /// The cost of the time that calls are billed for: it is proportional to memory and to whole milliseconds.
    #[must_use]
    pub fn of_calls(&self, memory: MemoryMb, billed_ms: f64) -> f64 {
        billed_ms.ceil() / 1000.0 * f64::from(memory.get()) / 1024.0 * self.per_gb_second
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both(region: &str) -> Regions<'_> {
        Regions {
            function: region,
            tuner: region,
        }
    }

    #[test]
    fn every_row_of_the_table_can_be_read() {
        let table = Table::embedded();
        assert!(table.regions.len() > 30);
        for region in table.regions.keys() {
            for architecture in [Architecture::X86_64, Architecture::Arm64] {
                let price = Price::of(both(region), architecture).expect(region);
                assert!(
                    price.per_gb_second > 0.0 && price.per_transition > 0.0,
                    "{region}"
                );
            }
        }
    }

    #[test]
    fn prices_are_those_of_the_region_and_the_architecture() {
        let cases = [
            ("us-east-1", Architecture::X86_64, "USD", 1.66667e-5, 2.5e-5),
            ("us-east-1", Architecture::Arm64, "USD", 1.33334e-5, 2.5e-5),
            (
                "cn-north-1",
                Architecture::X86_64,
                "CNY",
                1.13477e-4,
                1.891e-4,
            ),
        ];
        for (region, architecture, currency, per_gb_second, per_transition) in cases {
            let want = Price {
                currency: currency.to_owned(),
                per_gb_second,
                per_transition,
            };
            assert_eq!(
                Price::of(both(region), architecture).ok(),
                Some(want),
                "{region}"
            );
        }
    }

    #[test]
    fn calls_are_paid_where_the_function_is_and_transitions_where_the_tuner_is() {
        let regions = Regions {
            function: "eu-south-1",
            tuner: "us-east-1",
        };
        let price = Price::of(regions, Architecture::X86_64).expect("known regions");
        assert_eq!(
            (price.per_gb_second, price.per_transition),
            (1.95172e-5, 2.5e-5)
        );
        let stated = StatedPrice {
            per_gb_second: 1.0,
            per_request: None,
            per_transition: None,
            currency: None,
        };
        let away = Regions {
            function: "us-east-1",
            tuner: "eu-south-1",
        };
        let price = Price::stated(&stated, away);
        assert_eq!((price.per_gb_second, price.per_transition), (1.0, 2.625e-5));
    }

    #[test]
    fn a_region_without_a_price_is_an_error_and_never_a_default() {
        let error = Price::of(both("xx-north-9"), Architecture::Arm64).expect_err("no such region");
        assert_eq!(error.name(), "PriceUnknown");
    }

    #[test]
    fn what_is_stated_wins_and_the_rest_is_the_regions() {
        let stated = |per_transition, currency: Option<&str>| StatedPrice {
            per_gb_second: 1.0,
            per_request: None,
            per_transition,
            currency: currency.map(str::to_owned),
        };
        let cases = [
            ("xx-north-9", stated(None, None), "USD", 2.5e-5),
            ("cn-north-1", stated(None, None), "CNY", 1.891e-4),
            ("cn-north-1", stated(Some(2.0), Some("EUR")), "EUR", 2.0),
        ];
        for (region, stated, currency, per_transition) in cases {
            let want = Price {
                currency: currency.to_owned(),
                per_gb_second: 1.0,
                per_transition,
            };
            assert_eq!(Price::stated(&stated, both(region)), want);
        }
    }

    #[test]
    fn a_month_is_paid_by_tiers() {
        let price = Price::of(both("us-east-1"), Architecture::X86_64).expect("a known region");
        let rates = Rates::of("us-east-1", Architecture::X86_64, &price, None);
        // Tiers end at 6 and 15 billion GB-seconds.
        let cases = [
            (0.0, 0.0),
            (1.0, 1.66667e-5),
            (6e9, 100_000.2),
            (6e9 + 1e6, 100_000.2 + 15.0),
            (15e9, 100_000.2 + 135_000.0),
            (20e9, 100_000.2 + 135_000.0 + 66_667.0),
        ];
        for (gb_seconds, want) in cases {
            let cost = rates.of_duration(gb_seconds);
            assert!((cost - want).abs() < 1e-6, "{gb_seconds}: {cost}");
        }
        assert_eq!(rates.per_request, Some(2e-7));
        assert_eq!(rates.per_ephemeral_gb_second, Some(3.09e-8));
        let provisioned = ProvisionedRates {
            per_gb_second_ready: 4.1667e-6,
            per_gb_second_at_work: 9.7222e-6,
        };
        assert_eq!(rates.provisioned, Some(provisioned));
        let arm = Rates::of("us-east-1", Architecture::Arm64, &price, None);
        assert!((arm.of_duration(7.5e9) - 100_000.5).abs() < 1e-6);
    }

    #[test]
    fn every_region_of_the_table_has_what_a_month_is_billed_by() {
        for (region, row) in Table::embedded().regions {
            for architecture in [Architecture::X86_64, Architecture::Arm64] {
                let price = Price::of(both(&region), architecture).expect("a known region");
                let rates = Rates::of(&region, architecture, &price, None);
                assert!(
                    rates.per_request.is_some_and(|price| price > 0.0),
                    "{region}"
                );
                assert!(
                    rates
                        .per_ephemeral_gb_second
                        .is_some_and(|price| price > 0.0)
                );
                assert_eq!(
                    rates.provisioned.is_some(),
                    row.currency == "USD",
                    "{region}"
                );
                assert!((rates.of_duration(1.0) - price.per_gb_second).abs() < 1e-15);
                let ends: Vec<f64> = rates
                    .duration
                    .iter()
                    .map(|tier| tier.up_to_gb_s.unwrap_or(f64::INFINITY))
                    .collect();
                assert!(
                    ends.is_sorted() && ends.last() == Some(&f64::INFINITY),
                    "{region}"
                );
            }
        }
    }

    #[test]
    fn a_price_that_is_stated_has_no_tiers_and_no_other_currency_is_mixed_in() {
        let stated = |per_request, currency: Option<&str>| StatedPrice {
            per_gb_second: 1e-5,
            per_request,
            per_transition: None,
            currency: currency.map(str::to_owned),
        };
        let rates = |region: &str, stated: &StatedPrice| {
            let price = Price::stated(stated, both(region));
            Rates::of(region, Architecture::X86_64, &price, Some(stated))
        };
        let flat = rates("us-east-1", &stated(None, None));
        assert!((flat.of_duration(20e9) - 200_000.0).abs() < 1e-6);
        assert_eq!(flat.per_request, Some(2e-7), "the table's");
        assert!(flat.provisioned.is_some());
        assert_eq!(
            rates("us-east-1", &stated(Some(1e-7), None)).per_request,
            Some(1e-7)
        );
        for unknown in [
            rates("xx-north-9", &stated(None, None)),
            rates("us-east-1", &stated(None, Some("EUR"))),
        ] {
            assert_eq!(unknown.per_request, None);
            assert_eq!(unknown.per_ephemeral_gb_second, None);
            assert_eq!(unknown.provisioned, None);
        }
        assert_eq!(
            rates("xx-north-9", &stated(Some(1e-7), None)).per_request,
            Some(1e-7)
        );
    }

    #[test]
    fn part_of_a_millisecond_is_billed_as_a_whole_one() {
        let price = Price {
            currency: "USD".to_owned(),
            per_gb_second: 1.0,
            per_transition: 0.0,
        };
        let gb = MemoryMb::try_from(1024).expect("a valid size");
        assert!((price.of_calls(gb, 1999.2) - 2.0).abs() < 1e-12);
    }
}
