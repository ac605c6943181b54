//! The execution input: parsed once, here, into values that cannot be wrong.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::choice::Strategy;
use crate::command::COMMANDS;
use crate::error::Fault;
use crate::function::{self, FunctionRef};
use crate::lock;
use crate::measurement::Wanted;
use crate::memory::MemoryMb;
use crate::payload::Payloads;
use crate::prices::StatedPrice;
use crate::role::RoleArn;
use crate::s3::S3Uri;
use crate::search::{Bounds, MOST_SAMPLES_OF_A_SEARCH};

/// What the writer of an execution input asks for.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a field of the input"
)]
pub struct Request {
    pub function: FunctionRef,
    /// Assumed for calls of the function, and for nothing else.
    pub role: Option<RoleArn>,
    pub search: Search,
    /// For each size, and the most that one may get where the search decides how many.
    pub num: u32,
    /// A size has enough samples once the interval of its mean is no wider than this share of it to either side.
    pub precision: Option<f64>,
    /// Where the payload lies, if it is not in the input itself.
    pub payload_s3: Option<S3Uri>,
    pub strategy: Strategy,
    /// What the best size must keep to.
    pub limits: Limits,
    /// What a month of the function is, where somebody wants to know its price.
    pub month: Option<Month>,
    /// Whether the current size is measured beside the others.
    pub baseline: bool,
    pub parallel: Parallel,
    /// The share of samples that is left out at each end before averaging, 0 to 0.4.
    pub discard_top_bottom: f64,
    pub include_output_results: bool,
    pub auto_optimize: bool,
    /// An alias that is to point at the best size.
    pub auto_optimize_alias: Option<String>,
    /// What is applied must be better than what is there by at least so much.
    pub min_improvement_percent: Option<f64>,
    pub on_failure: OnFailure,
    /// One call for each size, to see whether everything works.
    pub dry_run: bool,
    /// Only calls for which an environment was started count.
    pub only_cold_starts: bool,
    pub pre_processor: Option<FunctionRef>,
    pub post_processor: Option<FunctionRef>,
    pub sleep_between_runs_ms: u64,
    /// Nothing of a payload may show in a log or a cause.
    pub disable_payload_logs: bool,
    /// What the price table does not know.
    pub price: Option<StatedPrice>,
    /// Errors of the target that count as an ordinary end of a call.
    pub allowed_exceptions: Vec<String>,
    /// For readers of the outcome.
    pub note: Option<String>,
    /// The outcome is to have a link to its report, where the stack stores one.
    #[serde(default)]
    pub report_link: bool,
}

/// Which sizes are measured.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Search {
    /// These: ascending, without repetitions, never empty.
    Grid(Vec<MemoryMb>),
    /// Those that the search finds worth it.
    Adaptive(Bounds),
}

impl Search {
    pub const ADAPTIVE: &'static str = "adaptive";
    /// What an input calls them.
    pub const NAMES: [&'static str; 2] = ["grid", Self::ADAPTIVE];

    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Grid(_) => "grid",
            Self::Adaptive(_) => Self::ADAPTIVE,
        }
    }
}

/// What the best size must keep to; nothing where nothing is stated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Limits {
    pub duration: Option<DurationLimit>,
    /// Of one call, for its duration alone.
    pub cost: Option<f64>,
}

/// How long a call may take.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DurationLimit {
    pub most_ms: f64,
    /// So many in a hundred calls must keep to it; the mean where nothing is stated.
    pub percentile: Option<f64>,
}

/// How a function is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Month {
    pub invocations: u64,
    /// Environments of provisioned concurrency, where that is to be compared with.
    pub provisioned: Option<u32>,
}

/// What the stack says where an input says nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Defaults<'a> {
    /// Sizes with commas between them, or `ALL`; nothing for those of the reference.
    pub power_values: &'a str,
    /// `grid` or `adaptive`; nothing for `grid`.
    pub search: &'a str,
}

/// How many calls of one memory size may run at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Parallel {
    OneAtATime,
    AllAtOnce,
    AtMost(u32),
}

impl Parallel {
    #[must_use]
    pub fn limit(self) -> usize {
        match self {
            Self::OneAtATime => 1,
            Self::AllAtOnce => usize::MAX,
            Self::AtMost(calls) => usize::try_from(calls).unwrap_or(usize::MAX),
        }
    }
}

/// What one memory size that cannot be measured means for the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum OnFailure {
    Continue,
    Fail,
}

impl OnFailure {
    /// What an input calls them.
    pub const NAMES: [&'static str; 2] = ["continue", "fail"];
}

/// The sizes of an input without `powerValues`, as the reference's template has them.
const DEFAULT_SIZES: [u32; 6] = [128, 256, 512, 1024, 1536, 3008];
/// Fewer calls than this say nothing (the reference's bound); with more, the samples of one size would outgrow what
/// Step Functions carries between two batches.
const NUM: std::ops::RangeInclusive<u64> = 5..=MOST_CALLS as u64;
pub(crate) const MOST_CALLS: u32 = 5_000;
/// What is shown with 95 % confidence is wrong this often.
const UNSURE: f64 = 0.05;
/// What Step Functions carries from one state to the next, in bytes.
const STATE_LIMIT: u64 = 256 * 1024;
/// What is known of each size travels with the others.
const MOST_SIZES: usize = 200;
/// What the plan and the names around it take of that, at the most.
const PLAN_BYTES: u64 = 8 * 1024;
/// What one sample takes between two batches (a test of `measurement` holds it to that).
const SAMPLE_BYTES: u64 = 40;
/// What else is known of one size in the state.
const BRANCH_BYTES: u64 = 512;
const DEFAULT_BALANCED_WEIGHT: f64 = 0.5;
const DEFAULT_DISCARD: f64 = 0.2;
/// Above this share nothing would be left to average.
const LARGEST_DISCARD: f64 = 0.4;

/// Nobody's mean is known better, nor asks anybody for less.
const SMALLEST_PRECISION: f64 = 0.001;
const LARGEST_PRECISION: f64 = 0.5;
/// Far above what a function can be called in a month.
const MOST_INVOCATIONS: u64 = 1_000_000_000_000_000;
const MOST_ENVIRONMENTS: u32 = 1_000_000;
/// It travels with everything that is known of all sizes.
const LONGEST_NOTE: usize = 500;
/// Longer pauses would only cost: a call's environment is kept for minutes.
const LONGEST_SLEEP_MS: u64 = 600_000;

const FIELDS: [&str; 33] = [
    "lambdaARN",
    "roleARN",
    "powerValues",
    "num",
    "search",
    "precision",
    "payload",
    "payloadS3",
    "strategy",
    "balancedWeight",
    "maxDurationMs",
    "percentile",
    "maxCost",
    "monthlyInvocations",
    "provisionedConcurrency",
    "baseline",
    "parallelInvocation",
    "discardTopBottom",
    "includeOutputResults",
    "autoOptimize",
    "autoOptimizeAlias",
    "minImprovementPercent",
    "onFailure",
    "dryRun",
    "onlyColdStarts",
    "preProcessorARN",
    "postProcessorARN",
    "sleepBetweenRunsMs",
    "disablePayloadLogs",
    "allowedExceptions",
    "price",
    "note",
    "reportLink",
];

impl Request {
    /// Reads an execution input.
    ///
    /// # Errors
    ///
    /// Every fault of the input, not only the first: fields that are missing, wrong or unknown.
    pub fn parse(input: &Value) -> Result<Self, Vec<Fault>> {
        Self::parse_with(input, Defaults::default())
    }

    /// As [`parse`](Self::parse), where the parameters of the stack say what an input leaves open.
    ///
    /// # Errors
    ///
    /// Every fault of the input, and of a parameter if that is needed.
    pub fn parse_with(input: &Value, defaults: Defaults) -> Result<Self, Vec<Fault>> {
        let Some(fields) = input.as_object() else {
            return Err(vec![Fault::new(
                "input",
                "must be a JSON object with at least `lambdaARN` and `num`",
            )]);
        };
        let mut read = Reader {
            fields,
            faults: Vec::new(),
        };
        read.refuse_unknown_fields();
        // These travel twice: in the input, and in the plan.
        let lists = ["powerValues", "allowedExceptions", "note"].map(|field| fields.get(field));
        let lists: usize = lists
            .iter()
            .flatten()
            .map(|list| list.to_string().len())
            .sum();
        let bytes = (input.to_string().len() + lists) as u64;
        let function = read.required("lambdaARN", function);
        let role = read.role(function.as_ref());
        let search = read.search(defaults);
        let num = read.required("num", num);
        let payload_s3 = read.optional("payloadS3", s3_uri).flatten();
        let dry_run = read.optional("dryRun", boolean).unwrap_or(false);
        let only_cold_starts = read.optional("onlyColdStarts", boolean).unwrap_or(false);
        let precision = read.optional("precision", precision);
        let limits = read.limits(&search, num.filter(|_| !dry_run));
        let month = read.month();
        let weight = read.optional("balancedWeight", number);
        let strategy = read.optional("strategy", strategy_name);
        let parallel = read.optional("parallelInvocation", parallel);
        let discard = read.optional("discardTopBottom", number);
        let include_output_results = read.optional("includeOutputResults", boolean);
        let auto_optimize = read.optional("autoOptimize", boolean);
        let auto_optimize_alias = read.optional("autoOptimizeAlias", alias).flatten();
        let min_improvement_percent = read.min_improvement(auto_optimize);
        let baseline = read.optional("baseline", boolean);
        // What is asked for needs something to compare with.
        let baseline = baseline.unwrap_or(month.is_some() || min_improvement_percent.is_some());
        let most_samples = num.map_or(0, |num| most_samples(&search, only_cold_starts, num));
        read.refuse_what_step_functions_cannot_carry(bytes, most_samples);
        if let (Search::Grid(sizes), true, false) = (&search, only_cold_starts, dry_run) {
            let sizes = sizes.len() + usize::from(baseline);
            read.refuse_more_cold_starts_than_can_be_carried(sizes, num);
        }
        let on_failure = read.optional("onFailure", on_failure);
        let pre_processor = read.optional("preProcessorARN", processor).flatten();
        let post_processor = read.optional("postProcessorARN", processor).flatten();
        let sleep_between_runs_ms = read.optional("sleepBetweenRunsMs", sleep_ms);
        let disable_payload_logs = read.optional("disablePayloadLogs", boolean);
        let allowed_exceptions = read.optional("allowedExceptions", names);
        let price = read.price();
        let note = read.optional("note", note).flatten();
        let report_link = read.optional("reportLink", boolean);
        let mut faults = read.faults;
        let parsed = function.zip(num).map(|(function, num)| Self {
            function,
            role,
            search,
            num,
            precision,
            payload_s3,
            strategy: match strategy.unwrap_or(StrategyName::Cost) {
                StrategyName::Cost => Strategy::Cost,
                StrategyName::Speed => Strategy::Speed,
                StrategyName::Balanced => Strategy::Balanced {
                    weight: weight.unwrap_or(DEFAULT_BALANCED_WEIGHT).clamp(0.0, 1.0),
                },
            },
            limits,
            month,
            baseline,
            parallel: parallel.unwrap_or(Parallel::OneAtATime),
            discard_top_bottom: discard
                .unwrap_or(DEFAULT_DISCARD)
                .clamp(0.0, LARGEST_DISCARD),
            include_output_results: include_output_results.unwrap_or(false),
            auto_optimize: auto_optimize.unwrap_or(false),
            auto_optimize_alias,
            min_improvement_percent,
            on_failure: on_failure.unwrap_or(OnFailure::Continue),
            dry_run,
            only_cold_starts,
            pre_processor,
            post_processor,
            sleep_between_runs_ms: sleep_between_runs_ms.unwrap_or(0),
            disable_payload_logs: disable_payload_logs.unwrap_or(false),
            price,
            allowed_exceptions: allowed_exceptions.unwrap_or_default(),
            note,
            report_link: report_link.unwrap_or(false),
        });
        // As in the reference, the payload in S3 is the one that is sent, where there are two.
        if let Some(request) = &parsed
            && request.payload_s3.is_none()
            && let Err(more) = Payloads::read(fields.get("payload"), request)
        {
            faults.extend(more);
        }
        parsed.filter(|_| faults.is_empty()).ok_or(faults)
    }

    /// How many calls each size gets.
    #[must_use]
    pub fn calls(&self) -> u32 {
        if self.dry_run { 1 } else { self.num }
    }

    /// Whether calls count only if an environment was started for them; the one call of a dry run always does.
    #[must_use]
    pub fn is_cold(&self) -> bool {
        self.only_cold_starts && !self.dry_run
    }

    /// Whether a call for which an environment was started counts for little: a search compares sizes by few calls.
    #[must_use]
    pub fn warm_calls_decide(&self) -> bool {
        matches!(self.search, Search::Adaptive(_)) && !self.only_cold_starts && !self.dry_run
    }

    /// The alias to move to the best size, if that is asked for.
    #[must_use]
    pub fn alias_to_optimize(&self) -> Option<&str> {
        self.auto_optimize_alias
            .as_deref()
            .filter(|_| self.auto_optimize)
    }
}

struct Reader<'a> {
    fields: &'a Map<String, Value>,
    faults: Vec<Fault>,
}

type Rule<T> = fn(&Value) -> Result<T, String>;

impl Reader<'_> {
    fn required<T>(&mut self, field: &str, rule: Rule<T>) -> Option<T> {
        if self.fields.get(field).is_none_or(Value::is_null) {
            self.faults.push(Fault::new(field, "is missing"));
        }
        self.optional(field, rule)
    }

    /// `null` stands for a field that is not there, as it does in the reference.
    fn optional<T>(&mut self, field: &str, rule: Rule<T>) -> Option<T> {
        rule(self.fields.get(field).filter(|value| !value.is_null())?)
            .map_err(|broken| self.faults.push(Fault::new(field, broken)))
            .ok()
    }

    fn role(&mut self, function: Option<&FunctionRef>) -> Option<RoleArn> {
        let role = self.optional("roleARN", role).flatten()?;
        if let Some(Err(rule)) = function.map(|function| role.reaches(function)) {
            self.faults.push(Fault::new("roleARN", rule));
        }
        Some(role)
    }

    fn price(&mut self) -> Option<StatedPrice> {
        let value = self.fields.get("price").filter(|value| !value.is_null())?;
        let Some(fields) = value.as_object() else {
            let rule =
                "must be an object such as {\"perGbSecond\": 0.0000166667, \"currency\": \"USD\"}";
            self.faults.push(Fault::new("price", rule));
            return None;
        };
        let mut stated = Reader {
            fields,
            faults: Vec::new(),
        };
        let per_gb_second = stated.required("perGbSecond", positive);
        let per_request = stated.optional("perRequest", positive);
        let per_transition = stated.optional("perTransition", positive);
        let currency = stated.optional("currency", currency);
        for field in fields.keys() {
            if !["perGbSecond", "perRequest", "perTransition", "currency"].contains(&field.as_str())
            {
                let rule = "is not known; a price has `perGbSecond`, `perRequest`, `perTransition` and `currency`";
                stated.faults.push(Fault::new(field, rule));
            }
        }
        let faults = stated.faults.into_iter();
        self.faults
            .extend(faults.map(|fault| Fault::new(format!("price.{}", fault.field), fault.rule)));
        Some(StatedPrice {
            per_gb_second: per_gb_second?,
            per_request,
            per_transition,
            currency,
        })
    }

    fn search(&mut self, defaults: Defaults) -> Search {
        let asked = self.optional("search", search_name);
        let name = asked.unwrap_or_else(|| self.default_search(defaults.search));
        match name {
            SearchName::Grid => Search::Grid(self.sizes(defaults.power_values)),
            SearchName::Adaptive => Search::Adaptive(self.bounds()),
        }
    }

    fn default_search(&mut self, parameter: &str) -> SearchName {
        match parameter {
            "" => SearchName::Grid,
            name => search_name(&Value::from(name)).unwrap_or_else(|rule| {
                let rule = format!("{rule} (a parameter of the stack)");
                self.faults.push(Fault::new("Search", rule));
                SearchName::Grid
            }),
        }
    }

    /// Between which sizes the search may choose: those that Lambda has, where the input does not say.
    fn bounds(&mut self) -> Bounds {
        if !self.is_stated("powerValues") {
            return Bounds::default();
        }
        let found = self.faults.len();
        let sizes = self.sizes("");
        let stated = self.fields["powerValues"].as_array().map(Vec::len);
        match sizes.as_slice() {
            [lowest, .., highest] if stated.is_none_or(|stated| stated == 2) => Bounds {
                lowest: *lowest,
                highest: *highest,
            },
            _ => {
                if self.faults.len() == found {
                    let rule = "must be two different sizes where `search` is `adaptive`: between them it chooses for itself";
                    self.faults.push(Fault::new("powerValues", rule));
                }
                Bounds::default()
            }
        }
    }

    fn limits(&mut self, search: &Search, num: Option<u32>) -> Limits {
        let most_ms = self.optional("maxDurationMs", positive);
        let percentile = self.optional("percentile", percentile);
        if percentile.is_some() && !self.is_stated("maxDurationMs") {
            self.faults.push(Fault::new(
                "percentile",
                "is of `maxDurationMs`, which is missing",
            ));
        }
        if let (Some(percentile), Some(num)) = (percentile, num) {
            let shown = match search {
                Search::Grid(_) => is_shown_by(percentile, num),
                Search::Adaptive(_) => {
                    is_shown_by_a_search(percentile).and_then(|()| is_shown_by(percentile, num))
                }
            };
            if let Err(rule) = shown {
                self.faults.push(Fault::new("percentile", rule));
            }
        }
        Limits {
            duration: most_ms.map(|most_ms| DurationLimit {
                most_ms,
                percentile,
            }),
            cost: self.optional("maxCost", positive),
        }
    }

    fn month(&mut self) -> Option<Month> {
        let invocations = self.optional("monthlyInvocations", invocations);
        let provisioned = self.optional("provisionedConcurrency", environments);
        if provisioned.is_some() && !self.is_stated("monthlyInvocations") {
            self.faults.push(Fault::new(
                "provisionedConcurrency",
                "is compared over a month: needs `monthlyInvocations`",
            ));
        }
        invocations.map(|invocations| Month {
            invocations,
            provisioned,
        })
    }

    fn min_improvement(&mut self, auto_optimize: Option<bool>) -> Option<f64> {
        let percent = self.optional("minImprovementPercent", improvement);
        if percent.is_some() && auto_optimize != Some(true) {
            self.faults.push(Fault::new(
                "minImprovementPercent",
                "is a condition of `autoOptimize`, which is not true",
            ));
        }
        percent
    }

    fn is_stated(&self, field: &str) -> bool {
        self.fields.get(field).is_some_and(|value| !value.is_null())
    }

    fn sizes(&mut self, default: &str) -> Vec<MemoryMb> {
        let mut sizes = match self.fields.get("powerValues") {
            None | Some(Value::Null) => self.default_sizes(default),
            Some(Value::String(all)) if all == "ALL" => MemoryMb::all(),
            Some(Value::Array(values)) if values.len() > MOST_SIZES => {
                self.faults.push(Fault::new(
                    "powerValues",
                    format!("has {} sizes; the most are {MOST_SIZES}", values.len()),
                ));
                Vec::new()
            }
            Some(Value::Array(values)) if !values.is_empty() => {
                self.check_sizes("powerValues", values)
            }
            Some(_) => {
                self.faults.push(Fault::new(
                    "powerValues",
                    "must be a list of memory sizes in MB, such as [128, 512, 1024], or \"ALL\"",
                ));
                Vec::new()
            }
        };
        sizes.sort_unstable();
        sizes.dedup();
        sizes
    }

    fn default_sizes(&mut self, parameter: &str) -> Vec<MemoryMb> {
        match parameter {
            "" => self.check_sizes("powerValues", &DEFAULT_SIZES.map(Value::from)),
            "ALL" => MemoryMb::all(),
            list => {
                let values: Vec<Value> = list.split(',').map(Value::from).collect();
                let found = self.faults.len();
                let sizes = self.check_sizes("PowerValues", &values);
                for fault in self.faults.iter_mut().skip(found) {
                    fault.rule.push_str(" (a parameter of the stack)");
                }
                sizes
            }
        }
    }

    fn check_sizes(&mut self, place: &str, values: &[Value]) -> Vec<MemoryMb> {
        let mut sizes = Vec::with_capacity(values.len());
        for (index, value) in values.iter().enumerate() {
            match size(value) {
                Ok(size) => sizes.push(size),
                Err(rule) => self
                    .faults
                    .push(Fault::new(format!("{place}[{index}]"), rule)),
            }
        }
        sizes
    }

    fn refuse_unknown_fields(&mut self) {
        for field in self.fields.keys() {
            if FIELDS.contains(&field.as_str()) {
                continue;
            }
            let rule = if COMMANDS.contains(&field.as_str()) {
                "asks for something else than a tuning, and has none of its fields beside it"
                    .to_owned()
            } else {
                format!(
                    "is not a field of the input; the nearest is `{}`",
                    nearest(field)
                )
            };
            self.faults.push(Fault::new(field, rule));
        }
    }

    /// Cold starts that are missing after a round are made in the next one, so that the samples of all sizes travel from
    /// round to round together.
    fn refuse_more_cold_starts_than_can_be_carried(&mut self, sizes: usize, num: Option<u32>) {
        let left_for_each = (STATE_LIMIT - PLAN_BYTES) / (sizes as u64).max(1);
        let most = left_for_each.saturating_sub(BRANCH_BYTES) / SAMPLE_BYTES;
        if let Some(num) = num
            && u64::from(num) > most
        {
            self.faults.push(Fault::new(
                "num",
                format!(
                    "{num} cold starts at each of {sizes} sizes are more than Step Functions carries from round to round; with so \
                     many sizes `num` may be {most} at most"
                ),
            ));
        }
    }

    /// The executor gets the input and the samples so far in one piece. More than Step Functions carries would end the
    /// execution in the middle, by an error that no state can catch.
    fn refuse_what_step_functions_cannot_carry(&mut self, input: u64, most_samples: u32) {
        let samples = u64::from(most_samples) * SAMPLE_BYTES;
        if input + samples + PLAN_BYTES > STATE_LIMIT {
            self.faults.push(Fault::new(
                "payload",
                format!(
                    "the input has {input} bytes (lists count twice), which with the samples of `num` calls is more than \
                     Step Functions carries; with this `num` an input may have {} bytes",
                    STATE_LIMIT.saturating_sub(samples + PLAN_BYTES)
                ),
            ));
        }
    }
}

/// Of one size, while it is measured.
fn most_samples(search: &Search, only_cold_starts: bool, num: u32) -> u32 {
    match search {
        Search::Grid(_) => num,
        Search::Adaptive(_) => {
            let wanted = Wanted {
                samples: num.min(MOST_SAMPLES_OF_A_SEARCH),
                warm: !only_cold_starts,
            };
            wanted.most()
        }
    }
}

fn s3_uri(value: &Value) -> Result<Option<S3Uri>, String> {
    text(value)?.map(S3Uri::parse).transpose()
}

fn nearest(field: &str) -> &'static str {
    // The distance takes memory for each pair of letters, and no field has a long name.
    let field: String = field.to_lowercase().chars().take(64).collect();
    let distance = |known: &str| strsim::damerau_levenshtein(&field, &known.to_lowercase());
    FIELDS
        .iter()
        .chain(&COMMANDS)
        .min_by_key(|known| distance(known))
        .copied()
        .unwrap_or("lambdaARN")
}

fn function(value: &Value) -> Result<FunctionRef, String> {
    match value {
        Value::String(text) => FunctionRef::parse(text),
        _ => Err("must be a string: the function's name or ARN".to_owned()),
    }
}

/// A whole number, also as a string, as the reference accepts them.
fn whole(value: &Value) -> Option<u64> {
    match value {
        Value::String(text) => text.trim().parse().ok(),
        value => value.as_u64().or_else(|| {
            // 512.0 is as whole as 512.
            let number = value.as_f64().filter(|number| number.fract() == 0.0)?;
            format!("{number:.0}").parse().ok()
        }),
    }
}

fn num(value: &Value) -> Result<u32, String> {
    whole(value)
        .filter(|num| NUM.contains(num))
        .and_then(|num| u32::try_from(num).ok())
        .ok_or_else(|| {
            format!(
                "{value} is not a whole number from {} to {}",
                NUM.start(),
                NUM.end()
            )
        })
}

fn size(value: &Value) -> Result<MemoryMb, String> {
    let mb = whole(value).ok_or_else(|| format!("{value} is not a whole number of MB"))?;
    MemoryMb::try_from(u32::try_from(mb).unwrap_or(u32::MAX))
        .map_err(|_| format!("{mb} MB is outside Lambda's range of 128 to 10240 MB"))
}

fn number(value: &Value) -> Result<f64, String> {
    let number = match value {
        Value::String(text) => text.trim().parse().ok(),
        value => value.as_f64(),
    };
    number
        .filter(|number: &f64| number.is_finite())
        .ok_or_else(|| format!("{value} is not a number"))
}

/// A number without an exponent, where it is a string: so that the schema can say the bounds.
fn plain(value: &Value) -> Option<f64> {
    let is_plain = |text: &str| text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    match value {
        Value::String(text) => {
            let text = text.trim();
            is_plain(text.strip_prefix('+').unwrap_or(text))
                .then(|| text.parse().ok())
                .flatten()
        }
        value => value.as_f64(),
    }
}

pub(crate) fn positive(value: &Value) -> Result<f64, String> {
    number(value)
        .ok()
        .filter(|number| *number > 0.0)
        .ok_or_else(|| format!("{value} is not a number above 0"))
}

fn currency(value: &Value) -> Result<String, String> {
    let is_code = |text: &&str| text.len() == 3 && text.bytes().all(|b| b.is_ascii_uppercase());
    let code = value.as_str().filter(is_code).map(str::to_owned);
    code.ok_or_else(|| format!("{value} is not a currency's code, such as \"USD\""))
}

fn boolean(value: &Value) -> Result<bool, String> {
    value
        .as_bool()
        .ok_or_else(|| format!("{value} is neither true nor false"))
}

/// An empty text stands for a field that is not there, as it does in the reference.
fn text(value: &Value) -> Result<Option<&str>, String> {
    let text = value
        .as_str()
        .ok_or_else(|| format!("{value} is not a string"))?;
    Ok((!text.is_empty()).then_some(text))
}

fn alias(value: &Value) -> Result<Option<String>, String> {
    let Some(name) = text(value)? else {
        return Ok(None);
    };
    match function::is_alias(name) {
        true if name != lock::ALIAS => Ok(Some(name.to_owned())),
        true => Err(format!(
            "`{name}` is the name of the tuner's own lock; take another"
        )),
        false => Err(format!(
            "`{name}` is not an alias's name (letters, digits, `-` and `_`, not digits alone, at most 128)"
        )),
    }
}

fn role(value: &Value) -> Result<Option<RoleArn>, String> {
    text(value)?.map(RoleArn::parse).transpose()
}

fn note(value: &Value) -> Result<Option<String>, String> {
    let Some(text) = text(value)? else {
        return Ok(None);
    };
    let is_shown = |char: char| !char.is_control() || char == '\n';
    if !text.chars().all(is_shown) {
        return Err("has a control character other than a new line".to_owned());
    }
    match text.chars().count() {
        ..=LONGEST_NOTE => Ok(Some(text.to_owned())),
        chars => Err(format!(
            "has {chars} characters; at most {LONGEST_NOTE} are kept"
        )),
    }
}

fn processor(value: &Value) -> Result<Option<FunctionRef>, String> {
    text(value)?.map(FunctionRef::parse).transpose()
}

fn sleep_ms(value: &Value) -> Result<u64, String> {
    whole(value)
        .filter(|ms| *ms <= LONGEST_SLEEP_MS)
        .ok_or_else(|| {
            format!("{value} is not a whole number of milliseconds up to {LONGEST_SLEEP_MS}")
        })
}

fn names(value: &Value) -> Result<Vec<String>, String> {
    let names: Option<Vec<String>> = value.as_array().and_then(|all| {
        all.iter()
            .map(|name| name.as_str().map(str::to_owned))
            .collect()
    });
    names.ok_or_else(|| "must be a list of error names, such as [\"NotFoundError\"]".to_owned())
}

fn parallel(value: &Value) -> Result<Parallel, String> {
    match value {
        Value::Bool(true) => Ok(Parallel::AllAtOnce),
        Value::Bool(false) => Ok(Parallel::OneAtATime),
        value => whole(value)
            .and_then(|calls| u32::try_from(calls).ok())
            .filter(|calls| *calls > 0)
            .map(Parallel::AtMost)
            .ok_or_else(|| format!("{value} is not true, false or a number of calls above 0")),
    }
}

enum SearchName {
    Grid,
    Adaptive,
}

fn search_name(value: &Value) -> Result<SearchName, String> {
    match value.as_str() {
        Some("grid") => Ok(SearchName::Grid),
        Some(Search::ADAPTIVE) => Ok(SearchName::Adaptive),
        _ => Err(format!("{value} is not `grid` or `adaptive`")),
    }
}

fn precision(value: &Value) -> Result<f64, String> {
    plain(value)
        .filter(|share| (SMALLEST_PRECISION..=LARGEST_PRECISION).contains(share))
        .ok_or_else(|| {
            format!(
                "{value} is not a share from {SMALLEST_PRECISION} to {LARGEST_PRECISION} (0.05 is 5 % to either side of the mean)"
            )
        })
}

fn percentile(value: &Value) -> Result<f64, String> {
    plain(value)
        .filter(|percent| *percent > 0.0 && *percent < 100.0)
        .ok_or_else(|| format!("{value} is not a number above 0 and below 100"))
}

/// All sizes of a search share its samples: a percentile that takes more than half of them at one could never be shown.
fn is_shown_by_a_search(percentile: f64) -> Result<(), String> {
    let needed = calls_to_show(percentile);
    if needed * 2.0 <= f64::from(MOST_SAMPLES_OF_A_SEARCH) {
        return Ok(());
    }
    Err(format!(
        "that {percentile} % of the calls keep to a limit takes {needed:.0} calls to show with 95 % confidence, and a search makes \
         {MOST_SAMPLES_OF_A_SEARCH} at all sizes together; set `search` to `grid`, or ask for 99.7 at the most"
    ))
}

fn calls_to_show(percentile: f64) -> f64 {
    (UNSURE.ln() / (percentile / 100.0).ln()).ceil()
}

/// Of so many calls the slowest is slower than the percentile with 95 % confidence: `1 − (percentile / 100)^calls` is at
/// least 0.95. With fewer there is no upper bound that assumes nothing.
fn is_shown_by(percentile: f64, num: u32) -> Result<(), String> {
    let needed = calls_to_show(percentile);
    if needed <= f64::from(num) {
        return Ok(());
    }
    let most = f64::from(MOST_CALLS);
    Err(if needed <= most {
        format!(
            "that {percentile} % of the calls keep to a limit takes {needed:.0} calls to show with 95 % confidence, and `num` is {num}"
        )
    } else {
        let highest = (UNSURE.powf(1.0 / most) * 1e4).floor() / 100.0;
        format!(
            "that {percentile} % of the calls keep to a limit takes more calls to show with 95 % confidence than `num` may be; \
             the highest is {highest}"
        )
    })
}

fn improvement(value: &Value) -> Result<f64, String> {
    plain(value)
        .filter(|percent| (0.0..100.0).contains(percent))
        .ok_or_else(|| format!("{value} is not a percentage from 0 to below 100"))
}

fn invocations(value: &Value) -> Result<u64, String> {
    whole(value)
        .filter(|calls| (1..=MOST_INVOCATIONS).contains(calls))
        .ok_or_else(|| format!("{value} is not a whole number from 1 to {MOST_INVOCATIONS}"))
}

fn environments(value: &Value) -> Result<u32, String> {
    whole(value)
        .and_then(|environments| u32::try_from(environments).ok())
        .filter(|environments| (1..=MOST_ENVIRONMENTS).contains(environments))
        .ok_or_else(|| format!("{value} is not a whole number from 1 to {MOST_ENVIRONMENTS}"))
}

enum StrategyName {
    Cost,
    Speed,
    Balanced,
}

fn strategy_name(value: &Value) -> Result<StrategyName, String> {
    match value.as_str() {
        Some("cost") => Ok(StrategyName::Cost),
        Some("speed") => Ok(StrategyName::Speed),
        Some("balanced") => Ok(StrategyName::Balanced),
        _ => Err(format!("{value} is not `cost`, `speed` or `balanced`")),
    }
}

fn on_failure(value: &Value) -> Result<OnFailure, String> {
    match value.as_str() {
        Some("continue") => Ok(OnFailure::Continue),
        Some("fail") => Ok(OnFailure::Fail),
        _ => Err(format!("{value} is not `continue` or `fail`")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Just, Strategy as _, any, prop, prop_assert, prop_oneof, proptest};
    use serde_json::json;

    use super::*;

    fn grid(request: &Request) -> Vec<u32> {
        match &request.search {
            Search::Grid(sizes) => sizes.iter().map(|size| size.get()).collect(),
            Search::Adaptive(bounds) => vec![bounds.lowest.get(), bounds.highest.get()],
        }
    }

    fn sizes_of(power_values: &str) -> Defaults<'_> {
        Defaults {
            power_values,
            ..Defaults::default()
        }
    }

    fn faults(input: &Value) -> Vec<String> {
        let faults = Request::parse(input).expect_err("a bad input");
        faults.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_smallest_input_gets_the_references_defaults() {
        let request = Request::parse(&json!({"lambdaARN": "f", "num": 5})).expect("a good input");
        let sizes = grid(&request);
        assert_eq!(sizes, DEFAULT_SIZES);
        assert_eq!(request.strategy, Strategy::Cost);
        assert_eq!(request.parallel, Parallel::OneAtATime);
        assert!((request.discard_top_bottom - 0.2).abs() < f64::EPSILON);
        assert!(!request.auto_optimize && !request.include_output_results);
    }

    /// Where a field has one of some names, an input may have each, and the fault of another tells them all.
    #[test]
    fn the_names_of_a_field_are_those_that_it_takes() {
        let cases = [
            ("strategy", Strategy::NAMES.as_slice()),
            ("search", &Search::NAMES),
            ("onFailure", &OnFailure::NAMES),
        ];
        for (field, names) in cases {
            let input = |name: &str| json!({"lambdaARN": "f", "num": 5, field: name});
            for name in names {
                let request = Request::parse(&input(name)).expect("a good input");
                let taken = match field {
                    "strategy" => json!(request.strategy.name()),
                    "search" => json!(request.search.name()),
                    _ => json!(request.on_failure),
                };
                assert_eq!(taken, *name);
            }
            let faults = faults(&input("odd"));
            let told: Vec<&str> = faults[0].split('`').skip(3).step_by(2).collect();
            assert_eq!(told, names, "{faults:?}");
        }
    }

    #[test]
    fn an_input_without_sizes_gets_the_stacks() {
        let sizes = |input: Value, parameter: &str| -> Vec<u32> {
            let request = Request::parse_with(&input, sizes_of(parameter)).expect("a good input");
            grid(&request)
        };
        let bare = || json!({"lambdaARN": "f", "num": 5});
        assert_eq!(sizes(bare(), "1024, 256,1769"), [256, 1024, 1769]);
        assert_eq!(sizes(bare(), "ALL").len(), 46);
        assert_eq!(sizes(bare(), ""), DEFAULT_SIZES);
        let own = json!({"lambdaARN": "f", "num": 5, "powerValues": [128]});
        assert_eq!(sizes(own, "64"), [128], "the parameter is not needed");
        let faults =
            Request::parse_with(&bare(), sizes_of("128,64,big")).expect_err("a bad parameter");
        let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
        assert_eq!(
            faults,
            [
                "`PowerValues[1]`: 64 MB is outside Lambda's range of 128 to 10240 MB (a parameter of the stack)",
                "`PowerValues[2]`: \"big\" is not a whole number of MB (a parameter of the stack)",
            ]
        );
    }

    #[test]
    fn bad_input_names_the_field_and_the_rule() {
        let cases = [
            (
                json!({"lambdaARN": "f", "num": 5, "powerValues": [128, 64]}),
                "`powerValues[1]`: 64 MB is outside Lambda's range of 128 to 10240 MB",
            ),
            (
                json!({"lambdaARN": "f", "num": 5, "powerValues": ["big"]}),
                "`powerValues[0]`: \"big\" is not a whole number of MB",
            ),
            (
                json!({"lambdaARN": "f", "num": 5, "powerValues": vec![512; 201]}),
                "`powerValues`: has 201 sizes; the most are 200",
            ),
            (
                json!({"lambdaARN": "f", "num": 5, "powerValues": []}),
                "`powerValues`: must be a list of memory sizes in MB, such as [128, 512, 1024], or \"ALL\"",
            ),
            (
                json!({"lambdaARN": "f", "num": 4}),
                "`num`: 4 is not a whole number from 5 to 5000",
            ),
            (json!({"lambdaARN": "f"}), "`num`: is missing"),
            (
                json!({"lambdaARN": 7, "num": 5}),
                "`lambdaARN`: must be a string: the function's name or ARN",
            ),
            (
                json!({"lambdaARN": "f", "num": 5, "strategy": "cheap"}),
                "`strategy`: \"cheap\" is not `cost`, `speed` or `balanced`",
            ),
            (
                json!({"lambdaARN": "f", "num": 5, "parallelInvocation": 0}),
                "`parallelInvocation`: 0 is not true, false or a number of calls above 0",
            ),
            (
                json!({"lambdaARN": "f", "num": 5, "powerValue": [128]}),
                "`powerValue`: is not a field of the input; the nearest is `powerValues`",
            ),
            (
                json!({"lambdaARN": "f", "num": 200, "powerValues": "ALL", "onlyColdStarts": true}),
                "`num`: 200 cold starts at each of 46 sizes are more than Step Functions carries from round to round; with so many sizes `num` may be 125 at most",
            ),
            (
                json!({"lambdaARN": "f", "num": 5, "payloadS3": "bucket/key"}),
                "`payloadS3`: `bucket/key` is not of the form s3://BUCKET/KEY",
            ),
            (
                json!({"lambdaARN": "f", "num": 5, "payload": [{"payload": 1, "weight": -2}]}),
                "`payload[0].weight`: -2 is not a number above 0",
            ),
            (
                json!({"lambdaARN": "f", "num": 5, "autoOptimizeAlias": "7"}),
                "`autoOptimizeAlias`: `7` is not an alias's name (letters, digits, `-` and `_`, not digits alone, at most 128)",
            ),
            (
                json!({"lambdaARN": "f", "num": 5, "autoOptimizeAlias": "power-tuner-lock"}),
                "`autoOptimizeAlias`: `power-tuner-lock` is the name of the tuner's own lock; take another",
            ),
            (
                json!({"lambdaARN": "f", "num": 5, "price": {"perGbSecond": 0}}),
                "`price.perGbSecond`: 0 is not a number above 0",
            ),
            (
                json!({"lambdaARN": "f", "num": 5, "price": {"perGbSecond": 1, "perGBSecond": 1}}),
                "`price.perGBSecond`: is not known; a price has `perGbSecond`, `perRequest`, `perTransition` and `currency`",
            ),
            (
                json!({"lambdaARN": "f", "num": 5, "price": {"perGbSecond": 1, "currency": "euro"}}),
                "`price.currency`: \"euro\" is not a currency's code, such as \"USD\"",
            ),
            (
                json!({"lambdaARN": "f", "num": 5, "preProcessorARN": "a b"}),
                "`preProcessorARN`: `a b` is not a function's name (letters, digits, `-` and `_`, at most 64)",
            ),
            (
                json!({"lambdaARN": "f", "num": 5, "sleepBetweenRunsMs": 600_001}),
                "`sleepBetweenRunsMs`: 600001 is not a whole number of milliseconds up to 600000",
            ),
            (
                json!({"lambdaARN": "f", "num": 5, "allowedExceptions": "KeyError"}),
                "`allowedExceptions`: must be a list of error names, such as [\"NotFoundError\"]",
            ),
            (
                json!("f"),
                "`input`: must be a JSON object with at least `lambdaARN` and `num`",
            ),
        ];
        for (input, want) in cases {
            assert_eq!(faults(&input), [want], "{input}");
        }
    }

    #[test]
    fn a_search_a_limit_or_a_month_that_cannot_be_names_the_field_and_the_rule() {
        let cases = [
            (
                json!({"lambdaARN": "f", "num": 5, "search": "bisect"}),
                "`search`: \"bisect\" is not `grid` or `adaptive`",
            ),
            (
                json!({"lambdaARN": "f", "num": 5, "search": "adaptive", "powerValues": [128, 512, 1024]}),
                "`powerValues`: must be two different sizes where `search` is `adaptive`: between them it chooses for itself",
            ),
            (
                json!({"lambdaARN": "f", "num": 5, "search": "adaptive", "powerValues": [512, "512"]}),
                "`powerValues`: must be two different sizes where `search` is `adaptive`: between them it chooses for itself",
            ),
            (
                json!({"lambdaARN": "f", "num": 5, "precision": 5}),
                "`precision`: 5 is not a share from 0.001 to 0.5 (0.05 is 5 % to either side of the mean)",
            ),
            (
                json!({"lambdaARN": "f", "num": 5, "precision": "5e-2"}),
                "`precision`: \"5e-2\" is not a share from 0.001 to 0.5 (0.05 is 5 % to either side of the mean)",
            ),
            (
                json!({"lambdaARN": "f", "num": 5, "maxDurationMs": 0}),
                "`maxDurationMs`: 0 is not a number above 0",
            ),
            (
                json!({"lambdaARN": "f", "num": 5, "maxCost": "little"}),
                "`maxCost`: \"little\" is not a number above 0",
            ),
            (
                json!({"lambdaARN": "f", "num": 5, "percentile": 50}),
                "`percentile`: is of `maxDurationMs`, which is missing",
            ),
            (
                json!({"lambdaARN": "f", "num": 5, "maxDurationMs": 300, "percentile": 100}),
                "`percentile`: 100 is not a number above 0 and below 100",
            ),
            (
                json!({"lambdaARN": "f", "num": 58, "maxDurationMs": 300, "percentile": 95}),
                "`percentile`: that 95 % of the calls keep to a limit takes 59 calls to show with 95 % confidence, and `num` is 58",
            ),
            (
                json!({"lambdaARN": "f", "num": 5000, "maxDurationMs": 300, "percentile": 99.95}),
                "`percentile`: that 99.95 % of the calls keep to a limit takes more calls to show with 95 % confidence than \
                 `num` may be; the highest is 99.94",
            ),
            (
                json!({"lambdaARN": "f", "num": 5000, "search": "adaptive", "maxDurationMs": 300, "percentile": 99.9}),
                "`percentile`: that 99.9 % of the calls keep to a limit takes 2995 calls to show with 95 % confidence, and a \
                 search makes 2000 at all sizes together; set `search` to `grid`, or ask for 99.7 at the most",
            ),
            (
                json!({"lambdaARN": "f", "num": 5, "monthlyInvocations": 0}),
                "`monthlyInvocations`: 0 is not a whole number from 1 to 1000000000000000",
            ),
            (
                json!({"lambdaARN": "f", "num": 5, "provisionedConcurrency": 5}),
                "`provisionedConcurrency`: is compared over a month: needs `monthlyInvocations`",
            ),
            (
                json!({"lambdaARN": "f", "num": 5, "monthlyInvocations": 9, "provisionedConcurrency": 0.5}),
                "`provisionedConcurrency`: 0.5 is not a whole number from 1 to 1000000",
            ),
            (
                json!({"lambdaARN": "f", "num": 5, "baseline": "no"}),
                "`baseline`: \"no\" is neither true nor false",
            ),
            (
                json!({"lambdaARN": "f", "num": 5, "minImprovementPercent": 5}),
                "`minImprovementPercent`: is a condition of `autoOptimize`, which is not true",
            ),
            (
                json!({"lambdaARN": "f", "num": 5, "autoOptimize": true, "minImprovementPercent": 100}),
                "`minImprovementPercent`: 100 is not a percentage from 0 to below 100",
            ),
        ];
        for (input, want) in cases {
            assert_eq!(faults(&input), [want], "{input}");
        }
    }

    #[test]
    fn as_many_calls_as_show_a_percentile_are_enough() {
        for (percentile, num) in [
            (50.0, 5),
            (90.0, 29),
            (95.0, 59),
            (99.0, 299),
            (99.94, 4992),
        ] {
            assert_eq!(is_shown_by(percentile, num), Ok(()), "{percentile}");
            let fewer = is_shown_by(percentile, num - 1).expect_err("one fewer");
            assert!(fewer.contains(&format!("{num} calls")), "{fewer}");
        }
        let tried = json!({
            "lambdaARN": "f", "num": 5, "maxDurationMs": 300, "percentile": 95, "dryRun": true,
        });
        assert!(Request::parse(&tried).is_ok(), "nothing is shown there");
    }

    #[test]
    fn what_a_month_and_limits_ask_for_is_read() {
        let request = Request::parse(&json!({
            "lambdaARN": "f", "num": "100", "search": "adaptive", "powerValues": ["3008", 256], "precision": "0.05",
            "maxDurationMs": "250.5", "percentile": "95", "maxCost": "2e-6", "monthlyInvocations": "1000000",
            "provisionedConcurrency": "3", "autoOptimize": true, "minImprovementPercent": "7.5",
            "price": {"perGbSecond": 1e-5, "perRequest": "2e-7"},
        }))
        .expect("a good input");
        assert_eq!(grid(&request), [256, 3008]);
        assert_eq!(request.precision, Some(0.05));
        let duration = DurationLimit {
            most_ms: 250.5,
            percentile: Some(95.0),
        };
        let limits = Limits {
            duration: Some(duration),
            cost: Some(2e-6),
        };
        assert_eq!(request.limits, limits);
        let month = Month {
            invocations: 1_000_000,
            provisioned: Some(3),
        };
        assert_eq!(request.month, Some(month));
        assert_eq!(request.min_improvement_percent, Some(7.5));
        assert!(request.baseline, "something is compared with it");
        let price = request.price.expect("a price");
        assert_eq!(price.per_request, Some(2e-7));
    }

    #[test]
    fn a_role_that_does_not_fit_is_a_fault() {
        let cases = [
            (
                json!({"lambdaARN": "f", "num": 5, "roleARN": "tuned"}),
                "`roleARN`: `tuned` is not a role's ARN (arn:aws:iam::ACCOUNT:role/NAME)",
            ),
            (
                json!({"lambdaARN": "f", "num": 5, "roleARN": true}),
                "`roleARN`: true is not a string",
            ),
            (
                json!({"lambdaARN": "111111111111:function:f", "num": 5, "roleARN": "arn:aws:iam::222222222222:role/tuned"}),
                "`roleARN`: is a role of account 222222222222, and the function is named as one of account 111111111111; name a role of the function's account",
            ),
            (
                json!({"lambdaARN": "f", "num": 5, "rolearn": "arn:aws:iam::222222222222:role/tuned"}),
                "`rolearn`: is not a field of the input; the nearest is `roleARN`",
            ),
        ];
        for (input, want) in cases {
            assert_eq!(faults(&input), [want], "{input}");
        }
    }

    #[test]
    fn what_the_reference_takes_for_absent_is_absent() {
        let bare = Request::parse(&json!({"lambdaARN": "f", "num": 5})).expect("a good input");
        let empty = json!({
            "lambdaARN": "f", "num": 5, "powerValues": null, "strategy": null, "dryRun": null, "allowedExceptions": null,
            "preProcessorARN": "", "postProcessorARN": "", "autoOptimizeAlias": "", "roleARN": "",
            "search": null, "precision": null, "maxDurationMs": null, "percentile": null, "maxCost": null,
            "monthlyInvocations": null, "provisionedConcurrency": null, "baseline": null, "minImprovementPercent": null,
        });
        assert_eq!(Request::parse(&empty).expect("a good input"), bare);
    }

    #[test]
    fn all_faults_are_reported_at_once() {
        let input = json!({"lambdaArn": "f", "num": "many", "powerValues": [1, 128, 2], "autoOptimize": "yes", "roleARN": "r"});
        assert_eq!(faults(&input).len(), 7, "{:?}", faults(&input));
        let input = json!({
            "lambdaARN": "111111111111:function:f", "num": 4, "roleARN": "arn:aws:iam::222222222222:role/r",
        });
        assert_eq!(faults(&input).len(), 2, "{:?}", faults(&input));
    }

    #[test]
    fn an_input_that_step_functions_could_not_carry_is_refused_before_anything_is_touched() {
        let input = |bytes: usize, num: u32| json!({"lambdaARN": "f", "num": num, "payload": "x".repeat(bytes)});
        assert!(Request::parse(&input(200 * 1024, 1000)).is_ok());
        assert_eq!(
            faults(&input(200 * 1024, 2000)),
            [
                "`payload`: the input has 204841 bytes (lists count twice), which with the samples of `num` calls is more \
                 than Step Functions carries; with this `num` an input may have 173952 bytes"
            ]
        );
        let names = vec!["x".repeat(1000); 130];
        let listed = json!({"lambdaARN": "f", "num": 5, "allowedExceptions": names});
        assert_eq!(faults(&listed).len(), 1, "130 KB, twice");
    }

    #[test]
    fn numbers_may_be_strings_and_sizes_are_sorted_once_each() {
        let input = json!({"lambdaARN": "f", "num": "50", "powerValues": ["512", 128, 512]});
        let request = Request::parse(&input).expect("numeric strings");
        assert_eq!(request.num, 50);
        let sizes = grid(&request);
        assert_eq!(sizes, [128, 512]);
    }

    #[test]
    fn weight_and_discard_are_clamped_as_in_the_reference() {
        let input = json!({"lambdaARN": "f", "num": 5, "strategy": "balanced", "balancedWeight": 7, "discardTopBottom": 0.9});
        let request = Request::parse(&input).expect("clamped");
        assert_eq!(request.strategy, Strategy::Balanced { weight: 1.0 });
        assert!((request.discard_top_bottom - 0.4).abs() < f64::EPSILON);
    }

    fn any_json() -> impl proptest::strategy::Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".{0,12}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map(
                    prop_oneof![
                        prop::sample::select(FIELDS.to_vec()).prop_map(str::to_owned),
                        ".{0,8}"
                    ],
                    inner,
                    0..6
                )
                .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_json_is_accepted_or_refused_with_reasons(input in any_json()) {
            match Request::parse(&input) {
                Ok(request) => prop_assert!(!grid(&request).is_empty()),
                Err(faults) => prop_assert!(!faults.is_empty()),
            }
        }
    }
}
