//! What a `clean` or a `doctor` answers.

use std::fmt::Write as _;

use comfy_table::{ContentArrangement, Table, presets};
use power_tuner_report::text::plain;
use power_tuner_report::{Format, Look};
use serde_json::Value;

use crate::end::{Error, Exit};

/// # Errors
///
/// The format has no room for it.
pub fn show(answer: &Value, format: Format, look: Look) -> Result<String, Error> {
    match format {
        Format::Json => Ok(format!("{answer:#}\n")),
        Format::Table if answer["clean"].is_object() => Ok(cleaned(&answer["clean"])),
        Format::Table => Ok(findings(&answer["doctor"], look)),
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

fn findings(doctor: &Value, look: Look) -> String {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(u16::try_from(look.width).unwrap_or(u16::MAX));
    for finding in list(&doctor["findings"]) {
        let mark = match finding["status"].as_str() {
            Some("ok") => "✔ ok",
            Some("warning") => "! warning",
            Some("problem") => "✗ problem",
            _ => "? unknown",
        };
        table.add_row([
            mark.to_owned(),
            words(&finding["step"]),
            words(&finding["message"]),
        ]);
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
    let lines = table.to_string();
    let lines: Vec<&str> = lines.lines().map(str::trim_end).collect();
    format!("{}\n\n{verdict}\n", lines.join("\n"))
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
        let text = show(&clean, Format::Table, LOOK).expect("a text");
        let want = "arn:f is not clean: something was left alone.\nIts memory was put back to 512 MB.\nDeleted versions: 7 (128 MB), 8 (256 MB)\n\
                    Left alone: a tuning that runs\n";
        assert_eq!(text, want);
        let nothing = json!({"clean": {"function": "arn:f", "deleted": [], "adopted": []}});
        let text = show(&nothing, Format::Table, LOOK).expect("a text");
        assert_eq!(text, "arn:f is clean.\n");
        assert!(show(&clean, Format::Svg, LOOK).is_err());
    }

    #[test]
    fn a_doctor_says_what_is_wrong_and_fits() {
        let message = "may not call lambda:InvokeFunction; allow it for the executor's role, or name the function in LambdaResource";
        let found = json!({"doctor": {"function": "arn:f", "healthy": false, "findings": [
            {"check": "readable", "step": "initializer", "status": "ok", "message": "the function can be read"},
            {"check": "callable", "step": "executor", "status": "problem", "message": message},
        ]}});
        let text = show(&found, Format::Table, LOOK).expect("a text");
        assert!(
            text.contains("✔ ok") && text.contains("✗ problem"),
            "{text}"
        );
        assert!(
            text.ends_with("There are problems with the stack and arn:f.\n"),
            "{text}"
        );
        assert!(
            text.lines().all(|line| line.chars().count() <= 60),
            "{text}"
        );
    }
}
