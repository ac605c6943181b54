//! What a `clean` or a `doctor` answers.

use std::fmt::{self, Write as _};

use power_tuner_report::text::plain;
use power_tuner_report::{Format, Look};
use serde_json::Value;
use textwrap::WordSplitter;

use crate::end::{Error, Exit};

/// `all` is for each check that a doctor made, also those that ended well.
///
/// # Errors
///
/// The format has no room for it.
pub fn show(answer: &Value, format: Format, look: Look, all: bool) -> Result<String, Error> {
    match format {
        Format::Json => Ok(format!("{answer:#}\n")),
        Format::Table if answer["clean"].is_object() => Ok(cleaned(&answer["clean"])),
        Format::Table => Ok(findings(&answer["doctor"], look, all)),
        Format::Markdown | Format::Csv | Format::Html | Format::Svg => {
            fits(format).map(|()| String::new())
        }
    }
}

/// # Errors
///
/// The format has no room for an answer: to be known before anything is asked.
pub fn fits(format: Format) -> Result<(), Error> {
    match format {
        Format::Json | Format::Table => Ok(()),
        Format::Markdown | Format::Csv | Format::Html | Format::Svg => Err(Error::Usage(format!(
            "such an answer is shown as table or json, not as {format}"
        ))),
    }
}

/// The stack gave something else.
pub fn is_missing(what: &str) -> Error {
    Error::TuningFailed(format!(
        "the stack did not answer a `{what}`; is it of an older version than this tool?"
    ))
}

fn cleaned(clean: &Value) -> String {
    let function = words(&clean["function"]);
    let mut text = if is_clean(clean) {
        format!("{function} is clean.\n")
    } else {
        format!("{function} is not clean: something was left alone.\n")
    };
    if let Some(restored) = clean["restored"].as_u64() {
        let _ = writeln!(text, "Its memory was put back to {restored} MB.");
    }
    let lists = [
        ("deleted", "Deleted versions"),
        ("adopted", "Kept, because an alias points at them"),
        ("left", "Left alone"),
    ];
    for (field, label) in lists {
        let items: Vec<String> = list(&clean[field]).map(item).collect();
        if !items.is_empty() {
            let _ = writeln!(text, "{label}: {}", items.join(", "));
        }
    }
    text
}

/// What it means for a pipeline, whoever shows it.
pub fn exit(answer: &Value) -> Exit {
    let is_well = match &answer["clean"] {
        Value::Object(_) => is_clean(&answer["clean"]),
        _ => answer["doctor"]["healthy"] == true,
    };
    if is_well { Exit::Fine } else { Exit::Outside }
}

/// Nothing is left of tunings.
fn is_clean(clean: &Value) -> bool {
    list(&clean["left"]).next().is_none()
}

/// A version, or words.
fn item(item: &Value) -> String {
    match (&item["number"], item["memory"].as_u64()) {
        (Value::Null, _) => words(item),
        (number, Some(memory)) => format!("{} ({memory} MB)", words(number)),
        (number, None) => words(number),
    }
}

/// Each check that did not end well in full, and of the others how many there are, unless all are asked for.
fn findings(doctor: &Value, look: Look, all: bool) -> String {
    let mut text = String::new();
    let mut steps: Vec<(String, Vec<Mark>)> = Vec::new();
    for finding in list(&doctor["findings"]) {
        let step = words(&finding["step"]);
        let mark = Mark::of(finding);
        if all || mark != Mark::Ok {
            let line = format!("{mark}, {step}: {}", words(&finding["message"]));
            write_wrapped(&mut text, &line, look);
        }
        match steps.iter_mut().find(|(known, _)| *known == step) {
            Some((_, marks)) => marks.push(mark),
            None => steps.push((step, vec![mark])),
        }
    }
    if !all {
        if !text.is_empty() {
            text.push('\n');
        }
        for (step, marks) in &steps {
            write_wrapped(&mut text, &summary(step, marks), look);
        }
    }
    let about = match &doctor["function"] {
        Value::Null => "the stack".to_owned(),
        function => format!("the stack and {}", words(function)),
    };
    let verdict = if doctor["healthy"] == true {
        format!("Nothing keeps tunings from working: {about}.")
    } else {
        format!("There are problems with {about}.")
    };
    text.push('\n');
    write_wrapped(&mut text, &verdict, look);
    text
}

/// How a check ended, from the worst to the best.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Mark {
    Problem,
    Unknown,
    Warning,
    Ok,
}

impl Mark {
    const ALL: [Self; 4] = [Self::Problem, Self::Unknown, Self::Warning, Self::Ok];

    fn of(finding: &Value) -> Self {
        match finding["status"].as_str() {
            Some("ok") => Self::Ok,
            Some("warning") => Self::Warning,
            Some("problem") => Self::Problem,
            _ => Self::Unknown,
        }
    }

    fn sign(self) -> char {
        match self {
            Self::Problem => '✗',
            Self::Unknown => '?',
            Self::Warning => '!',
            Self::Ok => '✔',
        }
    }

    fn count(self, count: usize) -> String {
        let noun = match self {
            Self::Problem => "problem",
            Self::Unknown => return format!("{count} unknown"),
            Self::Warning => "warning",
            Self::Ok if count == 1 => return "1 check ok".to_owned(),
            Self::Ok => return format!("{count} checks ok"),
        };
        let plural = if count == 1 { "" } else { "s" };
        format!("{count} {noun}{plural}")
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self {
            Self::Problem => "problem",
            Self::Unknown => "unknown",
            Self::Warning => "warning",
            Self::Ok => "ok",
        };
        write!(f, "{} {word}", self.sign())
    }
}

/// `✔ publisher: 9 checks ok`
fn summary(step: &str, marks: &[Mark]) -> String {
    let counts: Vec<String> = Mark::ALL
        .into_iter()
        .map(|mark| (mark, marks.iter().filter(|other| **other == mark).count()))
        .filter(|(_, count)| *count > 0)
        .map(|(mark, count)| mark.count(count))
        .collect();
    let worst = marks.iter().min().copied().unwrap_or(Mark::Ok);
    format!("{} {step}: {}", worst.sign(), counts.join(", "))
}

/// A name stays whole where a line has room for it.
fn write_wrapped(text: &mut String, line: &str, look: Look) {
    let options = textwrap::Options::new(look.width.max(1))
        .subsequent_indent("  ")
        .word_splitter(WordSplitter::NoHyphenation);
    for line in textwrap::wrap(line, options) {
        text.push_str(&line);
        text.push('\n');
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// Somebody's text.
fn words(value: &Value) -> String {
    match value.as_str() {
        Some(text) => plain(text),
        None => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const LOOK: Look = Look {
        width: 60,
        color: false,
    };

    #[test]
    fn a_clean_up_says_what_it_did() {
        let clean = json!({"clean": {
            "function": "arn:f", "deleted": [{"memory": 128, "number": "7"}, {"memory": 256, "number": "8"}], "restored": 512,
            "adopted": [], "left": ["a tuning that runs"],
        }});
        let text = show(&clean, Format::Table, LOOK, false).expect("a text");
        let want = "arn:f is not clean: something was left alone.\nIts memory was put back to 512 MB.\nDeleted versions: 7 (128 MB), 8 (256 MB)\n\
                    Left alone: a tuning that runs\n";
        assert_eq!(text, want);
        let nothing = json!({"clean": {"function": "arn:f", "deleted": [], "adopted": []}});
        let text = show(&nothing, Format::Table, LOOK, false).expect("a text");
        assert_eq!(text, "arn:f is clean.\n");
        assert!(show(&clean, Format::Svg, LOOK, false).is_err());
    }

    fn finding(step: &str, status: &str, message: &str) -> Value {
        json!({"check": "c", "step": step, "status": status, "message": message})
    }

    #[test]
    fn a_healthy_function_takes_a_line_for_each_step() {
        let found = json!({"doctor": {"function": "arn:f", "healthy": true, "findings": [
            finding("initializer", "ok", "the function can be read"),
            finding("initializer", "ok", "it can be tuned"),
            finding("executor", "ok", "the executor answers"),
        ]}});
        let text = show(&found, Format::Table, LOOK, false).expect("a text");
        let verdict = "Nothing keeps tunings from working: the stack and arn:f.\n";
        let want = format!("✔ initializer: 2 checks ok\n✔ executor: 1 check ok\n\n{verdict}");
        assert_eq!(text, want);
        let text = show(&found, Format::Table, LOOK, true).expect("a text");
        let want = format!(
            "✔ ok, initializer: the function can be read\n✔ ok, initializer: it can be tuned\n\
             ✔ ok, executor: the executor answers\n\n{verdict}"
        );
        assert_eq!(text, want);
        let json = show(&found, Format::Json, LOOK, false).expect("a text");
        assert_eq!(serde_json::from_str::<Value>(&json).expect("JSON"), found);
    }

    #[test]
    fn what_is_not_well_is_said_in_full_and_fits() {
        let denied = "the executor's role may not call `lambda:InvokeFunction` on \
                      `arn:aws:lambda:us-east-1:123456789012:function:of-a-long-name`; allow it";
        let found = json!({"doctor": {"function": "arn:f", "healthy": false, "findings": [
            finding("executor", "problem", denied),
            finding("cleaner", "unknown", "ask again"),
            finding("initializer", "warning", "little concurrency"),
            finding("initializer", "warning", "much code"),
            finding("initializer", "ok", "it can be tuned"),
        ]}});
        let text = show(&found, Format::Table, LOOK, false).expect("a text");
        let want = "\
✗ problem, executor: the executor's role may not call
  `lambda:InvokeFunction` on
  `arn:aws:lambda:us-east-1:123456789012:function:of-a-long-
  name`; allow it
? unknown, cleaner: ask again
! warning, initializer: little concurrency
! warning, initializer: much code

✗ executor: 1 problem
? cleaner: 1 unknown
! initializer: 2 warnings, 1 check ok

There are problems with the stack and arn:f.
";
        assert_eq!(text, want);
    }
}
