//! The rate of control plane requests: its limit, and the highest there was. Both are in real time, which is the one
//! that callers pace themselves in.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

const SECOND: Duration = Duration::from_secs(1);

#[derive(Default)]
pub(crate) struct Rate {
    bucket: Option<Bucket>,
    /// When the requests of the last second came.
    last_second: VecDeque<Instant>,
    peak: usize,
}

/// It holds as many tokens as come in a second, and begins full.
struct Bucket {
    per_s: f64,
    tokens: f64,
    filled: Option<Instant>,
}

impl Rate {
    pub fn limited_to(per_s: Option<u32>) -> Self {
        let bucket = per_s.map(f64::from).map(|per_s| Bucket {
            per_s,
            tokens: per_s,
            filled: None,
        });
        Self {
            bucket,
            ..Self::default()
        }
    }

    /// Counts a request, and tells whether it may pass.
    pub fn admit(&mut self, now: Instant) -> bool {
        self.last_second.push_back(now);
        while (self.last_second.front()).is_some_and(|first| now.duration_since(*first) >= SECOND) {
            self.last_second.pop_front();
        }
        self.peak = self.peak.max(self.last_second.len());
        self.bucket.as_mut().is_none_or(|bucket| bucket.take(now))
    }

    /// The most requests that came within one second, refused ones included.
    pub fn peak(&self) -> usize {
        self.peak
    }

    pub fn forget_peak(&mut self) {
        self.last_second.clear();
        self.peak = 0;
    }
}

impl Bucket {
    fn take(&mut self, now: Instant) -> bool {
        let since = now.duration_since(self.filled.unwrap_or(now));
        self.filled = Some(now);
        self.tokens = (self.tokens + since.as_secs_f64() * self.per_s).min(self.per_s);
        let passes = self.tokens >= 1.0;
        if passes {
            self.tokens -= 1.0;
        }
        passes
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::Rate;

    /// What becomes of requests that come at these milliseconds.
    fn admitted(rate: &mut Rate, at_ms: &[u64]) -> Vec<bool> {
        let start = Instant::now();
        let at = |ms: &u64| rate.admit(start + Duration::from_millis(*ms));
        at_ms.iter().map(at).collect()
    }

    #[test]
    fn a_burst_passes_and_then_a_token_for_each_part_of_a_second() {
        let mut rate = Rate::limited_to(Some(4));
        let at_ms = [0, 0, 0, 0, 0, 125, 250, 375, 499, 500];
        let want = [
            true, true, true, true, false, false, true, false, false, true,
        ];
        assert_eq!(admitted(&mut rate, &at_ms), want);
    }

    #[test]
    fn no_more_is_saved_up_than_comes_in_a_second() {
        let mut rate = Rate::limited_to(Some(2));
        let want = [true, true, true, false];
        assert_eq!(admitted(&mut rate, &[0, 60_000, 60_000, 60_000]), want);
    }

    #[test]
    fn the_peak_is_that_of_any_second_and_has_refused_requests() {
        let mut rate = Rate::limited_to(Some(1));
        admitted(&mut rate, &[0, 900, 950, 1000, 1899, 1900, 4000]);
        assert_eq!(rate.peak(), 4);
        rate.forget_peak();
        admitted(&mut rate, &[0]);
        assert_eq!(rate.peak(), 1);
    }

    #[test]
    fn without_a_limit_everything_passes() {
        let mut rate = Rate::limited_to(None);
        assert_eq!(admitted(&mut rate, &[0; 100]), [true; 100]);
        assert_eq!(rate.peak(), 100);
    }
}
