//! The chart's address, in the encoding that the reference's viewer reads.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::choice::Candidate;

/// The address of a page that draws the chart.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Viewer(String);

impl TryFrom<String> for Viewer {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let page = ["https://", "http://"]
            .iter()
            .find_map(|scheme| text.strip_prefix(scheme));
        let is_address = |page: &str| !page.is_empty() && !page.contains(['#', '"', ' ']);
        if page.is_some_and(is_address) {
            Ok(Self(text))
        } else {
            Err(format!(
                "`{text}` is not the address of a page, such as https://example.com/charts; the chart's numbers are added \
                 to it behind `#`"
            ))
        }
    }
}

impl From<Viewer> for String {
    fn from(viewer: Viewer) -> Self {
        viewer.0
    }
}

impl Viewer {
    /// `#sizes;times;costs`, sizes ascending: base64 of little-endian 16-bit integers and 32-bit floats.
    #[must_use]
    pub fn url(&self, sizes: &[Candidate], currency: &str) -> String {
        let Self(page) = self;
        let separator = if page.contains('?') { '&' } else { '?' };
        let query = if currency == "CNY" {
            format!("{separator}currency=CNY")
        } else {
            String::new()
        };
        format!("{page}{query}#{}", encoded(sizes))
    }
}

fn encoded(sizes: &[Candidate]) -> String {
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
    [
        memory.collect(),
        floats(|size| size.duration_ms),
        floats(|size| size.cost),
    ]
    .map(|bytes| STANDARD.encode(bytes))
    .join(";")
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
        let url = |page: &str, currency: &str| viewer(page).expect("a page").url(&sizes, currency);
        assert_eq!(
            url("https://lambda-power-tuning.show/", "USD"),
            "https://lambda-power-tuning.show/#gAAABA==;AIDIQgAAhEE=;lb/WM5W/VjQ="
        );
        let cases = [
            ("https://a.example/", "https://a.example/?currency=CNY#"),
            (
                "http://a.example/?b=c",
                "http://a.example/?b=c&currency=CNY#",
            ),
        ];
        for (page, want) in cases {
            assert!(url(page, "CNY").starts_with(want), "{}", url(page, "CNY"));
        }
    }

    fn viewer(text: &str) -> Result<Viewer, String> {
        Viewer::try_from(text.to_owned())
    }

    #[test]
    fn what_is_no_page_is_refused() {
        for text in [
            "",
            "https://",
            "ftp://a.example",
            "a.example",
            "https://a/#b",
        ] {
            assert!(viewer(text).is_err(), "{text}");
        }
    }
}
