//! How fast calls may follow each other while Lambda refuses some of them.

use std::time::Duration;

use power_tuner_core::TuneError;
use tokio::time::Instant;

/// So long may Lambda refuse every call before the size is given up, and some calls longer: others may hold what there is
/// for so many. But no longer than a batch can see.
const LONGEST_THROTTLE: Duration = Duration::from_mins(1);
const CALLS_OF_OTHERS: u32 = 4;
const LONGEST_PATIENCE: Duration = Duration::from_mins(10);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How many calls may be under way: as many as wanted, until Lambda refuses some. Then fewer, so that others get their
/// turn, and slowly more again.
pub(crate) struct Pace {
    most: usize,
    pub limit: usize,
    not_before: Instant,
    pause: Duration,
    patience: Duration,
    last_success: Instant,
    /// Since there may be so many.
    successes: usize,
}

impl Pace {
    /// For calls of which one takes so long at the most.
    pub fn new(most: usize, longest_call: Duration) -> Self {
        let now = Instant::now();
        Self {
            most,
            limit: most,
            not_before: now,
            pause: FIRST_PAUSE,
            patience: (LONGEST_THROTTLE + longest_call * CALLS_OF_OTHERS).min(LONGEST_PATIENCE),
            last_success: now,
            successes: 0,
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
        self.successes += 1;
        if self.successes >= self.limit {
            self.successes = 0;
            self.limit = self.limit.saturating_add(1).min(self.most);
        }
        self.pause = FIRST_PAUSE;
        self.last_success = Instant::now();
    }

    pub fn wait(&self) -> Duration {
        self.not_before.saturating_duration_since(Instant::now())
    }

    pub fn slower(&mut self, still_under_way: usize) -> Option<TuneError> {
        let now = Instant::now();
        let mut fit = still_under_way;
        // Refusals of one moment are one reason to pause, and to leave some to others.
        if now >= self.not_before {
            fit -= fit.div_ceil(4);
            self.not_before = now + self.pause;
            self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        }
        self.limit = self.limit.min(fit).max(1);
        self.successes = 0;
        // A call under way may be a long one, and then it is what the others wait for.
        let starved = still_under_way == 0 && now - self.last_success > self.patience;
        starved.then(|| TuneError::Throttled {
            what: "the calls of this size".to_owned(),
            remedy: "set `parallelInvocation` to a smaller number, or raise the concurrency that the function and the account have",
        })
    }
}
