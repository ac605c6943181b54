//! `cargo xtask prices`: the table of prices that the functions carry, rebuilt from AWS's own price lists.
//!
//! AWS's Billing guide describes the files ("Reading the service price list file for an AWS service"), but neither the
//! groups of products nor `beginRange` and `endRange`, which it calls `startingRange` and `endingRange`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};
use comfy_table::{Table, presets};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::progress::print;
use crate::workspace::Workspace;

const TABLE: &str = "crates/core/data/prices.json";
const WHERE_FROM: &str = "download https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws/AWSLambda/current/index.json \
    and .../aws/AmazonStates/current/index.json, \
    for China https://pricing.cn-north-1.amazonaws.com.cn/offers/v1.0/cn/AWSLambda/current/index.json \
    and .../cn/AmazonStates/current/index.json";

#[derive(clap::Args)]
#[command(after_help = WHERE_FROM)]
pub(crate) struct Arguments {
    /// AWS's price lists of Lambda and of Step Functions, and those of its regions in China, downloaded as JSON
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Only list what would change, and fail if anything would
    #[arg(long)]
    check: bool,
}

const OFFERS: [&str; 2] = ["AWSLambda", "AmazonStates"];

const DURATION: &str = "AWS-Lambda-Duration";
// The table has one price each for requests and storage: arm64's groups say the same as these.
const REQUESTS: &str = "AWS-Lambda-Requests";
const STORAGE: &str = "AWS-Lambda-Storage-Duration";
const TRANSITIONS: &str = "SFN-StateTransitions";
/// The groups of products without which a region cannot be in the table.
const NEEDED: [&str; 5] = [
    DURATION,
    "AWS-Lambda-Duration-ARM",
    REQUESTS,
    STORAGE,
    TRANSITIONS,
];

/// A price list, as far as it names a price in a region.
struct PriceList {
    offer: String,
    date: String,
    rows: Vec<Row>,
}

struct Row {
    region: String,
    group: String,
    /// Or what is wrong with it.
    rate: Result<Rate, String>,
}

#[derive(Clone, PartialEq)]
struct Rate {
    location: String,
    currency: String,
    /// As the table has them.
    tiers: Vec<Value>,
}

/// Of one region, by group.
#[derive(Default)]
struct Rates<'a>(BTreeMap<&'a str, Result<Rate, String>>);

struct Rebuilt {
    table: String,
    /// Region, field, old, new.
    differences: Vec<[String; 4]>,
    /// Region and reason.
    left_out: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    update(arguments, &Workspace::find()?.root.join(TABLE))
}

fn update(arguments: &Arguments, path: &Path) -> Result<ExitCode> {
    let shown = path.display();
    let present = fs::read(path).with_context(|| format!("cannot read `{shown}`"))?;
    let present =
        serde_json::from_slice(&present).with_context(|| format!("`{shown}` is not JSON"))?;
    let rebuilt = rebuild(&arguments.files, &present)?;
    for region in &rebuilt.left_out {
        eprintln!("left out: {region}");
    }
    let count = rebuilt.differences.len();
    if count > 0 {
        print(&listed(rebuilt.differences))?;
    }
    print(&format!("{count} differences\n"))?;
    if arguments.check {
        return Ok(ExitCode::from(u8::from(count > 0)));
    }
    fs::write(path, rebuilt.table).with_context(|| format!("cannot write `{shown}`"))?;
    Ok(ExitCode::SUCCESS)
}

fn rebuild(files: &[PathBuf], present: &Value) -> Result<Rebuilt> {
    let mut lists = Vec::new();
    for file in files {
        lists.push(read(file)?);
    }
    for offer in OFFERS {
        let given = lists.iter().any(|list| list.offer == offer);
        ensure!(given, "no file is a price list of `{offer}`; {WHERE_FROM}");
    }
    let old = present["regions"]
        .as_object()
        .with_context(|| format!("`{TABLE}` has no `regions`"))?;

    let mut found: BTreeMap<&str, Rates> = BTreeMap::new();
    for row in lists.iter().flat_map(|list| &list.rows) {
        let Rates(rates) = found.entry(&row.region).or_default();
        let known = rates.entry(&row.group).or_insert_with(|| row.rate.clone());
        if *known != row.rate {
            *known = Err("has several prices".to_owned());
        }
    }
    let mut regions = Map::new();
    let mut left_out = Vec::new();
    for (name, rates) in &found {
        match rates.region() {
            Ok(region) => drop(regions.insert((*name).to_owned(), region)),
            Err(reason) => left_out.push(format!("{name}: {reason}")),
        }
    }
    for name in old.keys().filter(|name| !found.contains_key(name.as_str())) {
        left_out.push(format!(
            "{name}: no price in these files; the present table has it"
        ));
    }
    ensure!(
        !regions.is_empty(),
        "no region has every price that the table needs:\n{}",
        left_out.join("\n")
    );

    let mut sources: Vec<_> = lists.iter().map(|list| list.source(&regions)).collect();
    // The order of the arguments is not to be seen in the table.
    sources.sort_by_key(Value::to_string);
    let differences = differences(old, &regions);
    let mut table = json!({
        "as_of": lists.iter().map(|list| &list.date).max(),
        "units": present["units"],
        "sources": sources,
        "regions": regions,
    });
    table.sort_all_objects();
    Ok(Rebuilt {
        table: text(&table)?,
        differences,
        left_out,
    })
}

fn read(file: &Path) -> Result<PriceList> {
    let shown = file.display();
    let bytes = fs::read(file).with_context(|| format!("cannot read `{shown}`; {WHERE_FROM}"))?;
    let list: Value = serde_json::from_slice(&bytes)
        .with_context(|| format!("`{shown}` is not JSON; {WHERE_FROM}"))?;
    let (Some(offer), Some(published), Some(products), Some(terms)) = (
        list["offerCode"].as_str(),
        list["publicationDate"].as_str(),
        list["products"].as_object(),
        list["terms"]["OnDemand"].as_object(),
    ) else {
        bail!("`{shown}` is not a price list of AWS; {WHERE_FROM}");
    };
    ensure!(
        OFFERS.contains(&offer),
        "`{shown}` is a price list of `{offer}`, which the table does not use; {WHERE_FROM}"
    );
    let rows: Vec<_> = products
        .iter()
        .filter_map(|(sku, product)| Row::new(&product["attributes"], terms.get(sku)?))
        .collect();
    ensure!(
        rows.iter().any(|row| NEEDED.contains(&row.group.as_str())),
        "`{shown}` is a price list of `{offer}` without any price that the table uses; {WHERE_FROM}"
    );
    Ok(PriceList {
        offer: offer.to_owned(),
        date: published.split('T').next().unwrap_or(published).to_owned(),
        rows,
    })
}

impl PriceList {
    fn source(&self, regions: &Map<String, Value>) -> Value {
        let names: BTreeSet<_> = self.rows.iter().map(|row| row.region.as_str()).collect();
        let covered = names.into_iter().filter(|name| regions.contains_key(*name));
        json!({
            "what": format!("AWS Price List bulk API, offer {}", self.offer),
            "date": self.date,
            "covers": covered.collect::<Vec<_>>().join(", "),
        })
    }
}

impl Row {
    /// `None` where there is no price, or no region: the free tier is a product of its own, of no region.
    fn new(attributes: &Value, terms: &Value) -> Option<Self> {
        let attribute = |name: &str| attributes[name].as_str().map(str::to_owned);
        let terms = terms.as_object()?.values();
        let newest = terms.max_by_key(|term| term["effectiveDate"].as_str())?;
        Some(Self {
            region: attribute("regionCode")?,
            group: attribute("group")?,
            rate: Rate::of(&newest["priceDimensions"], attribute("location")).transpose()?,
        })
    }
}

impl Rate {
    /// What is paid. A price of zero is none: a list may begin with a free tier, and the lists of one partition have
    /// products of another at zero in their own currency.
    fn of(dimensions: &Value, location: Option<String>) -> Result<Option<Self>, String> {
        let mut paid = Vec::new();
        for dimension in dimensions.as_object().into_iter().flat_map(Map::values) {
            let [begin, end] = ["beginRange", "endRange"].map(|name| number(&dimension[name]));
            let [begin, end] = [begin?, end?];
            for (currency, price) in dimension["pricePerUnit"].as_object().into_iter().flatten() {
                let price = number(price)?;
                if price > 0.0 {
                    paid.push((begin, end, currency, price));
                }
            }
        }
        paid.sort_by(|a, b| a.0.total_cmp(&b.0));
        let Some(&(_, _, currency, _)) = paid.first() else {
            return Ok(None);
        };
        if paid.iter().any(|tier| tier.2 != currency) {
            return Err("is in several currencies".to_owned());
        }
        let joined = paid
            .windows(2)
            .all(|pair| pair[0].1.total_cmp(&pair[1].0).is_eq());
        if !joined || paid.last().is_some_and(|tier| tier.1.is_finite()) {
            return Err("has tiers with a gap, an overlap or an end".to_owned());
        }
        let tiers = paid
            .iter()
            .map(|(_, end, _, price)| json!({"up_to_gb_s": end, "price": price}));
        Ok(Some(Self {
            location: location.unwrap_or_default(),
            currency: currency.clone(),
            tiers: tiers.collect(),
        }))
    }
}

/// The files have numbers as text, and `Inf`, which becomes `null` in JSON.
fn number(text: &Value) -> Result<f64, String> {
    let number = text.as_str().and_then(|text| text.parse().ok());
    number
        .filter(|number| *number >= 0.0)
        .ok_or_else(|| format!("has {text} where a number belongs"))
}

impl Rates<'_> {
    fn rate(&self, group: &str) -> Result<&Rate, String> {
        match self.0.get(group) {
            Some(Ok(rate)) => Ok(rate),
            Some(Err(reason)) => Err(format!("`{group}` {reason}")),
            None => Err(format!("no price of `{group}`")),
        }
    }

    fn flat(&self, group: &str) -> Result<Value, String> {
        match self.rate(group)?.tiers.as_slice() {
            [tier] => Ok(tier["price"].clone()),
            _ => Err(format!("`{group}` has tiers")),
        }
    }

    /// The region as the table has it, or why it cannot have it.
    fn region(&self) -> Result<Value, String> {
        let needed = NEEDED.iter().map(|group| self.rate(group));
        let needed = needed.collect::<Result<Vec<_>, _>>()?;
        if let Some(other) = needed
            .iter()
            .find(|rate| rate.currency != needed[0].currency)
        {
            return Err(format!(
                "prices in {} and {}",
                needed[0].currency, other.currency
            ));
        }
        // Nothing reads the prices that are not needed: where they are unclear they are null.
        let other = |group: &str| self.flat(group).ok();
        let compute = |suffix: &str| -> Result<Value, String> {
            Ok(json!({
                "gb_second": self.rate(&format!("{DURATION}{suffix}"))?.tiers,
                "provisioned_concurrency_gb_s": other(&format!("AWS-Lambda-Provisioned-Concurrency{suffix}")),
                "provisioned_duration_gb_s": other(&format!("{DURATION}-Provisioned{suffix}")),
            }))
        };
        let [cache, restore] =
            ["AWS-Lambda-SnapStart-Cache", "AWS-Lambda-SnapStart-Restore"].map(other);
        Ok(json!({
            "currency": needed[0].currency,
            "location": needed[0].location,
            "x86_64": compute("")?,
            "arm64": compute("-ARM")?,
            "request": self.flat(REQUESTS)?,
            "ephemeral_gb_s": self.flat(STORAGE)?,
            "snapstart": cache.zip(restore).map(|(cache, restore)| json!({"cache_gb_s": cache, "restore_gb": restore})),
            "step_functions_transition": self.flat(TRANSITIONS)?,
        }))
    }
}

/// Indented by one space, as the table always was.
fn text(table: &Value) -> Result<String> {
    let mut bytes = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(b" ");
    table.serialize(&mut serde_json::Serializer::with_formatter(
        &mut bytes, formatter,
    ))?;
    bytes.push(b'\n');
    Ok(String::from_utf8(bytes)?)
}

/// Only of the fields that the new table has: the old one may say more of a region than AWS's files.
fn differences(old: &Map<String, Value>, new: &Map<String, Value>) -> Vec<[String; 4]> {
    let [mut was, mut is] = [BTreeMap::new(), BTreeMap::new()];
    for (region, fields) in new {
        for (name, value) in fields.as_object().into_iter().flatten() {
            let path = format!("{region}.{name}");
            flatten(&path, value, &mut is);
            if let Some(old) = old.get(region) {
                flatten(&path, &old[name], &mut was);
            }
        }
    }
    for region in old.keys().filter(|region| !new.contains_key(*region)) {
        was.insert(format!("{region}.the whole region"), "there".to_owned());
    }
    let paths: BTreeSet<_> = was.keys().chain(is.keys()).collect();
    let rows = paths.into_iter().filter_map(|path| {
        let [was, is] = [&was, &is].map(|side| side.get(path).map_or("-", String::as_str));
        let (region, field) = path.split_once('.')?;
        (was != is).then(|| [region, field, was, is].map(str::to_owned))
    });
    rows.collect()
}

fn listed(differences: Vec<[String; 4]>) -> String {
    let mut table = Table::new();
    table
        .load_style(presets::UTF8_FULL_CONDENSED)
        .set_header(["Region", "Field", "Old", "New"])
        .add_rows(differences);
    format!("{table}\n")
}

/// Every value by its path, `us-east-1.arm64.gb_second[0].price`.
fn flatten(path: &str, value: &Value, values: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                flatten(&format!("{path}.{name}"), value, values);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                flatten(&format!("{path}[{index}]"), value, values);
            }
        }
        Value::Null => {}
        value => {
            values.insert(path.to_owned(), value.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::slice;

    use super::*;

    fn fixture(name: &str) -> PathBuf {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/prices");
        directory.join(format!("fixture-{name}.json"))
    }

    fn all_fixtures() -> Vec<PathBuf> {
        ["lambda", "states", "lambda-china", "states-china"]
            .map(fixture)
            .into()
    }

    fn present(regions: &Value) -> Value {
        json!({"as_of": "2025-06-17", "units": {"request": "per single request"}, "sources": [], "regions": regions})
    }

    fn table(files: &[PathBuf]) -> Value {
        let rebuilt = rebuild(files, &present(&json!({}))).expect("a table");
        serde_json::from_str(&rebuilt.table).expect("JSON")
    }

    /// A fixture that says something else, in a directory that is removed with what is returned.
    fn altered(name: &str, from: &str, to: &str) -> (tempfile::TempDir, PathBuf) {
        let text = fs::read_to_string(fixture(name)).expect("a fixture");
        assert!(text.contains(from), "{from}");
        written(&text.replace(from, to))
    }

    fn written(text: &str) -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("index.json");
        fs::write(&file, text).expect("a file");
        (directory, file)
    }

    #[test]
    fn a_region_has_its_tiers_both_architectures_and_the_price_of_a_standard_transition() {
        let want = json!({
            "currency": "USD",
            "location": "US East (N. Virginia)",
            "x86_64": {
                "gb_second": [
                    {"up_to_gb_s": 6e9, "price": 1.66667e-5},
                    {"up_to_gb_s": 15e9, "price": 1.5e-5},
                    {"up_to_gb_s": null, "price": 1.33334e-5},
                ],
                "provisioned_concurrency_gb_s": 4.1667e-6,
                "provisioned_duration_gb_s": 9.7222e-6,
            },
            "arm64": {
                "gb_second": [
                    {"up_to_gb_s": 7.5e9, "price": 1.33334e-5},
                    {"up_to_gb_s": 18.75e9, "price": 1.20001e-5},
                    {"up_to_gb_s": null, "price": 1.06667e-5},
                ],
                "provisioned_concurrency_gb_s": 3.3334e-6,
                "provisioned_duration_gb_s": 7.7778e-6,
            },
            "request": 2e-7,
            "ephemeral_gb_s": 3.09e-8,
            "snapstart": {"cache_gb_s": 1.5046e-6, "restore_gb": 1.397_998e-4},
            "step_functions_transition": 2.5e-5,
        });
        assert_eq!(table(&all_fixtures())["regions"]["us-east-1"], want);
    }

    #[test]
    fn china_is_paid_in_its_own_currency_and_beyond_the_free_tier() {
        let compute = |price: f64| {
            json!({
                "gb_second": [{"up_to_gb_s": null, "price": price}],
                "provisioned_concurrency_gb_s": null,
                "provisioned_duration_gb_s": null,
            })
        };
        let want = json!({
            "currency": "CNY",
            "location": "China (Beijing)",
            "x86_64": compute(1.13477e-4),
            "arm64": compute(9.08e-5),
            "request": 1.36e-6,
            "ephemeral_gb_s": 2.303e-7,
            "snapstart": null,
            "step_functions_transition": 1.891e-4,
        });
        assert_eq!(table(&all_fixtures())["regions"]["cn-north-1"], want);
    }

    #[test]
    fn the_table_says_of_when_it_is_and_from_where() {
        let table = table(&all_fixtures());
        assert_eq!(table["as_of"], "2026-09-25");
        assert_eq!(table["units"], json!({"request": "per single request"}));
        let source = |offer: &str, date: &str, covers: &str| json!({"what": format!("AWS Price List bulk API, offer {offer}"), "date": date, "covers": covers});
        let want = json!([
            source("AWSLambda", "2026-08-30", "cn-north-1"),
            source("AmazonStates", "2026-08-30", "cn-north-1"),
            source("AWSLambda", "2026-09-19", "eu-central-1, us-east-1"),
            source("AmazonStates", "2026-09-25", "eu-central-1, us-east-1"),
        ]);
        assert_eq!(table["sources"], want);
    }

    #[test]
    fn the_same_files_make_the_same_text() {
        let mut files = all_fixtures();
        let text = |files: &[PathBuf]| rebuild(files, &present(&json!({}))).expect("a table").table;
        let first = text(&files);
        files.reverse();
        assert_eq!(text(&files), first);
        let start =
            "{\n \"as_of\": \"2026-09-25\",\n \"regions\": {\n  \"cn-north-1\": {\n   \"arm64\": {";
        assert!(
            first.starts_with(start) && first.ends_with(" }\n}\n"),
            "{first}"
        );
    }

    #[test]
    fn a_region_that_lacks_something_is_left_out_with_the_reason() {
        let old = json!({"xx-north-9": {}, "us-east-1": {}});
        let left_out =
            |files: &[PathBuf]| rebuild(files, &present(&old)).expect("a table").left_out;
        let gone = "xx-north-9: no price in these files; the present table has it";
        let me_south = "me-south-1: no price of `AWS-Lambda-Duration-ARM`";
        let ap_east = "ap-east-2: no price of `AWS-Lambda-Duration`";
        assert_eq!(left_out(&all_fixtures()), [ap_east, me_south, gone]);

        let cases = [
            (
                "lambda",
                r#""6000000000", "endRange": "15000000000""#,
                r#""7000000000", "endRange": "15000000000""#,
                "us-east-1: `AWS-Lambda-Duration` has tiers with a gap, an overlap or an end",
            ),
            (
                "lambda",
                "0.0000000309",
                "free",
                "us-east-1: `AWS-Lambda-Storage-Duration` has \"free\" where a number belongs",
            ),
            (
                "states",
                r#"{"USD": "0.0000250000"}"#,
                r#"{"USD": "0.0000250000", "EUR": "0.00002"}"#,
                "us-east-1: `SFN-StateTransitions` is in several currencies",
            ),
            (
                "states-china",
                "CNY\"",
                "USD\"",
                "cn-north-1: prices in CNY and USD",
            ),
        ];
        for (name, from, to, want) in cases {
            let (_directory, file) = altered(name, from, to);
            let mut files = all_fixtures();
            files.retain(|other| *other != fixture(name));
            files.push(file);
            let left_out = left_out(&files);
            assert!(
                left_out.iter().any(|line| line == want),
                "{want}\n{left_out:#?}"
            );
        }
    }

    #[test]
    fn two_lists_that_do_not_agree_leave_the_region_out() {
        let (_directory, other) = altered("states", "0.0000250000", "0.0000260000");
        let mut files = all_fixtures();
        files.push(other);
        let rebuilt = rebuild(&files, &present(&json!({}))).expect("a table");
        let want = "us-east-1: `SFN-StateTransitions` has several prices".to_owned();
        assert!(rebuilt.left_out.contains(&want), "{:#?}", rebuilt.left_out);
    }

    #[test]
    fn a_file_that_cannot_be_used_is_named_with_where_to_get_it() {
        let list = |offer: &str| {
            json!({"offerCode": offer, "publicationDate": "2026-09-25T00:00:00Z", "products": {}, "terms": {"OnDemand": {}}})
                .to_string()
        };
        let cases = [
            ("<html>".to_owned(), "is not JSON"),
            (r#"{"offers": {}}"#.to_owned(), "is not a price list of AWS"),
            (
                list("AmazonEC2"),
                "is a price list of `AmazonEC2`, which the table does not use",
            ),
            (
                list("AWSLambda"),
                "is a price list of `AWSLambda` without any price that the table uses",
            ),
        ];
        for (text, want) in cases {
            let (_directory, file) = written(&text);
            let error = rebuild(slice::from_ref(&file), &present(&json!({})))
                .err()
                .expect(want);
            let want = format!("`{}` {want}; {WHERE_FROM}", file.display());
            assert_eq!(error.to_string(), want);
        }
        let missing = rebuild(&[fixture("nothing")], &present(&json!({}))).err();
        let missing = missing.expect("no such file").to_string();
        assert!(
            missing.starts_with("cannot read `") && missing.ends_with(WHERE_FROM),
            "{missing}"
        );
    }

    #[test]
    fn both_offers_are_needed_and_one_whole_region() {
        let error = |names: &[&str]| {
            let files: Vec<_> = names.iter().map(|name| fixture(name)).collect();
            let error = rebuild(&files, &present(&json!({}))).err();
            error.expect("not enough").to_string()
        };
        let states = format!("no file is a price list of `AmazonStates`; {WHERE_FROM}");
        assert_eq!(error(&["lambda", "lambda-china"]), states);
        let regions = error(&["lambda-china", "states"]);
        assert!(
            regions.starts_with("no region has every price that the table needs:\n"),
            "{regions}"
        );
        assert!(
            regions.contains("\ncn-north-1: no price of `SFN-StateTransitions`"),
            "{regions}"
        );
    }

    #[test]
    fn a_check_lists_what_would_change_fails_and_writes_nothing() {
        let (_directory, path) = written("");
        let arguments = |check| Arguments {
            files: all_fixtures(),
            check,
        };
        let mut old = table(&all_fixtures());
        fs::write(&path, old.to_string()).expect("a file");
        assert_eq!(
            update(&arguments(true), &path).expect("a check"),
            ExitCode::SUCCESS
        );

        let regions = old["regions"].as_object_mut().expect("regions");
        regions["us-east-1"]["arm64"]["gb_second"][0]["price"] = json!(1e-5);
        regions["us-east-1"]["confidence"] = json!("verified");
        regions["cn-north-1"]["x86_64"]["gb_second"] = json!([]);
        let gone = regions["us-east-1"].clone();
        regions.insert("xx-north-9".to_owned(), gone);
        regions.remove("eu-central-1");
        let differences = rebuild(&all_fixtures(), &old).expect("a table").differences;
        let of = |region: &str| -> Vec<[&str; 3]> {
            let rows = differences.iter().filter(|row| row[0] == region);
            rows.map(|row| [&row[1], &row[2], &row[3]].map(String::as_str))
                .collect()
        };
        assert_eq!(
            of("us-east-1"),
            [["arm64.gb_second[0].price", "0.00001", "0.0000133334"]]
        );
        assert_eq!(
            of("cn-north-1"),
            [["x86_64.gb_second[0].price", "-", "0.000113477"]]
        );
        assert_eq!(of("xx-north-9"), [["the whole region", "there", "-"]]);
        assert!(of("eu-central-1").contains(&["currency", "-", "\"USD\""]));

        let before = old.to_string();
        fs::write(&path, &before).expect("a file");
        assert_eq!(
            update(&arguments(true), &path).expect("a check"),
            ExitCode::FAILURE
        );
        assert_eq!(fs::read_to_string(&path).expect("the table"), before);
        assert_eq!(
            update(&arguments(false), &path).expect("a table"),
            ExitCode::SUCCESS
        );
        assert_eq!(
            update(&arguments(true), &path).expect("a check"),
            ExitCode::SUCCESS
        );
    }

    #[test]
    fn the_fields_are_those_of_the_table_that_the_functions_carry() {
        let paths = |table: &Value| {
            let mut values = BTreeMap::new();
            flatten("us-east-1", &table["regions"]["us-east-1"], &mut values);
            values.into_keys().collect::<BTreeSet<_>>()
        };
        let carried = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../..")
            .join(TABLE);
        let carried = fs::read(carried).expect("the table");
        let carried = paths(&serde_json::from_slice(&carried).expect("JSON"));
        let rebuilt = paths(&table(&all_fixtures()));
        assert!(
            rebuilt.is_subset(&carried),
            "{:#?}",
            rebuilt.difference(&carried)
        );
    }
}
