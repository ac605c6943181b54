//! Duration and cost over memory, on one chart with two axes. Colours and strokes are the style sheet's.

use std::fmt::Write as _;
use std::{fmt, iter};

use askama::Template;

use crate::NotShown;
use crate::facts::{Facts, Measured, Row};
use crate::numbers::{asked, duration, fixed, list, memory, money};
use crate::scale::{Label, Linear, Log, that_fit};
use crate::text::ems;

/// Both axes have so many, and so the same lines.
const STEPS: u32 = 4;
/// What a letter takes at the most on average, at the size of the style sheet.
const LETTER: f64 = 6.7;
/// How high the letters are there.
const LETTERS: f64 = 12.0;
/// Between two labels of the axis.
const GAP: f64 = 8.0;
/// Labels of sizes stand in so many lines at the most, one so far below the other.
const LABEL_LINES: u32 = 3;
const LABEL_LINE: f64 = 14.0;
/// The rank of the sizes that are nothing special.
const OTHERS: usize = 3;
/// Of a line of text.
const LINE: f64 = 20.0;
/// What lies further above the largest average does not set the scale.
const FAR: f64 = 2.0;
/// From so many ms on an axis is in seconds.
const SECONDS_FROM: f64 = 10_000.0;
/// More sizes than these are told by the table alone.
const MOST_HINTS: usize = 100;

/// On whose page it stands; an id is there once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    Alone,
    Wide,
    Narrow,
}

#[derive(Template)]
#[template(path = "chart.svg")]
pub(crate) struct Chart {
    alone: bool,
    pub(crate) id: &'static str,
    title: String,
    description: String,
    width: Px,
    height: Px,
    /// Around it, where nothing else leaves a margin.
    margin: Px,
    plot: Plot,
    lines: Vec<GridLine>,
    axis_titles: [String; 2],
    ticks: Vec<Tick>,
    /// Where the axis of the sizes is named.
    memory_title: Px,
    best: Option<Flag>,
    /// What the best one is called, and its class: where none keeps to the limits it is only the closest.
    chosen: &'static str,
    current: Option<Flag>,
    limits: Vec<Path>,
    failed: Vec<Path>,
    series: Vec<Path>,
    hints: Vec<Hint>,
    /// On a page it stands below the chart, where it keeps its size.
    legend: Vec<Placed>,
}

/// A place or a length, to a tenth.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Px(f64);

impl fmt::Display for Px {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{:.1}", self.0);
        f.write_str(text.strip_suffix(".0").unwrap_or(&text))
    }
}

struct Plot {
    left: Px,
    right: Px,
    top: Px,
    bottom: Px,
}

struct GridLine {
    y: Px,
    left: String,
    right: String,
}

struct Tick {
    x: Px,
    label: Option<String>,
    /// Below the axis: a label that does not fit beside its neighbours stands in a line of its own.
    y: Px,
    class: &'static str,
}

/// A size that has a name.
struct Flag {
    x: Px,
    y: Px,
    anchor: &'static str,
    label: String,
}

pub(crate) struct Path {
    pub(crate) class: &'static str,
    pub(crate) data: String,
}

/// What a pointer that rests on a size is told.
struct Hint {
    x: Px,
    width: Px,
    text: String,
}

/// What a sign means. The sign is 24 wide, and its middle is at 0.
pub(crate) struct Key {
    pub(crate) signs: Vec<Path>,
    pub(crate) text: String,
}

struct Placed {
    x: Px,
    y: Px,
    key: Key,
}

/// A scale with the unit of its labels.
struct Axis {
    scale: Linear,
    unit: f64,
    decimals: usize,
}

impl Axis {
    fn new(scale: Linear, unit: f64) -> Self {
        Self {
            scale,
            unit,
            decimals: scale.decimals(unit),
        }
    }

    fn labels(&self) -> Vec<String> {
        let label = |value: f64| fixed(value / self.unit, self.decimals);
        self.scale.ticks().map(label).collect()
    }
}

impl Chart {
    pub(crate) fn of(facts: &Facts, frame: Frame) -> Result<Self, NotShown> {
        if let Some(why) = facts.no_chart {
            return Err(NotShown::NoChart(why));
        }
        let (width, plot_height) = match frame {
            Frame::Alone | Frame::Wide => (760.0, 260.0),
            Frame::Narrow => (340.0, 220.0),
        };
        // Above it are the axes' titles, and the names of the best and the current size.
        let top = 3.0 * LINE + 4.0;
        let bottom = top + plot_height;
        let [ms, cost] = axes(facts, bottom, top);
        let margin = |axis: &Axis| {
            let longest = axis
                .labels()
                .iter()
                .map(|label| wide(label))
                .fold(0.0, f64::max);
            longest + 12.0
        };
        let (left, right) = (margin(&ms), width - margin(&cost));
        let (smallest, largest) = facts.rows.iter().fold((u32::MAX, 0), |(low, high), row| {
            (low.min(row.mb), high.max(row.mb))
        });
        let inset = 18.0;
        let sizes = Log::between(smallest.into(), largest.into(), left + inset, right - inset);
        let x = |row: &Row| sizes.place(row.mb.into());
        let dot = dot(facts.rows.len(), frame);

        let flag = |row: &Row, line: f64, label: String| {
            let (x, half) = (x(row), wide(&label) / 2.0);
            let anchor = if x - half < 0.0 {
                "start"
            } else if x + half > width {
                "end"
            } else {
                "middle"
            };
            Flag {
                x: Px(x),
                y: Px(line * LINE + 14.0),
                anchor,
                label,
            }
        };
        let best = facts.row(facts.best);
        let current = facts.row(facts.current).filter(|row| !row.is_best());
        let ticks = ticks(facts, x, bottom + LINE);
        let below = ticks
            .iter()
            .fold(bottom + LINE, |below, tick| below.max(tick.y.0));
        let keys = match frame {
            Frame::Alone => keys(facts, &ms, &cost, dot),
            Frame::Wide | Frame::Narrow => Vec::new(),
        };
        let legend = placed(keys, width, below + 2.0 * LINE + 6.0);
        let end = legend.last().map_or(below + LINE, |key| key.y.0 + 8.0);
        let height = end + 6.0;
        Ok(Self {
            alone: frame == Frame::Alone,
            id: match frame {
                Frame::Alone => "chart",
                Frame::Wide => "wide",
                Frame::Narrow => "narrow",
            },
            title: format!("Duration and cost of {} over memory", facts.name),
            description: description(facts),
            width: Px(width),
            height: Px(height),
            margin: Px(if frame == Frame::Alone { 16.0 } else { 0.0 }),
            lines: grid(&ms, &cost),
            axis_titles: [
                format!("Duration, {}", if ms.unit > 1.0 { "s" } else { "ms" }),
                format!("Cost of 1M calls, {}", facts.currency),
            ],
            chosen: facts.chosen(),
            ticks,
            memory_title: Px(below + LINE - 1.0),
            best: best.map(|row| {
                let now = if row.current { " and now" } else { "" };
                flag(
                    row,
                    1.0,
                    format!("{}{now}: {}", facts.chosen(), memory(row.mb)),
                )
            }),
            current: current
                .map(|row| flag(row, 2.0, format!("{}: {}", facts.now(), memory(row.mb)))),
            limits: limits(facts, &ms, &cost, left, right),
            failed: failed(facts, x, top, bottom),
            series: iter::empty()
                .chain(series(facts, &TIME, &ms, dot, x))
                .chain(series(facts, &MONEY, &cost, dot, x))
                .collect(),
            hints: hints(facts, frame, x, left, right),
            legend,
            plot: Plot {
                left: Px(left),
                right: Px(right),
                top: Px(top),
                bottom: Px(bottom),
            },
        })
    }

    /// Of a page.
    pub(crate) fn legend(facts: &Facts) -> Vec<Key> {
        // Where the scales end is all that matters of them.
        let [ms, cost] = axes(facts, 1.0, 0.0);
        keys(facts, &ms, &cost, dot(facts.rows.len(), Frame::Wide))
    }

    /// # Errors
    /// None that is known: a template writes into memory.
    pub(crate) fn svg(&self) -> Result<String, NotShown> {
        Ok(self.render()?)
    }
}

/// Half of what a sign takes, which is less where there are many.
fn dot(sizes: usize, frame: Frame) -> f64 {
    let crowd = match frame {
        Frame::Alone | Frame::Wide => sizes,
        Frame::Narrow => 2 * sizes,
    };
    match crowd {
        0..=20 => 4.5,
        21..=60 => 3.0,
        _ => 1.8,
    }
}

/// How wide a text is at the most.
fn wide(text: &str) -> f64 {
    let letters = u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
    f64::from(letters) * LETTER
}

fn axes(facts: &Facts, bottom: f64, top: f64) -> [Axis; 2] {
    let most = |shown: fn(&Measured) -> f64, far: fn(&Measured) -> f64, limit: Option<f64>| {
        let largest = |of: fn(&Measured) -> f64| {
            facts
                .measured()
                .map(|(_, size)| of(size))
                .fold(0.0, f64::max)
        };
        let largest_shown = largest(shown);
        let beyond = largest(far).min(largest_shown * FAR);
        let limit = limit.filter(|limit| *limit <= largest_shown * FAR);
        largest_shown.max(beyond).max(limit.unwrap_or_default())
    };
    let most_ms = most(
        |of| of.ms,
        |of| {
            of.p95_ms
                .unwrap_or_default()
                .max(of.ms_interval.map_or(0.0, |[_, high]| high))
        },
        facts.limit.ms,
    );
    let most_cost = most(
        |of| of.cost,
        |of| of.cost_interval.map_or(0.0, |[_, high]| high),
        facts.limit.cost,
    );
    let unit = if most_ms >= SECONDS_FROM { 1000.0 } else { 1.0 };
    [
        Axis::new(Linear::to(most_ms, STEPS, bottom, top), unit),
        Axis::new(Linear::to(most_cost * 1e6, STEPS, bottom, top), 1.0),
    ]
}

fn grid(ms: &Axis, cost: &Axis) -> Vec<GridLine> {
    let labels = ms.labels().into_iter().zip(cost.labels());
    let lines = ms
        .scale
        .ticks()
        .zip(labels)
        .map(|(value, (left, right))| GridLine {
            y: Px(ms.scale.place(value)),
            left,
            right,
        });
    lines.collect()
}

fn ticks(facts: &Facts, x: impl Fn(&Row) -> f64, first_line: f64) -> Vec<Tick> {
    let last = facts.rows.len().saturating_sub(1);
    let label = |at: usize, row: &Row| Label {
        place: x(row),
        width: wide(&row.mb.to_string()),
        rank: match at {
            _ if row.is_best() => 0,
            _ if row.current => 1,
            _ if at == 0 || at == last => 2,
            _ => OTHERS,
        },
    };
    let labels = facts.rows.iter().enumerate();
    let labels: Vec<Label> = labels.map(|(at, row)| label(at, row)).collect();
    let mut lines: Vec<Option<f64>> = vec![None; labels.len()];
    for line in 0..LABEL_LINES {
        let missing: Vec<usize> = (0..labels.len())
            .filter(|at| lines[*at].is_none())
            .collect();
        let of_line: Vec<Label> = missing.iter().map(|at| labels[*at]).collect();
        for (at, fits) in missing.into_iter().zip(that_fit(&of_line, GAP)) {
            lines[at] = fits.then_some(first_line + f64::from(line) * LABEL_LINE);
        }
    }
    // Of many sizes some have no label in any line, and one line is easier to read. The ends say what the axis spans.
    if lines.iter().any(Option::is_none) {
        for (line, label) in lines.iter_mut().zip(&labels) {
            *line = line.filter(|y| *y <= first_line || label.rank < OTHERS);
        }
    }
    let ticks = facts.rows.iter().zip(lines).map(|(row, line)| Tick {
        x: Px(x(row)),
        label: line.map(|_| row.mb.to_string()),
        y: Px(line.unwrap_or(first_line)),
        class: if row.is_best() {
            facts.chosen()
        } else if row.failure().is_some() {
            "bad"
        } else {
            "size"
        },
    });
    ticks.collect()
}

/// What is drawn over memory.
struct Quantity {
    line: &'static str,
    bars: &'static str,
    tails: &'static str,
    filled: &'static str,
    hollow: &'static str,
    value: fn(&Measured) -> f64,
    interval: fn(&Measured) -> Option<[f64; 2]>,
    tail: fn(&Measured) -> Option<f64>,
    sign: fn(f64, f64, f64) -> String,
}

const TIME: Quantity = Quantity {
    line: "line time",
    bars: "bars time",
    tails: "tails time",
    filled: "dots time",
    hollow: "dots time hollow",
    value: |of| of.ms,
    interval: |of| of.ms_interval,
    tail: |of| of.p95_ms,
    sign: circle,
};

const MONEY: Quantity = Quantity {
    line: "line money",
    bars: "bars money",
    tails: "tails money",
    filled: "dots money",
    hollow: "dots money hollow",
    value: |of| of.cost * 1e6,
    interval: |of| of.cost_interval.map(|ends| ends.map(|end| end * 1e6)),
    tail: |_| None,
    sign: square,
};

fn circle(x: f64, y: f64, half: f64) -> String {
    let (left, half, across) = (Px(x - half), Px(half), Px(2.0 * half));
    format!(
        "M{left} {}a{half} {half} 0 1 0 {across} 0a{half} {half} 0 1 0 -{across} 0z",
        Px(y)
    )
}

/// A little smaller than a circle, so that this shows where both are at one place.
fn square(x: f64, y: f64, half: f64) -> String {
    let half = half * 0.8;
    let (left, top, across) = (Px(x - half), Px(y - half), Px(2.0 * half));
    format!("M{left} {top}h{across}v{across}h-{across}z")
}

fn cross(x: f64, y: f64, half: f64) -> String {
    let (left, right, top, across) = (Px(x - half), Px(x + half), Px(y - half), Px(2.0 * half));
    format!("M{left} {top}l{across} {across}M{right} {top}l-{across} {across}")
}

/// From one end to the other, with a cap on both.
fn bar(x: f64, low: f64, high: f64, half: f64) -> String {
    let (at, left, low, high, across) = (Px(x), Px(x - half), Px(low), Px(high), Px(2.0 * half));
    format!("M{at} {low}V{high}M{left} {low}h{across}M{left} {high}h{across}")
}

fn series(
    facts: &Facts,
    of: &Quantity,
    axis: &Axis,
    dot: f64,
    x: impl Fn(&Row) -> f64,
) -> Vec<Path> {
    let place = |value: f64| axis.scale.place(value);
    let [mut line, mut bars, mut tails, mut filled, mut hollow] = [const { String::new() }; 5];
    // A size that was not measured breaks the line.
    let mut is_broken = true;
    for row in &facts.rows {
        let Some(size) = row.measured() else {
            is_broken = true;
            continue;
        };
        let (x, y) = (x(row), place((of.value)(size)));
        let _ = write!(
            line,
            "{}{} {}",
            if is_broken { 'M' } else { 'L' },
            Px(x),
            Px(y)
        );
        is_broken = false;
        if let Some([low, high]) = (of.interval)(size) {
            bars.push_str(&bar(x, place(low), place(high), dot));
        }
        if let Some(tail) = (of.tail)(size) {
            let (at, end, left, across) = (Px(x), Px(place(tail)), Px(x - dot), Px(2.0 * dot));
            let _ = write!(tails, "M{at} {}V{end}M{left} {end}h{across}", Px(y));
        }
        let dots = if row.pareto { &mut filled } else { &mut hollow };
        dots.push_str(&(of.sign)(x, y, dot));
    }
    let all = [
        (of.tails, tails),
        (of.bars, bars),
        (of.line, line),
        (of.hollow, hollow),
        (of.filled, filled),
    ];
    all.into_iter()
        .filter(|(_, data)| !data.is_empty())
        .map(|(class, data)| Path { class, data })
        .collect()
}

fn limits(facts: &Facts, ms: &Axis, cost: &Axis, left: f64, right: f64) -> Vec<Path> {
    let all = [
        ("limit time", facts.limit.ms, ms),
        ("limit money", facts.limit.cost.map(|cost| cost * 1e6), cost),
    ];
    let drawn = all.into_iter().filter_map(|(class, limit, axis)| {
        let limit = limit.filter(|limit| *limit <= axis.scale.end())?;
        let data = format!(
            "M{} {}H{}",
            Px(left),
            Px(axis.scale.place(limit)),
            Px(right)
        );
        Some(Path { class, data })
    });
    drawn.collect()
}

fn failed(facts: &Facts, x: impl Fn(&Row) -> f64, top: f64, bottom: f64) -> Vec<Path> {
    let [mut lines, mut crosses] = [const { String::new() }; 2];
    for row in facts.rows.iter().filter(|row| row.failure().is_some()) {
        let x = x(row);
        let _ = write!(lines, "M{} {}V{}", Px(x), Px(top), Px(bottom));
        crosses.push_str(&cross(x, bottom - 12.0, 4.5));
    }
    let all = [("gap", lines), ("cross", crosses)];
    all.into_iter()
        .filter(|(_, data)| !data.is_empty())
        .map(|(class, data)| Path { class, data })
        .collect()
}

/// A column for each size, up to the middle between it and the next one.
fn hints(facts: &Facts, frame: Frame, x: impl Fn(&Row) -> f64, left: f64, right: f64) -> Vec<Hint> {
    if frame == Frame::Narrow || facts.rows.len() > MOST_HINTS {
        return Vec::new();
    }
    let places: Vec<f64> = facts.rows.iter().map(x).collect();
    let between: Vec<f64> = places
        .windows(2)
        .map(|two| f64::midpoint(two[0], two[1]))
        .collect();
    let from = iter::once(left).chain(between.iter().copied());
    let to = between.iter().copied().chain(iter::once(right));
    facts
        .rows
        .iter()
        .zip(from.zip(to))
        .map(|(row, (from, to))| Hint {
            x: Px(from),
            width: Px(to - from),
            text: hint(row, &facts.currency),
        })
        .collect()
}

fn hint(row: &Row, currency: &str) -> String {
    let size = memory(row.mb);
    match (row.measured(), row.failure()) {
        (Some(of), _) => format!(
            "{size}: {}, {} for a million calls",
            duration(of.ms),
            money(of.cost * 1e6, currency)
        ),
        (None, Some(reason)) => format!("{size} failed: {reason}"),
        (None, None) => size,
    }
}

fn keys(facts: &Facts, ms: &Axis, cost: &Axis, dot: f64) -> Vec<Key> {
    let path = |class: &'static str, data: String| Path { class, data };
    let dot = dot.max(3.0);
    let middle = 12.0;
    let line = |of: &Quantity| {
        vec![
            path(of.line, "M0 0L24 0".to_owned()),
            path(of.filled, (of.sign)(middle, 0.0, dot)),
        ]
    };
    let has = |is: fn(&Measured) -> bool| facts.measured().any(|(_, size)| is(size));
    let mut keys = vec![
        (line(&TIME), "duration".to_owned()),
        (line(&MONEY), "cost".to_owned()),
    ];
    if facts.rows.iter().any(|row| row.pareto) {
        let two = vec![
            path(TIME.filled, circle(7.0, 0.0, dot)),
            path(MONEY.filled, square(18.0, 0.0, dot)),
        ];
        keys.push((two, "filled: none is both cheaper and faster".to_owned()));
    }
    if has(|of| of.ms_interval.is_some() || of.cost_interval.is_some()) {
        let bars = path(TIME.bars, bar(middle, 6.0, -6.0, dot));
        keys.push((vec![bars], "95 % confidence".to_owned()));
    }
    if has(|of| of.p95_ms.is_some()) {
        let tail = path(
            TIME.tails,
            format!("M12 6V-6M{} -6h{}", Px(middle - dot), Px(2.0 * dot)),
        );
        keys.push((vec![tail], "95 % of the calls".to_owned()));
    }
    let of_calls = match facts.limit.percentile {
        Some(percentile) => format!(" for {percentile} % of the calls"),
        None => String::new(),
    };
    let time = facts
        .limit
        .ms
        .map(|limit| (limit, asked(limit) + &of_calls));
    let price = facts.limit.cost.map(|limit| limit * 1e6);
    let price = price.map(|limit| (limit, money(limit, &facts.currency)));
    let limits = [("limit time", time, ms), ("limit money", price, cost)];
    for (class, limit, axis) in limits {
        let Some((limit, text)) = limit else { continue };
        let above = if limit > axis.scale.end() {
            ", above the chart"
        } else {
            ""
        };
        keys.push((
            vec![path(class, "M0 0H24".to_owned())],
            format!("limit: {text}{above}"),
        ));
    }
    if facts.rows.iter().any(|row| row.failure().is_some()) {
        keys.push((
            vec![path("cross", cross(middle, 0.0, 4.5))],
            "failed".to_owned(),
        ));
    }
    keys.into_iter()
        .map(|(signs, text)| Key { signs, text })
        .collect()
}

/// One behind the other, in as many lines as it takes.
fn placed(keys: Vec<Key>, width: f64, top: f64) -> Vec<Placed> {
    let (mut x, mut y) = (0.0, top);
    let mut placed = Vec::new();
    for key in keys {
        // The sign, a blank, the text, a larger blank.
        let sign = 32.0;
        if x > 0.0 && x + sign + wide(&key.text) > width {
            (x, y) = (0.0, y + LINE);
        }
        let taken = sign + ems(&key.text) * LETTERS + 18.0;
        placed.push(Placed {
            x: Px(x),
            y: Px(y),
            key,
        });
        x += taken;
    }
    placed
}

/// For those who do not see it.
fn description(facts: &Facts) -> String {
    let ends = |value: fn(&Measured) -> f64| {
        facts
            .measured()
            .map(|(_, of)| value(of))
            .fold((f64::INFINITY, 0.0_f64), |(low, high), value| {
                (low.min(value), high.max(value))
            })
    };
    let (shortest, longest) = ends(|of| of.ms);
    let (least, most) = ends(|of| of.cost * 1e6);
    let failed: Vec<String> = facts
        .rows
        .iter()
        .filter(|row| row.failure().is_some())
        .map(|row| memory(row.mb))
        .collect();
    let failed = if failed.is_empty() {
        String::new()
    } else {
        format!(" Failed: {}.", list(&failed))
    };
    format!(
        "{} A call takes from {} to {}, and a million calls cost from {} to {}, over {} measured sizes.{failed} The table has every size.",
        facts.sentence,
        duration(shortest),
        duration(longest),
        money(least, &facts.currency),
        money(most, &facts.currency),
        facts.measured().count()
    )
}
