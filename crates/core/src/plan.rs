//! What a tuning will do, decided before anything is touched.

use serde::{Deserialize, Deserializer, Serialize};

use crate::configuration::{
    Architecture, Configuration, FREE_EPHEMERAL_MB, Kind, LastUpdate, Settings, State,
};
use crate::error::{Fault, TuneError};
use crate::function::FunctionArn;
use crate::lock::Note;
use crate::memory::MemoryMb;
use crate::prices::{Price, Rates, Regions};
use crate::request::{Defaults, Request, Search};
use crate::search::MOST_SIZES_OF_A_SEARCH;
use crate::visualization::Viewer;

/// The function that is tuned, as it was before.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Target {
    pub function: FunctionArn,
    /// Of `$LATEST`, which is what is changed and put back.
    pub memory: MemoryMb,
    /// Of the version that the input names, which is `$LATEST` where it names none.
    pub current: MemoryMb,
    pub timeout_s: u32,
    /// Of `/tmp`.
    #[serde(default = "free_ephemeral_mb")]
    pub ephemeral_mb: u32,
    pub architecture: Architecture,
    pub code_sha256: String,
    pub settings: Settings,
}

fn free_ephemeral_mb() -> u32 {
    FREE_EPHEMERAL_MB
}

/// Everything that the steps after the first need to know, without the payload: what travels through the state machine
/// is bounded.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    pub target: Target,
    pub request: Request,
    pub price: Price,
    /// What a month is billed by, where the input asks for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rates: Option<Rates>,
    /// Which state of the object in S3 is sent, where the payload lies there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload_etag: Option<String>,
    /// How many sizes are measured at the same time.
    pub sizes_at_once: u32,
    /// How many batches each size may take: Step Functions ends an execution with too long a history.
    pub most_batches: u32,
    /// How long to wait for another tuning of the same function.
    pub longest_wait_s: u64,
    /// What the outcome links to, if to anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub viewer: Option<Viewer>,
    /// The stack stores a report of the outcome.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reports: bool,
}

/// What is known of the function that the input names.
#[derive(Clone, Debug)]
pub struct Found {
    pub latest: Configuration,
    /// Another tuning holds the function: what it put aside.
    pub lock: Option<Note>,
    /// The version or alias that the input names.
    pub qualified: Option<Qualified>,
    /// The alias that is to point at the best size, where there is one of that name.
    pub to_optimize: Option<Qualified>,
    pub reserved_concurrency: Option<u32>,
    /// Of the payload in S3, where it lies there.
    pub payload_etag: Option<String>,
}

impl Found {
    /// Named without a qualifier, in nobody's hands, and without a limit of its own.
    #[must_use]
    pub fn at_rest(latest: Configuration) -> Self {
        Self {
            latest,
            lock: None,
            qualified: None,
            to_optimize: None,
            reserved_concurrency: None,
            payload_etag: None,
        }
    }
}

/// A version of the function, by its number or an alias.
#[derive(Clone, Debug)]
pub struct Qualified {
    pub name: String,
    pub configuration: Configuration,
    /// The alias gives a share of its calls to another version.
    pub is_weighted: bool,
}

/// What the stack knows about itself.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stack {
    /// The tuner's own.
    pub functions: Vec<FunctionArn>,
    /// A parameter of the template, which arrives as text.
    #[serde(deserialize_with = "number_in_text")]
    pub longest_wait_s: u64,
    /// The sizes of an input that names none; nothing for those of [`Request::parse`].
    #[serde(default)]
    pub power_values: String,
    /// How an input that does not say it searches; nothing for `grid`.
    #[serde(default)]
    pub search: String,
    /// The page that draws the chart; nothing for no link to one.
    #[serde(default)]
    pub visualization_url: String,
    /// Where reports are stored; nothing for nowhere.
    #[serde(default)]
    pub report_bucket: String,
}

impl Stack {
    /// What its parameters say for an input.
    #[must_use]
    pub fn defaults(&self) -> Defaults<'_> {
        Defaults {
            power_values: &self.power_values,
            search: &self.search,
        }
    }

    pub(crate) fn viewer(&self) -> Result<Option<Viewer>, TuneError> {
        if self.visualization_url.is_empty() {
            return Ok(None);
        }
        let viewer = Viewer::try_from(self.visualization_url.clone());
        let viewer = viewer.map_err(|rule| {
            let rule = format!("{rule} (a parameter of the stack)");
            TuneError::InvalidInput(vec![Fault::new("VisualizationURL", rule)])
        })?;
        Ok(Some(viewer))
    }
}

impl Stack {
    /// Where its functions run, and its state machine.
    pub(crate) fn region(&self) -> Option<&str> {
        self.functions.first().map(FunctionArn::region)
    }
}

fn number_in_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(serde::de::Error::custom)
}

/// Each branch takes an executor's concurrency besides its calls', and a new account has 10 in all.
pub(crate) const SIZES_AT_ONCE: u32 = 4;
/// Of the 25,000 events that an execution may have; the rest is for publishing and cleaning up.
const EVENTS_FOR_BATCHES: u32 = 22_000;
/// Five for the task, two for the choice behind it, and four for the branch around the last one of a round.
const EVENTS_OF_A_BATCH: u32 = 11;
/// Seven each for the publisher and the analyzer with the choices behind them, and four around the branches.
const EVENTS_OF_A_ROUND: u32 = 18;

impl Plan {
    /// # Errors
    ///
    /// The function cannot be tuned as it is, its price is not known, or a parameter of the stack is wrong.
    pub fn new(request: Request, found: Found, stack: &Stack) -> Result<Self, TuneError> {
        let viewer = stack.viewer()?;
        let refusals = refusals(&found, stack);
        if !refusals.is_empty() {
            return Err(TuneError::UnsupportedFunction {
                function: request.function.as_str().to_owned(),
                reason: refusals.join("; "),
            });
        }
        let Found {
            latest,
            lock,
            qualified,
            payload_etag,
            reserved_concurrency,
            ..
        } = found;
        let regions = Regions {
            function: latest.function.region(),
            tuner: stack.region().unwrap_or(latest.function.region()),
        };
        let price = match &request.price {
            Some(stated) => Price::stated(stated, regions),
            None => Price::of(regions, latest.architecture)?,
        };
        let rates = request.month.map(|_| {
            let stated = request.price.as_ref();
            Rates::of(
                latest.function.region(),
                latest.architecture,
                &price,
                stated,
            )
        });
        let sizes_at_once = match reserved_concurrency {
            // What is reserved for the function is little, and a burst takes all that it gets.
            Some(_) if request.is_cold() => 1,
            // A size that gets no turn at all would fail.
            Some(reserved) => reserved.clamp(1, SIZES_AT_ONCE),
            None => SIZES_AT_ONCE,
        };
        let sizes = match &request.search {
            Search::Grid(sizes) => sizes.len(),
            Search::Adaptive(_) => MOST_SIZES_OF_A_SEARCH,
        };
        let sizes = u32::try_from(sizes + usize::from(request.baseline)).unwrap_or(u32::MAX);
        // A burst of cold starts is a batch, and a round; other rounds are few.
        let of_the_round = if request.is_cold() {
            EVENTS_OF_A_ROUND
        } else {
            0
        };
        let of_all_sizes = EVENTS_OF_A_BATCH
            .saturating_mul(sizes)
            .saturating_add(of_the_round);
        let most_batches = EVENTS_FOR_BATCHES / of_all_sizes.max(1);
        // While another tuning holds the function, `$LATEST` has a size of that tuning's.
        let memory = lock.map_or(latest.memory, |note| note.memory);
        Ok(Self {
            target: Target {
                function: latest.function,
                memory,
                current: qualified.map_or(memory, |version| version.configuration.memory),
                timeout_s: latest.timeout_s,
                ephemeral_mb: latest.ephemeral_mb,
                architecture: latest.architecture,
                code_sha256: latest.code_sha256,
                settings: latest.settings,
            },
            rates,
            request,
            price,
            payload_etag,
            sizes_at_once,
            most_batches,
            longest_wait_s: stack.longest_wait_s,
            viewer,
            reports: !stack.report_bucket.is_empty(),
        })
    }

    /// The current size, where it is measured to compare with and is none of those that were asked for.
    #[must_use]
    pub fn beside(&self) -> Option<MemoryMb> {
        let request = &self.request;
        let current = self.target.current;
        let was_asked_for = match &request.search {
            Search::Grid(sizes) => sizes.contains(&current),
            Search::Adaptive(bounds) => bounds.hold(current),
        };
        (request.baseline && !request.dry_run && !was_asked_for).then_some(current)
    }

    /// The size of a throwaway version, where one is needed: not the one that the function has.
    #[must_use]
    pub fn throwaway_size(&self) -> MemoryMb {
        self.target.memory.neighbour()
    }
}

/// Why the function cannot be tuned as it is: every reason, each with what to do.
fn refusals(found: &Found, stack: &Stack) -> Vec<String> {
    let latest = &found.latest;
    let mut reasons = Vec::new();
    if stack.functions.contains(&latest.function) {
        reasons.push("it is one of the power tuner's own functions, which would be measuring itself; name another".to_owned());
    }
    reasons.extend(match latest.kind {
        Kind::Ordinary => None,
        Kind::ManagedInstances => Some(
            "it runs on managed instances, which are not billed by duration and memory; there is no best memory size to find",
        ),
        Kind::Durable => Some(
            "it is a durable function, whose calls are several invocations each; tune the work of its steps as a function of its own",
        ),
        Kind::TenantIsolated => Some(
            "it isolates tenants, and each call would need a tenant's id; tune a copy of it without tenant isolation",
        ),
    }.map(str::to_owned));
    reasons.extend(match (&latest.state, &latest.last_update) {
        (State::Failed(reason), _) => Some(format!(
            "its state is Failed ({reason}); make it work first"
        )),
        (State::Pending, _) => {
            Some("it is still being created; wait until it is Active".to_owned())
        }
        (_, LastUpdate::Failed(reason)) => Some(format!(
            "its last update failed ({reason}); update it successfully first"
        )),
        (_, LastUpdate::InProgress) => Some(
            "an update of it has been in progress for long; wait until it is through".to_owned(),
        ),
        _ => None,
    });
    if found.reserved_concurrency == Some(0) {
        reasons.push(
            "its reserved concurrency is 0, so that nobody can call it; raise that first"
                .to_owned(),
        );
    }
    for version in [&found.qualified, &found.to_optimize].into_iter().flatten() {
        reasons.extend(refusals_of_version(latest, version));
    }
    reasons.dedup();
    reasons
}

/// Versions are published from `$LATEST`, so measuring says nothing about other code or other settings, and an alias that
/// is moved to the best size would release them.
fn refusals_of_version(latest: &Configuration, version: &Qualified) -> Vec<String> {
    let Qualified {
        name,
        configuration,
        is_weighted,
    } = version;
    let mut reasons = Vec::new();
    if *is_weighted {
        reasons.push(format!(
            "the alias `{name}` gives a share of its calls to another version; finish that deployment first"
        ));
    }
    let differences = latest
        .settings
        .differences_from_version(&configuration.settings);
    if !differences.is_empty() {
        reasons.push(format!(
            "`{name}` is version {}, which differs from `$LATEST` in {}; versions are published from `$LATEST`, so \
             something else would be measured, or released: leave `{name}` out, or release `$LATEST` to it first",
            configuration.version,
            listed(&differences)
        ));
    }
    reasons
}

/// `Environment`, `Environment and Timeout`, `Environment, Layers and Timeout`.
#[must_use]
pub fn listed(fields: &[&str]) -> String {
    match fields {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [some @ .., last] => format!("{} and {last}", some.join(", ")),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::configuration::tests::configuration;

    pub(crate) fn plan(input: Value) -> Plan {
        let mut fields = json!({"lambdaARN": "f", "num": 10, "powerValues": [128, 512, 1024]});
        if let (Some(fields), Value::Object(more)) = (fields.as_object_mut(), input) {
            fields.extend(more);
        }
        let request = Request::parse(&fields).expect("a good input");
        let stack = Stack {
            visualization_url: "https://lambda-power-tuning.show/".to_owned(),
            ..Stack::default()
        };
        Plan::new(request, found(), &stack).expect("a plan")
    }

    fn found() -> Found {
        Found::at_rest(configuration(json!({})))
    }

    fn refused(found: Found) -> String {
        let request = Request::parse(&json!({"lambdaARN": "f", "num": 5})).expect("a good input");
        let own = "arn:aws:lambda:us-east-1:123456789012:function:executor";
        let stack = Stack {
            functions: vec![FunctionArn::try_from(own.to_owned()).expect("an ARN")],
            longest_wait_s: 1,
            ..Stack::default()
        };
        let error = Plan::new(request, found, &stack).expect_err("a refusal");
        assert_eq!(error.name(), "UnsupportedFunction");
        error.to_string()
    }

    #[test]
    fn no_more_sizes_are_measured_at_once_than_the_function_has_concurrency_for() {
        let at_once = |reserved_concurrency, cold| {
            let input = json!({"lambdaARN": "f", "num": 5, "onlyColdStarts": cold});
            let found = Found {
                reserved_concurrency,
                ..found()
            };
            let request = Request::parse(&input).expect("a good input");
            let plan = Plan::new(request, found, &Stack::default()).expect("a plan");
            plan.sizes_at_once
        };
        assert_eq!(at_once(None, false), 4);
        assert_eq!(at_once(Some(100), false), 4);
        assert_eq!(at_once(Some(3), false), 3);
        assert_eq!(at_once(Some(1), false), 1);
        assert_eq!(at_once(None, true), 4);
        assert_eq!(at_once(Some(100), true), 1);
    }

    #[test]
    fn what_cannot_be_tuned_is_refused_with_its_reason() {
        let cases = [
            (
                json!({"LastUpdateStatus": "Failed", "LastUpdateStatusReason": "no role"}),
                "its last update failed (no role)",
            ),
            (
                json!({"State": "Failed", "StateReason": "no image"}),
                "its state is Failed (no image)",
            ),
            (json!({"State": "Pending"}), "it is still being created"),
            (
                json!({"LastUpdateStatus": "InProgress"}),
                "an update of it has been in progress",
            ),
            (
                json!({"CapacityProviderConfig": {}}),
                "it runs on managed instances",
            ),
            (json!({"DurableConfig": {}}), "it is a durable function"),
            (json!({"TenancyConfig": {}}), "it isolates tenants"),
            (
                json!({"FunctionArn": "arn:aws:lambda:us-east-1:123456789012:function:executor"}),
                "the power tuner's own",
            ),
        ];
        for (fields, want) in cases {
            let error = refused(Found {
                latest: configuration(fields),
                ..found()
            });
            assert!(error.contains(want), "{error}");
        }
        let error = refused(Found {
            reserved_concurrency: Some(0),
            ..found()
        });
        assert!(error.contains("its reserved concurrency is 0"), "{error}");
    }

    #[test]
    fn all_reasons_are_given_at_once() {
        let error = refused(Found {
            latest: configuration(json!({"DurableConfig": {}, "State": "Pending"})),
            reserved_concurrency: Some(0),
            ..found()
        });
        for reason in ["durable", "being created", "reserved concurrency"] {
            assert!(error.contains(reason), "{error}");
        }
    }

    fn version(fields: Value, is_weighted: bool) -> Found {
        Found {
            qualified: Some(Qualified {
                name: "live".to_owned(),
                configuration: configuration(fields),
                is_weighted,
            }),
            ..found()
        }
    }

    #[test]
    fn a_version_with_other_code_or_settings_than_latest_is_refused() {
        let other =
            json!({"Version": "3", "CodeSha256": "old", "Timeout": 9, "Description": "three"});
        let error = refused(version(other, false));
        assert!(
            error.contains(
                "`live` is version 3, which differs from `$LATEST` in CodeSha256 and Timeout;"
            ),
            "{error}"
        );
        let error = refused(version(json!({"Version": "3"}), true));
        assert!(error.contains("a share of its calls"), "{error}");
    }

    #[test]
    fn an_alias_to_optimise_must_have_what_is_measured() {
        let other = version(json!({"Version": "3", "CodeSha256": "old"}), false);
        let found = Found {
            to_optimize: other.qualified,
            ..found()
        };
        let error = refused(found);
        assert!(
            error.contains("differs from `$LATEST` in CodeSha256;"),
            "{error}"
        );
    }

    #[test]
    fn a_version_like_latest_is_tuned_and_its_size_is_the_current_one() {
        let request = Request::parse(&json!({"lambdaARN": "f", "num": 5})).expect("a good input");
        let version = version(json!({"Version": "3", "MemorySize": 2048}), false);
        let plan = Plan::new(request, version, &Stack::default()).expect("a plan");
        assert_eq!(plan.target.memory.get(), 512);
        assert_eq!(plan.target.current.get(), 2048);
    }

    #[test]
    fn a_function_in_another_tunings_hands_has_the_size_that_this_one_put_aside() {
        let request = Request::parse(&json!({"lambdaARN": "f", "num": 5})).expect("a good input");
        let held = Found {
            latest: configuration(json!({"MemorySize": 128})),
            lock: Note::read("512>128 until 1, arn:aws:states:r:a:execution:m:e"),
            ..found()
        };
        let plan = Plan::new(request, held, &Stack::default()).expect("a plan");
        assert_eq!(plan.target.memory.get(), 512);
    }

    #[test]
    fn a_region_without_a_price_needs_one_from_the_input() {
        let input = |price: Value| {
            let input = json!({"lambdaARN": "f", "num": 5, "price": price});
            Request::parse(&input).expect("a good input")
        };
        let far = || {
            let arn = "arn:aws:lambda:xx-north-9:123456789012:function:f";
            Found::at_rest(configuration(json!({"FunctionArn": arn})))
        };
        let unknown =
            Plan::new(input(json!(null)), far(), &Stack::default()).expect_err("no price");
        assert_eq!(unknown.name(), "PriceUnknown");
        assert!(unknown.to_string().contains("\"perGbSecond\""), "{unknown}");
        let stated = input(json!({"perGbSecond": 0.00002}));
        let plan = Plan::new(stated, far(), &Stack::default()).expect("a plan");
        assert!((plan.price.per_gb_second - 0.00002).abs() < 1e-12);
    }

    #[test]
    fn the_stack_describes_itself_in_text() {
        let described = json!({
            "functions": [],
            "longestWaitS": "600",
            "powerValues": "128,256",
            "visualizationUrl": "https://charts.example.com/",
        });
        let stack: Stack =
            serde_json::from_value(described).expect("what the state machine passes");
        assert_eq!(stack.longest_wait_s, 600);
        assert_eq!(stack.power_values, "128,256");
        assert_eq!(stack.visualization_url, "https://charts.example.com/");
    }

    #[test]
    fn a_page_for_charts_that_is_none_is_refused() {
        let request = Request::parse(&json!({"lambdaARN": "f", "num": 5})).expect("a good input");
        let stack = Stack {
            visualization_url: "charts.example.com".to_owned(),
            ..Stack::default()
        };
        let error = Plan::new(request, found(), &stack).expect_err("a bad parameter");
        assert_eq!(error.name(), "InvalidInput");
        assert!(
            error
                .to_string()
                .contains("`VisualizationURL`: `charts.example.com` is not the address"),
            "{error}"
        );
    }

    #[test]
    fn a_plan_is_as_small_as_the_limit_of_an_input_takes_it_to_be() {
        let mut shown = serde_json::Map::new();
        for field in 0..50 {
            shown.insert(
                format!("ASettingWithALongName{field}"),
                json!({"Set": field}),
            );
        }
        let input = json!({
            "lambdaARN": "f".repeat(64), "num": 5000, "powerValues": "ALL", "precision": 0.05, "maxDurationMs": 1e7 / 7.0,
            "percentile": 99.9, "maxCost": 1.0 / 7.0, "monthlyInvocations": 1_000_000_007, "provisionedConcurrency": 7,
            "autoOptimize": true, "minImprovementPercent": 10.0 / 7.0,
        });
        let request = Request::parse(&input).expect("a good input");
        let found = Found::at_rest(configuration(Value::Object(shown)));
        let plan = Plan::new(request, found, &Stack::default()).expect("a plan");
        let bytes = serde_json::to_string(&plan).expect("JSON").len();
        assert!(bytes < 4 * 1024, "{bytes}");
    }

    #[test]
    fn a_plan_survives_the_way_through_the_state_machine() {
        let plan = plan(json!({"strategy": "balanced", "parallelInvocation": 7}));
        let text = serde_json::to_string(&plan).expect("JSON");
        assert_eq!(serde_json::from_str::<Plan>(&text).expect("the same"), plan);
    }
}
