//! How far an execution is, as its history tells it.

use std::collections::BTreeMap;

use power_tuner_core::MemoryMb;
use power_tuner_core::prices::Price;
use power_tuner_report::text::plain;
use serde_json::Value;

/// What a history says that is of interest here.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Ascending in the order in which they happened.
    pub id: i64,
    pub what: What,
}

#[derive(Clone, Debug, PartialEq)]
pub enum What {
    Entered { state: String, input: String },
    Exited { state: String, output: String },
    Other,
}

/// What is known so far. New events are added to it as they come.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    seen: i64,
    step: Option<String>,
    round: u64,
    /// The rounds of a search have no end that is known.
    is_search: bool,
    /// Samples that were there when the round began.
    before_the_round: u64,
    /// What the publisher has waited for another tuning's lock.
    waited_s: u64,
    sizes: BTreeMap<MemoryMb, Size>,
    transitions: u32,
    price: Option<Price>,
}

/// One memory size.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Size {
    pub wanted: u64,
    pub samples: u64,
    pub average_ms: Option<f64>,
    /// Of all calls so far.
    billed_ms: f64,
    pub end: Option<End>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum End {
    Measured,
    /// With the error's name.
    Failed(String),
}

impl Progress {
    /// The last event that is known.
    pub fn seen(&self) -> i64 {
        self.seen
    }

    /// Takes in events in their order; those that are known already are nothing new.
    pub fn add(&mut self, events: &[Event]) {
        for event in events {
            if event.id > self.seen {
                self.seen = event.id;
                self.take(&event.what);
            }
        }
    }

    fn take(&mut self, what: &What) {
        match what {
            What::Entered { state, input } => {
                self.transitions += 1;
                if let Some(step) = in_words(state) {
                    self.step = Some(step.to_owned());
                }
                match state.as_str() {
                    "Publisher" => self.begin_batch(&json(input)),
                    "Measure" => self.begin_round(&json(input)),
                    _ => {}
                }
            }
            What::Exited { state, output } if state == "Executor" || state == "ExecutorFailed" => {
                self.add_batch(&json(output));
            }
            What::Exited { state, output } if state == "Measure" => {
                for branch in list(&json(output)["round"]["sizes"]) {
                    self.add_batch(branch);
                }
            }
            What::Exited { .. } | What::Other => {}
        }
    }

    /// The publisher tells that it waits when it has waited for as long as one batch may.
    fn begin_batch(&mut self, tuning: &Value) {
        let waited_s = tuning["published"]["waitedS"].as_u64().unwrap_or_default();
        if waited_s > self.waited_s {
            self.step = Some("waiting for another tuning".to_owned());
        }
        self.waited_s = waited_s;
    }

    fn begin_round(&mut self, tuning: &Value) {
        self.round = tuning["round"]["number"].as_u64().unwrap_or_default();
        self.is_search = tuning["plan"]["request"]["search"]["adaptive"].is_object();
        self.price = serde_json::from_value(tuning["plan"]["price"].clone()).ok();
        for ended in list(&tuning["ended"]) {
            self.add_batch(ended);
        }
        for branch in list(&tuning["round"]["sizes"]) {
            self.add_batch(branch);
            if let Some(size) = memory(branch).and_then(|memory| self.sizes.get_mut(&memory)) {
                size.end = None;
            }
        }
        self.before_the_round = self.samples().0;
    }

    /// What a run of the executor left of a size, or what was known of it before.
    fn add_batch(&mut self, branch: &Value) {
        let Some(memory) = memory(branch) else { return };
        let progress = &branch["progress"];
        let summary = &progress["summary"];
        let collected = progress["samples"]["durationMs"].as_array().map(Vec::len);
        let collected = collected.map(|samples| samples as u64);
        let error = [&progress["failure"]["error"], &branch["caught"]["Error"]]
            .into_iter()
            .find_map(Value::as_str);
        let end = match error {
            // It may be a function's own.
            Some(error) => Some(End::Failed(plain(error))),
            None => summary.is_object().then_some(End::Measured),
        };
        let known = Size {
            wanted: branch["wanted"].as_u64().unwrap_or_default(),
            samples: summary["samples"]
                .as_u64()
                .or(collected)
                .unwrap_or_default(),
            average_ms: summary["averageDurationMs"].as_f64(),
            billed_ms: progress["tally"]["billedMs"].as_f64().unwrap_or_default(),
            end,
        };
        self.sizes.insert(memory, known);
    }

    /// What is being done, in words.
    pub fn step(&self) -> &str {
        self.step.as_deref().unwrap_or("starting")
    }

    pub fn sizes(&self) -> impl Iterator<Item = (MemoryMb, &Size)> {
        self.sizes.iter().map(|(memory, size)| (*memory, size))
    }

    /// `3 of 6`
    pub fn ended(&self) -> (usize, usize) {
        let ended = self.sizes.values().filter(|size| size.end.is_some());
        (ended.count(), self.sizes.len())
    }

    pub fn samples(&self) -> (u64, u64) {
        let count = |of: fn(&Size) -> u64| self.sizes.values().map(of).sum();
        // A size that has all it needs may have fewer than it might have had.
        let wanted = |size: &Size| match size.end {
            Some(_) => size.samples,
            None => size.wanted.max(size.samples),
        };
        (count(|size| size.samples), count(wanted))
    }

    /// What the calls cost that are known by now, and the state transitions.
    pub fn spent(&self) -> Option<(f64, &str)> {
        let price = self.price.as_ref()?;
        let calls = self.sizes.iter();
        let calls = calls.map(|(memory, size)| price.of_calls(*memory, size.billed_ms));
        let transitions = f64::from(self.transitions) * price.per_transition;
        Some((calls.sum::<f64>() + transitions, &price.currency))
    }

    /// One line: `measuring, 2 of 6 sizes, 130 of 300 samples, spent 0.0012 USD`.
    pub fn line(&self) -> String {
        self.line_within(usize::MAX)
    }

    /// As much of it as there is room for, without what matters least: parts are left out whole, for half a number is a wrong
    /// one.
    pub fn line_within(&self, room: usize) -> String {
        let mut parts = self.parts();
        loop {
            let words: Vec<&str> = parts.iter().map(|(_, part)| part.as_str()).collect();
            let line = words.join(", ");
            let least = parts.iter().map(|(rank, _)| *rank).max();
            match least {
                Some(least) if line.chars().count() > room && parts.len() > 1 => {
                    parts.retain(|(rank, _)| *rank < least);
                }
                _ => return line,
            }
        }
    }

    /// Each with its rank: what has the highest is missed least.
    fn parts(&self) -> Vec<(u8, String)> {
        let is_measuring = self.step() == MEASURING;
        // Who sees samples of a round, knows that they are measured.
        let step = if self.is_search && is_measuring { 3 } else { 0 };
        let mut parts = vec![(step, self.step().to_owned())];
        let (ended, sizes) = self.ended();
        let (samples, wanted) = self.samples();
        match (sizes, self.is_search) {
            (0, _) => {}
            (_, true) => {
                let before = self.before_the_round;
                let (of_it, in_it) = (
                    samples.saturating_sub(before),
                    wanted.saturating_sub(before),
                );
                parts.push((1, format!("round {}", self.round)));
                parts.push((2, format!("{of_it} of {in_it} samples")));
                parts.push((4, format!("{samples} in all at {sizes} sizes")));
            }
            (_, false) => {
                if self.round > 1 {
                    parts.push((3, format!("round {}", self.round)));
                }
                parts.push((2, format!("{ended} of {sizes} sizes")));
                parts.push((1, format!("{samples} of {wanted} samples")));
            }
        }
        if let Some((spent, currency)) = self.spent() {
            parts.push((5, format!("spent {} {currency}", money(spent))));
        }
        parts
    }
}

const MEASURING: &str = "measuring";

/// What people call the states of the machine; nothing for those between two steps.
fn in_words(state: &str) -> Option<&str> {
    Some(match state {
        "Initializer" => "checking and planning",
        "Publisher" => "publishing versions",
        "Measure" => MEASURING,
        "Analyzer" => "deciding",
        "Cleaner" | "Clean" => "cleaning up",
        "CleanUpAfterError" => "cleaning up after an error",
        "Optimizer" => "finishing",
        state if state.starts_with("Doctor") => "looking for what is wrong",
        "Reporter" => "storing the report",
        _ => return None,
    })
}

/// Two digits that say something, however small it is.
pub fn money(amount: f64) -> String {
    if amount >= 1.0 || amount <= 0.0 {
        return format!("{amount:.2}");
    }
    let mut digits = 2;
    let mut least = 0.1;
    while amount < least && digits < 12 {
        digits += 1;
        least /= 10.0;
    }
    format!("{amount:.digits$}")
}

fn memory(branch: &Value) -> Option<MemoryMb> {
    serde_json::from_value(branch["memory"].clone()).ok()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// A state that cannot be read tells nothing.
fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
    use serde_json::json;

    use super::*;

    fn entered(id: i64, state: &str, input: &Value) -> Event {
        Event {
            id,
            what: What::Entered {
                state: state.to_owned(),
                input: input.to_string(),
            },
        }
    }

    fn exited(id: i64, state: &str, output: &Value) -> Event {
        Event {
            id,
            what: What::Exited {
                state: state.to_owned(),
                output: output.to_string(),
            },
        }
    }

    fn tuning() -> Value {
        json!({
            "plan": {"price": {"currency": "USD", "perGbSecond": 0.00002, "perTransition": 0.000_025}},
            "round": {"number": 1, "sizes": [
                {"memory": 128, "wanted": 50, "progress": {}},
                {"memory": 1024, "wanted": 50, "progress": {}},
                {"memory": 2048, "wanted": 50, "progress": {}},
            ]},
        })
    }

    fn batch(memory: u32, progress: &Value) -> Value {
        json!({"memory": memory, "wanted": 50, "progress": progress})
    }

    fn story() -> Vec<Event> {
        let half = json!({"samples": {"durationMs": [1.0, 2.0]}, "tally": {"billedMs": 1000}});
        let whole = json!({"done": true, "tally": {"billedMs": 101_000}, "summary": {"samples": 48, "averageDurationMs": 7.5}});
        let failed = json!({"done": true, "tally": {"billedMs": 0}, "failure": {"error": "OutOf\u{1b}Memory", "cause": ""}});
        vec![
            entered(1, "Initializer", &json!({"lambdaARN": "f"})),
            entered(2, "Publisher", &json!({})),
            entered(3, "AllPublished?", &json!({})),
            entered(4, "Measure", &tuning()),
            entered(5, "Executor", &json!({})),
            exited(6, "Executor", &batch(1024, &half)),
            entered(7, "Measured?", &json!({})),
            exited(8, "Executor", &batch(1024, &whole)),
            exited(9, "Executor", &batch(128, &failed)),
        ]
    }

    #[test]
    fn a_history_tells_how_far_the_tuning_is() {
        let lines = [
            "checking and planning",
            "publishing versions",
            "publishing versions",
            "measuring, 0 of 3 sizes, 0 of 150 samples, spent 0.00010 USD",
            "measuring, 0 of 3 sizes, 0 of 150 samples, spent 0.00013 USD",
            "measuring, 0 of 3 sizes, 2 of 150 samples, spent 0.00015 USD",
            "measuring, 0 of 3 sizes, 2 of 150 samples, spent 0.00017 USD",
            "measuring, 1 of 3 sizes, 48 of 148 samples, spent 0.0022 USD",
            "measuring, 2 of 3 sizes, 48 of 98 samples, spent 0.0022 USD",
        ];
        let mut progress = Progress::default();
        assert_eq!(progress.line(), "starting");
        for (event, line) in story().iter().zip(lines) {
            progress.add(std::slice::from_ref(event));
            assert_eq!(progress.line(), line, "after event {}", event.id);
        }
        let sizes: Vec<_> = progress.sizes().collect();
        assert_eq!(sizes[0].1.end, Some(End::Failed("OutOf Memory".to_owned())));
        assert_eq!(sizes[1].1.average_ms, Some(7.5));
    }

    #[test]
    fn a_round_goes_on_with_what_is_known() {
        let mut progress = Progress::default();
        progress.add(&story());
        let mut next = tuning();
        let known = json!({"summary": {"samples": 48}, "tally": {"billedMs": 101_000}});
        next["round"]["number"] = json!(2);
        next["round"]["sizes"] = json!([batch(512, &json!({}))]);
        next["ended"] = json!([
            batch(1024, &known),
            batch(128, &json!({"failure": {"error": "OutOfMemory"}}))
        ]);
        progress.add(&[entered(10, "Measure", &next)]);
        // The size of which nothing is said any more is as it was.
        let line = "measuring, round 2, 2 of 4 sizes, 48 of 148 samples, spent 0.0022 USD";
        assert_eq!(progress.line(), line);
        let caught = json!({"memory": 512, "wanted": 50, "progress": {}, "caught": {"Error": "AccessDenied"}});
        progress.add(&[exited(11, "ExecutorFailed", &caught)]);
        assert_eq!(progress.ended(), (3, 4));
    }

    /// How many rounds there will be, nobody knows; that they go on, one sees.
    #[test]
    fn a_search_shows_its_rounds() {
        let mut progress = Progress::default();
        let mut search = json!({
            "plan": {"request": {"search": {"adaptive": {"lowest": 128, "highest": 3008}}}},
            "round": {"number": 1, "sizes": [{"memory": 128, "wanted": 12, "progress": {}}, {"memory": 1024, "wanted": 12, "progress": {}}]},
        });
        progress.add(&[entered(1, "Measure", &search)]);
        let line = "measuring, round 1, 0 of 24 samples, 0 in all at 2 sizes";
        assert_eq!(progress.line(), line);
        let known = |memory: u32, wanted: u32| json!({"memory": memory, "wanted": wanted, "progress": {"summary": {"samples": 12}}});
        search["ended"] = json!([known(128, 12)]);
        search["round"] = json!({"number": 2, "sizes": [known(1024, 20), {"memory": 512, "wanted": 12, "progress": {}}]});
        progress.add(&[entered(2, "Measure", &search)]);
        let line = "measuring, round 2, 0 of 20 samples, 24 in all at 3 sizes";
        assert_eq!(progress.line(), line);
        let more = json!({"memory": 512, "wanted": 12, "progress": {"summary": {"samples": 12}}});
        progress.add(&[exited(3, "Executor", &more)]);
        let line = "measuring, round 2, 12 of 20 samples, 36 in all at 3 sizes";
        assert_eq!(progress.line(), line);
        let lines = [
            (40, "measuring, round 2, 12 of 20 samples"),
            (31, "round 2, 12 of 20 samples"),
            (20, "round 2"),
        ];
        for (room, line) in lines {
            assert_eq!(progress.line_within(room), line, "{room}");
        }
    }

    #[test]
    fn whoever_waits_for_another_tuning_says_so() {
        let batch = |waited_s: u64| json!({"published": {"waitedS": waited_s}});
        let cases = [
            (0, "publishing versions"),
            (40, "waiting for another tuning"),
            (75, "waiting for another tuning"),
            // It got its turn, and this is its next batch.
            (75, "publishing versions"),
            // In a search, the next round.
            (0, "publishing versions"),
            (9, "waiting for another tuning"),
        ];
        let mut progress = Progress::default();
        for (id, (waited_s, step)) in (1..).zip(cases) {
            progress.add(&[entered(id, "Publisher", &batch(waited_s))]);
            assert_eq!(progress.step(), step, "batch {id}");
        }
    }

    #[test]
    fn where_there_is_little_room_parts_are_left_out_whole() {
        let mut progress = Progress::default();
        progress.add(&story());
        let lines = [
            (50, "measuring, 2 of 3 sizes, 48 of 98 samples"),
            (40, "measuring, 48 of 98 samples"),
            (20, "measuring"),
            (3, "measuring"),
        ];
        for (room, line) in lines {
            assert_eq!(progress.line_within(room), line, "{room}");
        }
    }

    #[test]
    fn the_end_of_a_round_says_what_became_of_its_sizes() {
        let mut progress = Progress::default();
        progress.add(&[entered(1, "Measure", &tuning())]);
        let mut ended = tuning();
        for size in 0..3 {
            ended["round"]["sizes"][size]["progress"] = json!({"summary": {"samples": 50}});
        }
        progress.add(&[exited(2, "Measure", &ended)]);
        assert_eq!((progress.ended(), progress.samples()), ((3, 3), (150, 150)));
    }

    #[test]
    fn money_shows_two_digits() {
        let cases = [
            (12.345, "12.35"),
            (0.5, "0.50"),
            (0.0123, "0.012"),
            (0.000_012_3, "0.000012"),
            (0.0, "0.00"),
        ];
        for (amount, want) in cases {
            assert_eq!(money(amount), want);
        }
    }

    proptest! {
        /// Pages overlap, and a state may hold anything.
        #[test]
        fn what_is_known_already_is_nothing_new(split in 0_usize..9, junk in any::<String>()) {
            let story = story();
            let mut once = Progress::default();
            once.add(&story);
            let mut twice = Progress::default();
            twice.add(&story[..split]);
            twice.add(&story);
            twice.add(&story[split..]);
            prop_assert_eq!(once.line(), twice.line());
            for state in ["Measure", "Executor", "Publisher"] {
                let id = once.seen() + 1;
                once.add(&[Event { id, what: What::Entered { state: state.to_owned(), input: junk.clone() } }]);
                once.add(&[Event { id: id + 1, what: What::Exited { state: state.to_owned(), output: junk.clone() } }]);
            }
            let (ended, sizes) = once.ended();
            prop_assert!(ended <= sizes);
        }
    }
}
