//! Deployments of the user's while a tuning runs: they stay, and nothing is measured that is half one and half the other.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::{contains, known_curve, slow};
use crate::harness::{Bench, Target, failed, wait_until};

/// `other code`, as base64.
const CODE: &str = "b3RoZXIgY29kZQ==";

/// One way to deploy: the path behind the function's name, the request, and the setting that it changes.
struct Deployment {
    name: &'static str,
    path: &'static str,
    request: Value,
    setting: &'static str,
}

fn deployments() -> [Deployment; 3] {
    let deployment = |name, path, request, setting| Deployment {
        name,
        path,
        request,
        setting,
    };
    let environment = json!({"Environment": {"Variables": {"STAGE": "new"}}});
    [
        deployment("env", "/configuration", environment, "Environment"),
        deployment(
            "memory",
            "/configuration",
            json!({"MemorySize": 2048}),
            "MemorySize",
        ),
        deployment("code", "/code", json!({"ZipFile": CODE}), "CodeSha256"),
    ]
}

impl Deployment {
    /// As something that the simulator does right before a call.
    fn first(&self, target: &Target) -> Value {
        let path = format!("/2015-03-31/functions/{}{}", target.name, self.path);
        json!({"first": [{"method": "PUT", "path": path, "body": self.request}]})
    }

    /// The function is as before, but for what was deployed.
    fn is_all_that_changed(&self, target: &Target, before: &Value) -> Result<()> {
        let now = target.now()?;
        let (old, new) = (
            &before["latest"]["configuration"],
            &now["latest"]["configuration"],
        );
        for (setting, value) in new.as_object().into_iter().flatten() {
            let is_new = old[setting] != *value;
            // The size of the code changes with the code.
            let may_be_new = setting == self.setting || setting == "CodeSize";
            ensure!(
                !is_new || may_be_new,
                "{setting} was {}, is {value}",
                old[setting]
            );
        }
        ensure!(
            old[self.setting] != new[self.setting],
            "the deployment stays: {new:#}"
        );
        ensure!(
            now["versions"] == before["versions"],
            "{:#}",
            now["versions"]
        );
        ensure!(now["aliases"] == before["aliases"], "{:#}", now["aliases"]);
        Ok(())
    }
}

pub fn a_deployment_while_measuring_stays_and_the_tuning_goes_on(bench: &Bench) -> Result<()> {
    let mut running = Vec::new();
    for deployment in deployments() {
        let target = bench.another_function(deployment.name, slow(20_000))?;
        let before = target.now()?;
        let execution = target.start(json!({"powerValues": [256, 1024]}))?;
        running.push((deployment, target, before, execution));
    }
    for (deployment, target, ..) in &running {
        wait_until(|| Ok(target.calls()? > 0))?;
        target.own("PUT", deployment.path, &deployment.request)?;
    }
    for (deployment, target, before, execution) in running {
        bench.outcome_of(&execution)?;
        deployment.is_all_that_changed(&target, &before)?;
    }
    Ok(())
}

pub fn a_deployment_while_publishing_stays_and_ends_the_tuning(bench: &Bench) -> Result<()> {
    let moments = [
        ("CreateAlias", 1),
        ("PublishVersion", 1),
        ("PublishVersion", 3),
        ("UpdateFunctionConfiguration", 2),
    ];
    let mut running = Vec::new();
    for (number, (action, nth)) in moments.into_iter().enumerate() {
        for deployment in deployments() {
            let name = format!("{}{number}", deployment.name);
            let target = bench.another_function(&name, known_curve())?;
            let before = target.now()?;
            let fault = deployment.first(&target);
            target.fault(json!({"action": action, "nth": nth, "fault": fault}))?;
            let execution = target.start(json!({"powerValues": [256, 1024, 3008]}))?;
            running.push((deployment, target, before, execution));
        }
    }
    for (deployment, target, before, execution) in running {
        let (error, cause) = failed(bench.end_of(&execution)?)?;
        ensure!(
            error == "FunctionChanged",
            "{}: {error}: {cause}",
            target.name
        );
        contains(&cause, "was changed while it was being tuned")?;
        match deployment.setting {
            "MemorySize" => contains(&cause, "it has 2048 MB instead of ")?,
            setting => contains(
                &cause,
                &format!("it differs from what was planned in {setting}"),
            )?,
        }
        ensure!(target.calls()? == 0, "{} was measured", target.name);
        deployment.is_all_that_changed(&target, &before)?;
    }
    Ok(())
}

pub fn a_deployment_while_latest_is_put_back_stays(bench: &Bench) -> Result<()> {
    let mut running = Vec::new();
    for deployment in deployments() {
        let target = bench.another_function(deployment.name, known_curve())?;
        let before = target.now()?;
        // Two sizes are set before that.
        let fault = deployment.first(&target);
        target.fault(json!({"action": "UpdateFunctionConfiguration", "nth": 3, "fault": fault}))?;
        let execution = target.start(json!({"powerValues": [256, 1024]}))?;
        running.push((deployment, target, before, execution));
    }
    for (deployment, target, before, execution) in running {
        // All versions were there by then, so that the answer is one about the old function.
        bench.outcome_of(&execution)?;
        deployment.is_all_that_changed(&target, &before)?;
    }
    Ok(())
}
