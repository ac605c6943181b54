//! `cargo xtask eval`: what the search's decisions are worth on measured curves and measured noise, beside the reference's
//! policy. No network, and the decisions of the Lambda functions. `docs/METHOD.md` says what is measured and how.

mod coverage;
mod curves;
mod noise;
mod policy;
mod score;
mod table;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use power_tuner_core::choice::Strategy;
use power_tuner_core::search::{Settings, WorthOfACall, WorthOfAUsualSize};
use serde::Serialize;

use crate::workspace::Workspace;
use coverage::coverage;
use score::{Score, Study, Violations};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Curves to search on; those of the repository where nothing is given
    #[arg(long)]
    curves: Option<PathBuf>,
    /// Series of calls to draw noise from; those of the repository where nothing is given
    #[arg(long)]
    noise: Option<PathBuf>,
    /// Only this strategy
    #[arg(long, value_enum)]
    strategy: Option<StrategyName>,
    /// What all draws come from
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Of each curve, with each of the two truths
    #[arg(long, default_value_t = 510)]
    repetitions: u32,
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
    /// Fail where the search is worse than the reference, or spends more than a fifth of it
    #[arg(long)]
    check: bool,
    /// Choose the search's settings on all families of curves but one, judge them on that one, and so for each family
    #[arg(long)]
    cross_validate: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum StrategyName {
    Cost,
    Speed,
    Balanced,
}

impl StrategyName {
    const ALL: [Self; 3] = [Self::Cost, Self::Speed, Self::Balanced];

    fn strategy(self) -> Strategy {
        match self {
            Self::Cost => Strategy::Cost,
            Self::Speed => Strategy::Speed,
            Self::Balanced => Strategy::Balanced { weight: 0.5 },
        }
    }
}

/// All that is printed.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    curves: usize,
    families: usize,
    series: usize,
    repetitions: u32,
    seed: u64,
    scores: Vec<Score>,
    /// Only where it cross-validates.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    trade_offs: Vec<TradeOff>,
    limits: Vec<Violations>,
    intervals: Vec<Interval>,
}

/// What the search comes to with its rates multiplied.
#[derive(Serialize)]
struct TradeOff {
    factor: f64,
    score: Score,
}

/// How often the interval of a trimmed mean holds it, after sampling that ends early.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Interval {
    precision: f64,
    num: u32,
    mean_coverage: f64,
    worst_coverage: f64,
    mean_samples: f64,
}

/// The share that each end of a trimmed mean leaves out.
const DISCARD: f64 = 0.2;
/// The precision at which sampling ends (0 for never), and the most calls.
const SAMPLINGS: [(f64, u32); 8] = [
    (0.02, 50),
    (0.05, 50),
    (0.1, 50),
    (0.2, 50),
    (0.05, 200),
    (0.0, 5),
    (0.0, 10),
    (0.0, 50),
];
const REPETITIONS_OF_AN_INTERVAL: u32 = 600;
/// Coverage below this misses the bar: on average, and in any series.
const LEAST_COVERAGE: (f64, f64) = (0.93, 0.85);

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let data = Workspace::find()?.root.join("crates/xtask/data");
    let curves = curves::read(
        arguments
            .curves
            .as_ref()
            .unwrap_or(&data.join("curves.json")),
    )?;
    let cells = noise::read(
        arguments
            .noise
            .as_ref()
            .unwrap_or(&data.join("noise-warm.json")),
    )?;
    ensure!(
        arguments.repetitions > 0,
        "--repetitions must be at least 1"
    );
    let study = Study {
        curves: &curves,
        cells: &cells,
        seed: arguments.seed,
        repetitions: arguments.repetitions,
    };
    let strategies = StrategyName::ALL
        .iter()
        .filter(|one| arguments.strategy.is_none_or(|asked| asked == **one));
    let strategies: Vec<Strategy> = strategies.map(|name| name.strategy()).collect();
    let (scores, trade_offs) = if arguments.cross_validate {
        cross_validated(&study, &strategies)?
    } else {
        let scores = strategies
            .iter()
            .map(|strategy| study.scores(*strategy, Settings::default()));
        (scores.collect::<Result<Vec<_>>>()?.concat(), Vec::new())
    };
    let limits = strategies
        .iter()
        .map(|strategy| study.violations(*strategy));
    let report = Report {
        curves: curves.len(),
        families: study.families().len(),
        series: cells.len(),
        repetitions: arguments.repetitions,
        seed: arguments.seed,
        scores,
        trade_offs,
        limits: limits.collect::<Result<Vec<_>>>()?.concat(),
        intervals: intervals(&cells, arguments.seed),
    };
    if arguments.json {
        println!(
            "{}",
            serde_json::to_string_pretty(&report).context("no JSON")?
        );
    } else {
        table::print(&report);
    }
    let misses = misses(&report);
    for miss in &misses {
        eprintln!("missed: {miss}");
    }
    Ok(if arguments.check && !misses.is_empty() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

fn intervals(cells: &[noise::Cell], seed: u64) -> Vec<Interval> {
    let cells: Vec<Vec<f64>> = cells.iter().map(|cell| cell.ratios.clone()).collect();
    let of = |(precision, num)| {
        let found = coverage(
            &cells,
            DISCARD,
            precision,
            num,
            seed,
            REPETITIONS_OF_AN_INTERVAL,
        );
        Interval {
            precision,
            num,
            mean_coverage: found.mean,
            worst_coverage: found.worst,
            mean_samples: found.samples,
        }
    };
    SAMPLINGS.map(of).into()
}

/// What the search must hold: never worse than the reference beyond chance, for a fifth of its price.
fn misses(report: &Report) -> Vec<String> {
    let scores = report
        .scores
        .iter()
        .filter(|score| score.noise == score::ALL_NOISE);
    let mut misses: Vec<String> = scores.flat_map(Score::misses).collect();
    // With a fixed number of calls nothing is promised; five say too little.
    for interval in report
        .intervals
        .iter()
        .filter(|interval| interval.precision > 0.0)
    {
        let (mean, worst) = (interval.mean_coverage, interval.worst_coverage);
        if mean < LEAST_COVERAGE.0 || worst < LEAST_COVERAGE.1 {
            misses.push(format!(
                "intervals with precision {}: coverage {:.1} % on average, {:.1} % at worst",
                interval.precision,
                mean * 100.0,
                worst * 100.0
            ));
        }
    }
    misses
}

/// What the default rates are multiplied by.
const FACTORS: [f64; 5] = [0.7, 1.0, 2.0, 4.0, 8.0];
/// How much better a size that is not usual must look to be measured, and to be chosen.
const USUAL: [(f64, f64); 3] = [(0.02, 0.01), (0.08, 0.03), (0.12, 0.05)];

/// Settings that could have been chosen.
fn variants() -> Vec<Settings> {
    let usual = Settings::default();
    let mut variants = Vec::new();
    for factor in FACTORS {
        for (to_look, to_choose) in USUAL {
            let WorthOfACall {
                cost,
                speed,
                balanced,
            } = usual.worth_of_a_call;
            variants.push(Settings {
                worth_of_a_call: WorthOfACall {
                    cost: cost * factor,
                    speed: speed * factor,
                    balanced: balanced * factor,
                },
                worth_of_a_usual_size: WorthOfAUsualSize { to_look, to_choose },
                ..usual
            });
        }
    }
    variants
}

/// For each family the settings that are best on the others: those with the smallest regret that spend no more than a
/// fifth there. And what the default settings come to with other rates.
fn cross_validated(study: &Study, strategies: &[Strategy]) -> Result<(Vec<Score>, Vec<TradeOff>)> {
    let variants = variants();
    let mut scores = Vec::new();
    let mut trade_offs = Vec::new();
    for strategy in strategies {
        let mut results = Vec::new();
        for (at, settings) in variants.iter().enumerate() {
            let (name, of) = (strategy.name(), variants.len());
            eprintln!("{name}: {} of {of} settings", at + 1);
            let found = study.results(*strategy, *settings)?;
            let usual = Settings::default().worth_of_a_usual_size;
            if settings.worth_of_a_usual_size == usual {
                let factor = FACTORS[at / USUAL.len()];
                let scores = found.iter().map(|results| results.score(*strategy, true));
                trade_offs.extend(scores.map(|score| TradeOff { factor, score }));
            }
            results.push(found);
        }
        scores.extend(score::cross_validated(*strategy, &results));
    }
    Ok((scores, trade_offs))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "numbers of runs and samples, far below 2^53"
)]
fn count(number: usize) -> f64 {
    number as f64
}
