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
        Self::at(now_unix, left)
    }

    /// The same where the clock that everybody shares shows so much since 1970.
    #[must_use]
    pub fn at(now_unix: Duration, left: Duration) -> Self {
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

    /// The same, or sooner: after so long.
    #[must_use]
    pub fn within(self, longest: Duration) -> Self {
        let cut = self.left().saturating_sub(longest);
        Self {
            ends: self.ends - cut,
            ends_unix: self.ends_unix.saturating_sub(cut),
        }
    }

    /// In whole seconds since 1970.
    #[must_use]
    pub fn unix_s(&self) -> u64 {
        self.ends_unix.as_secs()
    }

    /// Now, in whole seconds since 1970.
    #[must_use]
    pub fn now_unix_s(&self) -> u64 {
        let passed = Instant::now().saturating_duration_since(self.ends);
        (self.ends_unix + passed)
            .saturating_sub(self.left())
            .as_secs()
    }
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
            let now = begin.ends_unix + passed;
            let shown = Duration::from_secs(later.now_unix_s() + 2);
            assert!(shown <= now + Duration::from_millis(500));
            assert!(now < shown + Duration::from_millis(1_500));
        }
    }

    #[test]
    fn a_sooner_end_is_sooner_by_both_clocks() {
        let begin = Deadline::after(Duration::from_mins(15));
        let sooner = begin.within(Duration::from_secs(100));
        assert!(sooner.left() <= Duration::from_secs(100));
        assert!((799..=801).contains(&(begin.unix_s() - sooner.unix_s())));
        let same = sooner.within(Duration::from_secs(500));
        assert_eq!(same.unix_s(), sooner.unix_s());
    }
}
