//! Virtual time: what the simulated service lives in, and how much of it really passes.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// Virtual milliseconds since the simulator started.
pub(crate) type Millis = f64;

pub(crate) struct Clock {
    started: Instant,
    started_unix_ms: u64,
    scale: f64,
}

impl Clock {
    /// `scale` is the real time that one unit of virtual time takes: 1 is real time, 0.01 is a hundred times faster
    /// and 0 does not wait at all.
    pub fn new(scale: f64) -> Self {
        let since_epoch = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Self {
            started: Instant::now(),
            started_unix_ms: u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX),
            scale,
        }
    }

    /// Whether nothing ever waits, so that time cannot be what ends a change.
    pub fn never_waits(&self) -> bool {
        self.scale == 0.0
    }

    pub fn now(&self) -> Millis {
        let real_ms = self.started.elapsed().as_secs_f64() * 1000.0;
        if self.never_waits() {
            real_ms
        } else {
            real_ms / self.scale
        }
    }

    pub async fn sleep(&self, virtual_ms: Millis) {
        if self.never_waits() {
            tokio::task::yield_now().await;
        } else {
            tokio::time::sleep(Duration::from_secs_f64(
                virtual_ms.max(0.0) * self.scale / 1000.0,
            ))
            .await;
        }
    }

    /// `2025-01-01T00:00:00.000+0000`, the form of `LastModified`.
    pub fn last_modified(&self) -> String {
        format!("{}+0000", self.date_time())
    }

    /// `2025-01-01T00:00:00.000Z`, the form of log lines.
    pub fn timestamp(&self) -> String {
        format!("{}Z", self.date_time())
    }

    /// `Wed, 01 Jan 2025 00:00:00 GMT`, the form of HTTP's headers.
    pub fn http_date(&self) -> String {
        format_http_date(self.unix_ms() / 1000)
    }

    fn date_time(&self) -> String {
        format_date_time(self.unix_ms())
    }

    fn unix_ms(&self) -> u64 {
        let elapsed = Duration::from_secs_f64(self.now() / 1000.0);
        self.started_unix_ms + u64::try_from(elapsed.as_millis()).unwrap_or_default()
    }
}

fn format_http_date(unix_s: u64) -> String {
    // 1970-01-01 was a Thursday.
    let weekdays = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let (days, second_of_day) = (unix_s / 86_400, unix_s % 86_400);
    let (year, month, day) = civil_date(days);
    let (hour, minute, second) = clock_time(second_of_day);
    let name = |names: &[&'static str], index: u64| usize::try_from(index).map_or("", |i| names[i]);
    let (weekday, month) = (name(&weekdays, days % 7), name(&months, month - 1));
    format!("{weekday}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT")
}

fn format_date_time(unix_ms: u64) -> String {
    let (seconds, ms) = (unix_ms / 1000, unix_ms % 1000);
    let (days, second_of_day) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil_date(days);
    let (hour, minute, second) = clock_time(second_of_day);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}")
}

fn clock_time(second_of_day: u64) -> (u64, u64, u64) {
    (
        second_of_day / 3600,
        second_of_day / 60 % 60,
        second_of_day % 60,
    )
}

/// Year, month and day of a number of days since 1970-01-01 (Howard Hinnant's `civil_from_days`, for dates after it).
fn civil_date(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468; // Days since 0000-03-01, so that a leap day is the last day of its year.
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::{format_date_time, format_http_date};

    #[test]
    fn a_unix_time_becomes_a_utc_date() {
        let cases = [
            (0, "1970-01-01T00:00:00.000"),
            (951_782_400_000, "2000-02-29T00:00:00.000"),
            (1_735_689_599_999, "2024-12-31T23:59:59.999"),
            (1_735_689_600_000, "2025-01-01T00:00:00.000"),
        ];
        for (unix_ms, want) in cases {
            assert_eq!(format_date_time(unix_ms), want);
        }
    }

    #[test]
    fn a_unix_time_becomes_a_date_of_http() {
        let cases = [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (1_445_412_480, "Wed, 21 Oct 2015 07:28:00 GMT"),
            (1_735_689_599, "Tue, 31 Dec 2024 23:59:59 GMT"),
        ];
        for (unix_s, want) in cases {
            assert_eq!(format_http_date(unix_s), want);
        }
    }
}
