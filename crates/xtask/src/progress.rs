//! Progress for a person, on standard error, and results, on standard output.

use std::io::{self, Write as _};
use std::time::Instant;

use anyhow::{Context, Result};

/// Says what is being done, does it, and says how long it took.
pub(crate) fn step<T>(what: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    eprintln!("==> {what}");
    let start = Instant::now();
    let result = work()?;
    eprintln!("    {:.1} s", start.elapsed().as_secs_f64());
    Ok(result)
}

/// Prints a result. A standard output that its reader has closed has had enough, which is no error.
pub(crate) fn print(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(error).context("cannot print the result")
        }
        _ => Ok(()),
    }
}
