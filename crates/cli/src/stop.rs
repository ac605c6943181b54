//! What may end the waiting before its time: a person, or the time that was given.

use std::future::{Future, pending};
use std::io;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// Ctrl-C, or a polite kill, as pipelines send it.
    Interrupted,
    /// What `--timeout` says is over.
    TimedOut,
}

/// Listens from its making on, so that nothing is missed between two waits.
pub struct Stop {
    signals: Signals,
    deadline: Option<Instant>,
}

impl Stop {
    /// # Errors
    ///
    /// This process cannot listen for signals.
    pub fn new(timeout: Option<Duration>) -> io::Result<Self> {
        Ok(Self {
            signals: Signals::new()?,
            deadline: timeout.and_then(|timeout| Instant::now().checked_add(timeout)),
        })
    }

    /// What is left of a tuning is not waited for without an end.
    pub fn within(&mut self, longest: Duration) {
        self.deadline = Instant::now().checked_add(longest);
    }

    /// Waits for one or the other.
    pub async fn why(&mut self) -> Why {
        let deadline = async {
            match self.deadline {
                Some(deadline) => sleep_until(deadline).await,
                None => pending().await,
            }
        };
        tokio::select! {
            () = self.signals.next() => Why::Interrupted,
            () = deadline => Why::TimedOut,
        }
    }

    /// Does the work unless it is stopped.
    pub async fn unless<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Why> {
        tokio::select! {
            biased;
            why = self.why() => Err(why),
            done = work => Ok(done),
        }
    }
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    #[expect(
        clippy::unnecessary_wraps,
        reason = "where there are signals, it may fail"
    )]
    fn new() -> io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            pending().await
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_ends_in_time_or_not_at_all() {
        let mut stop = Stop::new(Some(Duration::from_millis(20))).expect("signals");
        assert_eq!(stop.unless(async { 7 }).await, Ok(7));
        assert_eq!(stop.unless(pending::<()>()).await, Err(Why::TimedOut));
        assert_eq!(
            stop.unless(async { 7 }).await,
            Err(Why::TimedOut),
            "it stays over"
        );
        let mut stop = Stop::new(None).expect("signals");
        stop.within(Duration::from_millis(1));
        assert_eq!(stop.unless(pending::<()>()).await, Err(Why::TimedOut));
    }
}
