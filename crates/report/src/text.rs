//! Somebody's text, where it must not be more than text.

/// On one line, without what steers a terminal or turns the direction of writing.
pub(crate) fn plain(text: &str) -> String {
    let shown: String = text
        .chars()
        .map(|c| if c.is_control() || steers(c) { ' ' } else { c })
        .collect();
    shown.split_whitespace().collect::<Vec<_>>().join(" ")
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
    }
}
