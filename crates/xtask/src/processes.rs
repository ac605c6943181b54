//! The processes that we start, each in a group of its own: nothing that we started outlives us.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{self, Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use rustix::process::{
    Pid, Signal, WaitOptions, kill_process_group, test_kill_process_group, waitpgid,
};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// How long a process has to end by itself. Servers keep nothing, so they lose nothing. A command may be one of ours with
/// servers of its own.
const SERVER_GRACE: Duration = Duration::from_millis(500);
const COMMAND_GRACE: Duration = Duration::from_secs(8);
const POLL: Duration = Duration::from_millis(20);

/// What has to go when we are interrupted.
struct Running {
    interrupted: bool,
    groups: Vec<(Pid, Duration)>,
    directories: Vec<PathBuf>,
}

static RUNNING: Mutex<Running> = Mutex::new(Running {
    interrupted: false,
    groups: Vec::new(),
    directories: Vec::new(),
});

fn running() -> MutexGuard<'static, Running> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From now on an interruption (Ctrl-C, a terminal that closes, a polite kill) takes down what we started, then us.
pub(crate) fn clean_up_when_interrupted() -> Result<()> {
    static STARTED: OnceLock<Result<(), String>> = OnceLock::new();
    let started = STARTED.get_or_init(|| {
        let mut signals =
            Signals::new([SIGINT, SIGTERM, SIGHUP]).map_err(|error| error.to_string())?;
        thread::spawn(move || {
            if signals.forever().next().is_some() {
                eprintln!("\ninterrupted: taking everything down");
                let (groups, directories) = {
                    let mut running = running();
                    running.interrupted = true;
                    (running.groups.clone(), running.directories.clone())
                };
                end(&groups);
                for directory in &directories {
                    remove(directory);
                }
                process::exit(130);
            }
        });
        Ok(())
    });
    started
        .clone()
        .map_err(|error| anyhow!("cannot listen for signals: {error}"))
}

/// Does not return once we are interrupted: what fails then fails because of that, and is not worth a word.
pub(crate) fn stay_if_interrupted() {
    drop(unless_interrupted());
}

/// What is added to it under this guard cannot be missed by an interruption.
fn unless_interrupted() -> MutexGuard<'static, Running> {
    loop {
        let running = running();
        if !running.interrupted {
            return running;
        }
        drop(running);
        thread::park();
    }
}

/// A directory that is removed when dropped, and when we are interrupted.
pub(crate) struct OwnDirectory(PathBuf);

impl OwnDirectory {
    pub fn new() -> Result<Self> {
        let mut running = unless_interrupted();
        let directory = tempfile::Builder::new()
            .prefix("power-tuner-")
            .tempdir()
            .context("cannot make a temporary directory")?
            .keep();
        running.directories.push(directory.clone());
        Ok(Self(directory))
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for OwnDirectory {
    fn drop(&mut self) {
        remove(&self.0);
        running().directories.retain(|path| *path != self.0);
    }
}

/// Removes a directory that nobody uses any more. Two of us may be at it, and then each finds less than expected.
fn remove(directory: &Path) {
    const TRIES: usize = 5;
    for _ in 0..TRIES {
        if fs::remove_dir_all(directory).is_ok() || !directory.exists() {
            return;
        }
        thread::sleep(POLL);
    }
}

/// A process and whatever it starts, ended when dropped.
pub(crate) struct Group {
    child: Child,
    id: Pid,
    grace: Duration,
}

impl Group {
    /// Starts a server; its standard input is a pipe that closes with us, whatever ends us.
    pub fn server(command: &mut Command, log: &Path) -> Result<Self> {
        let (out, err) = log_files(log)?;
        command.stdin(Stdio::piped()).stdout(out).stderr(err);
        Self::start(command, SERVER_GRACE)
    }

    fn start(command: &mut Command, grace: Duration) -> Result<Self> {
        adopt_orphans();
        let mut running = unless_interrupted();
        let child = command
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start `{}`", shown(command)))?;
        let id = Pid::from_child(&child);
        running.groups.push((id, grace));
        Ok(Self { child, id, grace })
    }

    /// How the process itself ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        end(&[(self.id, self.grace)]);
        running().groups.retain(|(id, _)| *id != self.id);
    }
}

/// Ends groups together: politely, and each after its grace for good.
fn end(groups: &[(Pid, Duration)]) {
    /// A process that was killed is gone at once, unless the kernel still works for it.
    const PATIENCE: Duration = Duration::from_secs(2);
    let mut left = groups.to_vec();
    for (id, _) in &left {
        // A group that is gone already is what we want.
        let _ = kill_process_group(*id, Signal::TERM);
    }
    let start = Instant::now();
    loop {
        left.retain(|(id, grace)| is_left(*id) && start.elapsed() < *grace + PATIENCE);
        if left.is_empty() {
            return;
        }
        for (id, _) in left.iter().filter(|(_, grace)| start.elapsed() > *grace) {
            let _ = kill_process_group(*id, Signal::KILL);
        }
        thread::sleep(POLL);
    }
}

/// What our processes leave behind when they end becomes our child, so that `is_left` can see it off. Elsewhere than on
/// Linux, and in containers whose first process is no init, that takes longer and changes nothing else.
fn adopt_orphans() {
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
}

fn is_left(group: Pid) -> bool {
    // An ended process stays a member of its group until its parent has looked.
    while let Ok(Some(_)) = waitpgid(group, WaitOptions::NOHANG) {}
    test_kill_process_group(group).is_ok()
}

/// Where a command's words go.
pub(crate) enum Words<'a> {
    AsTheyAre,
    /// Standard output is for our result alone.
    ToStderr,
    /// To this file, and its end to the error if the command fails.
    ToLog(&'a Path),
}

pub(crate) fn run(command: &mut Command, words: &Words) -> Result<()> {
    match words {
        Words::AsTheyAre => {}
        Words::ToStderr => {
            command.stdout(io::stderr());
        }
        Words::ToLog(log) => {
            let (out, err) = log_files(log)?;
            command.stdout(out).stderr(err);
        }
    }
    let mut group = Group::start(command.stdin(Stdio::null()), COMMAND_GRACE)?;
    let status = group.child.wait();
    stay_if_interrupted();
    let status = status.with_context(|| format!("cannot wait for `{}`", shown(command)))?;
    if status.success() {
        return Ok(());
    }
    match words {
        Words::ToLog(log) => bail!("`{}` failed ({status}):\n{}", shown(command), tail(log)),
        _ => bail!("`{}` failed ({status})", shown(command)),
    }
}

/// Whether a command succeeds in so much time; its words go to this file. One that takes longer is ended.
pub(crate) fn succeeds_within(
    longest: Duration,
    command: &mut Command,
    log: &Path,
) -> Result<bool> {
    let mut group = Group::server(command, log)?;
    let start = Instant::now();
    loop {
        stay_if_interrupted();
        if let Some(status) = group.ended() {
            return Ok(status.success());
        }
        if start.elapsed() > longest {
            return Ok(false);
        }
        thread::sleep(POLL);
    }
}

/// What a command prints on standard output.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let directory = OwnDirectory::new()?;
    let (out, err) = (directory.path().join("out"), directory.path().join("err"));
    command.stdout(create(&out)?).stderr(create(&err)?);
    if let Err(error) = run(command, &Words::AsTheyAre) {
        bail!("{error:#}\n{}", tail(&err));
    }
    fs::read_to_string(&out).with_context(|| format!("`{}` did not print text", shown(command)))
}

/// The last lines of a log.
pub(crate) fn tail(log: &Path) -> String {
    const LINES: usize = 40;
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    let from = lines.len().saturating_sub(LINES);
    lines[from..].iter().fold(String::new(), |mut all, line| {
        let _ = writeln!(all, "    {line}");
        all
    })
}

fn log_files(log: &Path) -> Result<(File, File)> {
    let out = create(log)?;
    let err = out.try_clone().context("cannot share a log file")?;
    Ok((out, err))
}

fn create(path: &Path) -> Result<File> {
    File::create(path).with_context(|| format!("cannot write `{}`", path.display()))
}

fn shown(command: &Command) -> String {
    let mut text = command.get_program().to_string_lossy().into_owned();
    for argument in command.get_args() {
        let _ = write!(text, " {}", argument.to_string_lossy());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_dropped_group_takes_along_what_it_started_and_what_does_not_listen() {
        let log = tempfile::NamedTempFile::new().expect("a file");
        let script = "trap '' TERM; sleep 60 & echo ready; while true; do wait; done";
        let group = Group::server(&mut shell(script), log.path()).expect("it starts");
        let id = group.id;
        while !tail(log.path()).contains("ready") {
            thread::sleep(POLL);
        }

        drop(group);

        assert!(!is_left(id));
        assert!(running().groups.iter().all(|(group, _)| *group != id));
    }

    #[test]
    fn a_failed_command_shows_the_end_of_its_log() {
        let log = tempfile::NamedTempFile::new().expect("a file");
        let words = Words::ToLog(log.path());
        let error = run(&mut shell("echo no such stack; exit 3"), &words).expect_err("it fails");
        assert_eq!(
            error.to_string(),
            "`sh -c echo no such stack; exit 3` failed (exit status: 3):\n    no such stack\n"
        );
    }

    #[test]
    fn a_command_that_takes_too_long_is_ended() {
        let log = tempfile::NamedTempFile::new().expect("a file");
        let ends = |longest, script: &str| {
            succeeds_within(longest, &mut shell(script), log.path()).expect("it starts")
        };
        let start = Instant::now();
        assert!(!ends(Duration::from_millis(50), "sleep 60"));
        let enough = Duration::from_secs(50);
        assert!(ends(enough, "echo done"));
        assert_eq!(tail(log.path()), "    done\n");
        assert!(!ends(enough, "exit 3"));
        assert!(start.elapsed() < enough);
    }

    #[test]
    fn output_is_what_was_printed() {
        assert_eq!(
            output(&mut shell("echo a; echo b >&2")).expect("it works"),
            "a\n"
        );
        let error = output(&mut shell("echo b >&2; false"))
            .expect_err("it fails")
            .to_string();
        assert!(error.ends_with("\n    b\n"), "{error}");
    }
}
