//! Waiting for AWS to finish something: short pauses at first, longer ones later.

use std::time::Duration;

use tokio::time::{Instant, sleep};

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

/// Updates of one function take about as long as each other: who looks sooner asks the control plane in vain, and who looks
/// later lets the callers of `$LATEST` wait.
#[derive(Debug, Default)]
pub(crate) struct Updates {
    began: Option<Instant>,
    /// Before the first look: what is known to be enough, or a little less, to learn whether that is, too.
    pause: Duration,
    /// The shortest after which an update was over.
    enough: Option<Duration>,
    /// A shorter one was not.
    is_shortest: bool,
}

impl Updates {
    /// An update was asked for: waits until it is worth a look.
    pub async fn begin(&mut self) {
        self.began = Some(Instant::now());
        sleep(self.pause).await;
    }

    /// It is over, as the last one of so many looks has shown.
    pub fn end(&mut self, looks: u32) {
        let Some(began) = self.began.take() else {
            return;
        };
        match self.enough {
            None => self.enough = Some(began.elapsed()),
            Some(_) if looks == 1 => self.enough = Some(self.pause),
            Some(_) => self.is_shortest = true,
        }
        let enough = self.enough.unwrap_or_default();
        self.pause = if self.is_shortest {
            enough
        } else {
            enough * 4 / 5
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pauses before the first looks at updates that each take so long.
    async fn pauses(takes: Duration, updates: usize) -> Vec<u128> {
        let mut known = Updates::default();
        let mut pauses = Vec::new();
        for _ in 0..updates {
            let asked = Instant::now();
            known.begin().await;
            pauses.push(asked.elapsed().as_millis());
            let mut others = Pauses::new();
            let mut looks = 1;
            while asked.elapsed() < takes {
                others.pause().await;
                looks += 1;
            }
            known.end(looks);
        }
        pauses
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_look_comes_when_an_update_is_just_over() {
        // Seen at 0, 50, 150, 350 and 750 ms; then four fifths as often as that is enough.
        let of_650 = pauses(Duration::from_millis(650), 6).await;
        assert_eq!(of_650, [0, 600, 750, 750, 750, 750]);
        let of_550 = pauses(Duration::from_millis(550), 6).await;
        assert_eq!(of_550, [0, 600, 480, 600, 600, 600]);
        let at_once = pauses(Duration::ZERO, 3).await;
        assert_eq!(at_once, [0, 0, 0]);
    }
}
