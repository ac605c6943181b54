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
/// What is applied stays, so that its description must not begin like the marker's.
const APPLIED: &str = "power-tuner applied by ";
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
    is_execution(execution).then_some(execution)
}

/// The description of a version that the best size was applied with. It is to stay, and so has another owner than what is
/// published to be measured: only if the tuning failed after all, and no alias came to point at it, it is deleted.
#[must_use]
pub fn applied(execution: &str) -> String {
    format!("{APPLIED}{execution}")
}

/// The execution that published the version with this description to apply the best size.
#[must_use]
pub fn applied_by(description: &str) -> Option<&str> {
    let execution = description.strip_prefix(APPLIED)?;
    is_execution(execution).then_some(execution)
}

fn is_execution(text: &str) -> bool {
    text.starts_with("arn:") && text.contains(":execution:")
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
        assert!(applied(&execution).len() <= 256);
    }

    #[test]
    fn what_is_applied_is_the_users_and_known_again() {
        let description = applied(MINE);
        assert_eq!(applied_by(&description), Some(MINE));
        assert_eq!(Marker::of(MINE).owner(&description), Owner::User);
        for other in [
            "",
            "power-tuner applied by hand",
            &Marker::of(MINE).to_string(),
        ] {
            assert_eq!(applied_by(other), None, "{other:?}");
        }
    }

    #[test]
    fn a_version_of_another_round_is_ours_and_not_of_this_round() {
        let (first, second) = (Marker::of(MINE), Marker::in_round(MINE, 2));
        assert_eq!(first.owner(&second.to_string()), Owner::Us);
        assert!(second.is_on(&second.to_string()));
        assert!(!second.is_on(&first.to_string()) && !first.is_on(&second.to_string()));
    }
}
