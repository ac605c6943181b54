//! What pages, charts, comments and spreadsheets must be, whatever is in an outcome.

use std::fs;
use std::path::Path;

use power_tuner_report::{About, Format, Look, Report, read};
use proptest::prelude::{Just, Strategy, any, prop, prop_assert, prop_oneof, proptest};
use roxmltree::{Document, Node};
use serde_json::{Value, json};

const LOOK: Look = Look {
    width: 80,
    color: false,
};

/// As in the chart: what a letter takes at the most.
const LETTER: f64 = 6.7;

fn kept(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/outcomes/{name}.json"));
    let text = fs::read_to_string(path).expect("a kept outcome");
    serde_json::from_str(&text).expect("JSON")
}

fn report(outcome: &Value) -> Report {
    read(&outcome.to_string()).expect("an outcome")
}

fn shown(outcome: &Value, format: Format) -> String {
    report(outcome).show(format, LOOK).expect("shown")
}

/// With so many sizes.
fn with_sizes(many: u32) -> Value {
    let mut outcome = kept("grid");
    let template = outcome["sizes"][2].clone();
    let sizes = (0..many).map(|at| {
        let mut size = template.clone();
        let mb = 128 + at * (10_240 - 128) / (many - 1);
        size["memory"] = json!(mb);
        size["averageDurationMs"] = json!(200_000.0 / f64::from(mb) + 20.0);
        size["durationIntervalMs"] = json!([200_000.0 / f64::from(mb), 200_000.0 / f64::from(mb) + 50.0]);
        size["percentiles"] = json!({"p95": {"ms": 200_000.0 / f64::from(mb) + 70.0, "atMostMs": 1e4, "samples": 60}});
        size
    });
    outcome["sizes"] = sizes.collect();
    outcome["power"] = json!(128 + 77 * (10_240 - 128) / (many - 1));
    outcome["currentMemory"] = outcome["sizes"][1]["memory"].clone();
    outcome
}

fn with_failed(mut outcome: Value, place: usize) -> Value {
    let size = &mut outcome["sizes"][place];
    size["status"] = json!("failed");
    size["reason"] = json!("out of memory");
    for measured in [
        "averageDurationMs",
        "averageCost",
        "durationIntervalMs",
        "costInterval",
    ] {
        size.as_object_mut().expect("a size").remove(measured);
    }
    outcome
}

/// Each text that an outcome has from outside, replaced.
fn with_texts(mut outcome: Value, text: &str) -> Value {
    for field in [
        "note", "reason", "function", "region", "currency", "strategy", "search",
    ] {
        outcome[field] = json!(text);
    }
    outcome["warnings"] = json!([{"code": text, "message": text, "sizes": [512]}]);
    outcome["monthly"]["notes"] = json!([text]);
    outcome["keptVersions"] = json!([{"memory": 512, "number": text}]);
    outcome["optimization"] = json!({"applied": false, "reason": text, "from": 512, "to": 512, "changed": false, "alias": text, "version": text});
    outcome["stateMachine"]["visualization"] = json!(text);
    outcome["settings"]["parallelInvocation"] = json!(text);
    for size in outcome["sizes"].as_array_mut().into_iter().flatten() {
        if size["status"] == "failed" {
            size["reason"] = json!(text);
        }
    }
    outcome
}

fn hostile(text: &str, format: Format) -> String {
    let about = About {
        execution: Some(text.to_owned()),
        started: Some(text.to_owned()),
        stopped: Some(text.to_owned()),
        input: Some(json!({"lambdaARN": text})),
    };
    let outcome = with_texts(kept("everything"), text);
    report(&outcome)
        .about(about)
        .show(format, LOOK)
        .expect("shown")
}

#[test]
fn no_text_becomes_a_part_of_a_style_sheet() {
    let page = hostile("x\"; } body { display: none } /* \\", Format::Html);
    let (_, rest) = page
        .split_once("::before { content: \"")
        .expect("names of columns");
    let (styles, _) = rest.split_once("</style>").expect("an end");
    assert!(
        styles.contains("1M calls, x  body  display none  "),
        "{styles}"
    );
}

const TAGS: &str = r#"</title></style></text></desc><script>alert(1)</script><img src=x onerror="alert(1)"> & ' " `"#;

#[test]
fn no_text_becomes_a_part_of_a_page() {
    let page = hostile(TAGS, Format::Html);
    let plain = shown(&kept("everything"), Format::Html);
    for part in [
        "<script",
        "<img",
        "onerror=\"",
        "</title>",
        "</style>",
        "</text>",
        "</desc>",
    ] {
        let [there, usual] = [&page, &plain].map(|page| page.matches(part).count());
        assert_eq!(there, usual, "{part}");
    }
    assert!(page.contains("&#60;script&#62;alert(1)&#60;/script&#62;"));
}

#[test]
fn no_text_becomes_a_part_of_a_chart() {
    let svg = hostile(TAGS, Format::Svg);
    let chart = Document::parse(&svg).expect("XML");
    let names: Vec<&str> = chart
        .descendants()
        .filter(Node::is_element)
        .map(|node| node.tag_name().name())
        .collect();
    let known = ["svg", "title", "desc", "style", "rect", "path", "g", "text"];
    assert!(names.iter().all(|name| known.contains(name)), "{names:?}");
    let title = text_of(&chart, "title");
    assert!(
        title.contains("<script>alert(1)</script>"),
        "it is shown as it is: {title}"
    );
}

#[test]
fn a_link_that_is_no_web_address_is_not_followed() {
    for link in ["javascript:alert(1)", "data:text/html,x", "//a.example"] {
        let page = hostile(link, Format::Html);
        assert!(!page.contains("<a "), "{link}");
        assert!(!hostile(link, Format::Markdown).contains("]("), "{link}");
    }
    let page = hostile("https://a.example/?a=1&b=\"2\"", Format::Html);
    assert!(
        page.contains(r#"<a href="https://a.example/?a=1&#38;b=&#34;2&#34;""#),
        "{page}"
    );
}

#[test]
fn no_text_becomes_markdown() {
    let text = "a | b\n# c\n`d` <e> **f** [g](https://h.example) @team ![i](j) ~~k~~ $x$";
    let markdown = hostile(text, Format::Markdown);
    let plain = shown(&kept("everything"), Format::Markdown);
    for part in ["<", "@", "](", "\n# ", "https://"] {
        let [there, usual] =
            [&markdown, &plain].map(|text| text.replace("\\]", "").matches(part).count());
        assert_eq!(there, usual, "{part}\n{markdown}");
    }
    // No sign that means something stands without a backslash.
    let said = markdown
        .lines()
        .find(|line| line.contains("Note:"))
        .expect("the note");
    let (_, note) = said.split_once("Note:** ").expect("the note");
    let bytes: Vec<char> = note.chars().collect();
    for (at, sign) in bytes
        .iter()
        .enumerate()
        .filter(|(_, sign)| "|`*[]!~$".contains(**sign))
    {
        assert_eq!(bytes[at - 1], '\\', "{sign} in {note}");
    }
    let rows = markdown.lines().filter(|line| line.starts_with('|'));
    let cells: Vec<usize> = rows
        .map(|row| row.replace("\\|", "").matches('|').count())
        .collect();
    assert!(cells.iter().all(|many| *many == cells[0]), "{markdown}");
}

#[test]
fn no_text_becomes_a_formula_or_a_cell() {
    for start in ["=", "+", "-", "@"] {
        let csv = hostile(&format!("{start}cmd|' /C calc'!A0, \"x\"\ny"), Format::Csv);
        let lines: Vec<&str> = csv.split("\r\n").collect();
        // The header, seven sizes, and what is behind the last line's end.
        assert_eq!(lines.len(), 9, "{csv}");
        assert!(
            !csv.contains(&format!(",{start}cmd")) && !csv.contains(&format!(",\"{start}cmd")),
            "{csv}"
        );
        assert!(
            csv.contains(&format!("\"'{start}cmd|' /C calc'!A0, \"\"x\"\" y\"")),
            "{csv}"
        );
    }
}

fn text_of(chart: &Document, tag: &str) -> String {
    let node = chart
        .descendants()
        .find(|node| node.has_tag_name(("http://www.w3.org/2000/svg", tag)));
    node.and_then(|node| node.text()).expect(tag).to_owned()
}

fn path(chart: &Document, class: &str) -> Option<String> {
    let found = chart
        .descendants()
        .find(|node| node.attribute("class") == Some(class))?;
    found.attribute("d").map(str::to_owned)
}

#[test]
fn a_line_goes_only_through_what_was_measured() {
    let whole = shown(&kept("grid"), Format::Svg);
    let whole = Document::parse(&whole).expect("XML");
    let broken = shown(&with_failed(kept("grid"), 2), Format::Svg);
    let broken = Document::parse(&broken).expect("XML");
    for class in ["line time", "line money"] {
        let [whole, broken] = [&whole, &broken].map(|chart| path(chart, class).expect(class));
        let count = |of: char| [&whole, &broken].map(|line| line.matches(of).count());
        assert_eq!(count('M'), [1, 2], "{class}: {broken}");
        assert_eq!(count('L'), [5, 3], "{class}: {broken}");
    }
    assert_eq!(path(&whole, "cross"), None);
    assert!(path(&broken, "cross").is_some());
    assert!(text_of(&broken, "desc").contains("Failed: 512 MB."));
}

#[test]
fn labels_of_sizes_never_touch_and_the_best_and_the_current_one_have_theirs() {
    for outcome in [kept("grid"), kept("all-sizes"), with_sizes(200)] {
        let svg = shown(&outcome, Format::Svg);
        let chart = Document::parse(&svg).expect("XML");
        let labels = chart
            .descendants()
            .filter(|node| matches!(node.attribute("class"), Some("size" | "best" | "closest" | "bad") if node.tag_name().name() == "text" && node.text().is_some_and(|text| !text.contains(':'))));
        let labels: Vec<(f64, f64, String)> = labels
            .map(|label| {
                let text = label.text().expect("a size").to_owned();
                let x = label
                    .attribute("x")
                    .expect("a place")
                    .parse()
                    .expect("a number");
                let letters = u32::try_from(text.len()).expect("a few");
                (x, f64::from(letters) * LETTER, text)
            })
            .collect();
        assert!(labels.len() >= 5, "{labels:?}");
        for two in labels.windows(2) {
            let [(left, left_width, _), (right, right_width, _)] = two else {
                continue;
            };
            assert!(
                right - left >= f64::midpoint(*left_width, *right_width),
                "{two:?}"
            );
        }
        for wanted in ["power", "currentMemory"] {
            let mb = outcome[wanted].as_u64().expect("a size");
            let is_it = |text: &str| text.replace(',', "") == mb.to_string();
            assert!(
                labels.iter().any(|(.., text)| is_it(text)),
                "{wanted} {mb}: {labels:?}"
            );
        }
    }
}

#[test]
fn everything_of_a_chart_is_inside_of_it() {
    for outcome in [
        kept("everything"),
        kept("one-size"),
        kept("same-durations"),
        with_sizes(200),
    ] {
        let svg = shown(&outcome, Format::Svg);
        let chart = Document::parse(&svg).expect("XML");
        let root = chart.root_element();
        let view: Vec<f64> = root
            .attribute("viewBox")
            .expect("a view")
            .split(' ')
            .map(|number| number.parse().expect("a number"))
            .collect();
        let (right, bottom) = (view[0] + view[2], view[1] + view[3]);
        let numbers = svg
            .split("d=\"")
            .skip(1)
            .filter_map(|rest| rest.split('"').next());
        assert!(
            numbers
                .clone()
                .all(|path| !path.contains("NaN") && !path.contains("inf")),
            "{svg}"
        );
        for text in chart
            .descendants()
            .filter(|node| node.tag_name().name() == "text")
        {
            let number = |name: &str| {
                text.attribute(name)
                    .and_then(|value| value.parse::<f64>().ok())
                    .unwrap_or_default()
            };
            let offset = text
                .parent()
                .and_then(|parent| parent.attribute("transform"))
                .map_or((0.0, 0.0), |transform| {
                    let inner = transform
                        .trim_start_matches("translate(")
                        .trim_end_matches(')');
                    let (x, y) = inner.split_once(' ').expect("two numbers");
                    (x.parse().expect("a number"), y.parse().expect("a number"))
                });
            let said = text.text().unwrap_or_default();
            let width = f64::from(u32::try_from(said.chars().count()).expect("a few")) * LETTER;
            let x = number("x") + offset.0;
            let from = match text.attribute("text-anchor") {
                Some("middle") => x - width / 2.0,
                Some("end") => x - width,
                _ => x,
            };
            let y = number("y") + offset.1;
            assert!(
                from >= view[0] && from + width <= right && y > view[1] && y < bottom,
                "{said} at {x} {y}"
            );
        }
    }
}

#[test]
fn a_chart_says_what_it_is_to_those_who_do_not_see_it() {
    let svg = shown(&kept("everything"), Format::Svg);
    let chart = Document::parse(&svg).expect("XML");
    let root = chart.root_element();
    assert_eq!(root.attribute("role"), Some("img"));
    let ids = root.attribute("aria-labelledby").expect("ids");
    for id in ids.split(' ') {
        let labelled = chart
            .descendants()
            .find(|node| node.attribute("id") == Some(id));
        assert!(
            labelled
                .and_then(|node| node.text())
                .is_some_and(|text| text.len() > 20),
            "{id}"
        );
    }
    let description = text_of(&chart, "desc");
    for part in [
        "orders-api now has 512 MB",
        "Failed: 128 MB.",
        "6 measured sizes",
    ] {
        assert!(description.contains(part), "{part}: {description}");
    }
}

#[test]
fn a_page_is_one_file_that_asks_for_nothing() {
    for outcome in [
        kept("everything"),
        kept("adaptive"),
        kept("dry-run"),
        kept("reference-link"),
    ] {
        let page = shown(&outcome, Format::Html);
        for part in ["<script", "src=", "url(", "@import", "<iframe", "<object"] {
            assert!(!page.contains(part), "{part}");
        }
        assert!(page.contains("default-src 'none'"));
        let linked: Vec<&str> = page
            .split("href=\"")
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
            .collect();
        assert!(
            linked
                .iter()
                .all(|link| *link == "data:,"
                    || link.starts_with("https://lambda-power-tuning.show/")),
            "{linked:?}"
        );
    }
}

#[test]
fn a_page_has_one_heading_landmarks_and_a_table_with_headers() {
    let page = shown(&kept("everything"), Format::Html);
    let count = |part: &str| page.matches(part).count();
    let wanted = [
        ("<html lang=\"en\">", 1),
        ("<h1>", 1),
        ("<main>", 1),
        ("<header>", 1),
        ("<footer>", 1),
        ("<caption>", 1),
        ("<th scope=\"row\" role=\"rowheader\">", 7),
        ("tabindex=\"0\"", 1),
        ("role=\"img\"", 2),
    ];
    for (part, many) in wanted {
        assert_eq!(count(part), many, "{part}");
    }
    assert!(count("<th scope=\"col\" role=\"columnheader\">") > 5);
    // Where no header is above them, cells name their columns.
    assert_eq!(
        count("::before { content: \""),
        count("<th scope=\"col\"") - 1,
    );
    assert!(page.contains("content: \"1M calls, USD\""));
    let ids: Vec<&str> = page
        .split(" id=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect();
    let mut unique = ids.clone();
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(unique.len(), ids.len(), "{ids:?}");
    for labels in page
        .split("aria-labelledby=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
    {
        assert!(labels.split(' ').all(|id| ids.contains(&id)), "{labels}");
    }
}

#[test]
fn a_page_stays_small() {
    let cases = [
        (kept("grid"), 25_000),
        (kept("everything"), 30_000),
        (kept("all-sizes"), 60_000),
        (with_sizes(200), 160_000),
    ];
    for (outcome, most) in cases {
        let page = shown(&outcome, Format::Html);
        assert!(page.len() < most, "{} of {most}", page.len());
    }
}

/// Of ms, or of what a million calls cost.
fn number() -> impl Strategy<Value = f64> {
    prop_oneof![Just(0.0), 0.001..10.0, 1.0..5000.0, Just(900_000.0)]
}

fn some_size() -> impl Strategy<Value = Value> {
    let interval = || prop::option::of([any::<f64>(), any::<f64>()]);
    let measured = (
        number(),
        number(),
        interval(),
        interval(),
        prop::option::of(any::<f64>()),
    );
    (128_u32..=10_240, prop::option::of(measured), any::<bool>()).prop_map(|(mb, measured, pareto)| {
        let mut size = json!({
            "memory": mb, "status": "failed", "reason": "it failed", "pareto": pareto, "calls": 1, "errors": 0, "coldStarts": 0,
            "throttles": 0, "unmatched": 0, "slowInits": 0, "withoutReport": 0, "withoutAnswer": 0, "cutOff": 0, "maxMemoryUsedMB": 0,
        });
        if let Some((ms, cost, ms_ends, cost_ends, p95)) = measured {
            size["status"] = json!("measured");
            size["averageDurationMs"] = json!(ms);
            size["averageCost"] = json!(cost / 1e6);
            size["durationIntervalMs"] = json!(ms_ends);
            size["costInterval"] = json!(cost_ends);
            if let Some(p95) = p95 {
                size["percentiles"] = json!({"p95": {"ms": p95, "atMostMs": p95, "samples": 1}});
            }
        }
        size
    })
}

proptest! {
    #[test]
    fn any_outcome_is_shown(
        sizes in prop::collection::vec(some_size(), 1..20),
        best in any::<prop::sample::Index>(),
        current in any::<prop::sample::Index>(),
        limits in prop::option::of((number(), number())),
        width in 40_usize..160,
    ) {
        let mut outcome = kept("grid");
        outcome["power"] = best.get(&sizes)["memory"].clone();
        outcome["currentMemory"] = current.get(&sizes)["memory"].clone();
        if let Some((ms, cost)) = limits {
            outcome["constraint"] = json!({"maxDurationMs": ms, "maxCost": cost / 1e6, "confidence": 0.95, "met": false});
        }
        outcome["sizes"] = json!(sizes);
        let report = report(&outcome);
        let look = Look { width, color: false };
        for format in Format::ALL {
            let shown = match report.show(format, look) {
                Ok(shown) => shown,
                // Nothing was measured.
                Err(refused) => {
                    prop_assert!(sizes.iter().all(|size| size["status"] == "failed"), "{format}: {refused}");
                    continue;
                }
            };
            for odd in ["NaN", "inf,", "inf<", "inf "] {
                prop_assert!(!shown.contains(odd), "{format}: {shown}");
            }
            // What nothing can take is left out.
            let digits = shown.split(|c: char| !c.is_ascii_digit() && (c != ',' || format == Format::Csv)).map(str::len);
            prop_assert!(format == Format::Json || digits.max().unwrap_or_default() < 30, "{format}: {shown}");
            if format == Format::Svg {
                prop_assert!(Document::parse(&shown).is_ok(), "{shown}");
            }
            if format == Format::Table {
                for line in shown.lines() {
                    prop_assert!(line.chars().count() <= width, "at {width}: {line}\n{shown}");
                }
            }
        }
    }
}

/// The relative luminance of WCAG 2.2.
fn luminance(color: &str) -> f64 {
    let channel = |at: usize| {
        let value = u8::from_str_radix(&color[at..at + 2], 16).expect("a colour");
        let share = f64::from(value) / 255.0;
        if share <= 0.040_45 {
            share / 12.92
        } else {
            ((share + 0.055) / 1.055).powf(2.4)
        }
    };
    0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
}

fn contrast(one: &str, other: &str) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

#[test]
fn text_and_lines_stand_out_in_light_and_dark() {
    let css = include_str!("../templates/palette.css");
    let schemes: Vec<&str> = css.split("@media").collect();
    assert_eq!(schemes.len(), 2, "light and dark");
    for scheme in schemes {
        let color = |name: &str| {
            let (_, rest) = scheme.split_once(&format!("--{name}: ")).expect(name);
            rest.split(';').next().expect(name)
        };
        // AA asks for 4.5 of text.
        let texts = [
            ("ink", "paper"),
            ("ink", "raised"),
            ("ink", "glow"),
            ("ink", "warn-paper"),
            ("quiet", "paper"),
            ("quiet", "raised"),
            ("quiet", "glow"),
            ("quiet", "warn-paper"),
            ("time", "paper"),
            ("money", "paper"),
            ("best", "paper"),
            ("best", "raised"),
            ("best", "glow"),
            ("bad", "paper"),
            ("bad", "glow"),
            ("bad", "warn-paper"),
            ("warn", "paper"),
            ("warn", "warn-paper"),
            ("warn", "raised"),
        ];
        for (front, back) in texts {
            let found = contrast(color(front), color(back));
            assert!(found >= 4.5, "{front} on {back}: {found:.2} in {scheme}");
        }
        // Lines cross the glow; of what is drawn 3 is enough.
        for line in ["time", "money", "bad", "ink"] {
            for back in ["glow", "warn-paper"] {
                let found = contrast(color(line), color(back));
                assert!(found >= 3.0, "{line} on {back}: {found:.2} in {scheme}");
            }
        }
    }
}

/// The style sheets name no colour but those of the palette.
#[test]
fn colours_come_from_the_palette_alone() {
    for css in [
        include_str!("../templates/chart.css"),
        include_str!("../templates/report.css"),
    ] {
        assert!(
            !css.contains('#') && !css.contains("rgb") && !css.contains("hsl"),
            "{css}"
        );
    }
}

#[test]
fn where_the_tuner_stored_the_report_is_said() {
    let mut outcome = kept("grid");
    outcome["report"] =
        json!({"html": "s3://b/orders-api/2026.html", "json": "s3://b/orders-api/2026.json"});
    let said = shown(&outcome, Format::Markdown);
    assert!(
        said.contains("Stored as s3:&#47;&#47;b/orders-api/2026.html and s3"),
        "{said}"
    );
    outcome["report"] = json!({"error": "access denied"});
    let said = shown(&outcome, Format::Markdown);
    assert!(
        said.contains("It could not be stored: access denied."),
        "{said}"
    );
}

#[test]
fn odd_numbers_are_drawn_all_the_same() {
    let mut outcome = kept("grid");
    for size in outcome["sizes"].as_array_mut().into_iter().flatten() {
        size["averageDurationMs"] = json!(0.0);
        size["averageCost"] = json!(0.0);
        size["durationIntervalMs"] = json!([5.0, 1.0]);
        size["costInterval"] = json!([-1.0, 1e300]);
    }
    outcome["power"] = json!(10_240);
    outcome["currentMemory"] = json!(10_240);
    for format in Format::ALL {
        let shown = shown(&outcome, format);
        assert!(
            !shown.contains("NaN") && !shown.contains("inf "),
            "{format}: {shown}"
        );
    }
    let mut huge = kept("grid");
    huge["sizes"][0]["averageDurationMs"] = json!(1e300);
    assert!(read(&huge.to_string()).is_err());
}

/// Whether another size is really better is what "may be as good" leaves open.
#[test]
fn what_may_be_as_good_is_not_called_outdone() {
    for name in ["grid", "adaptive", "same-durations", "everything"] {
        let mut outcome = kept(name);
        let best = outcome["power"].clone();
        for size in outcome["sizes"].as_array_mut().into_iter().flatten() {
            size["pareto"] = json!(size["memory"] == best);
        }
        let page = shown(&outcome, Format::Html);
        let rows: Vec<&str> = page.split("<tr").skip(2).collect();
        let has = |row: &str, badge: &str| row.contains(&format!(">{badge}</span>"));
        assert!(
            rows.iter().any(|row| has(row, "outdone")) || name == "same-durations",
            "{name}"
        );
        for row in rows {
            assert!(
                !(has(row, "outdone") && has(row, "may be as good")),
                "{name}: {row}"
            );
        }
    }
}

/// The outcome marks its own sizes only, and the current one may be measured beside them.
#[test]
fn a_size_that_the_current_one_outdoes_is_marked_so() {
    let outcome = kept("everything");
    let average = |size: &Value| {
        ["averageDurationMs", "averageCost"].map(|key| size[key].as_f64().expect("a number"))
    };
    let largest = &outcome["sizes"][5];
    let (beaten, current) = (average(largest), average(&outcome["baseline"]));
    assert!(
        largest["pareto"] == true && current[0] < beaten[0] && current[1] < beaten[1],
        "{beaten:?} {current:?}"
    );
    let outdone = |outcome: &Value| {
        let page = shown(outcome, Format::Html);
        let rows = page.split("<tr").skip(2);
        let outdone = rows.filter(|row| row.contains(">outdone</span>"));
        let sizes = outdone.filter_map(|row| row.split("<b>").nth(1)?.split('<').next());
        sizes.map(str::to_owned).collect::<Vec<_>>()
    };
    let signs = |outcome: &Value, class: &str| {
        let svg = shown(outcome, Format::Svg);
        let chart = Document::parse(&svg).expect("XML");
        path(&chart, class).map_or(0, |dots| dots.matches('z').count())
    };
    assert_eq!(outdone(&outcome), ["3008 MB"]);
    assert_eq!(signs(&outcome, "dots time hollow"), 1);
    assert_eq!(signs(&outcome, "dots money"), 5);

    let mut beaten = outcome.clone();
    beaten["baseline"]["averageCost"] = json!(1.0);
    assert_eq!(outdone(&beaten), Vec::<String>::new(), "it is the fastest");
    beaten["baseline"]["averageDurationMs"] = json!(1e5);
    assert_eq!(outdone(&beaten), ["2048 MB"]);
}

#[test]
fn calls_that_do_not_count_are_told_from_samples() {
    for (name, differ) in [("adaptive", true), ("cold-starts", true), ("grid", false)] {
        for format in [Format::Html, Format::Table] {
            let text = shown(&kept(name), format);
            assert_eq!(text.contains("Samples"), differ, "{name}, {format}: {text}");
        }
    }
}

/// On a page the legend stands below the chart, where it does not shrink with it.
#[test]
fn a_page_explains_the_signs_that_a_picture_explains() {
    for name in ["everything", "grid", "reference-link", "too-tight"] {
        let svg = shown(&kept(name), Format::Svg);
        let chart = Document::parse(&svg).expect("XML");
        let legend = chart
            .descendants()
            .find(|node| node.attribute("class") == Some("legend"))
            .expect("a legend");
        let texts = legend.descendants().filter(Node::is_text);
        let said = texts.filter_map(|node| node.text());
        let said: Vec<&str> = said.filter(|text| !text.trim().is_empty()).collect();
        assert!(said.len() >= 3, "{said:?}");
        let page = shown(&kept(name), Format::Html);
        let (_, legend) = page.split_once("<ul class=\"legend\">").expect("a legend");
        let (legend, rest) = legend.split_once("</ul>").expect("its end");
        assert_eq!(legend.matches("<li>").count(), said.len(), "{legend}");
        for text in said {
            assert!(
                legend.contains(&format!("</svg>{text}</li>")),
                "{text}: {legend}"
            );
        }
        assert!(!rest.contains("legend"), "{name}");
    }
}

/// What a sign of the legend means stands nearer to it than the next sign.
#[test]
fn the_signs_of_a_legend_stand_apart() {
    let svg = shown(&kept("everything"), Format::Svg);
    let chart = Document::parse(&svg).expect("XML");
    let keys: Vec<(f64, f64, &str)> = chart
        .descendants()
        .filter_map(|node| {
            let place = node.attribute("transform")?.strip_prefix("translate(")?;
            let (x, y) = place.strip_suffix(')')?.split_once(' ')?;
            let text = node.descendants().find_map(|node| node.text())?;
            Some((x.parse().ok()?, y.parse().ok()?, text))
        })
        .collect();
    assert!(keys.len() > 6, "{keys:?}");
    let is_beside = |two: &&[(f64, f64, &str)]| (two[0].1 - two[1].1).abs() < 1.0;
    let beside = keys.windows(2).filter(is_beside);
    let mut pairs = 0;
    for two in beside {
        let letters = f64::from(u32::try_from(two[0].2.chars().count()).expect("a few"));
        let blank = two[1].0 - two[0].0 - 32.0 - letters * 5.8;
        assert!((10.0..45.0).contains(&blank), "{blank} in {two:?}");
        pairs += 1;
    }
    assert!(pairs > 4, "{keys:?}");
}

/// A window in which the columns fit has a table, and where they fit in none there are cards in all of them.
#[test]
fn sizes_are_cards_where_their_columns_do_not_fit() {
    let turn = |outcome: &Value| {
        let page = shown(outcome, Format::Html);
        let (_, rule) = page
            .split_once("each cell names its column. */\n@media ")
            .expect("the cards");
        let (rule, _) = rule.split_once('{').expect("its rules");
        let rem = rule.trim().strip_prefix("screen and (max-width: ");
        assert!(rem.is_some() || rule.trim() == "all", "{rule}");
        rem.map(|rem| {
            let rem = rem.trim_end_matches("rem)");
            rem.parse::<u32>().expect("a width")
        })
    };
    let of = |name: &str| turn(&kept(name)).expect(name);
    let (few, more, many) = (of("reference-link"), of("grid"), of("everything"));
    // A phone has 22.5, a window of 700 pixels 43.75.
    assert!(few <= 22 && more <= 43, "{few} {more}");
    assert!(
        few < more && more < many && many <= 58,
        "{few} {more} {many}"
    );
    let mut large = kept("everything");
    for size in large["sizes"].as_array_mut().into_iter().flatten() {
        if size["status"] == "measured" {
            for key in ["averageDurationMs", "averageCost"] {
                size[key] = json!(size[key].as_f64().expect("a number") * 4_000.0);
            }
            for (key, end) in [("durationIntervalMs", 0), ("costInterval", 0)] {
                size[key][end] = json!(0);
                size[key][1] = json!(3e6);
            }
            size["percentiles"]["p95"]["ms"] = json!(3e6);
            size["samples"] = json!(1);
        }
    }
    assert_eq!(turn(&large), None);
}

#[test]
fn smaller_numbers_are_explained_where_there_are_some() {
    for (name, has) in [("grid", true), ("reference-link", false)] {
        let page = shown(&kept(name), Format::Html);
        let (_, caption) = page.split_once("<caption>").expect("a caption");
        let (caption, _) = caption.split_once("</caption>").expect("its end");
        assert_eq!(caption.contains("the smaller numbers"), has, "{caption}");
    }
}

/// The ends of the axis are named, however many sizes there are between them.
#[test]
fn the_ends_of_the_axis_have_their_labels() {
    for outcome in [kept("all-sizes"), with_sizes(200)] {
        let sizes = outcome["sizes"].as_array().expect("sizes");
        let mut all: Vec<u64> = sizes
            .iter()
            .filter_map(|size| size["memory"].as_u64())
            .collect();
        all.sort_unstable();
        let page = shown(&outcome, Format::Html);
        let charts: Vec<&str> = page.split("role=\"img\"").skip(1).collect();
        for mb in [all[0], all[all.len() - 1]] {
            let label = format!("text-anchor=\"middle\">{mb}</text>");
            assert!(charts.iter().all(|chart| chart.contains(&label)), "{label}");
        }
    }
}

#[test]
fn each_of_a_few_sizes_has_its_label_at_any_width() {
    for name in ["grid", "adaptive", "everything", "limited", "too-tight"] {
        let outcome = kept(name);
        let page = shown(&outcome, Format::Html);
        let charts: Vec<&str> = page.split("role=\"img\"").skip(1).collect();
        assert_eq!(charts.len(), 2, "a wide one and a narrow one");
        for size in outcome["sizes"].as_array().into_iter().flatten() {
            let label = format!("text-anchor=\"middle\">{}</text>", size["memory"]);
            for chart in &charts {
                assert!(chart.contains(&label), "{name}: {label}");
            }
        }
    }
}
