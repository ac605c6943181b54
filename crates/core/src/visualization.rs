//! The chart's address, in the encoding that the reference's viewer reads.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::choice::Candidate;

const VIEWER: &str = "https://lambda-power-tuning.show/";

/// `#sizes;times;costs`, sizes ascending: base64 of little-endian 16-bit integers and 32-bit floats.
#[must_use]
pub fn url(sizes: &[Candidate], currency: &str) -> String {
    let mut sizes = sizes.to_vec();
    sizes.sort_by_key(|size| size.memory);
    let memory = sizes.iter().flat_map(|size| {
        // Sizes end at 10,240, far below what 16 bits hold.
        i16::try_from(size.memory.get())
            .unwrap_or(i16::MAX)
            .to_le_bytes()
    });
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the encoding has 32-bit floats"
    )]
    let floats = |value: fn(&Candidate) -> f64| -> Vec<u8> {
        sizes
            .iter()
            .flat_map(|size| (value(size) as f32).to_le_bytes())
            .collect()
    };
    let encoded = [
        memory.collect(),
        floats(|size| size.duration_ms),
        floats(|size| size.cost),
    ]
    .map(|bytes| STANDARD.encode(bytes));
    let query = if currency == "CNY" {
        "?currency=CNY"
    } else {
        ""
    };
    format!("{VIEWER}{query}#{}", encoded.join(";"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::MemoryMb;

    /// The wanted text was made with the reference's own expressions in Node:
    /// `Buffer.from(new Uint8Array(new Float32Array(times).buffer)).toString('base64')` and so on.
    #[test]
    fn existing_viewers_can_read_it() {
        let size = |mb: u32, duration_ms: f64, cost: f64| Candidate {
            memory: MemoryMb::try_from(mb).expect("a valid size"),
            cost,
            duration_ms,
        };
        let sizes = [size(1024, 16.5, 2e-7), size(128, 100.25, 1e-7)];
        assert_eq!(
            url(&sizes, "USD"),
            "https://lambda-power-tuning.show/#gAAABA==;AIDIQgAAhEE=;lb/WM5W/VjQ="
        );
        assert!(url(&sizes, "CNY").starts_with("https://lambda-power-tuning.show/?currency=CNY#"));
    }
}
