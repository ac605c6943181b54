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
    step_functions_transition: f64,
}

#[derive(Deserialize)]
struct Tiers {
    gb_second: Vec<Tier>,
}

#[derive(Deserialize)]
struct Tier {
    price: f64,
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
            let tiers = match architecture {
                Architecture::X86_64 => &region.x86_64,
                Architecture::Arm64 => &region.arm64,
            };
            Some((region.currency.clone(), tiers.gb_second.first()?.price))
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
