//! A report as one page that needs nothing else.

use std::iter;

use askama::Template;
use power_tuner_core::limits::Meets;

use crate::NotShown;
use crate::chart::{Chart, Frame, Key};
use crate::facts::{Counts, Facts, Measured, Notice, Rank, Row};
use crate::numbers::{duration, fixed, memory, money, of_column, percent, whole};
use crate::text::{ems, kept_together};
use crate::words::{DOUBLE, Remark, meaning};

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    name: &'a str,
    /// What the numbers are about, beside the function's name.
    about: String,
    heading: &'static str,
    /// There is nothing to follow, or something to mend.
    is_warning: bool,
    has_averages: bool,
    sentence: String,
    hint: Vec<Piece>,
    headline: Vec<Headline>,
    charts: Vec<Chart>,
    legend: Vec<Key>,
    no_chart: Option<&'static str>,
    warnings: Vec<Warned>,
    columns: Vec<Column>,
    rows: Vec<Line>,
    /// In rem, the width of a window above which all columns fit; none where they never do, nor on paper.
    fits_above: Option<u32>,
    /// The place of the first column that counts.
    first_count: Option<usize>,
    caption: String,
    remarks: Vec<Said>,
    settings: Vec<Said>,
    note: Option<&'a str>,
    link: Option<&'a str>,
}

/// A number to see first.
struct Headline {
    label: &'static str,
    value: String,
    beside: String,
}

struct Warned {
    message: Vec<Piece>,
    sizes: Option<String>,
}

struct Said {
    label: &'static str,
    text: Vec<Piece>,
}

/// A part of a text.
struct Piece {
    is_code: bool,
    text: String,
}

struct Column {
    name: &'static str,
    unit: String,
    cells: Vec<Option<Cell>>,
}

impl Column {
    fn is_count(&self) -> bool {
        self.unit.is_empty()
    }

    /// In rem, with what is left and right of it.
    fn width(&self) -> f64 {
        // In what is bold letters are wider.
        let words = self.name.split(' ').map(|word| ems(word) * BOLD);
        let cells = self.cells.iter().flatten().flat_map(|cell| {
            let beneath = cell.beneath.as_deref().unwrap_or_default();
            [ems(&cell.shown), ems(beneath) * SMALLER]
        });
        let unit = iter::once(ems(&self.unit) * SMALLER);
        words.chain(cells).chain(unit).fold(0.0, f64::max) * LETTERS + 2.0 * PADDING
    }

    /// Of a cell that does not stand below the header: on a narrow screen. It is a part of the style sheet, so that it has
    /// no sign that means something there.
    fn label(&self) -> String {
        let label = if self.unit.is_empty() {
            self.name.to_owned()
        } else {
            format!("{}, {}", self.name, self.unit)
        };
        label.replace(|c: char| !c.is_alphanumeric() && !" ,%".contains(c), "")
    }
}

#[derive(Clone, Default)]
struct Cell {
    shown: String,
    beneath: Option<String>,
}

impl Cell {
    fn of(shown: String) -> Self {
        Self {
            shown,
            beneath: None,
        }
    }
}

/// A row of the table.
struct Line {
    memory: String,
    class: &'static str,
    badges: Vec<Badge>,
    /// Or why it failed.
    cells: Result<Vec<Cell>, String>,
}

struct Badge {
    class: &'static str,
    text: &'static str,
}

/// As in the style sheet, in rem: a table's letters, smaller ones beneath them, the blank on each side of a cell, the page's
/// widest column, and the blank on both sides of that.
const LETTERS: f64 = 0.9;
const SMALLER: f64 = 0.85;
const PADDING: f64 = 0.6;
const WIDEST: f64 = 55.0;
const MARGINS: f64 = 3.0;
/// In windows up to this the page has smaller ones.
const NARROW: f64 = 40.0;
const NARROW_MARGINS: f64 = 2.0;
/// The column of the sizes is no narrower.
const SIZES: f64 = 8.5;
/// How much wider letters are where they are bold.
const BOLD: f64 = 1.12;

/// What they mean stands above the table.
const SAMPLES: &str = "Samples";
const OUTDONE: &str = "outdone";

pub(crate) fn show(facts: &Facts) -> Result<String, NotShown> {
    let charts = match facts.no_chart {
        Some(_) => Vec::new(),
        None => vec![
            Chart::of(facts, Frame::Wide)?,
            Chart::of(facts, Frame::Narrow)?,
        ],
    };
    let (columns, rows) = table(facts);
    let has_outdone = rows
        .iter()
        .any(|row| row.badges.iter().any(|badge| badge.text == OUTDONE));
    let about = [&facts.region, &facts.architecture]
        .into_iter()
        .flatten()
        .cloned();
    let strategy = facts
        .strategy
        .as_ref()
        .map(|strategy| format!("tuned for {}", meaning(strategy)));
    let page = Page {
        name: &facts.name,
        about: about.chain(strategy).collect::<Vec<_>>().join(" · "),
        heading: if !facts.is_within {
            "No recommendation"
        } else if facts.best.is_some() {
            "Recommendation"
        } else {
            "Result"
        },
        is_warning: !facts.is_within
            || (facts.best.is_none() && facts.rows.iter().any(|row| row.failure().is_some())),
        has_averages: facts.measured().next().is_some(),
        sentence: kept_together(&facts.sentence),
        hint: facts.hint.as_deref().map(pieces).unwrap_or_default(),
        headline: headline(facts),
        charts,
        legend: match facts.no_chart {
            Some(_) => Vec::new(),
            None => Chart::legend(facts),
        },
        no_chart: facts.no_chart,
        warnings: facts.warnings.iter().map(warned).collect(),
        caption: kept_together(&caption(facts, has_outdone)),
        first_count: columns.iter().position(Column::is_count).map(|at| at + 1),
        fits_above: fits_above(&columns, &rows),
        columns,
        rows,
        remarks: facts.remarks.iter().map(said).collect(),
        settings: facts.settings.iter().map(said).collect(),
        note: facts.note.as_deref(),
        link: facts.link.as_deref().filter(|link| is_web(link)),
    };
    Ok(page.render()?)
}

/// No other address is to be followed.
fn is_web(link: &str) -> bool {
    link.starts_with("https://") || link.starts_with("http://")
}

fn headline(facts: &Facts) -> Vec<Headline> {
    let Some((best, of)) = facts
        .row(facts.best)
        .and_then(|row| Some((row, row.measured()?)))
    else {
        return Vec::new();
    };
    let now = facts.row(facts.current).filter(|row| !row.is_best());
    let then = now.and_then(Row::measured);
    let against = |from: Option<f64>, to: f64, as_much: &str, or: &str| {
        let from = from.filter(|from| *from > 0.0);
        from.map_or_else(
            || or.to_owned(),
            |from| than(to / from, as_much, facts.now()),
        )
    };
    let mut headline = vec![
        Headline {
            label: match (facts.is_within, now) {
                (false, _) => "Closest size",
                (true, Some(_)) if facts.is_to_stay => "Came out best",
                (true, _) => "Best size",
            },
            value: memory(best.mb),
            beside: match facts.current {
                Some(current) if current == best.mb => "as it is now".to_owned(),
                Some(current) => format!("{} {}", facts.now(), memory(current)),
                None => String::new(),
            },
        },
        Headline {
            label: "Duration of a call",
            value: duration(of.ms),
            beside: against(then.map(|then| then.ms), of.ms, "as long", "on average"),
        },
        Headline {
            label: "Cost of 1M calls",
            value: money(of.cost * 1e6, &facts.currency),
            beside: against(
                then.map(|then| then.cost),
                of.cost,
                "as much",
                "for their duration",
            ),
        },
    ];
    if let Some((calls, saving)) = facts.month.filter(|(_, saving)| saving.abs() >= 0.005) {
        headline.push(Headline {
            label: if saving > 0.0 {
                "Saved a month"
            } else {
                "More a month"
            },
            value: money(saving.abs(), &facts.currency),
            beside: format!("at {} calls", whole(calls)),
        });
    }
    headline
}

/// `12 % less than now`, `3.8 times as long as now`.
fn than(times: f64, as_much: &str, now: &str) -> String {
    let percent_more = (times - 1.0) * 100.0;
    match percent(percent_more).as_str() {
        "0 %" => format!("about the same as {now}"),
        _ if times >= DOUBLE => format!("{} times {as_much} as {now}", fixed(times, 1)),
        by if percent_more > 0.0 => format!("{by} more than {now}"),
        by => format!("{by} less than {now}"),
    }
}

fn said(remark: &Remark) -> Said {
    Said {
        label: remark.label,
        text: pieces(&remark.text),
    }
}

fn warned(notice: &Notice) -> Warned {
    let sizes: Vec<String> = notice.sizes.iter().map(u32::to_string).collect();
    Warned {
        message: pieces(&notice.message),
        sizes: (!sizes.is_empty()).then(|| format!("{} MB", sizes.join(", "))),
    }
}

/// Columns of which no row says anything are left out.
fn table(facts: &Facts) -> (Vec<Column>, Vec<Line>) {
    let said = columns(facts);
    let has_front = facts.rows.iter().any(|row| row.pareto);
    let rows = facts.rows.iter().enumerate().map(|(at, row)| Line {
        memory: memory(row.mb),
        class: match row.rank {
            Rank::Best => facts.chosen(),
            Rank::AsGood | Rank::Other => "",
        },
        badges: badges(row, facts, has_front),
        cells: match row.failure() {
            Some(reason) => Err(reason.to_owned()),
            None => Ok(said
                .iter()
                .map(|column| column.cells[at].clone().unwrap_or_default())
                .collect()),
        },
    });
    let rows = rows.collect();
    (said, rows)
}

fn columns(facts: &Facts) -> Vec<Column> {
    let ms_places = of_column(facts.measured().map(|(_, of)| of.ms), 0, 2);
    let cost_places = of_column(facts.measured().map(|(_, of)| of.cost * 1e6), 2, 4);
    let ms = |value: f64| fixed(value, ms_places);
    let per_million = |cost: f64| fixed(cost * 1e6, cost_places);
    let with_interval = |value: f64, ends: Option<[f64; 2]>, number: &dyn Fn(f64) -> String| Cell {
        shown: number(value),
        beneath: ends.map(|[low, high]| format!("{} – {}", number(low), number(high))),
    };
    let column = |name, unit: &str, cell: &dyn Fn(&Row) -> Option<Cell>| Column {
        name,
        unit: unit.to_owned(),
        cells: facts.rows.iter().map(cell).collect(),
    };
    let count = |number: fn(&Counts) -> Option<u32>| {
        move |row: &Row| Some(Cell::of(whole(number(row.counts.as_ref()?)?)))
    };
    let has_samples = facts.some_calls_do_not_count();
    let currency = &facts.currency;
    let all = [
        column("Duration", "ms", &|row| {
            row.measured()
                .map(|of| with_interval(of.ms, of.ms_interval, &ms))
        }),
        column("95 % of calls", "ms", &|row| {
            Some(Cell::of(ms(row.measured()?.p95_ms?)))
        }),
        column("1M calls", currency, &|row| {
            row.measured()
                .map(|of| with_interval(of.cost, of.cost_interval, &per_million))
        }),
        column("Monthly", currency, &|row| {
            Some(Cell::of(fixed(row.monthly?, 2)))
        }),
        column(SAMPLES, "", &count(|of| of.samples)),
        column("Calls", "", &count(|of| Some(of.calls))),
        column("Errors", "", &count(|of| Some(of.errors))),
        column("Cold starts", "", &count(|of| Some(of.cold_starts))),
    ];
    let mut said = Vec::from(all);
    // What failed has its reason there instead.
    let is_measured: Vec<bool> = facts
        .rows
        .iter()
        .map(|row| row.measured().is_some())
        .collect();
    said.retain(|column| {
        let is_said = column.name != SAMPLES || has_samples;
        is_said
            && column
                .cells
                .iter()
                .zip(&is_measured)
                .any(|(cell, measured)| *measured && cell.is_some())
    });
    said
}

fn fits_above(columns: &[Column], rows: &[Line]) -> Option<u32> {
    let badges = rows.iter().flat_map(|row| &row.badges);
    // A badge has its own letters, and a border with a blank inside.
    let badge = badges
        .map(|badge| ems(badge.text) * BOLD * 0.75 + 1.0)
        .fold(0.0, f64::max);
    let sizes = (badge + 2.5 * PADDING).max(SIZES);
    // Without numbers there are results, in words.
    let others = match columns {
        [] => 16.0,
        columns => columns.iter().map(Column::width).sum(),
    };
    let all = sizes + others + PADDING;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a few dozens"
    )]
    (all <= WIDEST).then(|| {
        let margins = if all + MARGINS < NARROW {
            NARROW_MARGINS
        } else {
            MARGINS
        };
        (all + margins).ceil() as u32
    })
}

fn caption(facts: &Facts, has_outdone: bool) -> String {
    if facts.measured().next().is_none() {
        return "Whether a call succeeds at each memory size.".to_owned();
    }
    let mut text = "What calls take and cost at each memory size.".to_owned();
    let has_intervals = |of: &Measured| of.ms_interval.is_some() || of.cost_interval.is_some();
    if facts.measured().any(|(_, of)| has_intervals(of)) {
        text += " With 95 % confidence the true average lies between the smaller numbers.";
    }
    if has_outdone {
        text += " Where one is outdone, another is both cheaper and faster.";
    }
    if facts.some_calls_do_not_count() {
        text += " Samples are the calls that averages are of.";
    }
    text
}

fn badges(row: &Row, facts: &Facts, has_front: bool) -> Vec<Badge> {
    // Where one may be as good as the best, another's being better may be chance.
    let is_beaten = has_front && row.measured().is_some() && !row.pareto && row.rank == Rank::Other;
    let all = [
        (
            row.is_best(),
            if facts.is_within { "good" } else { "warned" },
            facts.chosen(),
        ),
        (row.current, "now", facts.now()),
        (row.rank == Rank::AsGood, "near", "may be as good"),
        (is_beaten, "near", OUTDONE),
        (row.meets == Some(Meets::No), "bad", "over the limit"),
        (
            row.meets == Some(Meets::Unsure),
            "bad",
            "perhaps over the limit",
        ),
        (row.failure().is_some(), "bad", "failed"),
    ];
    all.into_iter()
        .filter(|(holds, ..)| *holds)
        .map(|(_, class, text)| Badge { class, text })
        .collect()
}

/// What stands between backticks is code.
fn pieces(text: &str) -> Vec<Piece> {
    let parts = text.split('`').enumerate();
    let pieces = parts.map(|(at, part)| Piece {
        is_code: at % 2 == 1,
        text: kept_together(part),
    });
    pieces.filter(|piece| !piece.text.is_empty()).collect()
}
