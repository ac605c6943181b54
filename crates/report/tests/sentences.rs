//! What a report advises, and what it says of the sizes that it does not.

use std::fs;
use std::path::Path;

use power_tuner_core::gate::judge;
use power_tuner_report::{About, Format, Look, Report, gate, read};
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

/// What is rare and large may weigh more than what is seldom exceeded.
#[test]
fn nothing_is_lost_on_average_that_is_more_than_the_most() {
    let confidence = |expected: f64, worst: f64| {
        let mut outcome = kept("grid");
        outcome["confidence"]["expectedLossPercent"] = json!(expected);
        outcome["confidence"]["worstLossPercent"] = json!(worst);
        line(&table(&outcome), "Confidence: ").map(str::to_owned)
    };
    let said = "74 % that no other measured size is better; 256 MB and 512 MB may be as good. A wrong choice loses 0.2 % on average";
    assert_eq!(
        confidence(0.2, 0.3),
        Some(format!("{said}, and 0.3 % at the most."))
    );
    assert_eq!(confidence(0.2, 0.1), Some(format!("{said}.")));
}

#[test]
fn a_dry_run_of_one_size_names_it() {
    let mut outcome = kept("dry-run");
    let sizes = outcome["sizes"].as_array().expect("sizes").clone();
    for (size, says) in sizes.iter().zip(["cannot", "can"]) {
        outcome["sizes"] = json!([size]);
        let want = format!(
            "orders-api {says} be called at {} MB; a dry run measures nothing.",
            size["memory"]
        );
        assert!(table(&outcome).contains(&want), "{want}");
    }
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
        Some("Nothing: 128 MB would be chosen without limits, too.")
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

/// One line must not send away from a size, and the next one praise it by what the strategy does not look at.
#[test]
fn where_nothing_is_shown_to_be_better_the_strategy_is_what_nothing_is_better_by() {
    let outcome = kept("same-durations");
    let shown = table(&outcome);
    assert!(
        shown.contains("\nLeave orders-api at 512 MB: 128 MB, which came out best, is not shown to be faster.\n"),
        "{shown}"
    );
    assert!(
        shown.contains("128 MB is as fast and much cheaper: against 512 MB a call takes "),
        "{shown}"
    );
    let mut faster = outcome.clone();
    faster["improvement"]["percent"] = json!(2.04);
    let said = table(&faster);
    assert!(
        said.contains("Leave orders-api at 512 MB: that 128 MB came out 2 % faster may be chance."),
        "{said}"
    );
    let page = report(&outcome).show(Format::Html, LOOK).expect("a page");
    assert!(page.contains("<dt>Came out best</dt>"), "{page}");
    assert!(!page.contains("Best size"), "{page}");
    let page = report(&kept("grid"))
        .show(Format::Html, LOOK)
        .expect("a page");
    assert!(page.contains("<dt>Best size</dt>"), "{page}");
}

#[test]
fn what_is_as_fast_is_not_called_nearly_as_fast() {
    let mut outcome = with_sizes(
        kept("grid"),
        &[(3008, 100.0, 9.0), (1769, 100.0, 3.0), (512, 300.0, 1.0)],
    );
    outcome["strategy"] = json!("speed");
    let shown = table(&outcome);
    assert!(
        shown.contains("1769 MB is as fast and much cheaper: against 3008 MB a call takes the same time and costs 67 % less."),
        "{shown}"
    );
}

/// 2048 MB is not what the function has, once it was given 512 MB.
#[test]
fn what_was_applied_is_not_compared_with_a_current_size() {
    let applied = kept("everything");
    let shown = table(&applied);
    assert!(shown.contains("orders-api now has 512 MB"), "{shown}");
    assert!(!shown.contains("current"), "{shown}");
    for (label, part) in [
        ("Improvement: ", "than 2048 MB, the size before, with 95 %"),
        ("A month: ", "32.05 USD at 2048 MB, the size before."),
    ] {
        let said = line(&shown, label).expect(label);
        assert!(said.contains(part), "{said}");
    }
    let mut left = applied.clone();
    left["optimization"]["applied"] = json!(false);
    let shown = table(&left);
    for label in ["Improvement: ", "A month: "] {
        let said = line(&shown, label).expect(label);
        assert!(said.contains(" 2048 MB, the current size"), "{said}");
    }
}

#[test]
fn what_changes_is_said_once() {
    for (name, why) in [
        ("grid", "128 MB is the cheapest of 6 measured sizes."),
        ("cold-starts", "1024 MB is the fastest of 3 measured sizes."),
    ] {
        let shown = table(&kept(name));
        assert_eq!(line(&shown, "Why: "), Some(why));
        assert_eq!(shown.matches("a call then costs ").count(), 1, "{shown}");
    }
    // There the sentence compares nothing.
    for name in ["too-tight", "same-durations"] {
        let shown = table(&kept(name));
        let why = line(&shown, "Why: ").expect("it");
        assert!(why.contains("; a call costs "), "{why}");
    }
}

/// The page's first numbers say it as its first sentence does.
#[test]
fn twice_as_much_and_more_is_said_in_times() {
    let page = |name: &str| {
        report(&kept(name))
            .show(Format::Html, LOOK)
            .expect("a page")
    };
    let grid = page("grid");
    assert!(grid.contains("takes 3.8 times as long."), "{grid}");
    assert!(
        grid.contains("<span>3.8 times as long as now</span>"),
        "{grid}"
    );
    let cold = page("cold-starts");
    assert!(cold.contains("<span>66 % more than now</span>"), "{cold}");
}

#[test]
fn many_sizes_that_may_be_as_good_are_counted() {
    let said = |name: &str| {
        let shown = table(&kept(name));
        line(&shown, "Confidence: ").expect("it").to_owned()
    };
    let many = said("all-sizes");
    assert!(
        many.contains("; 23 other sizes from 1536 MB to 3008 MB may be as good."),
        "{many}"
    );
    let few = said("same-durations");
    assert!(
        few.contains("; 256 MB, 512 MB, 1024 MB, 1769 MB and 3008 MB may be as good."),
        "{few}"
    );
}

#[test]
fn a_warning_is_a_sentence_and_names_each_size_once() {
    let mut outcome = kept("everything");
    for (format, start) in [
        (Format::Table, "! The function used "),
        (Format::Markdown, "> ⚠️ The function used "),
        (Format::Html, "<li>The function used "),
    ] {
        let shown = report(&outcome).show(format, LOOK).expect("shown");
        let said = shown
            .lines()
            .find(|line| line.starts_with(start))
            .expect(start);
        assert_eq!(said.matches("256").count(), 1, "{said}");
    }
    outcome["warnings"] =
        json!([{"code": "x", "message": "some of 1256 MB are slow", "sizes": [256]}]);
    let shown = table(&outcome);
    assert!(
        shown.contains("! Some of 1256 MB are slow. (256 MB)"),
        "{shown}"
    );
}

#[test]
fn moments_are_for_people() {
    for (time, shown) in [
        ("2026-03-14T09:26:53Z", "2026-03-14 09:26:53 UTC"),
        ("2026-03-14T09:26:53.417Z", "2026-03-14 09:26:53 UTC"),
        ("2026-03-14T09:26:53+01:00", "2026-03-14T09:26:53+01:00"),
        ("yesterday", "yesterday"),
    ] {
        let about = About {
            started: Some(time.to_owned()),
            ..About::default()
        };
        let report = report(&kept("grid")).about(about);
        let said = report.show(Format::Markdown, LOOK).expect("shown");
        assert_eq!(line(&said, "- Started: "), Some(shown));
    }
}

/// A dry run has nothing to recommend, and a size that cannot be called is no good news.
#[test]
fn a_dry_run_that_failed_looks_like_a_warning() {
    let page = |outcome: &Value| {
        let page = report(outcome).show(Format::Html, LOOK).expect("a page");
        assert!(!page.contains("Durations are averages"), "{page}");
        page.contains("class=\"answer warning\"")
    };
    let mut outcome = kept("dry-run");
    assert!(page(&outcome));
    for size in outcome["sizes"].as_array_mut().into_iter().flatten() {
        size["status"] = json!("measured");
    }
    assert!(!page(&outcome));
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
