//! The marker by which a version that we published is known again.

use std::fmt;

/// What the description of each of our versions says: that it is ours, and which execution's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marker<'a> {
    execution: &'a str,
    round: u32,
}

/// Who published a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner<'a> {
    /// This execution.
    Us,
    /// Another execution of a power tuner: this one.
    AnotherRun(&'a str),
    /// Anybody else.
    User,
}

const PREFIX: &str = "power-tuner ";
/// An execution's ARN holds no space.
const ROUND: &str = " round ";

impl<'a> Marker<'a> {
    #[must_use]
    pub fn of(execution: &'a str) -> Self {
        Self::in_round(execution, 1)
    }

    #[must_use]
    pub fn in_round(execution: &'a str, round: u32) -> Self {
        Self { execution, round }
    }

    /// This very round published the version with this description.
    #[must_use]
    pub fn is_on(&self, description: &str) -> bool {
        description == self.to_string()
    }

    /// Whose version it is that carries this description.
    #[must_use]
    pub fn owner<'d>(&self, description: &'d str) -> Owner<'d> {
        match execution_in(description) {
            Some(execution) if execution == self.execution => Owner::Us,
            Some(execution) => Owner::AnotherRun(execution),
            None => Owner::User,
        }
    }
}

/// The execution that published the version with this description; `None` where it was nobody's of ours.
#[must_use]
pub fn execution_in(description: &str) -> Option<&str> {
    // A user may begin a description with our name; only an execution's ARN behind it makes it a marker.
    let text = description.strip_prefix(PREFIX)?;
    let execution = text
        .split_once(ROUND)
        .map_or(text, |(execution, _)| execution);
    (execution.starts_with("arn:") && execution.contains(":execution:")).then_some(execution)
}

impl fmt::Display for Marker<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", self.execution)?;
        match self.round {
            1 => Ok(()),
            later => write!(f, "{ROUND}{later}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINE: &str = "arn:aws:states:eu-west-1:123456789012:execution:powerTuner:a";

    #[test]
    fn a_version_belongs_to_this_run_another_run_or_the_user() {
        let marker = Marker::of(MINE);
        assert_eq!(marker.owner(&marker.to_string()), Owner::Us);
        let theirs = format!("{MINE}b");
        assert_eq!(
            marker.owner(&Marker::of(&theirs).to_string()),
            Owner::AnotherRun(&theirs)
        );
        for description in ["", "release 7", "power-tuner is great"] {
            assert_eq!(marker.owner(description), Owner::User, "{description:?}");
        }
    }

    #[test]
    fn the_longest_execution_arn_fits_into_a_description() {
        let execution = format!(
            "arn:aws-us-gov:states:ap-northeast-3:123456789012:execution:{}:{}",
            "m".repeat(80),
            "e".repeat(80)
        );
        assert!(Marker::in_round(&execution, 1000).to_string().len() <= 256);
    }

    #[test]
    fn a_version_of_another_round_is_ours_and_not_of_this_round() {
        let (first, second) = (Marker::of(MINE), Marker::in_round(MINE, 2));
        assert_eq!(first.owner(&second.to_string()), Owner::Us);
        assert!(second.is_on(&second.to_string()));
        assert!(!second.is_on(&first.to_string()) && !first.is_on(&second.to_string()));
    }
}
