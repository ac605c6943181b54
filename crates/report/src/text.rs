//! Somebody's text, where it must not be more than text.

/// On one line, without what steers a terminal or turns the direction of writing.
#[must_use]
pub fn plain(text: &str) -> String {
    on_its_lines(text)
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

/// The same with the lines and the blanks that it has.
#[must_use]
pub fn on_its_lines(text: &str) -> String {
    let is_shown = |c: char| c == '\n' || !(c.is_control() || steers(c));
    text.chars()
        .map(|c| if is_shown(c) { c } else { ' ' })
        .collect()
}

/// A blank at which no line ends.
pub(crate) const FAST: &str = "\u{a0}";
const UNITS: [&str; 4] = ["%", "MB", "ms", "USD"];

/// Each number stays with its unit.
pub(crate) fn kept_together(text: &str) -> String {
    UNITS.iter().fold(text.to_owned(), |text, unit| {
        text.replace(&format!(" {unit}"), &format!("{FAST}{unit}"))
    })
}

/// How wide a text is at the most, in the height of its letters: as in `DejaVu Sans`, the widest of the fonts that a page may get.
pub(crate) fn ems(text: &str) -> f64 {
    let letter = |c: char| match c {
        'i' | 'j' | 'l' | 'I' | 'J' | '\'' => 0.3,
        ' ' | ',' | '.' | ':' | ';' | 'f' | '-' | '/' | '|' | '\u{a0}' => 0.36,
        'r' | 't' | '(' | ')' | '!' => 0.42,
        'm' | 'w' | 'M' | 'W' | '%' => 1.0,
        'a'..='z' | '0'..='9' | '–' => 0.64,
        'A'..='Z' => 0.79,
        _ => 1.0,
    };
    text.chars().map(letter).sum()
}

/// Marks of direction, and separators of lines that are no control characters.
fn steers(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_steers_a_terminal() {
        assert_eq!(
            plain("a\u{1b}[31mb\r\nc\t d\u{202e}e\u{7}"),
            "a [31mb c d e"
        );
        let cause = "died:\n  \u{1b}[2J\u{9b}31mred\r\u{7}\tend\u{202e}";
        assert_eq!(on_its_lines(cause), "died:\n   [2J 31mred   end ");
    }
}
