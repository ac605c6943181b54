//! How long AWS takes for what a tuning asks of it.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use serde::Serialize;

/// Milliseconds of a request of each action of Lambda on its way, and of what goes on after it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Latencies {
    pub actions: BTreeMap<String, f64>,
    /// An update of `$LATEST` is in progress.
    pub update: f64,
    /// A new version is pending.
    pub publish: f64,
}

/// Assumed, within what logs of deployments show: AWS publishes no figures, and nothing here was measured there.
/// What matters is their order: a read is tens of milliseconds, a write some hundreds, and an update is over within the
/// second in which it is asked for, or the next (<https://github.com/fujiwara/lambroll/pull/314>,
/// <https://github.com/appleboy/lambda-action/issues/68>).
const USUAL: [(&str, f64); 10] = [
    ("CreateAlias", 120.0),
    ("DeleteAlias", 120.0),
    ("DeleteFunction", 150.0),
    ("GetAlias", 40.0),
    ("GetFunctionConfiguration", 40.0),
    ("Invoke", 8.0),
    ("ListVersionsByFunction", 60.0),
    ("PublishVersion", 250.0),
    ("UpdateAlias", 120.0),
    ("UpdateFunctionConfiguration", 250.0),
];
const USUAL_UPDATE: f64 = 700.0;
const USUAL_PUBLISH: f64 = 700.0;

impl Latencies {
    pub fn usual() -> Self {
        Self {
            actions: USUAL.map(|(action, ms)| (action.to_owned(), ms)).into(),
            update: USUAL_UPDATE,
            publish: USUAL_PUBLISH,
        }
    }

    pub fn none() -> Self {
        Self {
            actions: BTreeMap::new(),
            update: 0.0,
            publish: 0.0,
        }
    }

    /// As the reference was measured.
    pub fn are_none(&self) -> bool {
        self.actions.values().sum::<f64>() + self.update + self.publish == 0.0
    }

    /// With others, each as `ACTION=MS`; `update` and `publish` are what goes on after these requests.
    pub fn with(mut self, others: &[String]) -> Result<Self> {
        for other in others {
            let (action, ms) = other
                .split_once('=')
                .with_context(|| format!("`{other}` is not ACTION=MS"))?;
            let ms: f64 = ms
                .parse()
                .with_context(|| format!("`{other}`: `{ms}` is no number"))?;
            ensure!(
                ms >= 0.0 && ms.is_finite(),
                "`{other}` must not be negative"
            );
            match action {
                "update" => self.update = ms,
                "publish" => self.publish = ms,
                _ => {
                    let known = self.actions.get_mut(action).with_context(|| {
                        let all: Vec<&str> = USUAL.iter().map(|(action, _)| *action).collect();
                        format!(
                            "a tuning does not call `{action}`; it calls {}",
                            all.join(", ")
                        )
                    })?;
                    *known = ms;
                }
            }
        }
        Ok(self)
    }

    /// As the simulator's command line takes them.
    pub fn arguments(&self) -> Vec<String> {
        let actions = self
            .actions
            .iter()
            .map(|(action, ms)| format!("--latency={action}={ms}"));
        let changes = [
            format!("--update-ms={}", self.update),
            format!("--publish-ms={}", self.publish),
        ];
        actions.chain(changes).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn others_replace_the_usual_ones() {
        let wanted = ["PublishVersion=1", "update=2"].map(str::to_owned);
        let latencies = Latencies::usual().with(&wanted).expect("good ones");
        assert_eq!(
            (latencies.actions["PublishVersion"], latencies.update),
            (1.0, 2.0)
        );
        assert_eq!(latencies.actions.len(), USUAL.len());
        for bad in ["PublishVersion", "Publish=1", "update=-1", "update=x"] {
            assert!(Latencies::usual().with(&[bad.to_owned()]).is_err(), "{bad}");
        }
    }
}
