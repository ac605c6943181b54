//! What a report advises, and what it says of the sizes that it does not.

use std::fs;
use std::path::Path;

use power_tuner_core::gate::judge;
use power_tuner_report::{Format, Look, Report, gate, read};
use serde_json::{Value, json};

const LOOK: Look = Look {
    width: 10_000,
    color: false,
};

fn kept(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/outcomes/{name}.json"));
    let text = fs::read_to_string(path).expect("a kept outcome");
    serde_json::from_str(&text).expect("JSON")
}

fn report(outcome: &Value) -> Report {
    read(&outcome.to_string()).expect("an outcome")
}

fn table(outcome: &Value) -> String {
    report(outcome).show(Format::Table, LOOK).expect("a table")
}

fn line<'a>(shown: &'a str, start: &str) -> Option<&'a str> {
    shown.lines().find_map(|line| line.strip_prefix(start))
}

/// MB, ms, and USD for a million calls. The first one is chosen.
fn with_sizes(mut outcome: Value, sizes: &[(u32, f64, f64)]) -> Value {
    let template = outcome["sizes"][0].clone();
    let sizes: Vec<Value> = sizes
        .iter()
        .map(|(mb, ms, cost)| {
            let mut size = template.clone();
            size["memory"] = json!(mb);
            size["averageDurationMs"] = json!(ms);
            size["averageCost"] = json!(cost / 1e6);
            size["durationIntervalMs"] = json!([ms * 0.99, ms * 1.01]);
            size["costInterval"] = json!([cost * 0.99 / 1e6, cost * 1.01 / 1e6]);
            size
        })
        .collect();
    outcome["power"] = sizes[0]["memory"].clone();
    outcome["duration"] = sizes[0]["averageDurationMs"].clone();
    outcome["cost"] = sizes[0]["averageCost"].clone();
    outcome["currentMemory"] = outcome["power"].clone();
    outcome["sizes"] = json!(sizes);
    for absent in ["improvement", "confidence", "baseline"] {
        outcome.as_object_mut().expect("an object").remove(absent);
    }
    outcome
}

const SLOW: &[(u32, f64, f64)] = &[
    (128, 400.0, 1.0),
    (256, 210.0, 1.02),
    (512, 100.0, 1.09),
    (1024, 50.0, 1.2),
];

#[test]
fn a_size_that_is_nearly_as_cheap_and_much_faster_is_named() {
    let hint = |outcome: &Value| {
        table(outcome)
            .lines()
            .find(|line| line.contains(" is nearly as "))
            .map(str::to_owned)
    };
    let outcome = with_sizes(kept("grid"), SLOW);
    let said = hint(&outcome).expect("a hint");
    assert_eq!(
        said,
        "512 MB is nearly as cheap and much faster: against 128 MB a call costs 9 % more and takes 75 % less time. The strategy \
         `balanced` weighs both."
    );
    let mut turned = outcome.clone();
    turned["sizes"].as_array_mut().expect("sizes").reverse();
    assert_eq!(hint(&turned), Some(said), "whatever their order");
    for format in [Format::Markdown, Format::Html] {
        let shown = report(&outcome).show(format, LOOK).expect("shown");
        assert!(
            shown.contains("is nearly as cheap and much faster"),
            "{shown}"
        );
    }

    let mut fast = with_sizes(
        kept("grid"),
        &[(3008, 100.0, 9.0), (1769, 104.0, 3.0), (512, 300.0, 1.0)],
    );
    fast["strategy"] = json!("speed");
    assert_eq!(
        hint(&fast).as_deref(),
        Some(
            "1769 MB is nearly as fast and much cheaper: against 3008 MB a call takes 4 % more time and costs 67 % less. The strategy \
             `balanced` weighs both."
        )
    );

    let mut balanced = outcome.clone();
    balanced["strategy"] = json!("balanced");
    balanced["settings"]["balancedWeight"] = json!(0.5);
    let mut over_the_limit = outcome.clone();
    over_the_limit["constraint"] = json!({"maxCost": 1.05e-6, "confidence": 0.95, "met": true});
    for (size, meets) in ["yes", "no", "no", "no"].into_iter().enumerate() {
        over_the_limit["sizes"][size]["meetsConstraint"] = json!(meets);
    }
    let mut chance = with_sizes(kept("grid"), &[SLOW[0], SLOW[2]]);
    chance["sizes"][1]["durationIntervalMs"] = json!([10.0, 500.0]);
    let none = [
        ("it weighs both already", balanced),
        ("a limit keeps the others out", over_the_limit),
        ("it may be chance", chance),
        ("too dear", with_sizes(kept("grid"), &[SLOW[0], SLOW[3]])),
        (
            "hardly faster",
            with_sizes(kept("grid"), &[(128, 400.0, 1.0), (256, 300.0, 1.01)]),
        ),
    ];
    for (case, outcome) in none {
        assert_eq!(hint(&outcome), None, "case: {case}");
    }
}

/// As the tuner found it: 1,024 MB is the cheapest one within 300 ms, 128 MB the cheapest one, and the function has 512 MB.
#[test]
fn a_limit_has_its_price() {
    const PRICE: &str = "Price of the limit: ";
    let limited = kept("limited");
    let cost = |size: usize| {
        limited["sizes"][size]["averageCost"]
            .as_f64()
            .expect("a cost")
    };
    let more = |from: usize| format!("costs {:.1} % more", (cost(3) / cost(from) - 1.0) * 100.0);
    let shown = table(&limited);
    assert!(
        shown.contains(
            "instead of 512 MB, which does not keep to a mean duration of at most 300 ms: a call then costs"
        ),
        "{shown}"
    );
    let price = line(&shown, PRICE).expect("a price");
    let (free, current) = price.split_once("; ").expect("two sizes");
    assert!(
        free.starts_with(
            "Against 128 MB, the cheapest of all measured sizes, which is over the limit, a call "
        ),
        "{price}"
    );
    assert!(free.contains(&more(0)), "{price}");
    assert!(
        current.starts_with("against 512 MB, the current size, which is over the limit, a call "),
        "{price}"
    );
    assert!(current.contains(&more(2)), "{price}");
    assert_eq!(
        line(&shown, "Improvement: "),
        None,
        "a limit that costs something improves nothing"
    );

    let mut free = limited.clone();
    for size in free["sizes"].as_array_mut().expect("sizes") {
        size["meetsConstraint"] = json!("yes");
    }
    free["power"] = json!(128);
    let shown = table(&free);
    assert_eq!(
        line(&shown, PRICE),
        Some("None: without limits 128 MB would be chosen, too.")
    );
    let unmet = table(&kept("too-tight"));
    for label in [PRICE, "Improvement: "] {
        assert_eq!(line(&unmet, label), None, "no size was chosen");
    }
}

#[test]
fn a_current_size_that_is_better_than_the_chosen_one_stays() {
    let mut outcome = with_sizes(kept("grid"), &SLOW[..2]);
    let mut current = outcome["sizes"][0].clone();
    current["memory"] = json!(192);
    current["averageCost"] = json!(0.8e-6);
    current["costInterval"] = json!([0.79e-6, 0.81e-6]);
    outcome["baseline"] = current;
    outcome["currentMemory"] = json!(192);
    outcome["improvement"] = json!({"over": 192, "percent": -25.0, "atLeastPercent": -30.0});
    let shown = table(&outcome);
    assert!(
        shown.contains("Leave orders-api at 192 MB: at 128 MB, which was chosen among the others, a call costs 25 % more and takes the same time."),
        "{shown}"
    );
}

#[test]
fn what_passes_a_check_is_not_to_be_changed() {
    let outcome = kept("cold-starts");
    let report = report(&outcome);
    let found = report.outcome().expect("an outcome");
    for (tolerance, asks) in [(5.0, true), (50.0, false)] {
        for format in [Format::Table, Format::Markdown, Format::Html] {
            let shown = gate::show(&report, &judge(found, tolerance), format, LOOK).expect("shown");
            assert_eq!(
                shown.contains("Give orders-api 1024"),
                asks,
                "{tolerance}, {format}: {shown}"
            );
            assert_eq!(
                shown.contains("At 1024"),
                !asks,
                "{tolerance}, {format}: {shown}"
            );
        }
    }
}

#[test]
fn no_number_of_calls_makes_it_certain() {
    for name in ["cold-starts", "everything", "limited"] {
        let mut outcome = kept(name);
        outcome["confidence"]["probability"] = json!(1.0);
        let shown = table(&outcome);
        let said = line(&shown, "Confidence: ").expect("it");
        assert!(said.starts_with("more than 99.9 % that"), "{said}");
        assert!(!shown.contains("0 % on average"), "{shown}");
    }
}

#[test]
fn each_format_names_the_strategy() {
    for (name, strategy, words) in [
        ("grid", "cost", "for cost"),
        (
            "everything",
            "balanced (weight 0.7)",
            "for a balance of cost and speed",
        ),
    ] {
        let outcome = kept(name);
        let shown = table(&outcome);
        assert_eq!(line(&shown, "Strategy: "), Some(strategy));
        for format in [Format::Markdown, Format::Html] {
            let shown = report(&outcome).show(format, LOOK).expect("shown");
            assert!(shown.contains(words), "{shown}");
        }
    }
}

#[test]
fn a_search_says_which_of_its_calls_count() {
    let calls = |name: &str, only_cold: bool| {
        let mut outcome = kept(name);
        outcome["settings"]["onlyColdStarts"] = json!(only_cold);
        let shown = report(&outcome)
            .show(Format::Markdown, LOOK)
            .expect("shown");
        line(&shown, "- Calls for each size: ")
            .expect("it")
            .to_owned()
    };
    assert!(
        calls("adaptive", false)
            .starts_with("up to 40 (\\`num\\`) that find an environment ready;")
    );
    assert!(calls("adaptive", true).starts_with("up to 40 (\\`num\\`) that start an environment;"));
    assert_eq!(calls("grid", false), "30 (\\`num\\`)");
    let mut precise = kept("grid");
    precise["settings"]["precision"] = json!(0.05);
    let shown = report(&precise)
        .show(Format::Markdown, LOOK)
        .expect("shown");
    assert_eq!(
        line(&shown, "- Calls for each size: "),
        Some("up to 30 (\\`num\\`)")
    );
}
