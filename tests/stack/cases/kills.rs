//! Pairs of the fault sweep (`tests/sweep`) with real processes, and a real `kill -9`: both have to agree.

use std::fs;
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::json;

use super::known_curve;
use crate::harness::{Bench, Target, failed, wait_until};

/// What becomes of the execution whose process is killed.
enum Ends {
    /// It fails, and names the process's end.
    Failed,
    /// With all sizes but one.
    Measured,
    /// Somebody stopped it right before.
    Stopped,
}

use Ends::{Failed, Measured, Stopped};

const BEFORE: &str = "held-before";
const AFTER: &str = "held-after";

/// The call at which its process is killed, whether before it has taken effect or after, and how its execution ends.
const NORMAL: [(&str, u64, &str, Ends); 15] = [
    ("CreateAlias", 1, BEFORE, Failed),
    ("CreateAlias", 1, AFTER, Failed),
    ("UpdateAlias", 1, AFTER, Failed),
    ("UpdateFunctionConfiguration", 1, BEFORE, Failed),
    ("UpdateFunctionConfiguration", 1, AFTER, Failed),
    ("UpdateFunctionConfiguration", 2, AFTER, Failed),
    ("PublishVersion", 2, BEFORE, Failed),
    ("PublishVersion", 3, AFTER, Failed),
    ("DeleteAlias", 1, AFTER, Failed),
    ("Invoke", 2, BEFORE, Measured),
    ("Invoke", 2, AFTER, Measured),
    ("DeleteFunction", 2, AFTER, Failed),
    ("UpdateFunctionConfiguration", 2, AFTER, Stopped),
    ("PublishVersion", 1, AFTER, Stopped),
    ("DeleteFunction", 1, BEFORE, Stopped),
];

pub fn processes_that_are_killed_leave_what_the_sweep_says(bench: &Bench) -> Result<()> {
    let mut runs = Vec::new();
    for (number, (action, nth, held, ends)) in NORMAL.iter().enumerate() {
        let target = bench.another_function(&number.to_string(), known_curve())?;
        target.fault(json!({"action": action, "nth": nth, "fault": held}))?;
        let execution = target.start(json!({"powerValues": [128, 512, 1024]}))?;
        runs.push((format!("{action}-{nth}, {held}"), target, execution, ends));
    }
    for (pair, target, execution, ends) in &runs {
        let process = waiting_process(bench, target).with_context(|| pair.clone())?;
        if matches!(ends, Stopped) {
            bench.stop(execution)?;
        }
        let killed = Command::new("kill").args(["-9", &process]).status()?;
        ensure!(killed.success(), "{pair}: {process} could not be killed");
    }
    for (pair, target, execution, ends) in runs {
        ended(bench, &execution, ends).with_context(|| pair.clone())?;
        target.becomes_as_before().with_context(|| pair)?;
    }
    Ok(())
}

fn ended(bench: &Bench, execution: &str, ends: &Ends) -> Result<()> {
    match ends {
        Stopped => Ok(()),
        Failed => {
            let (error, cause) = failed(bench.end_of(execution)?)?;
            ensure!(error == "Runtime.ExitError", "{error}: {cause}");
            Ok(())
        }
        Measured => {
            let outcome = bench.outcome_of(execution)?;
            let sizes = outcome["sizes"].as_array().context("`sizes`")?;
            let measured = sizes.iter().filter(|size| size["status"] == "measured");
            ensure!(sizes.len() == 3 && measured.count() == 2, "{outcome:#}");
            Ok(())
        }
    }
}

/// The process that waits for the simulator's answer about this function.
fn waiting_process(bench: &Bench, target: &Target) -> Result<String> {
    let simulator = bench.local.simulator();
    let caller = || -> Result<Option<u64>> {
        let held = simulator.request("GET", "/_sim/held", None)?;
        let mut held = held.as_array().into_iter().flatten();
        let call = held.find(|call| call["function"] == target.name.as_str());
        Ok(call.and_then(|call| call["caller"].as_u64()))
    };
    wait_until(|| Ok(caller()?.is_some()))?;
    let port = simulator.url().rsplit(':').next().unwrap_or_default();
    let port = port.parse().context("the simulator's port")?;
    owner_of_connection(caller()?.context("a caller")?, port)
}

/// The process with a connection between these ports, as the kernel shows it. One port may have connections to several
/// servers at once, of different processes.
fn owner_of_connection(port: u64, to: u64) -> Result<String> {
    let connections = fs::read_to_string("/proc/net/tcp")?;
    let (from, to) = (format!(":{port:04X}"), format!(":{to:04X}"));
    let socket = connections
        .lines()
        .find_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let (local, remote, inode) = (fields.get(1)?, fields.get(2)?, fields.get(9)?);
            let is_it = local.ends_with(&from) && remote.ends_with(&to) && *inode != "0";
            is_it.then(|| format!("socket:[{inode}]"))
        })
        .with_context(|| format!("no connection from port {port}"))?;
    for process in fs::read_dir("/proc")? {
        let process = process?;
        let Ok(files) = fs::read_dir(process.path().join("fd")) else {
            // No process, or one that is gone.
            continue;
        };
        let mut files = files.filter_map(|file| fs::read_link(file.ok()?.path()).ok());
        if files.any(|file| file.as_os_str() == socket.as_str()) {
            return Ok(process.file_name().to_string_lossy().into_owned());
        }
    }
    bail!("no process has the connection from port {port}")
}
