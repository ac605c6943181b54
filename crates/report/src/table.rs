//! A report on a terminal.

use comfy_table::{CellAlignment, LineStyle, Table, TableStyle};
use power_tuner_core::limits::Meets;
use textwrap::WordSplitter;
use textwrap::core::display_width;

use crate::Look;
use crate::facts::{Counts, Facts, Measured, Rank, Row, State};
use crate::numbers::{duration, fixed, memory, of_column, whole};
use crate::text::{FAST, kept_together};
use crate::words::STRATEGY;

/// A bar longer than this says no more.
const LONGEST_BAR: usize = 24;
const GOOD_BAR: usize = 12;
const SHORTEST_BAR: usize = 6;
/// The header of the calls that count.
const SAMPLES: &str = "Samples";
/// Eighths of a block.
const PARTS: [char; 8] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

const GREEN: &str = "\u{1b}[32m";
const YELLOW: &str = "\u{1b}[33m";
const RED: &str = "\u{1b}[31m";
const BOLD: &str = "\u{1b}[1m";
const DIM: &str = "\u{1b}[2m";
const PLAIN: &str = "\u{1b}[0m";

const STYLE: TableStyle =
    TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// A column of text.
pub(crate) struct Column {
    pub header: String,
    pub cells: Vec<String>,
    pub right: bool,
}

impl Column {
    pub(crate) fn new(header: impl Into<String>, cells: Vec<String>) -> Self {
        Self {
            header: header.into(),
            cells,
            right: true,
        }
    }

    pub(crate) fn left(self) -> Self {
        Self {
            right: false,
            ..self
        }
    }

    pub(crate) fn width(&self) -> usize {
        let cells = self.cells.iter().map(|cell| display_width(cell));
        // Two blanks to the next one.
        cells.max().unwrap_or(0).max(display_width(&self.header)) + 2
    }
}

pub(crate) fn show(facts: &Facts, look: Look) -> String {
    let paint = Paint(look.color);
    let mut lines = rows(facts, look);
    let has_samples = lines.first().is_some_and(|header| header.contains(SAMPLES));
    lines.extend(legend(facts, look.width));
    if has_samples {
        let said = format!("{SAMPLES}: the calls that averages are of");
        lines.extend(
            wrapped(&said, "  ", look.width.saturating_sub(1))
                .iter()
                .map(|line| format!(" {line}")),
        );
    }
    for row in &facts.rows {
        if let Some(reason) = row.failure() {
            lines.extend(wrapped(
                &format!("✗ {}: {reason}", memory(row.mb)),
                "  ",
                look.width,
            ));
        }
    }
    lines.push(String::new());
    let sentence = wrapped(&facts.sentence, "", look.width);
    lines.extend(sentence.iter().map(|line| paint.with(BOLD, line)));
    if let Some(hint) = &facts.hint {
        lines.extend(wrapped(hint, "", look.width));
    }
    lines.push(String::new());
    let strategy = facts.settings.iter().filter(|set| set.label == STRATEGY);
    for remark in strategy.chain(&facts.remarks) {
        lines.extend(wrapped(
            &format!("{}: {}", remark.label, remark.text),
            "  ",
            look.width,
        ));
    }
    if let Some(note) = &facts.note {
        lines.extend(wrapped(&format!("Note: {note}"), "  ", look.width));
    }
    if !facts.warnings.is_empty() {
        lines.push(String::new());
    }
    for warning in &facts.warnings {
        let sizes: Vec<String> = warning.sizes.iter().map(u32::to_string).collect();
        let sizes = match sizes.as_slice() {
            [] => String::new(),
            _ => format!(" ({} MB)", sizes.join(", ")),
        };
        let lines_of_it = wrapped(&format!("! {}{sizes}", warning.message), "  ", look.width);
        lines.extend(lines_of_it.iter().map(|line| paint.with(YELLOW, line)));
    }
    if let Some(link) = &facts.link {
        // In one piece, however long: a terminal lets it be clicked.
        lines.push(String::new());
        lines.push(format!("Chart: {link}"));
    }
    lines.join("\n") + "\n"
}

/// Lines no wider than the terminal; all but the first are indented.
pub(crate) fn wrapped(text: &str, indent: &str, width: usize) -> Vec<String> {
    // A hyphen is a part of a name more often than not.
    let options = textwrap::Options::new(width.max(10))
        .word_splitter(WordSplitter::NoHyphenation)
        .subsequent_indent(indent);
    textwrap::wrap(&kept_together(text), options)
        .into_iter()
        .map(|line| line.trim_end().replace(FAST, " "))
        .collect()
}

pub(crate) struct Paint(pub bool);

impl Paint {
    pub(crate) fn with(&self, color: &str, text: &str) -> String {
        if self.0 && !color.is_empty() {
            format!("{color}{text}{PLAIN}")
        } else {
            text.to_owned()
        }
    }
}

/// A table of what fits: of the columns behind the needed ones the first.
pub(crate) fn fitting(needed: Vec<Column>, optional: Vec<Column>, width: usize) -> Vec<Column> {
    let mut columns = needed;
    let mut taken: usize = columns.iter().map(Column::width).sum();
    for column in optional {
        taken += column.width();
        if taken > width {
            break;
        }
        columns.push(column);
    }
    columns
}

/// One line for the header, one for the line below it, one for each row.
pub(crate) fn drawn(columns: &[Column]) -> Vec<String> {
    let mut table = Table::new();
    table.load_style(STYLE);
    table.set_header(columns.iter().map(|column| &column.header));
    let many = columns.first().map_or(0, |column| column.cells.len());
    for row in 0..many {
        table.add_row(columns.iter().map(|column| &column.cells[row]));
    }
    for (column, of) in table.column_iter_mut().zip(columns) {
        // Behind it is another one, between two columns.
        column.set_padding((0, 1));
        if of.right {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
        .lines()
        .map(|line| line.trim_end().to_owned())
        .collect()
}

fn rows(facts: &Facts, look: Look) -> Vec<String> {
    let paint = Paint(look.color);
    let cells = Cells::of(facts);
    let marks = cells.of_rows("", |row| marks(row, facts)).left();
    let sizes = cells.of_rows("Memory", |row| memory(row.mb));
    if facts.measured().next().is_none() {
        let result = |row: &Row| match row.state {
            State::Failed(_) => "failed".to_owned(),
            State::Callable | State::Measured(_) => "can be called".to_owned(),
        };
        let results = cells.of_rows("Result", result).left();
        return painted(facts, drawn(&[marks, sizes, results]), &paint);
    }
    let [durations, costs] = cells.averages();
    let needed = [marks, sizes, durations, costs];
    let taken: usize = needed.iter().map(Column::width).sum();
    if taken > look.width {
        let [marks, sizes, ..] = needed;
        let [durations, costs] = cells.short_averages();
        return painted(facts, drawn(&[marks, sizes, durations, costs]), &paint);
    }
    // For two bars, with the blanks behind both.
    let spare = look.width.saturating_sub(taken + 4);
    if spare / 2 < SHORTEST_BAR {
        return painted(facts, drawn(&needed), &paint);
    }
    // Bars come first, up to a good length; then what else there is room for; then longer bars.
    let good = (spare / 2).min(GOOD_BAR);
    let more = fitting(Vec::new(), cells.details(), spare - 2 * good);
    let details: usize = more.iter().map(Column::width).sum();
    let longest = ((spare - details) / 2).min(LONGEST_BAR);
    let [marks, sizes, durations, costs] = needed;
    let duration_bars = cells.bars(longest, |of| of.ms);
    let cost_bars = cells.bars(longest, |of| of.cost);
    let columns = [marks, sizes, durations, duration_bars, costs, cost_bars];
    let columns: Vec<Column> = columns.into_iter().chain(more).collect();
    painted(facts, drawn(&columns), &paint)
}

/// The columns of a table of sizes.
struct Cells<'a> {
    facts: &'a Facts,
    ms_places: usize,
    cost_places: usize,
}

impl<'a> Cells<'a> {
    fn of(facts: &'a Facts) -> Self {
        Self {
            facts,
            ms_places: of_column(facts.measured().map(|(_, of)| of.ms), 0, 2),
            cost_places: of_column(facts.measured().map(|(_, of)| of.cost * 1e6), 2, 4),
        }
    }

    fn ms(&self, value: f64) -> String {
        fixed(value, self.ms_places)
    }

    fn of_rows(&self, header: &str, cell: impl Fn(&Row) -> String) -> Column {
        Column::new(header, self.facts.rows.iter().map(cell).collect())
    }

    /// Of a size that was not measured there is nothing.
    fn of_measured(&self, header: &str, cell: impl Fn(&Measured) -> String) -> Column {
        self.of_rows(header, |row| row.measured().map(&cell).unwrap_or_default())
    }

    fn averages(&self) -> [Column; 2] {
        let duration = |row: &Row| match &row.state {
            State::Measured(of) => format!("{} ms", self.ms(of.ms)),
            State::Failed(_) => "failed".to_owned(),
            State::Callable => String::new(),
        };
        let cost = |of: &Measured| fixed(of.cost * 1e6, self.cost_places);
        [
            self.of_rows("Duration", duration),
            self.of_measured(&format!("{}/1M calls", self.facts.currency), cost),
        ]
    }

    /// Each number in the unit that is short for it.
    fn short_averages(&self) -> [Column; 2] {
        let time = |row: &Row| match &row.state {
            State::Measured(of) => duration(of.ms),
            State::Failed(_) => "failed".to_owned(),
            State::Callable => String::new(),
        };
        let cost = |of: &Measured| fixed(of.cost * 1e6, 2);
        [
            self.of_rows("Duration", time),
            self.of_measured(&format!("{}/1M", self.facts.currency), cost),
        ]
    }

    fn bars(&self, longest: usize, value: fn(&Measured) -> f64) -> Column {
        let values = self.facts.measured().map(|(_, of)| value(of));
        let most = values.fold(0.0, f64::max);
        self.of_measured("", |of| bar(value(of), most, longest))
            .left()
    }

    /// The more useful ones first.
    fn details(&self) -> Vec<Column> {
        let counted = |header: &str, number: fn(&Counts) -> Option<u32>| {
            self.of_rows(header, |row| {
                let number = row.counts.as_ref().and_then(number);
                number.map(whole).unwrap_or_default()
            })
        };
        let samples = self
            .facts
            .some_calls_do_not_count()
            .then(|| counted(SAMPLES, |of| of.samples));
        let p95 = |of: &Measured| of.p95_ms.map(|p95| format!("{} ms", self.ms(p95)));
        let interval = |of: &Measured| {
            let [low, high] = of.ms_interval?;
            Some(format!("{}–{}", self.ms(low), self.ms(high)))
        };
        let month = format!("{} a month", self.facts.currency);
        let all = [
            counted("Calls", |of| Some(of.calls)),
            counted("Errors", |of| Some(of.errors)),
            counted("Cold", |of| Some(of.cold_starts)),
            self.of_measured("95 % of calls", |of| p95(of).unwrap_or_default()),
            self.of_rows(&month, |row| {
                row.monthly.map(|total| fixed(total, 2)).unwrap_or_default()
            }),
            self.of_measured("95 % interval, ms", |of| interval(of).unwrap_or_default()),
        ];
        let says = |column: &Column| {
            column
                .cells
                .iter()
                .any(|cell| !matches!(cell.as_str(), "" | "0"))
        };
        samples.into_iter().chain(all).filter(says).collect()
    }
}

fn painted(facts: &Facts, lines: Vec<String>, paint: &Paint) -> Vec<String> {
    let painted = lines.into_iter().enumerate().map(|(at, line)| {
        // Two lines of header are before the rows.
        let row = at.checked_sub(2).and_then(|at| facts.rows.get(at));
        match row {
            None => paint.with(DIM, &line),
            Some(row) if row.is_best() && facts.is_within => {
                paint.with(&format!("{BOLD}{GREEN}"), &line)
            }
            Some(row) if row.is_best() => paint.with(BOLD, &line),
            Some(row) if row.failure().is_some() => paint.with(RED, &line),
            Some(_) => line,
        }
    });
    painted.collect()
}

struct Mark {
    sign: &'static str,
    meaning: &'static str,
    holds: fn(&Row) -> bool,
}

const MARKS: [Mark; 6] = [
    Mark {
        sign: "✔",
        meaning: "best",
        holds: Row::is_best,
    },
    Mark {
        sign: "●",
        meaning: "now",
        holds: |row| row.current,
    },
    Mark {
        sign: "≈",
        meaning: "may be as good",
        holds: |row| row.rank == Rank::AsGood,
    },
    Mark {
        sign: "✗",
        meaning: "failed",
        holds: |row| row.failure().is_some(),
    },
    Mark {
        sign: "!",
        meaning: "over the limit",
        holds: |row| row.meets == Some(Meets::No),
    },
    Mark {
        sign: "?",
        meaning: "perhaps over the limit",
        holds: |row| row.meets == Some(Meets::Unsure),
    },
];

impl Mark {
    fn sign(&self, facts: &Facts) -> &'static str {
        match self.meaning {
            "best" => facts.chosen_sign(),
            _ => self.sign,
        }
    }
}

fn marks(row: &Row, facts: &Facts) -> String {
    let marks = MARKS.iter().filter(|mark| (mark.holds)(row));
    marks.map(|mark| mark.sign(facts)).collect()
}

fn legend(facts: &Facts, width: usize) -> Vec<String> {
    let used = MARKS
        .iter()
        .filter(|mark| facts.rows.iter().any(mark.holds));
    // Not broken between a mark and its meaning.
    let words: Vec<String> = used
        .map(|mark| {
            let meaning = match mark.meaning {
                "now" => facts.now(),
                "best" => facts.chosen(),
                other => other,
            };
            format!("{} {meaning}", mark.sign(facts)).replace(' ', FAST)
        })
        .collect();
    let lines = wrapped(&words.join("  "), "", width.saturating_sub(1));
    lines.iter().map(|line| format!(" {line}")).collect()
}

/// A bar of eighths of a block, as long as the value's share of the largest.
fn bar(value: f64, most: f64, longest: usize) -> String {
    if most <= 0.0 {
        return String::new();
    }
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of some dozens"
    )]
    let eighths = ((value / most).clamp(0.0, 1.0) * (longest * 8) as f64).round() as usize;
    // What is there at all is seen.
    let eighths = if value > 0.0 { eighths.max(1) } else { eighths };
    let full = "█".repeat(eighths / 8);
    let rest = PARTS[eighths % 8];
    format!("{full}{rest}").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_long_as_its_share() {
        let cases = [
            (10.0, "████"),
            (5.0, "██"),
            (2.5, "█"),
            (1.25, "▌"),
            (3.75, "█▌"),
            (0.0001, "▏"),
            (0.0, ""),
        ];
        for (value, want) in cases {
            assert_eq!(bar(value, 10.0, 4), want, "{value}");
        }
        assert_eq!(bar(0.0, 0.0, 4), "");
    }
}
