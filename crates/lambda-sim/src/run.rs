//! One call of a simulated function, computed before anything waits for it.

use rand::RngExt;
use rand::rngs::StdRng;
use rand_distr::{Distribution, Exp1, StandardNormal};
use serde_json::{Value, json};

use crate::clock::Millis;
use crate::spec::{Behaviour, Curve, FunctionError, Noise, Response};

/// Lambda repeats an init that takes longer inside the call, and then reports no init.
const LONGEST_INIT_MS: Millis = 10_000.0;
/// What Lambda says of such an init's duration, give or take a few: it is never quite the limit.
pub(crate) const CUT_OFF_INIT_MS: Millis = 10_000.12;
/// Lambda's limit for the answer of a synchronous call.
const LARGEST_RESPONSE_BYTES: usize = 6_291_556;

/// What a call needs to know of its function and of where it runs.
pub(crate) struct Setting<'a> {
    pub request_id: &'a str,
    pub timestamp: &'a str,
    pub memory_mb: u32,
    pub timeout_s: u32,
    pub start: Start,
    pub restore_ms: Option<Millis>,
    /// The how-manieth call of this memory size it is, from 1.
    pub index: u64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Start {
    Warm,
    Cold,
}

/// What came before the handler.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Preparation {
    None,
    Init(Millis),
    /// The init was cut off after ten seconds and repeated; the call's duration contains it.
    InitTimedOut,
    Restore(Millis),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Ending {
    Success,
    /// The handler raised an error.
    Raised,
    Timeout,
    OutOfMemory,
}

#[derive(Debug)]
pub(crate) struct Run {
    pub duration_ms: Millis,
    pub preparation: Preparation,
    pub ending: Ending,
    pub memory_mb: u32,
    pub max_memory_used_mb: u32,
    pub payload: Vec<u8>,
}

impl Run {
    pub fn new(
        behaviour: &Behaviour,
        setting: &Setting<'_>,
        event: &[u8],
        random: &mut StdRng,
    ) -> Self {
        let wanted_ms = sample(
            &behaviour.duration,
            behaviour.noise,
            setting.memory_mb,
            random,
        );
        let preparation = prepare(behaviour, setting, random);
        let work_ms = match preparation {
            Preparation::InitTimedOut => wanted_ms + init_ms(behaviour, setting.memory_mb),
            _ => wanted_ms,
        };
        let limit_ms = f64::from(setting.timeout_s) * 1000.0;
        let ending = ending(behaviour, setting, work_ms > limit_ms);
        let payload = answer(behaviour, setting, ending, event);
        let too_large = payload.len() > LARGEST_RESPONSE_BYTES;
        Self {
            duration_ms: hundredths(work_ms.min(limit_ms)),
            preparation,
            ending: if too_large { Ending::Raised } else { ending },
            memory_mb: setting.memory_mb,
            max_memory_used_mb: memory_used(behaviour, setting.memory_mb, ending),
            payload: if too_large {
                response_too_large()
            } else {
                payload
            },
        }
    }

    /// The time that is paid for: init and restore are part of it.
    pub fn billed_ms(&self) -> u64 {
        let duration_ms = self.duration_ms;
        match self.preparation {
            Preparation::Init(init_ms) => whole_ms(duration_ms + init_ms),
            Preparation::Restore(restore_ms) => whole_ms(duration_ms) + whole_ms(restore_ms),
            Preparation::None | Preparation::InitTimedOut => whole_ms(duration_ms),
        }
    }

    /// How long the caller waits.
    pub fn total_ms(&self) -> Millis {
        self.duration_ms
            + match self.preparation {
                Preparation::None => 0.0,
                Preparation::InitTimedOut => CUT_OFF_INIT_MS,
                Preparation::Init(ms) | Preparation::Restore(ms) => ms,
            }
    }

    /// Lambda throws an environment away whose process was killed.
    pub fn keeps_environment(&self) -> bool {
        matches!(self.ending, Ending::Success | Ending::Raised)
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a duration is small and not negative"
)]
pub(crate) fn whole_ms(ms: Millis) -> u64 {
    // A sum like 100.1 + 0.9 must not become 102 by its last bit.
    hundredths(ms).ceil() as u64
}

/// Reports show hundredths; what is billed must follow from what is shown.
fn hundredths(ms: Millis) -> Millis {
    (ms * 100.0).round() / 100.0
}

fn prepare(behaviour: &Behaviour, setting: &Setting<'_>, random: &mut StdRng) -> Preparation {
    if setting.start == Start::Warm {
        return Preparation::None;
    }
    // The tail belongs to the handler's duration: an init with one would drown what a caller looks for.
    let core = Noise {
        tail_probability: 0.0,
        ..behaviour.noise
    };
    let factor = noise_factor(core, random);
    if let Some(restore_ms) = setting.restore_ms {
        return Preparation::Restore(hundredths(restore_ms * factor));
    }
    match init_ms(behaviour, setting.memory_mb) {
        init_ms if init_ms > LONGEST_INIT_MS => Preparation::InitTimedOut,
        init_ms => Preparation::Init(hundredths((init_ms * factor).min(LONGEST_INIT_MS))),
    }
}

fn init_ms(behaviour: &Behaviour, memory_mb: u32) -> Millis {
    behaviour.init_ms + behaviour.init_ms_times_mb / f64::from(memory_mb).min(1769.0)
}

fn sample(curve: &Curve, noise: Noise, memory_mb: u32, random: &mut StdRng) -> Millis {
    median_ms(curve, f64::from(memory_mb)) * noise_factor(noise, random)
}

fn median_ms(curve: &Curve, memory_mb: f64) -> Millis {
    match curve {
        Curve::Formula {
            base_ms,
            ms_times_mb,
            flat_above_mb,
        } => base_ms + ms_times_mb / memory_mb.min(*flat_above_mb),
        Curve::Points { points } => interpolate(points, memory_mb),
    }
}

fn interpolate(points: &[(f64, f64)], memory_mb: f64) -> Millis {
    let after = points.partition_point(|(mb, _)| *mb <= memory_mb);
    if after == 0 {
        return points[0].1;
    }
    let (from_mb, start_ms) = points[after - 1];
    let Some((to_mb, end_ms)) = points.get(after) else {
        return start_ms;
    };
    let share = (memory_mb / from_mb).ln() / (to_mb / from_mb).ln();
    start_ms * (end_ms / start_ms).powf(share)
}

fn noise_factor(noise: Noise, random: &mut StdRng) -> f64 {
    let normal: f64 = StandardNormal.sample(random);
    let core = (noise.coefficient * normal).exp();
    if random.random::<f64>() >= noise.tail_probability {
        return core;
    }
    let exponential: f64 = Exp1.sample(random);
    core * (1.0 + (noise.tail_factor - 1.0).max(0.0) * exponential)
}

fn ending(behaviour: &Behaviour, setting: &Setting<'_>, timed_out: bool) -> Ending {
    if behaviour
        .fails_below_mb
        .is_some_and(|limit| setting.memory_mb < limit)
    {
        Ending::OutOfMemory
    } else if timed_out {
        Ending::Timeout
    } else if raised(behaviour, setting.index).is_some() {
        Ending::Raised
    } else {
        Ending::Success
    }
}

fn raised(behaviour: &Behaviour, index: u64) -> Option<&FunctionError> {
    behaviour
        .fails_with
        .as_ref()
        .filter(|error| index.is_multiple_of(error.every_nth.max(1)))
}

fn memory_used(behaviour: &Behaviour, memory_mb: u32, ending: Ending) -> u32 {
    match ending {
        Ending::OutOfMemory => memory_mb,
        _ => behaviour.max_memory_used_mb.min(memory_mb),
    }
}

fn answer(behaviour: &Behaviour, setting: &Setting<'_>, ending: Ending, event: &[u8]) -> Vec<u8> {
    let id = setting.request_id;
    let error = match ending {
        Ending::Success => return response(&behaviour.response, event),
        Ending::Raised => {
            let error = raised(behaviour, setting.index);
            json!({
                "errorMessage": error.map_or("", |error| &error.error_message),
                "errorType": error.map_or("", |error| &error.error_type),
                "requestId": id,
                "stackTrace": [],
            })
        }
        Ending::Timeout => {
            json!({ "errorMessage": timeout_line(setting.timestamp, id, setting.timeout_s) })
        }
        Ending::OutOfMemory => {
            json!({ "errorType": "Runtime.ExitError", "errorMessage": killed_line(id) })
        }
    };
    error.to_string().into_bytes()
}

pub(crate) fn timeout_line(timestamp: &str, request_id: &str, timeout_s: u32) -> String {
    format!("{timestamp} {request_id} Task timed out after {timeout_s}.00 seconds")
}

pub(crate) fn killed_line(request_id: &str) -> String {
    format!("RequestId: {request_id} Error: Runtime exited with error: signal: killed")
}

fn response(response: &Response, event: &[u8]) -> Vec<u8> {
    match response {
        Response::Echo if event.is_empty() => b"{}".to_vec(),
        Response::Echo => event.to_vec(),
        Response::Json { value } => value.to_string().into_bytes(),
        Response::Text { text } => text.clone().into_bytes(),
        Response::Bytes { bytes } => Value::from("x".repeat(*bytes)).to_string().into_bytes(),
    }
}

fn response_too_large() -> Vec<u8> {
    let message = format!(
        "Response payload size exceeded maximum allowed payload size ({LARGEST_RESPONSE_BYTES} bytes)."
    );
    json!({ "errorType": "Function.ResponseSizeTooLarge", "errorMessage": message })
        .to_string()
        .into_bytes()
}
