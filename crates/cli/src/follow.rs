//! Following an execution to its end.

use std::time::{Duration, Instant};

use crate::aws::{Aws, Execution, Status};
use crate::display::{Display, TURN};
use crate::end::Error;
use crate::progress::{Event, Progress};
use crate::stop::{Stop, Why};

/// How the following ended.
pub enum Followed {
    Ended(Execution),
    /// The execution goes on.
    Stopped(Why),
}

/// So many looks in a row may fail: a laptop that sleeps, a network that comes back.
const MOST_FAILURES: u32 = 5;

/// # Errors
///
/// Step Functions cannot be asked any more; the execution goes on.
pub async fn follow(
    aws: &Aws,
    execution: &str,
    display: &mut Display,
    stop: &mut Stop,
) -> Result<Followed, Error> {
    let begun = Instant::now();
    let mut progress = Progress::default();
    let mut failures = 0;
    let mut tries = MOST_FAILURES;
    loop {
        let look = look(aws, execution, &mut tries, progress.seen());
        match moving(look, &progress, display, stop).await {
            Err(why) => return Ok(Followed::Stopped(why)),
            Ok(Ok((ended, events))) => {
                failures = 0;
                progress.add(&events);
                display.show(&progress);
                if ended.status != Status::Running {
                    display.clear();
                    return Ok(Followed::Ended(ended));
                }
            }
            Ok(Err(error)) => {
                failures += 1;
                if failures > MOST_FAILURES {
                    return Err(Error::Aws(format!(
                        "{error}\nthe execution goes on; follow it with `power-tuner show --wait {execution}`"
                    )));
                }
                display.detail(&format!("{error}; looking again"));
            }
        }
        let pause = tokio::time::sleep(pause(begun.elapsed()));
        if let Err(why) = moving(pause, &progress, display, stop).await {
            return Ok(Followed::Stopped(why));
        }
    }
}

/// The status is asked for before the history, so that the history of one that has ended is complete.
async fn look(
    aws: &Aws,
    execution: &str,
    tries: &mut u32,
    seen: i64,
) -> Result<(Execution, Vec<Event>), Error> {
    let described = aws.describe(execution).await?;
    if *tries == 0 {
        return Ok((described, Vec::new()));
    }
    let events = aws.events_after(execution, seen).await;
    // Who may not read the history still gets the result.
    let events = events.unwrap_or_else(|_| {
        *tries -= 1;
        Vec::new()
    });
    Ok((described, events))
}

/// Does something while the display moves on and a person may stop it.
async fn moving<T>(
    work: impl Future<Output = T>,
    progress: &Progress,
    display: &mut Display,
    stop: &mut Stop,
) -> Result<T, Why> {
    let mut work = std::pin::pin!(work);
    loop {
        let turn = async {
            tokio::select! {
                biased;
                done = &mut work => Some(done),
                () = tokio::time::sleep(TURN) => None,
            }
        };
        match stop.unless(turn).await? {
            Some(done) => return Ok(done),
            None => display.show(progress),
        }
    }
}

/// What takes long is looked at less often: a tenth of the time so far, within bounds.
fn pause(elapsed: Duration) -> Duration {
    const SHORTEST: Duration = Duration::from_millis(400);
    const LONGEST: Duration = Duration::from_secs(10);
    (elapsed / 10).clamp(SHORTEST, LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_come_less_often_as_time_goes_by() {
        let cases = [
            (0, 400),
            (3_000, 400),
            (20_000, 2_000),
            (100_000, 10_000),
            (9_000_000, 10_000),
        ];
        for (elapsed, want) in cases {
            let pause = pause(Duration::from_millis(elapsed));
            assert_eq!(pause, Duration::from_millis(want), "after {elapsed} ms");
        }
    }
}
