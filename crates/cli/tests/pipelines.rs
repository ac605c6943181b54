//! The tool takes what the pipelines that users copy call it with.

use std::env;
use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::Command;

/// The exit code for an AWS that cannot be reached: the command line and the input were fine until then.
const NO_AWS: i32 = 4;

#[test]
fn every_command_of_the_examples_is_understood() -> Result<(), Box<dyn Error>> {
    let pipelines = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/pipelines");
    let mut commands = Vec::new();
    for folder in ["github", "gitlab"] {
        for file in fs::read_dir(pipelines.join(folder))? {
            commands.extend(commands_in(&fs::read_to_string(file?.path())?));
        }
    }
    assert_eq!(commands.len(), 4, "{commands:?}");

    let folder = tempfile::tempdir()?;
    fs::write(
        folder.path().join("tuning.json"),
        r#"{"num": 50, "payload": {}}"#,
    )?;
    let tool = Path::new(env!("CARGO_BIN_EXE_power-tuner"));
    let mut path = tool.parent().ok_or("no folder")?.as_os_str().to_owned();
    path.push(":");
    path.push(env::var_os("PATH").unwrap_or_default());
    for command in commands {
        let ended = Command::new("bash")
            .args(["-euc", &command])
            .current_dir(folder.path())
            .env("PATH", &path)
            .env("FUNCTION", "my-function")
            .env("ALIAS", "live")
            .env(
                "POWER_TUNER_STATE_MACHINE",
                "arn:aws:states:us-east-1:123456789012:stateMachine:power-tuner-tuner",
            )
            .env("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
            .env("AWS_REGION", "us-east-1")
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .output()?;
        let words = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(NO_AWS), "{command}: {words}");
    }
    Ok(())
}

/// The commands that tune, up to where their output goes.
fn commands_in(workflow: &str) -> Vec<String> {
    let of = |subcommand| {
        workflow
            .match_indices(subcommand)
            .filter_map(|(start, _)| workflow[start..].split('>').next())
            .map(|command| command.replace(['\\', '\n'], " "))
    };
    of("power-tuner check ")
        .chain(of("power-tuner run "))
        .collect()
}
