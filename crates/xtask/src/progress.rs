//! Progress for a person, on standard error.

use std::time::Instant;

use anyhow::Result;

/// Says what is being done, does it, and says how long it took.
pub(crate) fn step<T>(what: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    eprintln!("==> {what}");
    let start = Instant::now();
    let result = work()?;
    eprintln!("    {:.1} s", start.elapsed().as_secs_f64());
    Ok(result)
}
