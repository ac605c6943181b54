//! Where results go: standard output, or a file.

use std::fs;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::{env, ffi::OsStr};

use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use clap::{Arg, Args, ValueEnum, ValueHint};
use power_tuner_report as report;
use power_tuner_report::{Look, NotShown};
use terminal_size::{Width, terminal_size_of};

use crate::arguments::{Color, Global};
use crate::end::Error;

#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Output")]
pub struct Output {
    /// What the result is written as [default: what the file of --output ends in, or table]
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Option<Format>,
    /// The file to write it into, instead of standard output (-). Its format is what its name ends in, such as .json or .md; the
    /// table is .txt
    #[arg(long, short, value_name = "FILE|-", value_hint = ValueHint::FilePath)]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Table,
    Json,
    Markdown,
    Csv,
    Html,
    Svg,
}

/// For a command that has no more formats than these.
pub fn only(formats: &'static [&'static str]) -> impl FnOnce(Arg) -> Arg {
    let known = PossibleValuesParser::new(formats);
    |format| format.value_parser(known.try_map(|name| Format::from_str(&name, false)))
}

impl From<Format> for report::Format {
    fn from(format: Format) -> Self {
        match format {
            Format::Table => Self::Table,
            Format::Json => Self::Json,
            Format::Markdown => Self::Markdown,
            Format::Csv => Self::Csv,
            Format::Html => Self::Html,
            Format::Svg => Self::Svg,
        }
    }
}

impl Output {
    pub fn format(&self) -> report::Format {
        let by_name = || self.ending().and_then(of_ending);
        self.format.or_else(by_name).unwrap_or(Format::Table).into()
    }

    /// What the name of the file ends in.
    fn ending(&self) -> Option<&str> {
        self.file()?.extension()?.to_str()
    }

    /// Not where `-` stands for standard output.
    fn file(&self) -> Option<&Path> {
        let file = self.output.as_deref();
        file.filter(|file| *file != Path::new("-"))
    }

    /// How it may look where it goes.
    pub fn look(&self, color: Color) -> Look {
        let is_terminal = self.file().is_none() && io::stdout().is_terminal();
        Look {
            width: width(
                env::var_os("COLUMNS").as_deref(),
                is_terminal
                    .then(|| terminal_size_of(io::stdout()))
                    .flatten()
                    .map(|(Width(columns), _)| columns.into()),
            ),
            color: is_colored(
                color,
                is_terminal && env::var_os("TERM").is_none_or(|term| term != "dumb"),
                env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()),
            ),
        }
    }

    /// To be known before minutes are spent on what is to be written.
    ///
    /// # Errors
    ///
    /// The file does not say its format, is a folder or in none, or may not be written.
    pub fn is_writable(&self) -> Result<(), Error> {
        let Some(file) = self.file() else {
            return Ok(());
        };
        let ending = self.ending().filter(|_| self.format.is_none());
        if let Some(ending) = ending.filter(|ending| of_ending(ending).is_none()) {
            return Err(Error::Usage(format!(
                "`{}`: there is no format `{ending}`; end the name in .json, .md, .csv, .html, .svg or .txt, or say `--format`",
                file.display()
            )));
        }
        if file.is_dir() {
            return Err(Error::Usage(format!(
                "cannot write `{}`: it is a folder; name a file in it",
                file.display()
            )));
        }
        // Not for what is no file, such as a pipe, which would be opened for good.
        if file.is_file() {
            let opened = fs::OpenOptions::new().append(true).open(file);
            return opened.map(drop).map_err(|error| cannot_write(file, &error));
        }
        let folder = file
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        match folder.filter(|folder| !folder.is_dir()) {
            None => Ok(()),
            Some(folder) => Err(Error::Usage(format!(
                "cannot write into `{}`: there is no such folder",
                folder.display()
            ))),
        }
    }

    /// In words what is written, to a person who would not see it. Whoever does not listen misses nothing that is needed.
    pub fn say_hidden(&self, words: &str, global: &Global) {
        if self.hides_words() && !global.quiet {
            let _ = writeln!(io::stderr(), "{words}");
        }
    }

    fn hides_words(&self) -> bool {
        let has_none = [
            report::Format::Csv,
            report::Format::Html,
            report::Format::Svg,
        ];
        self.file().is_some() || has_none.contains(&self.format())
    }

    /// # Errors
    ///
    /// As [`write`](Self::write), or the format cannot show it.
    pub fn write_shown(&self, shown: Result<String, NotShown>) -> Result<(), Error> {
        self.write(&shown.map_err(|error| Error::Usage(error.to_string()))?)
    }

    /// # Errors
    ///
    /// It cannot be written. Whoever has read enough and closed the pipe is no error.
    pub fn write(&self, text: &str) -> Result<(), Error> {
        match self.file() {
            Some(path) => into(path, text),
            None => print(text),
        }
    }
}

fn into(path: &Path, text: &str) -> Result<(), Error> {
    fs::write(path, text).map_err(|error| cannot_write(path, &error))
}

fn cannot_write(path: &Path, error: &io::Error) -> Error {
    Error::Usage(format!("cannot write `{}`: {error}", path.display()))
}

/// In letters of any size.
fn of_ending(ending: &str) -> Option<Format> {
    Some(match ending.to_ascii_lowercase().as_str() {
        "txt" => Format::Table,
        "json" => Format::Json,
        "md" | "markdown" => Format::Markdown,
        "csv" => Format::Csv,
        "html" | "htm" => Format::Html,
        "svg" => Format::Svg,
        _ => return None,
    })
}

/// To standard output.
pub fn print(text: &str) -> Result<(), Error> {
    let mut stdout = io::stdout().lock();
    let end = if text.ends_with('\n') { "" } else { "\n" };
    let written = stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.write_all(end.as_bytes()))
        .and_then(|()| stdout.flush());
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Error::Usage(format!(
            "cannot write to standard output: {error}"
        ))),
        _ => Ok(()),
    }
}

fn is_colored(color: Color, is_terminal: bool, no_color: bool) -> bool {
    match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => is_terminal && !no_color,
    }
}

fn width(columns: Option<&OsStr>, terminal: Option<usize>) -> usize {
    /// Of what is no terminal.
    const USUAL: usize = 80;
    let stated = columns
        .and_then(OsStr::to_str)
        .and_then(|columns| columns.parse().ok());
    stated
        .filter(|columns| *columns > 0)
        .or(terminal)
        .unwrap_or(USUAL)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_says_the_format_unless_somebody_else_does() {
        let cases = [
            (None, None, report::Format::Table),
            (None, Some("a.html"), report::Format::Html),
            (None, Some("a.md"), report::Format::Markdown),
            (None, Some("a.txt"), report::Format::Table),
            (None, Some("A.HTM"), report::Format::Html),
            (None, Some("-"), report::Format::Table),
            (None, Some("json"), report::Format::Table),
            (Some(Format::Csv), Some("a.html"), report::Format::Csv),
        ];
        for (format, file, want) in cases {
            let output = Output {
                format,
                output: file.map(PathBuf::from),
            };
            assert_eq!(output.format().to_string(), want.to_string(), "{file:?}");
        }
    }

    #[test]
    fn colours_are_for_terminals_and_for_who_asks() {
        let cases = [
            ((Color::Auto, true, false), true),
            ((Color::Auto, true, true), false),
            ((Color::Auto, false, false), false),
            ((Color::Always, false, true), true),
            ((Color::Never, true, false), false),
        ];
        for ((color, terminal, no_color), want) in cases {
            assert_eq!(is_colored(color, terminal, no_color), want, "{color:?}");
        }
    }

    #[test]
    fn columns_say_the_width() {
        let cases = [
            (Some("40"), Some(100), 40),
            (Some("0"), Some(100), 100),
            (Some("wide"), None, 80),
            (None, Some(100), 100),
        ];
        for (columns, terminal, want) in cases {
            assert_eq!(
                width(columns.map(OsStr::new), terminal),
                want,
                "{columns:?}"
            );
        }
    }
}
