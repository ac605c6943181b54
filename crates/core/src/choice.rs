//! The strategies: which of the measured sizes is the best.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use crate::memory::MemoryMb;

/// What "best" means.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Strategy {
    Cost,
    Speed,
    /// From 0 (fastest) to 1 (cheapest).
    Balanced {
        weight: f64,
    },
}

impl Strategy {
    /// What an input calls them.
    pub const NAMES: [&'static str; 3] = ["cost", "speed", "balanced"];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Cost => "cost",
            Self::Speed => "speed",
            Self::Balanced { .. } => "balanced",
        }
    }
}

/// A size that could be chosen, with its averages for one call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candidate {
    pub memory: MemoryMb,
    pub cost: f64,
    pub duration_ms: f64,
}

/// The best candidate: ties in cost go to the faster one, ties in duration to the cheaper one (as in the reference),
/// and what is left to the smaller one.
#[must_use]
pub fn best(candidates: &[Candidate], strategy: Strategy) -> Option<Candidate> {
    Scale::of(candidates).best(candidates, strategy)
}

/// What a balance of cost and duration is measured by: the maxima over all measured sizes (formula of the reference).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    cost: f64,
    duration_ms: f64,
}

impl Scale {
    #[must_use]
    pub fn of(candidates: &[Candidate]) -> Self {
        let most = |value: fn(&Candidate) -> f64| candidates.iter().map(value).fold(0.0, f64::max);
        Self {
            cost: most(|c| c.cost),
            duration_ms: most(|c| c.duration_ms),
        }
    }

    /// The best of these, which may be fewer than those that the scale is of.
    #[must_use]
    pub fn best(&self, candidates: &[Candidate], strategy: Strategy) -> Option<Candidate> {
        candidates.iter().copied().min_by(|a, b| {
            let by_cost = a.cost.total_cmp(&b.cost);
            let by_duration = a.duration_ms.total_cmp(&b.duration_ms);
            let order = match strategy {
                Strategy::Cost => by_cost.then(by_duration),
                Strategy::Speed => by_duration.then(by_cost),
                Strategy::Balanced { .. } => {
                    let value = |c: &Candidate| self.value(strategy, c.cost, c.duration_ms);
                    value(a).total_cmp(&value(b))
                }
            };
            order.then_with(|| smaller(a, b))
        })
    }

    /// What the strategy wants to be small.
    #[must_use]
    pub fn value(&self, strategy: Strategy, cost: f64, duration_ms: f64) -> f64 {
        match strategy {
            Strategy::Cost => cost,
            Strategy::Speed => duration_ms,
            Strategy::Balanced { weight } => {
                weight * share(cost, self.cost)
                    + (1.0 - weight) * share(duration_ms, self.duration_ms)
            }
        }
    }
}

/// The sizes for which no other one is both cheaper and faster.
#[must_use]
pub fn pareto_front(candidates: &[Candidate]) -> Vec<MemoryMb> {
    let beats = |a: &Candidate, b: &Candidate| a.cost < b.cost && a.duration_ms < b.duration_ms;
    let unbeaten = candidates
        .iter()
        .filter(|one| !candidates.iter().any(|other| beats(other, one)));
    unbeaten.map(|one| one.memory).collect()
}

fn smaller(a: &Candidate, b: &Candidate) -> Ordering {
    a.memory.cmp(&b.memory)
}

/// A maximum of 0 means that all are 0: no one differs.
fn share(value: f64, max: f64) -> f64 {
    if max > 0.0 { value / max } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Strategy as _, prop, prop_assert, prop_assert_eq, proptest};

    use super::*;

    fn candidate(mb: u32, cost: f64, duration_ms: f64) -> Candidate {
        Candidate {
            memory: MemoryMb::try_from(mb).expect("a valid size"),
            cost,
            duration_ms,
        }
    }

    fn winner(candidates: &[Candidate], strategy: Strategy) -> Option<u32> {
        best(candidates, strategy).map(|c| c.memory.get())
    }

    #[test]
    fn each_strategy_finds_its_own() {
        let sizes = [
            candidate(128, 10.0, 1000.0),
            candidate(512, 9.0, 300.0),
            candidate(1024, 12.0, 150.0),
            candidate(3008, 40.0, 140.0),
        ];
        assert_eq!(winner(&sizes, Strategy::Cost), Some(512));
        assert_eq!(winner(&sizes, Strategy::Speed), Some(3008));
        assert_eq!(
            winner(&sizes, Strategy::Balanced { weight: 0.5 }),
            Some(1024)
        );
        assert_eq!(winner(&[], Strategy::Cost), None);
    }

    #[test]
    fn ties_go_as_in_the_reference() {
        let sizes = [
            candidate(128, 1.0, 20.0),
            candidate(256, 1.0, 10.0),
            candidate(512, 2.0, 10.0),
        ];
        assert_eq!(winner(&sizes, Strategy::Cost), Some(256), "the faster one");
        assert_eq!(
            winner(&sizes, Strategy::Speed),
            Some(256),
            "the cheaper one"
        );
        let same = [candidate(512, 1.0, 1.0), candidate(256, 1.0, 1.0)];
        assert_eq!(winner(&same, Strategy::Cost), Some(256), "the smaller one");
    }

    #[test]
    fn a_balance_is_measured_by_all_sizes_also_where_some_may_not_be_chosen() {
        let all = [
            candidate(512, 10.0, 500.0),
            candidate(1024, 20.0, 300.0),
            candidate(3008, 100.0, 250.0),
        ];
        let balanced = Strategy::Balanced { weight: 0.5 };
        let chosen = Scale::of(&all).best(&all[..2], balanced);
        assert_eq!(chosen.map(|c| c.memory.get()), Some(1024));
        assert_eq!(
            winner(&all[..2], balanced),
            Some(512),
            "by their own maxima"
        );
    }

    #[test]
    fn the_front_has_what_is_not_beaten_in_both() {
        let sizes = [
            candidate(128, 10.0, 1000.0),
            candidate(256, 11.0, 1000.0),
            candidate(512, 9.0, 300.0),
            candidate(1024, 12.0, 310.0),
            candidate(3008, 40.0, 140.0),
        ];
        let front: Vec<u32> = pareto_front(&sizes).iter().map(|size| size.get()).collect();
        assert_eq!(front, [512, 3008]);
        // As cheap, or as fast, is not both cheaper and faster.
        let tied = [candidate(128, 1.0, 20.0), candidate(256, 1.0, 10.0)];
        assert_eq!(pareto_front(&tied).len(), 2);
        assert_eq!(pareto_front(&[]), []);
    }

    proptest! {
        #[test]
        fn the_front_is_what_nobody_beats_and_has_every_winner(
            sizes in prop::collection::btree_map(128u32..=10_240, (0..8u8, 0..8u8), 1..20)
                .prop_map(|sizes| sizes.into_iter().map(|(mb, (cost, ms))| candidate(mb, f64::from(cost), f64::from(ms))).collect::<Vec<_>>()),
            weight in 0.0..=1.0f64,
        ) {
            let front = pareto_front(&sizes);
            for one in &sizes {
                let is_beaten = sizes.iter().any(|other| other.cost < one.cost && other.duration_ms < one.duration_ms);
                prop_assert_eq!(front.contains(&one.memory), !is_beaten, "{:?}", one);
            }
            for strategy in [Strategy::Cost, Strategy::Speed, Strategy::Balanced { weight }] {
                let winner = best(&sizes, strategy).expect("not empty");
                prop_assert!(front.contains(&winner.memory), "{:?} by {:?}", winner, strategy);
            }
        }

        #[test]
        fn nobody_beats_the_winner_and_order_does_not_matter(
            sizes in prop::collection::btree_map(128u32..=10_240, (0.0..1e3f64, 0.0..1e6f64), 1..20)
                .prop_map(|sizes| sizes.into_iter().map(|(mb, (cost, ms))| candidate(mb, cost, ms)).collect::<Vec<_>>()),
            weight in 0.0..=1.0f64,
        ) {
            let mut reversed = sizes.clone();
            reversed.reverse();
            for strategy in [Strategy::Cost, Strategy::Speed, Strategy::Balanced { weight }] {
                prop_assert_eq!(best(&sizes, strategy), best(&reversed, strategy));
            }
            let cheapest = best(&sizes, Strategy::Cost).expect("not empty");
            prop_assert!(sizes.iter().all(|c| c.cost >= cheapest.cost));
            let fastest = best(&sizes, Strategy::Speed).expect("not empty");
            prop_assert!(sizes.iter().all(|c| c.duration_ms >= fastest.duration_ms));
        }
    }
}
