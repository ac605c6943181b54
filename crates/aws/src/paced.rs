//! A bound on how often Lambda's control plane is asked: all of an account share 15 requests a second, and other
//! people's deployments are among them.

use std::env;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use tokio::time::{Instant, sleep_until};

/// How many requests a second this function may send; the template sets it.
pub const RATE: &str = "CONTROL_PLANE_RATE";
/// Where nobody sets it: two thirds of what the account has.
const USUAL_RATE: f64 = 10.0;

/// What the environment says of the rate.
pub(crate) fn rate() -> f64 {
    let Ok(text) = env::var(RATE) else {
        return USUAL_RATE;
    };
    let rate = text.parse().ok().filter(|rate| *rate >= 1.0);
    rate.unwrap_or_else(|| {
        tracing::warn!(
            rate = text,
            "{RATE} is not a number from 1 on; {USUAL_RATE} is used"
        );
        USUAL_RATE
    })
}

/// What an account's callers may send in a second, all together.
const OF_THE_ACCOUNT: f64 = 15.0;

/// Sends requests, retries included, so many a second; after a silence some at once, but never more within a second than the
/// account may.
pub(crate) fn connector(inner: SharedHttpConnector, per_s: f64) -> SharedHttpConnector {
    SharedHttpConnector::new(Connector {
        inner,
        turns: Arc::new(Turns::new(per_s)),
    })
}

#[derive(Debug)]
struct Connector {
    inner: SharedHttpConnector,
    turns: Arc<Turns>,
}

/// Each request moves the moment at which the next one is due; it may go so much before that.
#[derive(Debug)]
struct Turns {
    between: Duration,
    early: Duration,
    due: Mutex<Option<Instant>>,
}

impl Turns {
    fn new(per_s: f64) -> Self {
        let between = Duration::from_secs_f64(1.0 / per_s);
        let at_once = (OF_THE_ACCOUNT - per_s).max(1.0);
        Self {
            between,
            early: between.mul_f64(at_once - 1.0),
            due: Mutex::default(),
        }
    }

    /// When the next request may go.
    fn take(&self) -> Instant {
        let now = Instant::now();
        let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        let this = due.map_or(now, |due| due.max(now));
        *due = Some(this + self.between);
        this.checked_sub(self.early)
            .map_or(now, |turn| turn.max(now))
    }
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (inner, turn) = (self.inner.clone(), self.turns.take());
        HttpConnectorFuture::new(async move {
            sleep_until(turn).await;
            inner.call(request).await
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Milliseconds at which requests go, of which the first `at_once` are wanted at once, and the others a second later.
    async fn turns(per_s: f64, at_once: usize, later: usize) -> Vec<u128> {
        let (turns, start) = (Turns::new(per_s), Instant::now());
        let mut all: Vec<_> = (0..at_once).map(|_| turns.take()).collect();
        tokio::time::sleep(Duration::from_secs(1)).await;
        all.extend((0..later).map(|_| turns.take()));
        let since_start = all.into_iter().map(|turn| turn - start);
        since_start.map(|turn| turn.as_millis()).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn some_go_at_once_and_the_others_at_the_rate() {
        let all = turns(5.0, 12, 3).await;
        let want = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 200, 400, 1000, 1000, 1000];
        assert_eq!(all, want);
        assert_eq!(turns(20.0, 3, 1).await, [0, 50, 100, 1000]);
    }

    #[tokio::test(start_paused = true)]
    async fn no_second_has_more_than_the_account_may() {
        for per_s in [3.0, 7.0, 8.0, 12.0, 15.0] {
            let all = turns(per_s, 40, 40).await;
            for from in &all {
                let within = all.iter().filter(|at| (*from..from + 1000).contains(at));
                let within = within.count();
                assert!(
                    within <= 15,
                    "{within} from {from} ms on, at {per_s} a second"
                );
            }
        }
    }
}
