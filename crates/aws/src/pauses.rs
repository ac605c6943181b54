//! Waiting for AWS to finish something: short pauses at first, longer ones later.

use std::time::Duration;

use tokio::time::sleep;

/// Pauses that double, up to a bound.
pub(crate) struct Pauses {
    next: Duration,
    longest: Duration,
}

impl Pauses {
    const FIRST: Duration = Duration::from_millis(50);
    const LONGEST: Duration = Duration::from_secs(1);

    pub fn new() -> Self {
        Self::up_to(Self::LONGEST)
    }

    pub fn up_to(longest: Duration) -> Self {
        Self {
            next: Self::FIRST,
            longest,
        }
    }

    pub async fn pause(&mut self) {
        sleep(self.next).await;
        self.next = (self.next * 2).min(self.longest);
    }
}
