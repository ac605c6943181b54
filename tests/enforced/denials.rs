//! Each action of each role is taken away once, and something fails that names it: none is spare. What is denied is denied
//! about one function, one object or one execution, so that the cases do not disturb each other.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use power_tuner_core::MemoryMb;
use power_tuner_core::lock::Note;
use power_tuner_core::marker::{Marker, applied};
use serde_json::{Value, json};

use crate::accounts::{function_away, role_for};
use crate::cases::{BUCKET, REPORTS};
use crate::functions::{Bench, Target, wait_until};
use crate::roles::{Denial, FUNCTIONS, Role, asked_as};

/// What a role is without, and what comes of that.
pub struct Missing {
    pub role: &'static str,
    /// Several, where local AWS asks for them under one name and one run shows that all are needed.
    pub actions: &'static [&'static str],
    shows: fn(Without) -> Result<()>,
}

const READ: &str = "lambda:GetFunctionConfiguration";
const CHANGE: &str = "lambda:UpdateFunctionConfiguration";
const PUBLISH: &str = "lambda:PublishVersion";
const LIST: &str = "lambda:ListVersionsByFunction";
const DELETE: &str = "lambda:DeleteFunction";
const GET_ALIAS: &str = "lambda:GetAlias";
const CREATE_ALIAS: &str = "lambda:CreateAlias";
const UPDATE_AND_DELETE_ALIAS: &[&str] = &["lambda:UpdateAlias", "lambda:DeleteAlias"];
const CALL: &str = "lambda:InvokeFunction";
const GET_OBJECT: &str = "s3:GetObject";
const PUT_OBJECT: &str = "s3:PutObject";
const DESCRIBE_EXECUTION: &str = "states:DescribeExecution";
const GET_HISTORY: &str = "states:GetExecutionHistory";
const ASSUME: &str = "sts:AssumeRole";
const LIST_EXECUTIONS: &str = "states:ListExecutions";

// Those that wait for long come first: the others run meanwhile.
pub const ALL: &[Missing] = &[
    of("Optimizer", &[DESCRIBE_EXECUTION], |without| {
        without.optimizing_waits_for_a_dead_lock()
    }),
    of("Publisher", &[DESCRIBE_EXECUTION], |without| {
        without.publishing_waits_for_a_dead_lock()
    }),
    of("Optimizer", &[GET_HISTORY], |without| {
        without.optimizing_cannot_tell_what_was_applied()
    }),
    of("Publisher", &[GET_HISTORY], |without| {
        without.publishing_cannot_tell_what_was_applied()
    }),
    of("Cleaner", &[GET_HISTORY], |without| {
        without.a_stopped_tuning_is_not_cleaned_up_after()
    }),
    of("Optimizer", &[DELETE], |without| {
        without.a_version_without_an_alias_stays()
    }),
    of("Optimizer", UPDATE_AND_DELETE_ALIAS, |without| {
        without.a_step_fails(json!({"strategy": "speed", "autoOptimize": true}))
    }),
    of("Optimizer", &[GET_ALIAS], |without| {
        without.a_step_fails(json!({"autoOptimize": true, "autoOptimizeAlias": "live"}))
    }),
    of("Optimizer", &[READ], |without| {
        without.a_tuning_fails("AccessDenied", json!({"autoOptimize": true}))
    }),
    of("Optimizer", &[CHANGE], |without| {
        without.a_tuning_fails(
            "AccessDenied",
            json!({"strategy": "speed", "autoOptimize": true}),
        )
    }),
    of("Optimizer", &[PUBLISH], |without| {
        without.a_tuning_fails(
            "AccessDenied",
            json!({"autoOptimize": true, "autoOptimizeAlias": "live"}),
        )
    }),
    of("Optimizer", &[LIST], |without| {
        without.a_tuning_fails(
            "AccessDenied",
            json!({"autoOptimize": true, "autoOptimizeAlias": "live"}),
        )
    }),
    of("Optimizer", &[CREATE_ALIAS], |without| {
        without.a_tuning_fails("AccessDenied", json!({"autoOptimize": true}))
    }),
    // What keeps one size from being measured is data; here it keeps all of them.
    of("Executor", &[CALL], |without| {
        without.a_tuning_fails("NoMeasurements", json!({}))?;
        without.a_processor_cannot_be_called()
    }),
    of("Executor", &[GET_OBJECT], |without| {
        without.a_payload_cannot_be_read()
    }),
    of("Publisher", UPDATE_AND_DELETE_ALIAS, |without| {
        without.a_step_fails(json!({}))
    }),
    of("Publisher", &[GET_ALIAS], |without| {
        without.publishing_cannot_see_a_lock()
    }),
    of("Publisher", &[READ], |without| {
        without.a_tuning_fails("AccessDenied", json!({}))
    }),
    of("Publisher", &[CHANGE], |without| {
        without.a_tuning_fails("AccessDenied", json!({}))
    }),
    of("Publisher", &[PUBLISH], |without| {
        without.a_tuning_fails("AccessDenied", json!({}))
    }),
    of("Publisher", &[LIST], |without| {
        without.a_tuning_fails("AccessDenied", json!({}))
    }),
    of("Publisher", &[CREATE_ALIAS], |without| {
        without.a_tuning_fails("AccessDenied", json!({}))
    }),
    of("Initializer", &[ASSUME], |without| {
        without.a_role_cannot_be_assumed("AccessDenied")
    }),
    of("Publisher", &[ASSUME], |without| {
        without.a_role_cannot_be_assumed("AccessDenied")
    }),
    of("Executor", &[ASSUME], |without| {
        without.a_role_cannot_be_assumed("NoMeasurements")
    }),
    of("Optimizer", &[ASSUME], |without| {
        without.a_role_cannot_be_assumed("AccessDenied")
    }),
    of("Cleaner", &[ASSUME], |without| {
        without.a_role_cannot_be_assumed("AccessDenied")
    }),
    of("Initializer", &[READ], |without| {
        without.a_tuning_fails("AccessDenied", json!({}))
    }),
    of(
        "Initializer",
        &["lambda:GetFunctionConcurrency"],
        |without| without.a_tuning_fails("AccessDenied", json!({})),
    ),
    of("Initializer", &[GET_ALIAS], |without| {
        without.a_tuning_fails("AccessDenied", json!({}))
    }),
    of("Initializer", &[GET_OBJECT], |without| {
        without.a_payload_cannot_be_read()
    }),
    // What keeps an outcome from being stored is in the outcome.
    of("Reporter", &[PUT_OBJECT], |without| {
        without.a_tuning_says_what_the_reporter_may_not()
    }),
    of("Reporter", &[GET_OBJECT], |without| {
        without.a_tuning_says_what_the_reporter_may_not()
    }),
    of("Cleaner", &[READ], |without| {
        without.a_clean_up_by_hand_fails()
    }),
    of("Cleaner", &[CHANGE], |without| {
        without.a_clean_up_by_hand_fails()
    }),
    of("Cleaner", &[LIST], |without| {
        without.a_clean_up_by_hand_fails()
    }),
    of("Cleaner", &[DELETE], |without| {
        without.a_clean_up_by_hand_fails()
    }),
    of("Cleaner", &[GET_ALIAS], |without| {
        without.a_clean_up_by_hand_fails()
    }),
    of("Cleaner", &[DESCRIBE_EXECUTION], |without| {
        without.a_clean_up_by_hand_leaves_all()
    }),
];

/// Looks at all executions that ended badly, those of other cases too: it runs alone.
pub const ALONE: &[Missing] = &[of("Cleaner", &[LIST_EXECUTIONS], |without| {
    without.a_sweep_fails()
})];

/// What no run can be without here: `MiniStack` asks for the first two under the name of what comes before them, sends the
/// third as the account's owner, and lets everybody do the fourth. What the roles are allowed of it is asked of the policy
/// simulator.
const SIMULATED: [(&str, &str); 4] = [
    ("Cleaner", "lambda:UpdateAlias"),
    ("Cleaner", "lambda:DeleteAlias"),
    ("Cleaner", "sqs:SendMessage"),
    ("Initializer", "lambda:GetAccountSettings"),
];

const fn of(
    role: &'static str,
    actions: &'static [&'static str],
    shows: fn(Without) -> Result<()>,
) -> Missing {
    Missing {
        role,
        actions,
        shows,
    }
}

/// An action that somebody adds to a role needs a case here, or it goes again.
pub fn each_action_of_the_template_is_taken_away_once(bench: &Bench) -> Result<()> {
    let mut tried: BTreeSet<(String, String)> = SIMULATED
        .iter()
        .map(|(role, action)| ((*role).to_owned(), (*action).to_owned()))
        .collect();
    for missing in ALL.iter().chain(ALONE) {
        for action in missing.actions {
            tried.insert((missing.role.to_owned(), (*action).to_owned()));
        }
    }
    let mut allowed = BTreeSet::new();
    for function in FUNCTIONS {
        for action in Role::of(bench.local, function)?.allowed()? {
            allowed.insert((function.to_owned(), action));
        }
    }
    let untried: Vec<_> = allowed.difference(&tried).collect();
    ensure!(untried.is_empty(), "no case goes without {untried:?}");
    let gone: Vec<_> = tried.difference(&allowed).collect();
    ensure!(gone.is_empty(), "no role has {gone:?}");
    Ok(())
}

/// One case at work.
struct Without<'a> {
    bench: &'a Bench<'a>,
    missing: &'a Missing,
}

impl Missing {
    pub fn name(&self) -> String {
        let actions = self.actions.iter().filter_map(|action| {
            let (_, name) = action.split_once(':')?;
            Some(name)
        });
        let actions: Vec<&str> = actions.collect();
        format!("{}_without_{}", self.role, actions.join("_"))
    }

    pub fn show(&self, bench: &Bench) -> Result<()> {
        (self.shows)(Without {
            bench,
            missing: self,
        })
    }
}

/// What an execution that is over has left as its lock: it had changed the memory size, and gave up.
fn lock_of(execution: &str) -> Result<Note> {
    let memory = |mb| MemoryMb::try_from(mb).map_err(anyhow::Error::msg);
    Ok(Note {
        memory: memory(512)?,
        set: vec![memory(1024)?],
        until_s: 0,
        execution: execution.to_owned(),
    })
}

/// A function as an execution left it that died while it applied 1,024 MB to an alias.
fn leave_applied(target: &Target, dead: &str) -> Result<()> {
    target.lock(&lock_of(dead)?.to_string())?;
    target.set_memory(1024)?;
    target.publish(&applied(dead)).map(drop)
}

impl Without<'_> {
    fn deny(&self, resource: &str) -> Result<Denial<'_>> {
        self.deny_too(&[], resource)
    }

    fn deny_too(&self, more: &[&str], resource: &str) -> Result<Denial<'_>> {
        let own = self.missing.actions.iter().chain(more);
        let asked: BTreeSet<&str> = own.map(|action| asked_as(action)).collect();
        let asked: Vec<&str> = asked.into_iter().collect();
        Role::of(self.bench.local, self.missing.role)?.deny(&self.bench.case, &asked, resource)
    }

    fn about(&self, target: &Target) -> Result<Denial<'_>> {
        self.deny(&format!("{}*", target.arn))
    }

    /// Each of the actions is in the words of an error's cause, and what it was refused on.
    fn is_named_in(&self, cause: &str, resource: &str) -> Result<()> {
        for action in self.missing.actions {
            names(cause, action, resource)?;
        }
        Ok(())
    }

    fn a_tuning_fails(&self, error: &str, input: Value) -> Result<()> {
        let target = self.bench.function()?;
        let _denied = self.about(&target)?;
        let execution = self.bench.local.start_execution(&target.input(input)?)?;
        let (name, cause) = self.bench.failure_of(&execution)?;
        ensure!(name == error, "{name}: {cause}");
        self.is_named_in(&cause, &target.arn)?;
        target.is_as_before()
    }

    fn a_role_cannot_be_assumed(&self, error: &str) -> Result<()> {
        let role = role_for(self.missing.role);
        let target = function_away(self.bench)?;
        let denied = self.deny(&role)?;
        let applying = json!({"strategy": "speed", "autoOptimize": true, "roleARN": role});
        let execution = self.bench.local.start_execution(&target.input(applying)?)?;
        let (name, cause) = self.bench.failure_of(&execution)?;
        ensure!(name == error, "{name}: {cause}");
        self.is_named_in(&cause, &role)?;
        drop(denied);
        self.bench
            .clean(&json!({"function": target.arn, "roleARN": role}))?;
        target.is_as_before()
    }

    fn a_processor_cannot_be_called(&self) -> Result<()> {
        for (field, suffix) in [("preProcessorARN", "-pre"), ("postProcessorARN", "-post")] {
            let processor = self.bench.another_function(suffix)?;
            let target = self.bench.another_function(&format!("-with{suffix}"))?;
            let _denied = self.about(&processor)?;
            let input = target.input(json!({field: processor.arn}))?;
            let execution = self.bench.local.start_execution(&input)?;
            let (name, cause) = self.bench.failure_of(&execution)?;
            ensure!(name == "NoMeasurements", "{name}: {cause}");
            self.is_named_in(&cause, &processor.arn)?;
            target.is_as_before()?;
        }
        Ok(())
    }

    fn a_payload_cannot_be_read(&self) -> Result<()> {
        let target = self.bench.function()?;
        let key = format!("tunings/{}.json", self.bench.case);
        self.bench
            .local
            .aws()
            .put_object(BUCKET, &key, "{}".to_owned())?;
        let _denied = self.deny(&format!("arn:aws:s3:::{BUCKET}/{key}"))?;
        let location = format!("s3://{BUCKET}/{key}");
        let execution = self
            .bench
            .local
            .start_execution(&target.input(json!({"payloadS3": location}))?)?;
        let (name, cause) = self.bench.failure_of(&execution)?;
        ensure!(name == "PayloadUnavailable", "{name}: {cause}");
        for part in [
            location.as_str(),
            "the tuner may not read it (`s3:GetObject`)",
        ] {
            ensure!(cause.contains(part), "`{part}` is not in `{cause}`");
        }
        target.is_as_before()
    }

    fn a_tuning_says_what_the_reporter_may_not(&self) -> Result<()> {
        let target = self.bench.function()?;
        let input = || target.input(json!({}));
        let first = self.bench.tune(&input()?)?;
        ensure!(first["report"]["error"].is_null(), "{first:#}");
        let folder = format!("arn:aws:s3:::{REPORTS}/tunings/{}/*", target.name());
        let _denied = self.deny(&folder)?;
        let outcome = self.bench.tune(&input()?)?;
        let error = outcome["report"]["error"].as_str().unwrap_or_default();
        for action in self.missing.actions {
            let part = format!("the reporter may not (`{action}`)");
            ensure!(error.contains(&part), "`{part}` is not in `{error}`");
        }
        target.is_as_before()
    }

    /// Without the actions a step cannot remove its lock, for which the clean-up waits until the deadline: the end of that
    /// is not waited for here.
    fn a_step_fails(&self, input: Value) -> Result<()> {
        let target = self.bench.function()?;
        let _denied = self.about(&target)?;
        self.fails_with(self.missing.actions, &target, input)
    }

    fn fails_with(&self, actions: &[&str], target: &Target, input: Value) -> Result<()> {
        let execution = self.bench.local.start_execution(&target.input(input)?)?;
        wait_until(|| {
            let events = self.bench.local.aws().history(&execution)?;
            let has_failed = |event: &Value| {
                let text = event.to_string();
                let mut refusals = actions.iter().map(|action| refusal(action, &target.arn));
                refusals.all(|refusal| text.contains(&refusal))
            };
            Ok(events.iter().any(has_failed))
        })
    }

    /// An alias that cannot be read is not moved, and its version has nobody who needs it.
    fn a_version_without_an_alias_stays(&self) -> Result<()> {
        let pointing = || json!({"autoOptimize": true, "autoOptimizeAlias": "live"});
        let allowed = self.bench.function()?;
        let role = Role::of(self.bench.local, self.missing.role)?;
        let policy = format!("{}-allowed", self.bench.case);
        let _cannot_see = role.deny(
            &policy,
            &[asked_as(GET_ALIAS)],
            &format!("{}*", allowed.arn),
        )?;
        self.fails_with(&[GET_ALIAS], &allowed, pointing())?;
        ensure!(allowed.versions()?.is_empty(), "{:?}", allowed.versions());

        let denied = self.bench.another_function("-denied")?;
        let _denied = self.deny_too(&[GET_ALIAS], &format!("{}*", denied.arn))?;
        self.fails_with(&[GET_ALIAS], &denied, pointing())?;
        ensure!(denied.versions()?.len() == 1, "{:?}", denied.versions());
        let refused = refusal(DELETE, &format!("{}:", denied.arn));
        wait_until(|| {
            let logs = self.bench.logs_of("Optimizer")?;
            Ok(logs.iter().any(|line| line.to_string().contains(&refused)))
        })
    }

    /// A lock whose holder is over, which cannot be seen, counts as held.
    fn publishing_waits_for_a_dead_lock(&self) -> Result<()> {
        let target = self.bench.function()?;
        let dead = self.bench.dead_execution()?;
        let denied = self.deny(&dead)?;
        target.lock(&lock_of(&dead)?.to_string())?;
        let execution = self
            .bench
            .local
            .start_execution(&target.input(json!({}))?)?;
        self.waited_for(&execution, &dead)?;
        drop(denied);
        self.bench.tune(&target.input(json!({}))?)?;
        target.is_as_before()
    }

    fn optimizing_waits_for_a_dead_lock(&self) -> Result<()> {
        let target = self.bench.function()?;
        let dead = self.bench.dead_execution()?;
        let _denied = self.deny(&dead)?;
        let input = target.input(json!({"autoOptimize": true, "payload": {"sleepS": 1}}))?;
        let execution = self.bench.local.start_execution(&input)?;
        // All versions are there, and `$LATEST` is back.
        wait_until(|| Ok(target.versions()?.len() == 2 && target.aliases()?.is_empty()))?;
        target.lock(&lock_of(&dead)?.to_string())?;
        self.waited_for(&execution, &dead)?;
        self.bench.clean(&json!({"function": target.arn}))?;
        target.is_as_before()
    }

    /// Whether what a dead holder of a lock left was applied to an alias is in its execution's history.
    fn publishing_cannot_tell_what_was_applied(&self) -> Result<()> {
        let target = self.bench.function()?;
        let dead = self.bench.dead_execution()?;
        let denied = self.deny(&dead)?;
        leave_applied(&target, &dead)?;
        let execution = self
            .bench
            .local
            .start_execution(&target.input(json!({}))?)?;
        self.ended_without(&execution, &dead)?;
        drop(denied);
        self.bench.clean(&json!({"function": target.arn}))?;
        target.is_as_before()
    }

    fn optimizing_cannot_tell_what_was_applied(&self) -> Result<()> {
        let target = self.bench.function()?;
        let dead = self.bench.dead_execution()?;
        let denied = self.deny(&dead)?;
        let input = target.input(json!({"autoOptimize": true, "payload": {"sleepS": 1}}))?;
        let execution = self.bench.local.start_execution(&input)?;
        // All versions are there, and `$LATEST` is back.
        wait_until(|| Ok(target.versions()?.len() == 2 && target.aliases()?.is_empty()))?;
        leave_applied(&target, &dead)?;
        self.ended_without(&execution, &dead)?;
        drop(denied);
        self.bench.clean(&json!({"function": target.arn}))?;
        target.is_as_before()
    }

    fn ended_without(&self, execution: &str, dead: &str) -> Result<()> {
        let (name, cause) = self.bench.failure_of(execution)?;
        ensure!(name == "PublishFailed", "{name}: {cause}");
        ensure!(cause.contains("it could not be put back"), "{cause}");
        self.is_named_in(&cause, dead)
    }

    fn waited_for(&self, execution: &str, dead: &str) -> Result<()> {
        let (name, cause) = self.bench.failure_of(execution)?;
        ensure!(name == "TuningInProgress", "{name}: {cause}");
        let parts = [
            format!("`{dead}` locked it and whether it still runs"),
            format!("`{DESCRIBE_EXECUTION}` was refused"),
        ];
        for part in parts {
            ensure!(cause.contains(&part), "`{part}` is not in `{cause}`");
        }
        Ok(())
    }

    fn publishing_cannot_see_a_lock(&self) -> Result<()> {
        let target = self.bench.function()?;
        target.lock(&lock_of(&self.bench.dead_execution()?)?.to_string())?;
        let denied = self.about(&target)?;
        let execution = self
            .bench
            .local
            .start_execution(&target.input(json!({}))?)?;
        let (name, cause) = self.bench.failure_of(&execution)?;
        ensure!(name == "AccessDenied", "{name}: {cause}");
        self.is_named_in(&cause, &target.arn)?;
        drop(denied);
        self.bench.tune(&target.input(json!({}))?)?;
        target.is_as_before()
    }

    /// A function as an execution left it that died while it published.
    fn left_by(&self, dead: &str) -> Result<Target> {
        let target = self.bench.function()?;
        target.publish(&Marker::of(dead).to_string())?;
        target.lock(&lock_of(dead)?.to_string())?;
        target.set_memory(1024)?;
        Ok(target)
    }

    fn a_clean_up_by_hand_fails(&self) -> Result<()> {
        let target = self.left_by(&self.bench.dead_execution()?)?;
        let denied = self.about(&target)?;
        let by_hand = json!({"function": target.arn});
        let cause = self.bench.clean_up_fails(&by_hand)?;
        self.is_named_in(&cause, &target.arn)?;
        drop(denied);
        self.bench.clean(&by_hand)?;
        target.is_as_before()
    }

    fn a_clean_up_by_hand_leaves_all(&self) -> Result<()> {
        let dead = self.bench.dead_execution()?;
        let target = self.left_by(&dead)?;
        let denied = self.deny(&dead)?;
        let by_hand = json!({"function": target.arn});
        let cleaned = self.bench.clean(&by_hand)?;
        ensure!(cleaned["deleted"] == json!([]), "{cleaned:#}");
        let left = cleaned["left"].as_array().map_or(&[][..], Vec::as_slice);
        let refused = format!("`{DESCRIBE_EXECUTION}` was refused");
        let is_named = |line: &Value| line.to_string().contains(&refused);
        // The version and the lock.
        ensure!(left.len() == 2 && left.iter().all(is_named), "{cleaned:#}");
        drop(denied);
        self.bench.clean(&by_hand)?;
        target.is_as_before()
    }

    /// The event about its end names the execution alone; what is to be cleaned up is in its history.
    fn a_stopped_tuning_is_not_cleaned_up_after(&self) -> Result<()> {
        let target = self.bench.function()?;
        let name = &self.bench.case;
        let denied = self.deny(&self.bench.execution_arn(name))?;
        let input = target.input(json!({"num": 100, "payload": {"sleepS": 1}}))?;
        let execution = self.bench.start_as(name, &input)?;
        wait_until(|| Ok(target.versions()?.len() == 2 && target.aliases()?.is_empty()))?;
        self.bench.local.aws().stop_execution(&execution)?;
        let event = Bench::end_event(&execution);
        let cause = self.bench.clean_up_fails(&event)?;
        self.is_named_in(&cause, &execution)?;
        ensure!(target.versions()?.len() == 2, "{:?}", target.versions());
        drop(denied);
        self.bench.clean(&event)?;
        target.is_as_before()
    }

    fn a_sweep_fails(&self) -> Result<()> {
        let state_machine = self.bench.local.state_machine_arn();
        let denied = self.deny(state_machine)?;
        let sweep = json!({"sweep": state_machine});
        let cause = self.bench.clean_up_fails(&sweep)?;
        self.is_named_in(&cause, state_machine)?;
        drop(denied);
        self.bench.clean(&sweep).map(drop)
    }
}

/// What was denied, and on what, in the words of an error's cause.
pub fn names(cause: &str, action: &str, resource: &str) -> Result<()> {
    let part = refusal(action, resource);
    ensure!(cause.contains(&part), "`{part}` is not in `{cause}`");
    Ok(())
}

fn refusal(action: &str, resource: &str) -> String {
    format!("the tuner may not call `{action}` on `{resource}")
}
