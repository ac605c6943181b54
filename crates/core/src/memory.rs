//! Memory sizes.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A memory size that Lambda accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct MemoryMb(u32);

impl MemoryMb {
    pub const SMALLEST: Self = Self(128);
    pub const LARGEST: Self = Self(10_240);

    #[must_use]
    pub fn get(self) -> u32 {
        self.0
    }

    /// The sizes that `"ALL"` stands for: 128 to 3,008 MB in steps of 64.
    #[must_use]
    pub fn all() -> Vec<Self> {
        (128..=3008).step_by(64).map(Self).collect()
    }

    /// Another size, as near as can be; a smaller one where there is one, because an account may not have larger ones.
    #[must_use]
    pub fn neighbour(self) -> Self {
        Self::try_from(self.0 - 1).unwrap_or(Self(self.0 + 1))
    }
}

impl TryFrom<u32> for MemoryMb {
    type Error = String;

    fn try_from(mb: u32) -> Result<Self, String> {
        match mb {
            128..=10_240 => Ok(Self(mb)),
            _ => Err(format!(
                "{mb} MB is outside Lambda's range of 128 to 10240 MB"
            )),
        }
    }
}

impl From<MemoryMb> for u32 {
    fn from(memory: MemoryMb) -> Self {
        memory.0
    }
}

impl fmt::Display for MemoryMb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} MB", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_sizes_that_lambda_accepts_exist() {
        for mb in [128, 129, 1769, 10_240] {
            assert_eq!(MemoryMb::try_from(mb).map(MemoryMb::get), Ok(mb));
        }
        for mb in [0, 127, 10_241] {
            assert_eq!(
                MemoryMb::try_from(mb),
                Err(format!(
                    "{mb} MB is outside Lambda's range of 128 to 10240 MB"
                ))
            );
        }
    }

    #[test]
    fn all_is_46_sizes_as_in_the_reference() {
        let all = MemoryMb::all();
        assert_eq!(all.len(), 46);
        assert_eq!(all.first().map(|m| m.get()), Some(128));
        assert_eq!(all.last().map(|m| m.get()), Some(3008));
    }

    #[test]
    fn a_neighbour_is_another_valid_size() {
        for (mb, want) in [(128, 129), (3008, 3007), (10_240, 10_239)] {
            let size = MemoryMb::try_from(mb).expect("a valid size");
            assert_eq!(size.neighbour().get(), want);
        }
    }
}
