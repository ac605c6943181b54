//! How long an invocation may still work.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lambda_runtime::Context;
use tokio::time::Instant;

/// The moment at which Lambda stops this invocation.
#[derive(Clone, Copy, Debug)]
pub struct Deadline {
    ends: Instant,
    /// The same moment by the clock that everybody shares.
    ends_unix: Duration,
}

impl Deadline {
    #[must_use]
    pub fn of(context: &Context) -> Self {
        Self::after(
            context
                .deadline()
                .duration_since(SystemTime::now())
                .unwrap_or_default(),
        )
    }

    #[must_use]
    pub fn after(left: Duration) -> Self {
        let now_unix = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Self {
            ends: Instant::now() + left,
            ends_unix: now_unix + left,
        }
    }

    /// Zero when it has passed.
    #[must_use]
    pub fn left(&self) -> Duration {
        self.ends.saturating_duration_since(Instant::now())
    }

    /// In milliseconds since 1970.
    #[must_use]
    pub fn unix_ms(&self) -> u64 {
        in_ms(self.ends_unix)
    }

    /// Now, in milliseconds since 1970.
    #[must_use]
    pub fn now_unix_ms(&self) -> u64 {
        let passed = Instant::now().saturating_duration_since(self.ends);
        in_ms((self.ends_unix + passed).saturating_sub(self.left()))
    }
}

fn in_ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_clocks_go_on_before_and_after_it() {
        let begin = Deadline::after(Duration::from_secs(2));
        for passed_ms in [0, 1_500, 3_000] {
            let passed = Duration::from_millis(passed_ms);
            let later = Deadline {
                ends: begin.ends.checked_sub(passed).expect("some uptime"),
                ..begin
            };
            // The test itself takes a moment.
            let left = Duration::from_secs(2).saturating_sub(passed);
            assert!(left.saturating_sub(later.left()) < Duration::from_millis(500));
            let now = begin.unix_ms() - 2_000 + passed_ms;
            assert!((now..now + 500).contains(&later.now_unix_ms()));
        }
    }
}
