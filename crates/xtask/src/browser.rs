//! The report's pages in a browser: that they work there, and what they look like.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use power_tuner_report::{Format, Look, read};
use serde_json::{Value, json};

use crate::chrome::{self, Tab};
use crate::packages::Missing;
use crate::processes::{self, OwnDirectory};
use crate::workspace::Workspace;

const SNAPSHOTS: &str = "crates/report/tests/snapshots";
const OUTCOMES: &str = "crates/report/tests/outcomes";
const IMAGES: &str = "docs/images";

#[derive(Clone, Copy)]
struct View {
    name: &'static str,
    width: u32,
    height: u32,
    scheme: &'static str,
}

const VIEWS: [View; 6] = [
    View {
        name: "light",
        width: 1000,
        height: 800,
        scheme: "light",
    },
    View {
        name: "dark",
        width: 1000,
        height: 800,
        scheme: "dark",
    },
    View {
        name: "desktop",
        width: 1280,
        height: 800,
        scheme: "light",
    },
    View {
        name: "tablet",
        width: 700,
        height: 900,
        scheme: "light",
    },
    View {
        name: "narrow",
        width: 500,
        height: 800,
        scheme: "light",
    },
    View {
        name: "phone",
        width: 360,
        height: 740,
        scheme: "dark",
    },
];

/// A sheet of A4 with margins is no narrower, in pixels.
const PAPER: u32 = 700;

/// What lies beside the window, and is not in a box that scrolls by itself; and letters that are cut off.
const OUTSIDE: &str = "(() => {
  const wide = document.documentElement.clientWidth;
  const outside = [];
  if (document.documentElement.scrollWidth > wide) outside.push('the page is ' + document.documentElement.scrollWidth + ' wide');
  for (const element of document.body.querySelectorAll('*')) {
    const box = element.getBoundingClientRect();
    const scrolls = element.parentElement.closest('.scroll');
    if (box.width === 0 || box.height === 0 || scrolls) continue;
    if (box.left < -0.5 || box.right > wide + 0.5) {
      outside.push(element.tagName + ' ' + element.getAttribute('class') + ' from ' + box.left + ' to ' + box.right + ': ' + element.textContent.slice(0, 60));
    }
  }
  return outside;
})()";

/// Texts of a chart that lie on one another.
const TOUCHING: &str = "(() => {
  const touching = [];
  for (const chart of document.querySelectorAll('svg')) {
    const texts = [...chart.querySelectorAll('text')].map(text => [text.textContent, text.getBoundingClientRect()]);
    const shown = texts.filter(([, box]) => box.width > 0);
    shown.forEach(([one, a], at) => {
      for (const [other, b] of shown.slice(at + 1)) {
        const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
        const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
        if (across > 1 && down > 3) touching.push(one + ' and ' + other);
      }
    });
  }
  return touching;
})()";

/// Letters of a chart that are too small to read: they shrink with the picture.
const SMALL: &str = "(() => {
  const small = [];
  for (const text of document.querySelectorAll('svg text')) {
    if (text.getBoundingClientRect().width === 0) continue;
    const size = parseFloat(getComputedStyle(text).fontSize) * text.getScreenCTM().a;
    if (size < 10) small.push('letters of ' + size.toFixed(1) + ' pixels: ' + text.textContent);
  }
  return small;
})()";

/// The width of a window, in rem, up to which sizes are cards and no table; none where they always are.
const CARDS: &str = "(() => {
  for (const sheet of document.styleSheets) {
    for (const rule of sheet.cssRules) {
      if (rule instanceof CSSMediaRule && rule.cssText.includes('thead')) return parseFloat(rule.conditionText.split('max-width:')[1]) || null;
    }
  }
  return 'no rule';
})()";

/// What of the table nobody sees without scrolling sideways, and cells below no header that do not name their column.
const UNSEEN: &str = "(() => {
  const unseen = [];
  const box = document.querySelector('.scroll');
  const beyond = box.scrollWidth - box.clientWidth;
  if (beyond > 1) unseen.push('its table is ' + beyond + ' pixels wider than what is seen of it');
  const hasHeader = document.querySelector('thead').getBoundingClientRect().height > 1;
  for (const cell of document.querySelectorAll('td:not(.why):not(:empty)')) {
    const label = getComputedStyle(cell, '::before').content;
    if ((label !== 'none') === hasHeader) unseen.push('a cell says ' + label + ': ' + cell.textContent);
  }
  return unseen;
})()";

/// Everything that must hold of every page, in every view.
pub(crate) fn check(workspace: &Workspace, directory: &Path) -> Result<Result<(), Missing>> {
    let program = match chrome::find()? {
        Ok(program) => program,
        Err(missing) => return Ok(Err(missing)),
    };
    let pages = pages(workspace, directory)?;
    let mut tab = Tab::open(&program, directory)?;
    let mut faults = Vec::new();
    for page in &pages {
        for view in VIEWS {
            processes::stay_if_interrupted();
            let name = page.file_stem().unwrap_or_default().to_string_lossy();
            let found = faults_of(&mut tab, page, view)
                .with_context(|| format!("cannot look at `{name}` ({})", view.name))?;
            faults.extend(
                found
                    .into_iter()
                    .map(|fault| format!("{name} ({}): {fault}", view.name)),
            );
        }
        let found = faults_at_the_turn(&mut tab, page)?;
        let name = page.file_stem().unwrap_or_default().to_string_lossy();
        faults.extend(found.into_iter().map(|fault| format!("{name}: {fault}")));
    }
    ensure!(
        faults.is_empty(),
        "{} faults:\n{}",
        faults.len(),
        faults.join("\n")
    );
    eprintln!("    {} pages in {} views", pages.len(), VIEWS.len());
    Ok(Ok(()))
}

/// The snapshots, and pages with what nobody would write.
fn pages(workspace: &Workspace, directory: &Path) -> Result<Vec<PathBuf>> {
    let mut pages = Vec::new();
    for file in fs::read_dir(workspace.root.join(SNAPSHOTS))? {
        let path = file?.path();
        if path.extension().is_some_and(|end| end == "html") {
            pages.push(path);
        }
    }
    ensure!(!pages.is_empty(), "there is no page in `{SNAPSHOTS}`");
    pages.sort();
    let everything = kept(workspace, "everything")?;
    let texts = [
        ("long-words", "Rindfleischetikettierung".repeat(20)),
        (
            "hostile",
            "</style></script><script>console.error(1)</script><img src=https://a.example/x.png onerror=console.error(2)>".to_owned(),
        ),
    ];
    for (name, text) in texts {
        let mut outcome = everything.clone();
        for field in ["function", "note", "reason", "region", "strategy"] {
            outcome[field] = json!(text);
        }
        outcome["warnings"] = json!([{"code": "x", "message": text, "sizes": [512]}]);
        outcome["sizes"][0]["reason"] = json!(text);
        pages.push(written(&outcome, directory, name)?);
    }
    pages.push(written(&large(everything), directory, "large-numbers")?);
    pages.push(written(
        &kept(workspace, "all-sizes")?,
        directory,
        "all-sizes",
    )?);
    Ok(pages)
}

/// With calls that take minutes, and as many of them as there may be: columns that are as wide as they get.
fn large(mut outcome: Value) -> Value {
    let times = |value: &mut Value, factor: f64| {
        if let Some(number) = value.as_f64() {
            *value = json!(number * factor);
        }
    };
    let sizes = outcome["sizes"].as_array_mut().into_iter().flatten();
    for size in sizes.filter(|size| size["status"] == "measured") {
        times(&mut size["averageDurationMs"], 1_200.0);
        times(&mut size["averageCost"], 3_000.0);
        for end in 0..2 {
            times(&mut size["durationIntervalMs"][end], 1_200.0);
            times(&mut size["costInterval"][end], 3_000.0);
        }
        times(&mut size["percentiles"]["p95"]["ms"], 1_200.0);
        times(&mut size["monthlyCost"]["total"], 3_000.0);
        for (count, number) in [("calls", 5_000), ("samples", 4_990), ("coldStarts", 1_234)] {
            size[count] = json!(number);
        }
    }
    outcome
}

fn kept(workspace: &Workspace, name: &str) -> Result<Value> {
    let path = workspace.root.join(OUTCOMES).join(format!("{name}.json"));
    let text = fs::read_to_string(&path)
        .with_context(|| format!("cannot read `{}`", workspace.shown(&path)))?;
    Ok(serde_json::from_str(&text)?)
}

fn written(outcome: &Value, directory: &Path, name: &str) -> Result<PathBuf> {
    let look = Look {
        width: 80,
        color: false,
    };
    let page = read(&outcome.to_string())?.show(Format::Html, look)?;
    let path = directory.join(format!("{name}.html"));
    fs::write(&path, page)?;
    Ok(path)
}

fn set(tab: &mut Tab, view: View) -> Result<()> {
    let View {
        width,
        height,
        scheme,
        ..
    } = view;
    let size =
        json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500});
    tab.call("Emulation.setDeviceMetricsOverride", &size)?;
    media(tab, "screen", scheme)
}

fn media(tab: &mut Tab, media: &str, scheme: &str) -> Result<()> {
    let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
    let emulated = json!({"media": media, "features": features});
    tab.call("Emulation.setEmulatedMedia", &emulated)
        .map(|_| ())
}

fn faults_of(tab: &mut Tab, page: &Path, view: View) -> Result<Vec<String>> {
    set(tab, view)?;
    let url = format!("file://{}", page.display());
    let events = tab.go(&url)?;
    let mut faults: Vec<String> = events
        .iter()
        .filter_map(|event| fault(event, &url))
        .collect();
    for expression in [OUTSIDE, TOUCHING, SMALL, UNSEEN] {
        faults.extend(list(tab, expression)?);
    }
    faults.extend(unnamed(tab)?);

    let paper = |tab: &mut Tab| tab.evaluate("getComputedStyle(document.body).backgroundColor");
    let shown = paper(tab)?;
    let is_dark = shown != "rgb(255, 255, 255)";
    if is_dark != (view.scheme == "dark") {
        faults.push(format!("its paper is {shown}"));
    }
    let focused = "(() => { const box = document.querySelector('.scroll'); box.focus(); return document.activeElement === box; })()";
    if tab.evaluate(focused)? != true {
        faults.push("the table's box cannot be reached with the keyboard".to_owned());
    }
    media(tab, "print", view.scheme)?;
    let printed = paper(tab)?;
    if printed != "rgb(255, 255, 255)" {
        faults.push(format!("it is printed on {printed}"));
    }
    // Nothing scrolls on paper.
    let beyond = "document.querySelector('table').getBoundingClientRect().right - document.documentElement.clientWidth";
    let beyond = tab.evaluate(beyond)?.as_f64().context("no number")?;
    if view.width >= PAPER && beyond > 0.5 {
        faults.push(format!(
            "its printed table is {beyond} pixels wider than the paper"
        ));
    }
    // What ends where the paper does loses its border.
    let cut = "document.documentElement.clientWidth - document.querySelector('.answer').getBoundingClientRect().right";
    if tab.evaluate(cut)?.as_f64().context("no number")? < 0.5 {
        faults.push("its printed answer ends where the paper does".to_owned());
    }
    Ok(faults)
}

fn list(tab: &mut Tab, expression: &str) -> Result<Vec<String>> {
    let found = tab.evaluate(expression)?;
    let list = found.as_array().context("no list")?;
    Ok(list
        .iter()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect())
}

/// In the narrowest window that has a table, and in the widest one that has cards.
fn faults_at_the_turn(tab: &mut Tab, page: &Path) -> Result<Vec<String>> {
    set(tab, VIEWS[0])?;
    tab.go(&format!("file://{}", page.display()))?;
    let turn = tab.evaluate(CARDS)?;
    ensure!(!turn.is_string(), "the style sheet has {turn} for cards");
    let Some(rem) = turn.as_u64() else {
        return Ok(Vec::new());
    };
    let last = u32::try_from(rem)? * 16;
    let mut faults = Vec::new();
    for (width, has_cards) in [(last, true), (last + 1, false)] {
        let view = View { width, ..VIEWS[0] };
        set(tab, view)?;
        let display = tab.evaluate("getComputedStyle(document.querySelector('tbody')).display")?;
        if (display == "block") != has_cards {
            faults.push(format!("at {width} its sizes are shown as {display}"));
        }
        for expression in [OUTSIDE, TOUCHING, SMALL, UNSEEN] {
            let found = list(tab, expression)?;
            faults.extend(
                found
                    .into_iter()
                    .map(|fault| format!("at {width}: {fault}")),
            );
        }
    }
    Ok(faults)
}

/// What went wrong, if this says so: words on the console, and requests for anything but the page.
fn fault(event: &Value, url: &str) -> Option<String> {
    let parameters = &event["params"];
    match event["method"].as_str()? {
        "Runtime.consoleAPICalled" | "Runtime.exceptionThrown" | "Log.entryAdded" => {
            Some(format!("on the console: {parameters}"))
        }
        "Network.requestWillBeSent" => {
            let asked = parameters["request"]["url"].as_str().unwrap_or_default();
            let is_own = asked == url || asked.starts_with("data:");
            (!is_own).then(|| format!("it asks for {asked}"))
        }
        _ => None,
    }
}

/// What those do not find who do not see the page.
fn unnamed(tab: &mut Tab) -> Result<Vec<String>> {
    let tree = tab.call("Accessibility.getFullAXTree", &json!({}))?;
    let nodes = tree["nodes"].as_array().context("no tree")?;
    let named = |role: &str| -> Vec<&str> {
        let nodes = nodes.iter().filter(|node| node["ignored"] != true);
        nodes
            .filter(|node| node["role"]["value"] == role)
            .map(|node| node["name"]["value"].as_str().unwrap_or_default())
            .collect()
    };
    let mut faults = Vec::new();
    for (role, many) in [("main", 1), ("banner", 1), ("contentinfo", 1), ("table", 1)] {
        let found = named(role).len();
        if found != many {
            faults.push(format!("{found} of the role {role}, not {many}"));
        }
    }
    let has_chart = tab.evaluate("document.querySelector('svg') !== null")? == true;
    let images: Vec<&str> = named("image").into_iter().chain(named("img")).collect();
    let charts = images
        .iter()
        .filter(|name| name.starts_with("Duration and cost of "))
        .count();
    // One of the two that a page has is shown.
    if charts != usize::from(has_chart) {
        faults.push(format!("{charts} charts have a name: {images:?}"));
    }
    let cells = named("cell").len() + named("gridcell").len();
    if cells == 0 {
        faults.push("the table has no cells".to_owned());
    }
    for role in ["heading", "table", "region", "rowheader", "columnheader"] {
        let found = named(role);
        if found.is_empty() || found.iter().any(|name| name.is_empty()) {
            faults.push(format!("the names of {role} are {found:?}"));
        }
    }
    Ok(faults)
}

/// `cargo xtask screenshots`: the pictures of the documents.
pub(crate) fn screenshots() -> Result<ExitCode> {
    processes::clean_up_when_interrupted()?;
    let workspace = Workspace::find()?;
    let directory = OwnDirectory::new()?;
    let program = match chrome::find()? {
        Ok(program) => program,
        Err(Missing(reason)) => bail!("{reason}"),
    };
    let mut tab = Tab::open(&program, directory.path())?;
    let page = workspace.root.join(SNAPSHOTS).join("everything.html");
    let images = workspace.root.join(IMAGES);
    fs::create_dir_all(&images)?;
    for (name, view, scale) in [
        ("report-light.png", VIEWS[0], 1.0),
        ("report-dark.png", VIEWS[1], 1.0),
        ("report-phone.png", VIEWS[5], 1.5),
    ] {
        set(&mut tab, view)?;
        tab.go(&format!("file://{}", page.display()))?;
        // Up to the end of the chart.
        let end =
            tab.evaluate("document.querySelector('figure').getBoundingClientRect().bottom + 24")?;
        let clip = json!({"x": 0, "y": 0, "width": view.width, "height": end, "scale": scale});
        let shot = tab.call(
            "Page.captureScreenshot",
            &json!({"format": "png", "clip": clip, "captureBeyondViewport": true}),
        )?;
        let data = shot["data"].as_str().context("no picture")?;
        let path = images.join(name);
        fs::write(&path, STANDARD.decode(data)?)?;
        eprintln!("{}", workspace.shown(&path));
    }
    Ok(ExitCode::SUCCESS)
}
