//! What a tuning found, for people: on a terminal, in a pull request, in a spreadsheet, on a page.
//!
//! Nothing here does I/O or reads a clock or the environment. What is read is somebody's text, and is treated as such in
//! every format.

mod chart;
mod compare;
mod csv;
mod facts;
pub mod gate;
mod html;
mod markdown;
mod numbers;
mod read;
mod reference;
mod scale;
mod table;
pub mod text;
mod words;

use std::fmt;
use std::str::FromStr;

use power_tuner_core::outcome::Outcome;
use serde_json::Value;

pub use crate::read::{NotAnOutcome, read};

use crate::chart::{Chart, Frame};
use crate::facts::Facts;
use crate::read::Found;

/// What a tuning found, whoever wrote it.
#[derive(Clone, Debug)]
pub struct Report {
    /// As it was read, with what this version does not know.
    source: Value,
    found: Found,
    about: About,
}

/// What an outcome does not say itself. The times are RFC 3339.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct About {
    /// The execution's ARN.
    pub execution: Option<String>,
    pub started: Option<String>,
    pub stopped: Option<String>,
    pub input: Option<Value>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Table,
    Json,
    Markdown,
    Csv,
    Html,
    Svg,
}

/// What a terminal can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// In columns.
    pub width: usize,
    pub color: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum NotShown {
    #[error("there is nothing to draw: {0}; the other formats show what there is")]
    NoChart(&'static str),
    #[error("a comparison is shown as `table`, `markdown` or `json`, not as `{0}`")]
    NoComparison(Format),
    #[error("a comparison needs two outcomes with measured sizes, and {0} has none")]
    NothingMeasured(String),
    #[error("it cannot be written as JSON")]
    Json(#[from] serde_json::Error),
    #[error("it cannot be written")]
    Template(#[from] askama::Error),
}

impl Format {
    pub const ALL: [Self; 6] = [
        Self::Table,
        Self::Json,
        Self::Markdown,
        Self::Csv,
        Self::Html,
        Self::Svg,
    ];
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Table => "table",
            Self::Json => "json",
            Self::Markdown => "markdown",
            Self::Csv => "csv",
            Self::Html => "html",
            Self::Svg => "svg",
        })
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut all = Self::ALL.into_iter();
        let found = all.find(|format| format.to_string() == text);
        found.ok_or_else(|| {
            let names = Self::ALL.map(|format| format.to_string()).join(", ");
            format!("`{text}` is not a format; there are {names}")
        })
    }
}

impl Report {
    /// With what is known beside the outcome.
    #[must_use]
    pub fn about(self, about: About) -> Self {
        Self { about, ..self }
    }

    /// None where it is a dry run, or another tool's.
    #[must_use]
    pub fn outcome(&self) -> Option<&Outcome> {
        match &self.found {
            Found::Outcome(outcome) => Some(outcome),
            Found::DryRun(_) | Found::Reference(_) => None,
        }
    }

    /// The recommendation, for somebody who knows the function and not this tool.
    #[must_use]
    pub fn sentence(&self) -> String {
        Facts::of(self).sentence
    }

    /// # Errors
    /// Where the format needs what this outcome does not have.
    pub fn show(&self, format: Format, look: Look) -> Result<String, NotShown> {
        self.show_facts(&Facts::of(self), format, look)
    }

    fn show_facts(&self, facts: &Facts, format: Format, look: Look) -> Result<String, NotShown> {
        match format {
            Format::Table => Ok(table::show(facts, look)),
            Format::Json => Ok(serde_json::to_string_pretty(&self.source)? + "\n"),
            Format::Markdown => Ok(markdown::show(facts)),
            Format::Csv => Ok(csv::show(facts)),
            Format::Html => html::show(facts),
            Format::Svg => Chart::of(facts, Frame::Alone)?.svg(),
        }
    }

    /// This one and another one, size by size. A difference is from this one to the other.
    ///
    /// # Errors
    /// Where one of them measured nothing, and for formats other than table, markdown and JSON.
    pub fn compare(
        &self,
        other: &Self,
        names: [&str; 2],
        format: Format,
        look: Look,
    ) -> Result<String, NotShown> {
        compare::show(&Facts::of(self), &Facts::of(other), names, format, look)
    }
}
