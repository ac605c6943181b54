//! What is said on the way, on standard error: lines, or a picture that is drawn over itself in a terminal.

use std::env;
use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use terminal_size::{Height, Width, terminal_size_of};

use crate::arguments::Global;
use crate::progress::{End, Progress, Size, money};

pub struct Display {
    how: How,
    begun: Instant,
    /// How long each line of the picture is that is on the screen.
    drawn: Vec<usize>,
    /// What the last line said, and when.
    said: Option<(Vec<String>, Instant)>,
    verbose: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    Silent,
    Lines,
    Live,
}

/// A log without a word for so long looks as if nothing went on.
const LONGEST_SILENCE: Duration = Duration::from_secs(30);
/// A bar of samples, in characters.
const BAR: usize = 20;

impl Display {
    pub fn new(global: &Global) -> Self {
        Self::since(Duration::ZERO, global)
    }

    /// Of something that has gone on for a while.
    pub fn since(age: Duration, global: &Global) -> Self {
        let now = Instant::now();
        let is_terminal = io::stderr().is_terminal();
        Self {
            how: how(
                global.quiet,
                is_terminal && env::var_os("TERM").is_none_or(|term| term != "dumb"),
                env::var_os("CI").is_some_and(|ci| !ci.is_empty()),
            ),
            begun: now.checked_sub(age).unwrap_or(now),
            drawn: Vec::new(),
            said: None,
            verbose: global.verbose,
        }
    }

    /// A word in between, which stays.
    pub fn say(&mut self, words: &str) {
        if self.how != How::Silent {
            self.clear();
            print(&format!("{words}\n"));
        }
    }

    /// The same, for those who asked for more.
    pub fn detail(&mut self, words: &str) {
        if self.verbose {
            self.say(words);
        }
    }

    /// How far it is. A picture moves on even where nothing is new.
    pub fn show(&mut self, progress: &Progress) {
        match self.how {
            How::Silent => {}
            How::Live => {
                let (width, height) = terminal();
                let picture = picture(progress, self.begun.elapsed(), width, height);
                let text = redrawn(rows(&self.drawn, width), &picture);
                self.drawn = picture.iter().map(|line| line.chars().count()).collect();
                print(&text);
            }
            How::Lines => self.say_if_new(progress),
        }
    }

    fn say_if_new(&mut self, progress: &Progress) {
        let (ended, sizes) = progress.ended();
        let now = vec![progress.step().to_owned(), format!("{ended} of {sizes}")];
        let is_known = self
            .said
            .as_ref()
            .is_some_and(|(said, when)| *said == now && when.elapsed() < LONGEST_SILENCE);
        if !is_known {
            self.said = Some((now, Instant::now()));
            print(&format!(
                "{:>7}  {}\n",
                time(self.begun.elapsed()),
                progress.line()
            ));
        }
    }

    /// Takes the picture away.
    pub fn clear(&mut self) {
        if !self.drawn.is_empty() {
            let (width, _) = terminal();
            print(&redrawn(rows(&self.drawn, width), &[]));
            self.drawn.clear();
        }
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        self.clear();
    }
}

fn how(is_quiet: bool, is_terminal: bool, is_ci: bool) -> How {
    match (is_quiet, is_terminal && !is_ci) {
        (true, _) => How::Silent,
        (false, true) => How::Live,
        (false, false) => How::Lines,
    }
}

/// Whoever does not listen to standard error any more misses nothing that is needed.
fn print(text: &str) {
    let mut stderr = io::stderr().lock();
    let _ = stderr
        .write_all(text.as_bytes())
        .and_then(|()| stderr.flush());
}

/// Of the terminal that is drawn on.
fn terminal() -> (usize, usize) {
    let (Width(columns), Height(rows)) =
        terminal_size_of(io::stderr()).unwrap_or((Width(80), Height(24)));
    (columns.max(1).into(), rows.max(1).into())
}

/// How many rows lines of that length take: a terminal that has become narrower has wrapped them.
fn rows(lengths: &[usize], width: usize) -> usize {
    let rows = |length: &usize| length.div_ceil(width).max(1);
    lengths.iter().map(rows).sum()
}

/// Goes back over the rows of what was drawn, and leaves nothing of it. Line by line, for there are terminals that keep what is
/// wiped off a whole screen, and so would pile up pictures in what can be scrolled back to.
fn redrawn(rows: usize, picture: &[String]) -> String {
    let mut text = String::new();
    if rows > 0 {
        let _ = write!(text, "\x1b[{rows}A\r");
    }
    for line in picture {
        let _ = writeln!(text, "{line}\x1b[K");
    }
    if rows > 0 {
        text.push_str("\x1b[J");
    }
    text
}

/// A line for all, and one for each size where there is room for them.
fn picture(progress: &Progress, elapsed: Duration, width: usize, height: usize) -> Vec<String> {
    // A line that wraps would be two, and one of them would stay.
    let room = width.saturating_sub(1);
    let head = format!("{} {}  ", turning(elapsed), time(elapsed));
    let words = progress.line_within(room.saturating_sub(head.chars().count()));
    let mut lines = vec![cut(format!("{head}{words}"), room)];
    let (_, sizes) = progress.ended();
    // The last row is the prompt's.
    if sizes + 2 <= height {
        lines.extend(progress.sizes().map(|(memory, size)| {
            let memory = format!("  {:>8}  ", memory.to_string());
            let words = line_of(size, room.saturating_sub(memory.chars().count()));
            cut(format!("{memory}{words}"), room)
        }));
    }
    lines
}

/// What becomes of a size; without what matters less, where there is no room for all.
fn line_of(size: &Size, room: usize) -> String {
    let Size {
        wanted,
        samples,
        average_ms,
        end,
        ..
    } = size;
    if let Some(End::Failed(error)) = end {
        return format!("failed: {error}");
    }
    let bar = bar(*samples, if end.is_some() { *samples } else { *wanted });
    let (count, least) = match average_ms {
        Some(ms) => {
            let ms = format!("{} ms", number(*ms));
            (format!("{samples} samples, {ms}"), ms)
        }
        None => (
            format!("{samples} of {wanted} samples"),
            format!("{samples} of {wanted}"),
        ),
    };
    let fits = |line: &String| line.chars().count() <= room;
    let mut lines = [format!("{bar} {count}"), count].into_iter();
    lines.find(fits).unwrap_or(least)
}

/// What is left where there is no room for the least.
fn cut(line: String, room: usize) -> String {
    if line.chars().count() <= room {
        return line;
    }
    let mut short: String = line.chars().take(room.saturating_sub(1)).collect();
    if room > 0 {
        short.push('…');
    }
    short
}

fn bar(part: u64, whole: u64) -> String {
    let filled = (part * BAR as u64).checked_div(whole).unwrap_or_default();
    let filled = usize::try_from(filled).map_or(BAR, |filled| filled.min(BAR));
    format!("{}{}", "█".repeat(filled), "░".repeat(BAR - filled))
}

fn number(ms: f64) -> String {
    if ms < 100.0 {
        money(ms)
    } else {
        format!("{ms:.0}")
    }
}

fn turning(elapsed: Duration) -> char {
    const FRAMES: [char; 10] = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
    let frame = elapsed.as_millis() / TURN.as_millis();
    FRAMES[usize::try_from(frame % 10).unwrap_or_default()]
}

/// How often a picture moves on.
pub const TURN: Duration = Duration::from_millis(120);

/// `0:07`, `12:30`, `1:02:03`
pub fn time(elapsed: Duration) -> String {
    let seconds = elapsed.as_secs();
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes}:{seconds:02}")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert, proptest};
    use serde_json::json;

    use super::*;
    use crate::progress::{Event, What};

    fn measuring(sizes: u32) -> Progress {
        let branches: Vec<_> = (0..sizes)
            .map(|n| json!({"memory": 128 + n, "wanted": 50, "progress": {"samples": {"durationMs": vec![1.0; n as usize % 50]}}}))
            .collect();
        let input = json!({"round": {"number": 1, "sizes": branches}});
        let mut progress = Progress::default();
        progress.add(&[Event {
            id: 1,
            what: What::Entered {
                state: "Measure".to_owned(),
                input: input.to_string(),
            },
        }]);
        progress
    }

    #[test]
    fn a_terminal_gets_a_picture_and_a_log_gets_lines() {
        let cases = [
            ((false, true, false), How::Live),
            ((false, true, true), How::Lines),
            ((false, false, false), How::Lines),
            ((true, true, false), How::Silent),
        ];
        for ((quiet, terminal, ci), want) in cases {
            assert_eq!(how(quiet, terminal, ci), want);
        }
    }

    #[test]
    fn a_picture_has_a_line_for_each_size() {
        let lines = picture(&measuring(2), Duration::from_secs(67), 80, 24);
        let wanted = [
            "⠇ 1:07  measuring, 0 of 2 sizes, 1 of 100 samples",
            "    128 MB  ░░░░░░░░░░░░░░░░░░░░ 0 of 50 samples",
            "    129 MB  ░░░░░░░░░░░░░░░░░░░░ 1 of 50 samples",
        ];
        assert_eq!(lines, wanted);
        let [a, b] = ["a".to_owned(), "b".to_owned()];
        let first = redrawn(0, std::slice::from_ref(&a));
        assert_eq!(first, "a\u{1b}[K\n");
        let longer = redrawn(1, &[a.clone(), b]);
        assert_eq!(longer, "\u{1b}[1A\ra\u{1b}[K\nb\u{1b}[K\n\u{1b}[J");
        let shorter = redrawn(3, &[a]);
        assert_eq!(shorter, "\u{1b}[3A\ra\u{1b}[K\n\u{1b}[J");
        assert_eq!(redrawn(2, &[]), "\u{1b}[2A\r\u{1b}[J");
    }

    #[test]
    fn a_picture_that_a_narrower_terminal_has_wrapped_is_drawn_over_whole() {
        for (width, want) in [(80, 3), (50, 3), (49, 4), (25, 5), (10, 9)] {
            assert_eq!(rows(&[50, 30, 0], width), want, "{width}");
        }
    }

    #[test]
    fn a_narrow_terminal_leaves_parts_out_whole() {
        let lines = picture(&measuring(2), Duration::from_secs(67), 40, 24);
        let wanted = [
            "⠇ 1:07  measuring, 1 of 100 samples",
            "    128 MB  0 of 50 samples",
            "    129 MB  1 of 50 samples",
        ];
        assert_eq!(lines, wanted);
        let ends = [
            json!({"memory": 128, "progress": {"summary": {"samples": 48, "averageDurationMs": 135.44}}}),
            json!({"memory": 129, "progress": {"failure": {"error": "x".repeat(50)}}}),
        ];
        let mut progress = measuring(2);
        for (id, end) in (2..).zip(ends) {
            progress.add(&[Event {
                id,
                what: What::Exited {
                    state: "Executor".to_owned(),
                    output: end.to_string(),
                },
            }]);
        }
        let shown = |width| picture(&progress, Duration::from_secs(67), width, 24);
        assert_eq!(shown(40)[1], "    128 MB  48 samples, 135 ms");
        assert_eq!(shown(30)[1], "    128 MB  135 ms");
        assert_eq!(shown(30)[2], "    129 MB  failed: xxxxxxxx…");
        assert_eq!(cut("abcdef".to_owned(), 4), "abc…");
    }

    #[test]
    fn times_are_short() {
        let cases = [(7, "0:07"), (750, "12:30"), (3_723, "1:02:03")];
        for (seconds, want) in cases {
            assert_eq!(time(Duration::from_secs(seconds)), want);
        }
    }

    proptest! {
        /// What wraps, or scrolls, cannot be drawn over.
        #[test]
        fn a_picture_fits_its_terminal(sizes in 0_u32..220, width in 1_usize..200, height in 2_usize..60, s in 0_u64..100_000) {
            let lines = picture(&measuring(sizes), Duration::from_secs(s), width, height);
            prop_assert!(lines.len() < height.max(2));
            prop_assert!(lines.iter().all(|line| line.chars().count() < width.max(2)));
        }
    }
}
