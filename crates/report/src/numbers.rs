//! Numbers as people read them. Rounding happens here and nowhere else.

const MINUS: &str = "−";

/// With thousands apart and so many decimals.
pub(crate) fn fixed(value: f64, decimals: usize) -> String {
    let text = format!("{:.decimals$}", value.abs());
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let mut grouped = String::new();
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let is_zero = text.chars().all(|digit| matches!(digit, '0' | '.'));
    let sign = if value < 0.0 && !is_zero { MINUS } else { "" };
    if fraction.is_empty() {
        format!("{sign}{grouped}")
    } else {
        format!("{sign}{grouped}.{fraction}")
    }
}

pub(crate) fn whole(value: impl Into<u64>) -> String {
    let digits = value.into().to_string();
    let parts: Vec<&str> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .filter_map(|part| str::from_utf8(part).ok())
        .collect();
    parts.join(",")
}

/// As many decimals as show so many digits of the value.
fn decimals(value: f64, digits: i32) -> usize {
    if value.abs() < f64::MIN_POSITIVE {
        return 0;
    }
    #[expect(clippy::cast_possible_truncation, reason = "between -308 and 308")]
    let magnitude = value.abs().log10().floor() as i32;
    usize::try_from(digits - 1 - magnitude).unwrap_or(0).min(18)
}

/// For programs: nine digits, without separators.
pub(crate) fn plain(value: f64) -> String {
    let text = format!("{:.*}", decimals(value, 9), value);
    match text.split_once('.') {
        Some(_) => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        None => text,
    }
}

/// The decimals that all numbers of a column have: three digits of the smallest, within bounds.
pub(crate) fn of_column(values: impl Iterator<Item = f64>, least: usize, most: usize) -> usize {
    let smallest = values
        .filter(|value| *value > 0.0)
        .fold(f64::INFINITY, f64::min);
    if smallest.is_finite() {
        decimals(smallest, 3).clamp(least, most)
    } else {
        least
    }
}

/// `391 ms`, `1.23 s`.
pub(crate) fn duration(ms: f64) -> String {
    if ms >= 1000.0 {
        let seconds = ms / 1000.0;
        format!("{} s", fixed(seconds, decimals(seconds, 3)))
    } else {
        format!("{} ms", fixed(ms, decimals(ms, 3)))
    }
}

/// As it was asked for: `300 ms`, `1,500 ms`.
pub(crate) fn asked(ms: f64) -> String {
    let text = fixed(ms, 3);
    format!("{} ms", text.trim_end_matches('0').trim_end_matches('.'))
}

/// `12.30 USD`, `0.000123 USD`.
pub(crate) fn money(amount: f64, currency: &str) -> String {
    let places = if amount.abs() >= 1000.0 {
        0
    } else {
        decimals(amount, 3).max(2)
    };
    format!("{} {currency}", fixed(amount, places))
}

/// `12 %`, `4.5 %`, without a sign. 100 % is all of it, and nothing less.
pub(crate) fn percent(value: f64) -> String {
    let value = value.abs();
    if (99.5..100.0).contains(&value) {
        return format!("{:.1} %", value.min(99.9));
    }
    let places = usize::from(value < 9.95);
    let text = fixed(value, places);
    format!("{} %", text.strip_suffix(".0").unwrap_or(&text))
}

/// `+12 %`, `−4.5 %`, `0 %`.
pub(crate) fn change(percent_more: f64) -> String {
    let text = percent(percent_more);
    match text.as_str() {
        "0 %" => text,
        _ if percent_more > 0.0 => format!("+{text}"),
        _ => format!("{MINUS}{text}"),
    }
}

/// As it is written in an input: it is a name more than a number.
pub(crate) fn memory(mb: u32) -> String {
    format!("{mb} MB")
}

/// `1 size`, `2 sizes`.
pub(crate) fn count(number: usize, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}

/// `a`, `a and b`, `a, b and c`.
pub(crate) fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [all @ .., last] => format!("{} and {last}", all.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well_at_any_magnitude() {
        let durations = [
            (0.0, "0 ms"),
            (0.8123, "0.812 ms"),
            (12.345, "12.3 ms"),
            (391.24, "391 ms"),
            (12_345.0, "12.3 s"),
            (840_000.0, "840 s"),
        ];
        for (ms, want) in durations {
            assert_eq!(duration(ms), want);
        }
        let limits = [
            (20.0, "20 ms"),
            (1500.0, "1,500 ms"),
            (0.25, "0.25 ms"),
            (300.0, "300 ms"),
        ];
        for (ms, want) in limits {
            assert_eq!(asked(ms), want);
        }
        let amounts = [
            (0.0, "0.00 USD"),
            (0.000_123_4, "0.000123 USD"),
            (12.3, "12.30 USD"),
            (-4.5, "−4.50 USD"),
            (12_345.6, "12,346 USD"),
            (-0.0, "0.00 USD"),
        ];
        for (amount, want) in amounts {
            assert_eq!(money(amount, "USD"), want);
        }
        let changes = [
            (0.0, "0 %"),
            (-0.04, "0 %"),
            (4.51, "+4.5 %"),
            (-12.4, "−12 %"),
            (-99.97, "−99.9 %"),
            (100.0, "+100 %"),
            (1234.0, "+1,234 %"),
            (9.96, "+10 %"),
        ];
        for (by, want) in changes {
            assert_eq!(change(by), want);
        }
        let for_programs = [
            (1234.5, "1234.5"),
            (0.000_001_843_342_55, "0.00000184334255"),
            (100.0, "100"),
            (0.0, "0"),
            (1e-300, "0"),
            (551.785_555_555_555_3, "551.785556"),
        ];
        for (value, want) in for_programs {
            assert_eq!(plain(value), want);
        }
        assert_eq!(whole(1_234_567_u64), "1,234,567");
        assert_eq!(whole(128_u32), "128");
    }

    #[test]
    fn a_column_shows_the_smallest_number_well() {
        assert_eq!(of_column([39.2, 1234.0].into_iter(), 0, 2), 1);
        assert_eq!(of_column([0.02, 13.0].into_iter(), 2, 4), 4);
        assert_eq!(of_column([0.0].into_iter(), 2, 4), 2);
    }
}
