//! Which state machine is the tuner's.

use crate::aws::Aws;
use crate::end::Error;

/// How a person names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named<'a> {
    Arn(&'a str),
    Tag {
        key: &'a str,
        value: &'a str,
    },
    Name(&'a str),
    /// Not at all.
    Tuner,
}

/// Behind the stack's name, in the template.
const SUFFIX: &str = "-tuner";

impl<'a> Named<'a> {
    pub fn new(text: Option<&'a str>) -> Self {
        match text {
            None | Some("") => Self::Tuner,
            Some(arn) if arn.starts_with("arn:") => Self::Arn(arn),
            Some(text) => match text.split_once('=') {
                Some((key, value)) => Self::Tag { key, value },
                None => Self::Name(text),
            },
        }
    }
}

/// The ARN of the state machine.
pub async fn find(aws: &Aws, named: Named<'_>) -> Result<String, Error> {
    if let Named::Arn(arn) = named {
        return Ok(arn.to_owned());
    }
    let all = aws.state_machines().await?;
    let mut fitting = Vec::new();
    for arn in &all {
        let fits = match named {
            Named::Tag { key, value } => aws.has_tag(arn, key, value).await?,
            Named::Name(name) => name_of(arn) == name,
            Named::Tuner | Named::Arn(_) => name_of(arn).ends_with(SUFFIX),
        };
        if fits {
            fitting.push(arn.clone());
        }
    }
    the_one(&named, &all, fitting, aws.place()).map_err(Error::Aws)
}

fn the_one(
    named: &Named,
    all: &[String],
    mut fitting: Vec<String>,
    place: &str,
) -> Result<String, String> {
    if fitting.len() > 1 {
        return Err(format!(
            "there are {} state machines {} {place}; say which one with `--state-machine` or \
             POWER_TUNER_STATE_MACHINE:\n{}",
            fitting.len(),
            named.in_words(),
            listed(&fitting)
        ));
    }
    fitting.pop().ok_or_else(|| {
        let others = if all.is_empty() {
            "there is none at all; deploy the power tuner's stack first, or look at `--region` and `--profile`".to_owned()
        } else {
            format!("name one of these with `--state-machine`, or look at `--region`:\n{}", listed(all))
        };
        format!("there is no state machine {} {place}; {others}", named.in_words())
    })
}

impl Named<'_> {
    fn in_words(&self) -> String {
        match self {
            Self::Arn(arn) => format!("`{arn}`"),
            Self::Tag { key, value } => format!("with the tag `{key}={value}`"),
            Self::Name(name) => format!("with the name `{name}`"),
            Self::Tuner => format!("whose name ends in `{SUFFIX}`"),
        }
    }
}

fn name_of(arn: &str) -> &str {
    arn.rsplit(':').next().unwrap_or(arn)
}

fn listed(arns: &[String]) -> String {
    const MOST: usize = 20;
    let mut lines: Vec<String> = arns
        .iter()
        .take(MOST)
        .map(|arn| format!("  {arn}"))
        .collect();
    if arns.len() > MOST {
        lines.push(format!("  and {} more", arns.len() - MOST));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_machine_is_named_in_four_ways() {
        let arn = "arn:aws:states:us-east-1:123456789012:stateMachine:t=1";
        let tag = Named::Tag {
            key: "aws:cloudformation:stack-name",
            value: "tuner",
        };
        let cases = [
            (None, Named::Tuner),
            (Some(""), Named::Tuner),
            (Some(arn), Named::Arn(arn)),
            (Some("aws:cloudformation:stack-name=tuner"), tag),
            (Some("my-tuner"), Named::Name("my-tuner")),
        ];
        for (text, want) in cases {
            assert_eq!(Named::new(text), want);
        }
    }

    #[test]
    fn none_and_several_are_errors_that_list_what_there_is() {
        let arns = |names: &[&str]| -> Vec<String> {
            names
                .iter()
                .map(|name| format!("arn:aws:states:r:1:stateMachine:{name}"))
                .collect()
        };
        let one = the_one(
            &Named::Tuner,
            &arns(&["a-tuner", "b"]),
            arns(&["a-tuner"]),
            "in r",
        );
        assert_eq!(one.as_ref(), Ok(&arns(&["a-tuner"])[0]));
        let two = arns(&["a-tuner", "b-tuner"]);
        let error = the_one(&Named::Tuner, &two, two.clone(), "in r").expect_err("two");
        assert!(
            error.starts_with(
                "there are 2 state machines whose name ends in `-tuner` in r; say which"
            ),
            "{error}"
        );
        assert!(two.iter().all(|arn| error.contains(arn)), "{error}");
        let error = the_one(&Named::Name("x"), &two, Vec::new(), "in r").expect_err("none");
        assert!(
            error.contains("with the name `x`") && error.contains(&two[1]),
            "{error}"
        );
        let error = the_one(&Named::Tuner, &[], Vec::new(), "in r").expect_err("none");
        assert!(
            error.contains("deploy the power tuner's stack first"),
            "{error}"
        );
        let many: Vec<String> = (0..30).map(|n| n.to_string()).collect();
        assert!(listed(&many).ends_with("  and 10 more"));
    }
}
