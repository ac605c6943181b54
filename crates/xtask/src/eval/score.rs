//! How much worse than the best size the chosen ones are, and at what price.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::thread;

use anyhow::{Context, Result, anyhow};
use power_tuner_core::MemoryMb;
use power_tuner_core::choice::Strategy;
use power_tuner_core::configuration::Architecture;
use power_tuner_core::prices::{Price, Regions};
use power_tuner_core::request::Request;
use power_tuner_core::search::{Bounds, Settings};
use power_tuner_core::statistics::trimmed_mean;
use serde::Serialize;
use serde_json::{Value, json};

use super::count;
use super::curves::{Between, Curve, Truth};
use super::noise::{Cell, Draws};
use super::policy::{Asked, CALLS_OF_THE_REFERENCE, Function, GRID, Run, reference, search};

pub(super) const ALL_NOISE: &str = "all";
const WITHOUT_BIMODAL: &str = "without bimodal";
/// The search may spend this share of what the reference spends.
const MOST_SPENT: f64 = 0.2;
/// How much worse in regret the search may be, at the upper end of the difference's 95 % interval.
const MOST_WORSE: f64 = 0.001;
/// Of the standard normal distribution, for 95 % on two sides.
const Z: f64 = 1.96;
/// Best sizes are looked for in steps of so many MB.
const STEP: usize = 16;
const UNIT_MB: f64 = 512.0;
/// The region whose prices the limits are in; which one does not matter.
const REGION: &str = "us-east-1";

/// What is drawn, and from what.
pub(super) struct Study<'a> {
    pub curves: &'a [Curve],
    pub cells: &'a [Cell],
    pub seed: u64,
    pub repetitions: u32,
}

/// One repetition of one curve.
#[derive(Clone, Copy, Debug)]
struct Outcome {
    is_bimodal: bool,
    reference: Judged,
    search: Judged,
}

/// A run, beside the truth.
#[derive(Clone, Copy, Debug)]
struct Judged {
    /// How much worse the chosen size is than the best.
    regret: f64,
    /// In calls at 512 MB.
    spent: f64,
    run: Run,
}

/// With one truth: for each family, all repetitions of its curves.
pub(super) struct Results {
    between: Between,
    families: BTreeMap<String, Vec<Outcome>>,
}

/// Averages over families, which count alike.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Score {
    pub strategy: String,
    pub truth: &'static str,
    pub noise: &'static str,
    pub reference: Figures,
    pub search: Figures,
    /// Of the mean regret: the search's less the reference's.
    pub difference: f64,
    pub standard_error_of_the_difference: f64,
    pub mean_rounds: f64,
    pub mean_sizes: f64,
    pub mean_calls: f64,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Figures {
    pub mean_regret: f64,
    pub standard_error: f64,
    pub p90_regret: f64,
    pub spent: f64,
}

/// What a limit on the mean duration led to.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Violations {
    pub strategy: String,
    pub truth: &'static str,
    /// Runs that say of the size they chose that it keeps to the limit.
    pub share_that_says_it_keeps: f64,
    /// Of these, those whose size truly does not.
    pub share_violated: f64,
    /// Of these, those whose size exceeds the limit by more than a hundredth.
    pub share_violated_by_a_hundredth: f64,
    /// Of those that keep to it, above the best size that does.
    pub mean_regret: f64,
    pub spent: f64,
}

impl Score {
    pub fn misses(&self) -> Vec<String> {
        let name = format!("{}, {}", self.strategy, self.truth);
        let mut misses = Vec::new();
        let upper = self.difference + Z * self.standard_error_of_the_difference;
        if upper > MOST_WORSE {
            misses.push(format!(
                "{name}: the regret may be {:.2} percentage points above the reference's",
                upper * 100.0
            ));
        }
        if self.search.p90_regret > self.reference.p90_regret {
            misses.push(format!(
                "{name}: the 90th percentile of the regret is {:.2} %, the reference's {:.2} %",
                self.search.p90_regret * 100.0,
                self.reference.p90_regret * 100.0
            ));
        }
        let share = self.search.spent / self.reference.spent;
        if share > MOST_SPENT {
            misses.push(format!(
                "{name}: spends {share:.2} of what the reference spends"
            ));
        }
        misses
    }
}

/// What is right about one function.
struct Case<'a> {
    truth: &'a Truth,
    bounds: Bounds,
    /// What the strategy wants to be small, at each size.
    value: Box<dyn Fn(f64) -> f64 + 'a>,
    sizes: Vec<f64>,
    unit: f64,
}

impl<'a> Case<'a> {
    fn new(curve: &Curve, truth: &'a Truth, strategy: Strategy) -> Result<Self> {
        let (lowest, highest) = (curve.lowest(), curve.highest());
        let size =
            |mb: u32| MemoryMb::try_from(mb).map_err(|rule| anyhow!("curve {}: {rule}", curve.id));
        let covered = GRID
            .iter()
            .filter(|mb| curve.covers(**mb))
            .map(|mb| f64::from(*mb));
        let covered: Vec<f64> = covered.collect();
        let most =
            |value: &dyn Fn(f64) -> f64| covered.iter().map(|mb| value(*mb)).fold(0.0, f64::max);
        let most_ms = most(&|mb| truth.ms(mb));
        let most_mb_ms = most(&|mb| truth.ms(mb) * mb);
        let value = move |mb: f64| {
            let ms = truth.ms(mb);
            match strategy {
                Strategy::Cost => ms * mb,
                Strategy::Speed => ms,
                Strategy::Balanced { weight } => {
                    weight * ms * mb / most_mb_ms + (1.0 - weight) * ms / most_ms
                }
            }
        };
        let unit_mb = UNIT_MB.clamp(f64::from(lowest), f64::from(highest));
        Ok(Self {
            truth,
            bounds: Bounds {
                lowest: size(lowest)?,
                highest: size(highest)?,
            },
            value: Box::new(value),
            sizes: (lowest..highest)
                .step_by(STEP)
                .chain([highest])
                .map(f64::from)
                .collect(),
            unit: truth.ms(unit_mb) * unit_mb,
        })
    }

    fn function(&self) -> Function<'a> {
        Function {
            truth: self.truth,
            bounds: self.bounds,
        }
    }

    /// The smallest value of those sizes.
    fn best(&self, is_allowed: impl Fn(f64) -> bool) -> Option<f64> {
        let allowed = self.sizes.iter().copied().filter(|mb| is_allowed(*mb));
        allowed.map(&self.value).min_by(f64::total_cmp)
    }

    fn judged(&self, run: Run, best: f64) -> Judged {
        Judged {
            regret: (self.value)(f64::from(run.chosen_mb)) / best - 1.0,
            spent: run.spent / self.unit,
            run,
        }
    }
}

impl Study<'_> {
    pub fn families(&self) -> Vec<&str> {
        let mut families: Vec<&str> = self
            .curves
            .iter()
            .map(|curve| curve.family.as_str())
            .collect();
        families.sort_unstable();
        families.dedup();
        families
    }

    pub fn scores(&self, strategy: Strategy, settings: Settings) -> Result<Vec<Score>> {
        let results = self.results(strategy, settings)?;
        let score =
            |results: &Results| [true, false].map(|bimodal| results.score(strategy, bimodal));
        Ok(results.iter().flat_map(score).collect())
    }

    pub fn results(&self, strategy: Strategy, settings: Settings) -> Result<Vec<Results>> {
        let asked = asked(strategy, &json!({}), settings)?;
        let results = Between::ALL.map(|between| {
            let of_curves = self.of_each_curve(|at, curve| {
                let truth = curve.truth(between);
                let case = Case::new(curve, &truth, strategy)?;
                let best = case.best(|_| true).context("a curve without sizes")?;
                let outcomes = self.draws(at).map(|(cell, seed)| Outcome {
                    is_bimodal: cell.is_bimodal(),
                    reference: case.judged(
                        reference(
                            &case.function(),
                            &mut Draws::new(cell, seed),
                            strategy,
                            CALLS_OF_THE_REFERENCE,
                        ),
                        best,
                    ),
                    search: case.judged(
                        search(&case.function(), &mut Draws::new(cell, seed), &asked),
                        best,
                    ),
                });
                Ok(outcomes.collect::<Vec<_>>())
            })?;
            let mut families: BTreeMap<String, Vec<Outcome>> = BTreeMap::new();
            for (curve, outcomes) in self.curves.iter().zip(of_curves) {
                families
                    .entry(curve.family.clone())
                    .or_default()
                    .extend(outcomes);
            }
            Ok(Results { between, families })
        });
        results.into_iter().collect()
    }

    /// The cheapest, fastest or best balanced size whose mean duration is at most the geometric mean of the curve's
    /// shortest and longest.
    pub fn violations(&self, strategy: Strategy) -> Result<Vec<Violations>> {
        let all = Between::ALL.map(|between| {
            let runs = self.of_each_curve(|at, curve| {
                let truth = curve.truth(between);
                let case = Case::new(curve, &truth, strategy)?;
                let durations = || case.sizes.iter().map(|mb| truth.ms(*mb));
                let (least, most) = durations().fold((f64::MAX, 0.0_f64), |(least, most), ms| {
                    (least.min(ms), most.max(ms))
                });
                let limit = (least * most).sqrt();
                let best = case
                    .best(|mb| truth.ms(mb) <= limit)
                    .context("no size keeps to the limit")?;
                let runs = self.draws(at).map(|(cell, seed)| {
                    // Limits are on the trimmed mean, of which the series says what share of the mean it is.
                    let of_the_mean = trimmed_mean(&cell.ratios, super::DISCARD);
                    let limited = json!({"maxDurationMs": limit * of_the_mean});
                    let asked = asked(strategy, &limited, Settings::default())?;
                    let run = search(&case.function(), &mut Draws::new(cell, seed), &asked);
                    let excess = truth.ms(f64::from(run.chosen_mb)) / limit - 1.0;
                    Ok(Limited {
                        judged: case.judged(run, best),
                        excess,
                    })
                });
                runs.collect::<Result<Vec<_>>>()
            })?;
            let mut families: BTreeMap<&str, Vec<Limited>> = BTreeMap::new();
            for (curve, runs) in self.curves.iter().zip(runs) {
                families.entry(&curve.family).or_default().extend(runs);
            }
            let families: Vec<Vec<Limited>> = families.into_values().collect();
            Ok(violations(strategy, between, &families))
        });
        all.into_iter().collect()
    }

    /// Each curve gets each series alike often.
    fn draws(&self, curve: usize) -> impl Iterator<Item = (&Cell, u64)> {
        const APART: usize = 13;
        (0..u64::from(self.repetitions)).map(move |repetition| {
            let at = usize::try_from(repetition).unwrap_or(0) + curve * APART;
            let mixed = (repetition + 1).wrapping_mul(0xd134_2543_de82_ef95);
            let seed = mixed ^ self.seed.rotate_left(17) ^ ((curve as u64) << 40);
            (&self.cells[at % self.cells.len()], seed)
        })
    }

    /// On all processors; in the order of the curves.
    fn of_each_curve<T: Send>(
        &self,
        work: impl Fn(usize, &Curve) -> Result<T> + Sync,
    ) -> Result<Vec<T>> {
        let workers = thread::available_parallelism().map_or(1, NonZero::get);
        let done = thread::scope(|scope| {
            let workers: Vec<_> = (0..workers)
                .map(|worker| {
                    let work = &work;
                    scope.spawn(move || {
                        let own = self.curves.iter().enumerate().skip(worker).step_by(workers);
                        own.map(|(at, curve)| Ok((at, work(at, curve)?)))
                            .collect::<Result<Vec<_>>>()
                    })
                })
                .collect();
            workers
                .into_iter()
                .map(|worker| {
                    worker
                        .join()
                        .map_err(|_| anyhow!("the evaluation of a curve panicked"))?
                })
                .collect::<Result<Vec<_>>>()
        })?;
        let mut all: Vec<(usize, T)> = done.into_iter().flatten().collect();
        all.sort_by_key(|(at, _)| *at);
        Ok(all.into_iter().map(|(_, result)| result).collect())
    }
}

/// As an input asks, where nothing else is said.
fn asked(strategy: Strategy, more: &Value, settings: Settings) -> Result<Asked> {
    let mut input = json!({
        "lambdaARN": "evaluated",
        "num": CALLS_OF_THE_REFERENCE,
        "search": "adaptive",
        "strategy": strategy.name(),
    });
    if let (Some(input), Some(more)) = (input.as_object_mut(), more.as_object()) {
        input.extend(more.clone());
    }
    let regions = Regions {
        function: REGION,
        tuner: REGION,
    };
    Ok(Asked {
        request: Request::parse(&input)
            .map_err(|faults| anyhow!("the evaluation's input: {faults:?}"))?,
        price: Price::of(regions, Architecture::X86_64)?,
        settings,
    })
}

impl Results {
    pub fn score(&self, strategy: Strategy, with_bimodal: bool) -> Score {
        let families = self.families.values().map(|all| {
            let counted = all
                .iter()
                .filter(|outcome| with_bimodal || !outcome.is_bimodal);
            counted.copied().collect::<Vec<Outcome>>()
        });
        let families: Vec<Vec<Outcome>> = families.collect();
        score(strategy, self.between, with_bimodal, &families)
    }
}

fn score(
    strategy: Strategy,
    between: Between,
    with_bimodal: bool,
    families: &[Vec<Outcome>],
) -> Score {
    let figures = |of: fn(&Outcome) -> &Judged| {
        let (mean_regret, standard_error) = average(families, |outcome| of(outcome).regret);
        Figures {
            mean_regret,
            standard_error,
            p90_regret: over(families, |family| {
                p90(family.iter().map(|outcome| of(outcome).regret))
            }),
            spent: average(families, |outcome| of(outcome).spent).0,
        }
    };
    let (difference, standard_error_of_the_difference) = average(families, |outcome| {
        outcome.search.regret - outcome.reference.regret
    });
    Score {
        strategy: strategy.name().to_owned(),
        truth: between.name(),
        noise: if with_bimodal {
            ALL_NOISE
        } else {
            WITHOUT_BIMODAL
        },
        reference: figures(|outcome| &outcome.reference),
        search: figures(|outcome| &outcome.search),
        difference,
        standard_error_of_the_difference,
        mean_rounds: average(families, |outcome| f64::from(outcome.search.run.rounds)).0,
        mean_sizes: average(families, |outcome| count(outcome.search.run.sizes)).0,
        mean_calls: average(families, |outcome| f64::from(outcome.search.run.calls)).0,
    }
}

/// For each family the results with the settings that are best on the other families.
pub(super) fn cross_validated(strategy: Strategy, variants: &[Vec<Results>]) -> Vec<Score> {
    let Some(families) = variants
        .first()
        .and_then(|all| all.first())
        .map(|one| one.families.keys())
    else {
        return Vec::new();
    };
    let mut of_truths: BTreeMap<&'static str, (Between, Vec<Vec<Outcome>>)> = BTreeMap::new();
    for left_out in families {
        let regret = |results: &&Vec<Results>| {
            let scores = results.iter().map(|results| {
                let others = results
                    .families
                    .iter()
                    .filter(|(family, _)| *family != left_out);
                let others: Vec<Vec<Outcome>> =
                    others.map(|(_, outcomes)| outcomes.clone()).collect();
                let score = score(strategy, results.between, true, &others);
                let spends_too_much = score.search.spent > MOST_SPENT * score.reference.spent;
                score.search.mean_regret + if spends_too_much { 1.0 } else { 0.0 }
            });
            scores.sum::<f64>()
        };
        let Some(best) = variants
            .iter()
            .min_by(|a, b| regret(a).total_cmp(&regret(b)))
        else {
            continue;
        };
        for results in best {
            let entry = of_truths.entry(results.between.name());
            let (_, families) = entry.or_insert_with(|| (results.between, Vec::new()));
            families.extend(results.families.get(left_out).cloned());
        }
    }
    let scores = of_truths.into_values();
    scores
        .map(|(between, families)| score(strategy, between, true, &families))
        .collect()
}

/// A run with a limit.
struct Limited {
    judged: Judged,
    /// By which share of the limit the chosen size is truly above it; below 0 where it keeps to it.
    excess: f64,
}

fn violations(strategy: Strategy, between: Between, families: &[Vec<Limited>]) -> Violations {
    let says = |run: &&Limited| run.judged.run.says_it_keeps;
    let of_all = |is: &dyn Fn(&&Limited) -> bool| {
        let share = |runs: &Vec<Limited>| count(runs.iter().filter(is).count()) / count(runs.len());
        families.iter().map(share).sum::<f64>() / count(families.len())
    };
    let kept = of_all(&says);
    let violated = |beyond: f64| of_all(&|run| says(run) && run.excess > beyond) / kept;
    let keeping = |runs: &Vec<Limited>| {
        let keeping = runs.iter().filter(says).filter(|run| run.excess <= 0.0);
        let regrets: Vec<f64> = keeping.map(|run| run.judged.regret).collect();
        regrets.iter().sum::<f64>() / count(regrets.len().max(1))
    };
    let spent = |runs: &Vec<Limited>| {
        runs.iter().map(|run| run.judged.spent).sum::<f64>() / count(runs.len())
    };
    Violations {
        strategy: strategy.name().to_owned(),
        truth: between.name(),
        share_that_says_it_keeps: kept,
        share_violated: violated(0.0),
        share_violated_by_a_hundredth: violated(0.01),
        mean_regret: families.iter().map(keeping).sum::<f64>() / count(families.len()),
        spent: families.iter().map(spent).sum::<f64>() / count(families.len()),
    }
}

/// The mean over families of their means, and its standard error.
fn average(families: &[Vec<Outcome>], of: impl Fn(&Outcome) -> f64) -> (f64, f64) {
    let mut variance = 0.0;
    let mut sum = 0.0;
    for family in families {
        let n = count(family.len());
        let mean = family.iter().map(&of).sum::<f64>() / n;
        let squares: f64 = family
            .iter()
            .map(|outcome| (of(outcome) - mean).powi(2))
            .sum();
        sum += mean;
        variance += squares / (n - 1.0).max(1.0) / n;
    }
    let n = count(families.len());
    (sum / n, variance.sqrt() / n)
}

fn over(families: &[Vec<Outcome>], of: impl Fn(&[Outcome]) -> f64) -> f64 {
    families.iter().map(|family| of(family)).sum::<f64>() / count(families.len())
}

fn p90(values: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() * 9 / 10).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::eval::{curves, noise};

    const REPETITIONS: u32 = 17;

    fn data() -> (Vec<Curve>, Vec<Cell>) {
        let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
        let curves = curves::read(&data.join("curves.json")).expect("the repository's curves");
        let cells = noise::read(&data.join("noise-warm.json")).expect("the repository's noise");
        (curves, cells)
    }

    fn study<'a>(curves: &'a [Curve], cells: &'a [Cell]) -> Study<'a> {
        Study {
            curves,
            cells,
            seed: 1,
            repetitions: REPETITIONS,
        }
    }

    /// With few repetitions, and so with room for chance; `cargo xtask eval --check` has none.
    #[test]
    fn a_fifth_of_the_price_finds_sizes_that_are_as_good() {
        let (curves, cells) = data();
        for strategy in [
            Strategy::Cost,
            Strategy::Speed,
            Strategy::Balanced { weight: 0.5 },
        ] {
            let scores = study(&curves, &cells).scores(strategy, Settings::default());
            let scores = scores.expect("scores");
            assert_eq!(
                scores.len(),
                4,
                "two truths, with and without bimodal noise"
            );
            for score in scores.iter().filter(|score| score.noise == ALL_NOISE) {
                assert!(score.difference < 0.003, "{score:?}");
                assert!(
                    score.search.spent < MOST_SPENT * score.reference.spent,
                    "{score:?}"
                );
                assert!(
                    score.reference.mean_regret > 0.0 && score.mean_rounds > 1.0,
                    "{score:?}"
                );
            }
        }
    }

    #[test]
    fn what_is_said_to_keep_to_a_limit_does() {
        let (curves, cells) = data();
        // The cheapest sizes are slow: without the limit most would break it.
        for limit in study(&curves, &cells)
            .violations(Strategy::Cost)
            .expect("runs")
        {
            assert!(limit.share_that_says_it_keeps > 0.9, "{limit:?}");
            assert!(limit.share_violated < 0.05, "{limit:?}");
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_figures() {
        let (curves, cells) = data();
        let some = &curves[..6];
        let figures = || {
            let scores = study(some, &cells).scores(Strategy::Cost, Settings::default());
            serde_json::to_string(&scores.expect("scores")).expect("JSON")
        };
        assert_eq!(figures(), figures());
    }

    #[test]
    fn worse_dearer_and_unlucky_searches_miss_the_bar() {
        let figures = |mean_regret, p90_regret, spent| Figures {
            mean_regret,
            standard_error: 0.0,
            p90_regret,
            spent,
        };
        let score = |search: Figures, difference: f64| Score {
            strategy: "cost".to_owned(),
            truth: "linear",
            noise: ALL_NOISE,
            reference: figures(0.01, 0.02, 500.0),
            search,
            difference,
            standard_error_of_the_difference: 0.000_2,
            mean_rounds: 2.0,
            mean_sizes: 6.0,
            mean_calls: 60.0,
        };
        let cases = [
            (score(figures(0.01, 0.02, 100.0), 0.0), 0),
            (score(figures(0.011, 0.02, 100.0), 0.001), 1),
            (score(figures(0.01, 0.021, 100.0), 0.0), 1),
            (score(figures(0.01, 0.02, 101.0), 0.0), 1),
            (score(figures(0.02, 0.03, 200.0), 0.01), 3),
        ];
        for (score, misses) in cases {
            assert_eq!(score.misses().len(), misses, "{:?}", score.misses());
        }
    }
}
