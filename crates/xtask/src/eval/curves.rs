//! Durations over memory, as others measured them, and what they are between the sizes that were measured.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

/// A function, measured at several sizes.
#[derive(Debug, Deserialize)]
pub(super) struct Curve {
    pub id: String,
    /// Who measured it: curves of one family are alike.
    pub family: String,
    points: Vec<Point>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
struct Point {
    memory: u32,
    duration_ms: f64,
}

/// How durations between the measured sizes are taken to be, both in logarithms of duration and memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Between {
    /// Straight lines. Nearly every best size is one that was measured.
    Linear,
    /// The monotone cubic of Fritsch and Carlson (1980). It rarely is.
    Cubic,
}

impl Between {
    pub const ALL: [Self; 2] = [Self::Linear, Self::Cubic];

    pub fn name(self) -> &'static str {
        match self {
            Self::Linear => "linear",
            Self::Cubic => "cubic",
        }
    }
}

/// What a call takes at each size.
pub(super) struct Truth {
    log_mb: Vec<f64>,
    log_duration: Vec<f64>,
    /// Slopes at the points; nothing for straight lines.
    slopes: Option<Vec<f64>>,
}

/// The curves that say something about a search: from small sizes to large ones.
pub(super) fn read(path: &Path) -> Result<Vec<Curve>> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let curves: Vec<Curve> = serde_json::from_str(&text)
        .with_context(|| format!("{} is not a list of curves", path.display()))?;
    let curves = curves.into_iter().map(Curve::in_order);
    let wide: Vec<Curve> = curves.filter(Curve::is_wide).collect();
    ensure!(
        !wide.is_empty(),
        "{} has no curve from 256 MB or less to 1,536 MB or more",
        path.display()
    );
    Ok(wide)
}

impl Curve {
    fn in_order(mut self) -> Self {
        self.points.retain(|point| point.duration_ms > 0.0);
        self.points.sort_by_key(|point| point.memory);
        self.points.dedup_by_key(|point| point.memory);
        self
    }

    fn is_wide(&self) -> bool {
        match self.points.as_slice() {
            [first, .., last] => {
                first.memory >= 128
                    && first.memory <= 256
                    && (1536..=10_240).contains(&last.memory)
                    && last.memory >= 8 * first.memory
            }
            _ => false,
        }
    }

    pub fn lowest(&self) -> u32 {
        self.points.first().map_or(0, |point| point.memory)
    }

    pub fn highest(&self) -> u32 {
        self.points.last().map_or(0, |point| point.memory)
    }

    pub fn covers(&self, mb: u32) -> bool {
        (self.lowest()..=self.highest()).contains(&mb)
    }

    pub fn truth(&self, between: Between) -> Truth {
        let logs = |of: fn(&Point) -> f64| self.points.iter().map(|point| of(point).ln()).collect();
        let log_mb: Vec<f64> = logs(|point| f64::from(point.memory));
        let log_duration: Vec<f64> = logs(|point| point.duration_ms);
        let slopes = match between {
            Between::Linear => None,
            Between::Cubic => Some(slopes(&log_mb, &log_duration)),
        };
        Truth {
            log_mb,
            log_duration,
            slopes,
        }
    }
}

/// Fritsch and Carlson (1980), with their first way of keeping to the region of monotonicity (a circle of radius 3).
fn slopes(x: &[f64], y: &[f64]) -> Vec<f64> {
    let secants: Vec<f64> = x
        .windows(2)
        .zip(y.windows(2))
        .map(|(x, y)| (y[1] - y[0]) / (x[1] - x[0]))
        .collect();
    let last = secants.len() - 1;
    let mut slopes: Vec<f64> = (0..x.len())
        .map(|at| match at {
            0 => secants[0],
            at if at > last => secants[last],
            at if secants[at - 1] * secants[at] <= 0.0 => 0.0,
            at => f64::midpoint(secants[at - 1], secants[at]),
        })
        .collect();
    for (at, secant) in secants.iter().enumerate() {
        if *secant == 0.0 {
            slopes[at] = 0.0;
            slopes[at + 1] = 0.0;
            continue;
        }
        let (a, b) = (slopes[at] / secant, slopes[at + 1] / secant);
        let radius = a.hypot(b);
        if radius > 3.0 {
            slopes[at] = 3.0 / radius * a * secant;
            slopes[at + 1] = 3.0 / radius * b * secant;
        }
    }
    slopes
}

impl Truth {
    /// Of one call, in ms; beyond the curve it is as at its end.
    pub fn ms(&self, mb: f64) -> f64 {
        let x = &self.log_mb;
        let last = x.len() - 1;
        let at = mb.ln().clamp(x[0], x[last]);
        let left = x.partition_point(|x| *x <= at).clamp(1, last) - 1;
        let width = x[left + 1] - x[left];
        let t = (at - x[left]) / width;
        let (from, to) = (self.log_duration[left], self.log_duration[left + 1]);
        let log = match &self.slopes {
            None => from + (to - from) * t,
            Some(slopes) => {
                let (t2, t3) = (t * t, t * t * t);
                (2.0 * t3 - 3.0 * t2 + 1.0) * from
                    + (t3 - 2.0 * t2 + t) * width * slopes[left]
                    + (3.0 * t2 - 2.0 * t3) * to
                    + (t3 - t2) * width * slopes[left + 1]
            }
        };
        log.exp()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve() -> Curve {
        let points = [(128, 1000.0), (512, 250.0), (1024, 200.0), (2048, 210.0)];
        let points = points.map(|(memory, duration_ms)| Point {
            memory,
            duration_ms,
        });
        Curve {
            id: "c".to_owned(),
            family: "f".to_owned(),
            points: points.to_vec(),
        }
    }

    #[test]
    fn both_truths_go_through_what_was_measured() {
        for between in Between::ALL {
            let truth = curve().truth(between);
            for point in curve().points {
                let ms = truth.ms(f64::from(point.memory));
                assert!((ms - point.duration_ms).abs() < 1e-9, "{between:?}: {ms}");
            }
            assert!(
                (truth.ms(100.0) - 1000.0).abs() < 1e-9,
                "before the first point"
            );
            assert!((truth.ms(9000.0) - 210.0).abs() < 1e-9, "behind the last");
        }
    }

    #[test]
    fn a_straight_line_in_logarithms_is_a_power() {
        let ms = curve().truth(Between::Linear).ms(256.0);
        assert!((ms - 500.0).abs() < 1e-9, "{ms}");
    }

    #[test]
    fn the_cubic_rises_and_falls_only_where_the_points_do() {
        let truth = curve().truth(Between::Cubic);
        let at = |mb: u32| truth.ms(f64::from(mb));
        assert!((128..1024).step_by(16).all(|mb| at(mb) >= at(mb + 16)));
        assert!((1024..2048).step_by(16).all(|mb| at(mb) <= at(mb + 16)));
        assert!((at(700) - curve().truth(Between::Linear).ms(700.0)).abs() > 0.5);
    }

    #[test]
    fn narrow_curves_say_nothing_about_a_search() {
        let mut narrow = curve();
        assert!(narrow.is_wide());
        narrow.points.pop();
        assert!(!narrow.is_wide());
    }
}
