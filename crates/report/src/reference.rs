//! The output of aws-lambda-power-tuning, whose keys ours has.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use power_tuner_core::MemoryMb;
use power_tuner_core::outcome::{Stat, StateMachine};
use serde::Deserialize;
use serde_json::Value;

use crate::read::is_sound;

#[derive(Clone, Debug)]
pub(crate) struct Reference {
    pub power: MemoryMb,
    pub state_machine: StateMachine,
    /// Ascending; the chosen one alone where the output says no more.
    pub sizes: Vec<Stat>,
    /// Whether these are all that were measured.
    pub all: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Keys {
    power: MemoryMb,
    cost: f64,
    duration: f64,
    state_machine: StateMachine,
    #[serde(default)]
    stats: Option<Vec<Stat>>,
}

impl Reference {
    pub(crate) fn read(source: &Value) -> Result<Self, String> {
        let keys = Keys::deserialize(source).map_err(|error| error.to_string())?;
        let best = Stat {
            value: keys.power,
            average_price: keys.cost,
            average_duration: keys.duration,
        };
        let link = keys.state_machine.visualization.as_deref();
        let all = keys
            .stats
            .filter(|stats| !stats.is_empty())
            .or_else(|| drawn(link?));
        let is_all = all.is_some();
        let mut sizes = all.unwrap_or_else(|| vec![best]);
        sizes.sort_by_key(|size| size.value);
        sizes.dedup_by_key(|size| size.value);
        let is_sound =
            |size: &Stat| is_sound(size.average_price) && is_sound(size.average_duration);
        if let Some(size) = sizes.iter().find(|size| !is_sound(size)) {
            return Err(format!(
                "no call takes or costs what it says of {}",
                size.value
            ));
        }
        Ok(Self {
            power: keys.power,
            state_machine: keys.state_machine,
            sizes,
            all: is_all,
        })
    }

    /// The link is the only place where it says so.
    pub(crate) fn currency(&self) -> &'static str {
        let link = self.state_machine.visualization.as_deref();
        if link.is_some_and(|link| link.contains("currency=CNY")) {
            "CNY"
        } else {
            "USD"
        }
    }
}

/// What is behind `#` in the chart's address: `sizes;times;costs`, each base64 of little-endian numbers. None where it is
/// anything else.
fn drawn(link: &str) -> Option<Vec<Stat>> {
    let (_, numbers) = link.split_once('#')?;
    let mut parts = numbers.split(';').map(|part| STANDARD.decode(part).ok());
    let (sizes, times, costs) = (parts.next()??, parts.next()??, parts.next()??);
    let (sizes, no_more) = sizes.as_chunks::<2>();
    let floats = |bytes: &[u8]| -> Vec<f64> {
        let (floats, _) = bytes.as_chunks::<4>();
        floats
            .iter()
            .map(|bytes| shortest(f32::from_le_bytes(*bytes)))
            .collect()
    };
    let (times, costs) = (floats(&times), floats(&costs));
    let is_whole = no_more.is_empty() && !sizes.is_empty() && parts.next().is_none();
    if !is_whole || sizes.len() != times.len() || sizes.len() != costs.len() {
        return None;
    }
    let sizes = sizes
        .iter()
        .zip(times)
        .zip(costs)
        .map(|((mb, time), cost)| {
            let mb = u32::try_from(i16::from_le_bytes(*mb)).ok()?;
            Some(Stat {
                value: MemoryMb::try_from(mb).ok()?,
                average_price: cost,
                average_duration: time,
            })
        });
    sizes.collect()
}

/// The decimal number that was meant: 0.1, not 0.10000000149.
fn shortest(float: f32) -> f64 {
    float.to_string().parse().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The link is that of the test in `power_tuner_core::visualization`, made with the reference's own expressions.
    const LINK: &str = "https://lambda-power-tuning.show/#gAAABA==;AIDIQgAAhEE=;lb/WM5W/VjQ=";

    fn output(link: &str) -> Value {
        json!({
            "power": 1024, "cost": 2e-7, "duration": 16.5,
            "stateMachine": {"executionCost": 0.0003, "lambdaCost": 0.0001, "visualization": link},
        })
    }

    #[test]
    fn sizes_are_read_from_the_chart_where_there_are_no_stats() {
        let reference = Reference::read(&output(LINK)).expect("an output");
        let sizes: Vec<_> = reference
            .sizes
            .iter()
            .map(|size| (size.value.get(), size.average_duration, size.average_price))
            .collect();
        assert_eq!(sizes, [(128, 100.25, 1e-7), (1024, 16.5, 2e-7)]);
        assert!(reference.all);
    }

    #[test]
    fn a_link_that_says_nothing_leaves_the_chosen_size() {
        let links = [
            "https://a.example/",
            "https://a.example/#",
            "https://a.example/#gAAABA==;AIDIQgAAhEE=",
            "https://a.example/#gAAABA==;AIDIQgAAhEE=;lb/WMw==",
            "https://a.example/#gAAABA==;AIDIQgAAhEE=;lb/WM5W/VjQ=;",
            "https://a.example/#AQAABA==;AIDIQgAAhEE=;lb/WM5W/VjQ=",
            "https://a.example/#!;!;!",
        ];
        for link in links {
            let reference = Reference::read(&output(link)).expect(link);
            let sizes: Vec<_> = reference
                .sizes
                .iter()
                .map(|size| size.value.get())
                .collect();
            assert_eq!(sizes, [1024], "{link}");
            assert!(!reference.all, "{link}");
        }
    }

    #[test]
    fn stats_win_over_the_chart() {
        let mut output = output(LINK);
        output["stats"] = json!([
            {"value": 512, "averagePrice": 1e-6, "averageDuration": 30},
            {"value": 256, "averagePrice": 2e-6, "averageDuration": 60},
        ]);
        let reference = Reference::read(&output).expect("an output");
        let sizes: Vec<_> = reference
            .sizes
            .iter()
            .map(|size| size.value.get())
            .collect();
        assert_eq!(sizes, [256, 512]);
    }

    #[test]
    fn what_no_call_can_take_is_refused() {
        let mut output = output(LINK);
        output["stats"] = json!([{"value": 512, "averagePrice": -1, "averageDuration": 30}]);
        let fault = Reference::read(&output).expect_err("a negative price");
        assert_eq!(fault, "no call takes or costs what it says of 512 MB");
    }
}
