//! How fast calls may follow each other while Lambda refuses some of them.

use std::time::Duration;

use power_tuner_core::TuneError;
use tokio::time::Instant;

/// So long may Lambda refuse every call before the size is given up.
const LONGEST_THROTTLE: Duration = Duration::from_mins(1);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How many calls may be under way: as many as wanted, until Lambda refuses some; then fewer, and more again with
/// each that succeeds.
pub(crate) struct Pace {
    most: usize,
    pub limit: usize,
    not_before: Instant,
    pause: Duration,
    last_success: Instant,
}

impl Pace {
    pub fn new(most: usize) -> Self {
        let now = Instant::now();
        Self {
            most,
            limit: most,
            not_before: now,
            pause: FIRST_PAUSE,
            last_success: now,
        }
    }

    pub fn may_start(&self) -> bool {
        Instant::now() >= self.not_before
    }

    /// Starts nothing for a while.
    pub fn rest(&mut self, pause: Duration) {
        self.not_before = self.not_before.max(Instant::now() + pause);
    }

    pub fn faster(&mut self) {
        self.limit = self.limit.saturating_add(1).min(self.most);
        self.pause = FIRST_PAUSE;
        self.last_success = Instant::now();
    }

    pub fn wait(&self) -> Duration {
        self.not_before.saturating_duration_since(Instant::now())
    }

    pub fn slower(&mut self, still_under_way: usize) -> Option<TuneError> {
        let now = Instant::now();
        self.limit = still_under_way.max(1);
        // Refusals of one moment are one reason to pause.
        if now >= self.not_before {
            self.not_before = now + self.pause;
            self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        }
        // A call under way may be a long one, and then it is what the others wait for.
        let starved = still_under_way == 0 && now - self.last_success > LONGEST_THROTTLE;
        starved.then(|| TuneError::Throttled {
            what: "the calls of this size".to_owned(),
            remedy: "set `parallelInvocation` to a smaller number, or raise the concurrency that the function and the account have",
        })
    }
}
