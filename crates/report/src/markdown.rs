//! A report in a pull request's comment or a step's summary.

use std::fmt::Write as _;

use power_tuner_core::limits::Meets;

use crate::facts::{Facts, Rank, Row, State};
use crate::numbers::{fixed, memory, of_column};
use crate::words::meaning;

pub(crate) fn show(facts: &Facts) -> String {
    let tuned_for = facts.strategy.as_deref();
    let tuned_for = tuned_for.map(|strategy| format!(" for {}", escaped(meaning(strategy))));
    let mut text = format!(
        "### Power tuning of {}{}\n\n**{}**\n\n",
        escaped(&facts.name),
        tuned_for.unwrap_or_default(),
        escaped(&facts.sentence)
    );
    if let Some(hint) = &facts.hint {
        let _ = writeln!(text, "{}\n", escaped(hint));
    }
    text += &table(facts);
    for row in &facts.rows {
        if let Some(reason) = row.failure() {
            let _ = writeln!(text, "- {} failed: {}", memory(row.mb), escaped(reason));
        }
    }
    if facts.rows.iter().any(|row| row.failure().is_some()) {
        text.push('\n');
    }
    for warning in &facts.warnings {
        let sizes: Vec<String> = warning.sizes.iter().map(|mb| memory(*mb)).collect();
        let sizes = match sizes.as_slice() {
            [] => String::new(),
            _ => format!(" ({})", sizes.join(", ")),
        };
        let _ = writeln!(text, "> ⚠️ {}{sizes}\n", escaped(&warning.message));
    }
    for remark in &facts.remarks {
        let _ = writeln!(text, "- **{}:** {}", remark.label, escaped(&remark.text));
    }
    if let Some(note) = &facts.note {
        let _ = writeln!(text, "- **Note:** {}", escaped(note));
    }
    if let Some(link) = facts.link.as_deref().and_then(address) {
        let _ = writeln!(text, "- [Chart]({link})");
    }
    text.push_str("\n<details><summary>How it was measured</summary>\n\n");
    for setting in &facts.settings {
        let _ = writeln!(text, "- {}: {}", setting.label, escaped(&setting.text));
    }
    text + "\n</details>\n"
}

fn table(facts: &Facts) -> String {
    if facts.measured().next().is_none() {
        let mut text = "| Memory | Result |\n| ---: | --- |\n".to_owned();
        for row in &facts.rows {
            let result = if row.failure().is_some() {
                "failed"
            } else {
                "can be called"
            };
            let _ = writeln!(text, "| {} | {result} |", memory(row.mb));
        }
        return text + "\n";
    }
    let ms_places = of_column(facts.measured().map(|(_, of)| of.ms), 0, 2);
    let cost_places = of_column(facts.measured().map(|(_, of)| of.cost * 1e6), 2, 4);
    let has_month = facts.rows.iter().any(|row| row.monthly.is_some());
    let month = |cell: String| {
        if has_month {
            format!(" {cell} |")
        } else {
            String::new()
        }
    };
    let mut text = format!(
        "| Memory | Duration | {} for 1M calls |{} |\n| ---: | ---: | ---: |{} --- |\n",
        escaped(&facts.currency),
        month(format!("{} a month", escaped(&facts.currency))),
        month("---:".to_owned())
    );
    for row in &facts.rows {
        let strong = |text: String| {
            if row.is_best() {
                format!("**{text}**")
            } else {
                text
            }
        };
        let (time, cost) = match &row.state {
            State::Measured(of) => (
                format!("{} ms", fixed(of.ms, ms_places)),
                fixed(of.cost * 1e6, cost_places),
            ),
            State::Failed(_) => ("failed".to_owned(), "–".to_owned()),
            State::Callable => ("–".to_owned(), "–".to_owned()),
        };
        let _ = writeln!(
            text,
            "| {} | {} | {} |{} {} |",
            strong(memory(row.mb)),
            strong(time),
            strong(cost),
            month(
                row.monthly
                    .map(|total| strong(fixed(total, 2)))
                    .unwrap_or_default()
            ),
            words(row, facts)
        );
    }
    text + "\n"
}

fn words(row: &Row, facts: &Facts) -> String {
    let words = [
        (row.is_best(), facts.chosen()),
        (row.current, facts.now()),
        (row.rank == Rank::AsGood, "may be as good"),
        (row.meets == Some(Meets::No), "over the limit"),
        (row.meets == Some(Meets::Unsure), "perhaps over the limit"),
    ];
    let words: Vec<&str> = words
        .into_iter()
        .filter_map(|(holds, word)| holds.then_some(word))
        .collect();
    words.join(", ")
}

/// Text that is nothing but text in Markdown, also in a table's cell.
pub(crate) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            // A name that is mentioned is told of it.
            '@' => safe.push_str("&#64;"),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '#' | '|' | '~' | '!' | '$' => {
                safe.push('\\');
                safe.push(c);
            }
            _ => safe.push(c),
        }
    }
    // A bare address becomes a link.
    safe.replace("://", ":&#47;&#47;")
        .replace("www.", "www&#46;")
}

/// An address that can stand between parentheses.
fn address(link: &str) -> Option<&str> {
    let is_web = link.starts_with("https://") || link.starts_with("http://");
    let is_plain = |c: char| {
        c.is_ascii_graphic() && !matches!(c, '(' | ')' | '<' | '>' | '"' | '\'' | '`' | '\\' | '|')
    };
    (is_web && link.chars().all(is_plain)).then_some(link)
}
