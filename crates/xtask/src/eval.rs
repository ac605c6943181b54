//! What the tuner's statistics and decisions are worth, on measured data.

#[cfg(test)]
mod coverage;
