//! The pipelines: this project's own workflows, and those that users copy.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::workspace::Workspace;

/// Where the workflows for GitHub are.
const GITHUB: [&str; 2] = [".github/workflows", "examples/pipelines/github"];
/// Where those for GitLab are.
const GITLAB: [&str; 1] = ["examples/pipelines/gitlab"];
/// Scripts of their own.
pub(crate) const SCRIPTS: [&str; 2] = [".ci/run", "examples/pipelines/tune.sh"];

/// The files of the workflows, from the checkout's root on.
pub(crate) struct Pipelines {
    pub github: Vec<PathBuf>,
    pub gitlab: Vec<PathBuf>,
}

impl Pipelines {
    pub fn find(workspace: &Workspace) -> Result<Self> {
        let files = |folders: &[&str]| -> Result<Vec<PathBuf>> {
            let mut files = Vec::new();
            for folder in folders {
                let found = fs::read_dir(workspace.root.join(folder));
                for entry in found.with_context(|| format!("cannot read `{folder}`"))? {
                    files.push(PathBuf::from(folder).join(entry?.file_name()));
                }
            }
            files.retain(|file| file.extension().is_some_and(|extension| extension == "yml"));
            ensure!(!files.is_empty(), "{folders:?} hold no workflow");
            files.sort();
            Ok(files)
        };
        Ok(Self {
            github: files(&GITHUB)?,
            gitlab: files(&GITLAB)?,
        })
    }

    pub fn all(&self) -> impl Iterator<Item = &PathBuf> {
        self.github.iter().chain(&self.gitlab)
    }
}

/// A script within a workflow.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Script {
    /// Its job, and which of the job's scripts it is.
    pub name: String,
    /// As Bash is to check it: the options are those that it runs with.
    pub text: String,
}

/// The scripts of a workflow for either, or what is wrong with one.
pub(crate) fn scripts(workflow: &Value) -> Result<Vec<Script>> {
    // GitHub has jobs in one place, GitLab beside everything else.
    let jobs = workflow["jobs"].as_object().or(workflow.as_object());
    let mut scripts = Vec::new();
    for (job, body) in jobs.context("no jobs")? {
        let steps = body["steps"].as_array().into_iter().flatten();
        let runs = steps.filter_map(|step| step["run"].as_str().map(str::to_owned));
        let sections = ["before_script", "script", "after_script"].into_iter();
        let sections = sections.filter_map(|section| body[section].as_array());
        let sections = sections.map(|lines| {
            let lines = lines.iter().filter_map(Value::as_str);
            lines.collect::<Vec<_>>().join("\n")
        });
        for (number, text) in runs.chain(sections).enumerate() {
            let name = format!("{job}-{}", number + 1);
            ensure!(
                !text.contains("${{"),
                "{name}: an expression in a script is code of whoever wrote its value; hand it over in `env`"
            );
            let text = format!("#!/usr/bin/env bash\nset -eo pipefail\n{text}\n");
            scripts.push(Script { name, text });
        }
    }
    Ok(scripts)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn scripts_are_found_in_workflows_of_either_kind() {
        let github =
            json!({"jobs": {"tune": {"steps": [{"uses": "a"}, {"run": "b"}, {"run": "c"}]}}});
        let gitlab = json!({
            "variables": {"A": "b"},
            "tune": {"before_script": ["a"], "script": ["b", "c"]},
        });
        let cases = [
            (github, [("tune-1", "b\n"), ("tune-2", "c\n")]),
            (gitlab, [("tune-1", "a\n"), ("tune-2", "b\nc\n")]),
        ];
        for (workflow, wanted) in cases {
            let found = scripts(&workflow).expect("scripts");
            assert_eq!(found.len(), wanted.len());
            for (script, (name, text)) in found.iter().zip(wanted) {
                assert_eq!(script.name, name);
                assert!(
                    script.text.ends_with(&format!("pipefail\n{text}")),
                    "{script:?}"
                );
            }
        }
    }

    #[test]
    fn a_script_with_an_expression_is_refused() {
        let workflow = json!({"jobs": {"tune": {"steps": [{"run": "echo ${{ github.ref }}"}]}}});
        let error = scripts(&workflow).expect_err("an expression");
        assert!(error.to_string().starts_with("tune-1: "), "{error}");
    }
}
