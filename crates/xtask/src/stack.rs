//! The product's own template, built and deployed by SAM as its users do, on local AWS.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::{fs, time};

use anyhow::{Context, Result, ensure};
use serde_json::json;

use crate::aws::{Aws, REGION};
use crate::functions::{self, Architecture};
use crate::ministack::{ACCESS_KEY, SECRET_KEY};
use crate::packages::PythonTools;
use crate::processes::{self, OwnDirectory, Words};
use crate::workspace::Workspace;

const STACK: &str = "power-tuner";

/// A `sam` that reaches local AWS and nothing else.
pub(crate) fn sam(
    workspace: &Workspace,
    tools: &PythonTools,
    directory: &OwnDirectory,
    endpoint: &str,
) -> Result<Command> {
    let home = directory.path().join("sam");
    fs::create_dir_all(&home).with_context(|| format!("cannot make `{}`", home.display()))?;
    // It asks the package index for a newer version of itself when it last did so a week ago.
    let now = time::SystemTime::now()
        .duration_since(time::UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs_f64();
    let metadata = json!({"lastVersionCheck": now, "telemetryEnabled": false});
    fs::write(home.join("metadata.json"), metadata.to_string())
        .context("cannot write the settings of `sam`")?;

    let mut sam = tools.command(workspace, "sam")?;
    sam.env("__SAM_CLI_APP_DIR", &home)
        .env("SAM_CLI_TELEMETRY", "0")
        .env("AWS_CONFIG_FILE", home.join("no-config"))
        .env("AWS_SHARED_CREDENTIALS_FILE", home.join("no-credentials"))
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_ENDPOINT_URL", endpoint)
        .env("AWS_ACCESS_KEY_ID", ACCESS_KEY)
        .env("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
        .env("AWS_DEFAULT_REGION", REGION)
        .env("NO_PROXY", "127.0.0.1")
        .env("no_proxy", "127.0.0.1");
    Ok(sam)
}

/// Builds every function with `sam build`, after `functions::build` a matter of copying.
pub(crate) fn build(
    sam: &mut Command,
    workspace: &Workspace,
    architecture: Architecture,
    log: &Path,
) -> Result<()> {
    sam.args(["build", "--config-env", architecture.config_env()]);
    processes::run(sam, &Words::ToLog(log))?;
    functions::check_all(&workspace.root.join(".aws-sam/build"), architecture)
}

/// Deploys what `build` left, and gives the stack's outputs.
pub(crate) fn deploy(
    sam: &mut Command,
    aws: &Aws,
    architecture: Architecture,
    parameters: &[(String, String)],
    log: &Path,
) -> Result<BTreeMap<String, String>> {
    sam.args(["deploy", "--config-env", architecture.config_env()])
        .args([
            "--stack-name",
            STACK,
            "--region",
            REGION,
            "--resolve-s3",
            "--capabilities",
            "CAPABILITY_IAM",
        ])
        .args([
            "--no-confirm-changeset",
            "--no-fail-on-empty-changeset",
            "--no-progressbar",
            "--parameter-overrides",
        ])
        .arg(format!("Architecture={}", architecture.name()))
        .args(
            parameters
                .iter()
                // Quoted for `sam`, which splits at spaces.
                .map(|(name, value)| format!("{name}=\"{}\"", value.replace('"', "\\\""))),
        );
    processes::run(sam, &Words::ToLog(log))?;
    outputs(aws)
}

fn outputs(aws: &Aws) -> Result<BTreeMap<String, String>> {
    let xml = aws.query(
        "cloudformation",
        "DescribeStacks",
        "2010-05-15",
        &[("StackName", STACK)],
    )?;
    let outputs = outputs_in(&xml);
    ensure!(
        !outputs.is_empty(),
        "stack `{STACK}` has no outputs:\n{xml}"
    );
    Ok(outputs)
}

/// Finds the outputs in the XML of `DescribeStacks`, whose shape is fixed: a key is followed by its value.
fn outputs_in(xml: &str) -> BTreeMap<String, String> {
    xml.split("<OutputKey>")
        .skip(1)
        .filter_map(|part| {
            let (key, rest) = part.split_once("</OutputKey>")?;
            let (_, rest) = rest.split_once("<OutputValue>")?;
            let (value, _) = rest.split_once("</OutputValue>")?;
            Some((unescaped(key), unescaped(value)))
        })
        .collect()
}

fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&apos;", "'")
        .replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_are_read_from_the_description_of_a_stack() {
        let xml = "<Outputs><member><OutputKey>Arn</OutputKey><OutputValue>arn:a&amp;b</OutputValue>\
                   <Description>it &lt;is&gt;</Description></member>\
                   <member><OutputKey>Name</OutputKey><OutputValue>n</OutputValue></member></Outputs>";
        let wanted = [("Arn", "arn:a&b"), ("Name", "n")];
        assert_eq!(
            outputs_in(xml),
            wanted
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .into()
        );
    }
}
