//! From numbers to places on a chart.

/// What the steps of an axis are multiples of.
const NICE: [f64; 12] = [1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 12.0];

/// From zero up, in steps that are easy to read. Upwards the places get smaller.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Linear {
    pub step: f64,
    pub steps: u32,
    bottom: f64,
    top: f64,
}

impl Linear {
    /// In so many steps, of which the last one ends at or above `most`.
    pub(crate) fn to(most: f64, steps: u32, bottom: f64, top: f64) -> Self {
        Self {
            step: nice(most / f64::from(steps)),
            steps,
            bottom,
            top,
        }
    }

    pub(crate) fn end(&self) -> f64 {
        self.step * f64::from(self.steps)
    }

    pub(crate) fn place(&self, value: f64) -> f64 {
        let share = (value / self.end()).clamp(0.0, 1.0);
        self.bottom + share * (self.top - self.bottom)
    }

    /// With what each of them says.
    pub(crate) fn ticks(&self) -> impl Iterator<Item = f64> {
        let step = self.step;
        (0..=self.steps).map(move |tick| step * f64::from(tick))
    }

    /// The decimals that tell the steps apart.
    pub(crate) fn decimals(&self, unit: f64) -> usize {
        let step = self.step / unit;
        let is_exact = |places: &i32| {
            let scaled = step * 10_f64.powi(*places);
            (scaled - scaled.round()).abs() < 1e-6 * scaled
        };
        let places = (0..=12).find(is_exact).unwrap_or(12);
        usize::try_from(places).unwrap_or_default()
    }
}

/// The smallest nice number that is no smaller.
fn nice(value: f64) -> f64 {
    if value <= 0.0 {
        return 1.0;
    }
    let power = 10_f64.powf(value.log10().floor());
    // A number that is nice already may be off in its last bit.
    let is_enough = |of: &&f64| **of * power >= value * (1.0 - 1e-9);
    NICE.iter().find(is_enough).unwrap_or(&10.0) * power
}

/// Each doubling is as far as the other ones.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Log {
    low: f64,
    high: f64,
    left: f64,
    right: f64,
}

impl Log {
    pub(crate) fn between(low: f64, high: f64, left: f64, right: f64) -> Self {
        Self {
            low: low.ln(),
            high: high.ln(),
            left,
            right,
        }
    }

    pub(crate) fn place(&self, value: f64) -> f64 {
        if self.high <= self.low {
            return f64::midpoint(self.left, self.right);
        }
        let share = (value.ln() - self.low) / (self.high - self.low);
        self.left + share * (self.right - self.left)
    }
}

/// A label in the middle of its place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Label {
    pub place: f64,
    pub width: f64,
    /// Smaller goes first.
    pub rank: usize,
}

/// Which of the labels can stand without touching another, those of a small rank first.
pub(crate) fn that_fit(labels: &[Label], gap: f64) -> Vec<bool> {
    let mut order: Vec<usize> = (0..labels.len()).collect();
    order.sort_by_key(|label| labels[*label].rank);
    let mut fit = vec![false; labels.len()];
    for label in order {
        let this = labels[label];
        let touches = |other: &Label| {
            (this.place - other.place).abs() < f64::midpoint(this.width, other.width) + gap
        };
        let taken = labels.iter().zip(&fit).filter(|(_, fits)| **fits);
        fit[label] = !taken.map(|(other, _)| other).any(touches);
    }
    fit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_ends_above_all_values_in_steps_that_are_easy_to_read() {
        let cases = [
            (391.0, 100.0),
            (400.0, 100.0),
            (401.0, 120.0),
            (0.03, 0.008),
            (9.9, 2.5),
            (0.0, 1.0),
            (1e11, 2.5e10),
        ];
        for (most, step) in cases {
            let axis = Linear::to(most, 4, 300.0, 0.0);
            assert!((axis.step - step).abs() < step * 1e-9, "{most}: {axis:?}");
            assert!(axis.end() >= most * (1.0 - 1e-9));
        }
    }

    #[test]
    fn an_axis_goes_from_its_bottom_to_its_top() {
        let axis = Linear::to(400.0, 4, 300.0, 100.0);
        let places = [0.0, 200.0, 400.0, 999.0].map(|value| axis.place(value));
        let wanted = [300.0, 200.0, 100.0, 100.0];
        assert!(
            places
                .iter()
                .zip(wanted)
                .all(|(is, want)| (is - want).abs() < 1e-9),
            "{places:?}"
        );
        let sizes = Log::between(128.0, 2048.0, 0.0, 400.0);
        for (size, place) in [
            (128.0, 0.0),
            (256.0, 100.0),
            (1024.0, 300.0),
            (2048.0, 400.0),
        ] {
            assert!((sizes.place(size) - place).abs() < 1e-9, "{size}");
        }
        let one = Log::between(512.0, 512.0, 0.0, 400.0);
        assert!((one.place(512.0) - 200.0).abs() < 1e-9);
    }

    #[test]
    fn ticks_have_the_decimals_that_tell_them_apart() {
        let decimals = |most: f64| Linear::to(most, 4, 0.0, 1.0).decimals(1.0);
        assert_eq!([400.0, 10.0, 0.03, 6.0].map(decimals), [0, 1, 3, 1]);
        assert_eq!(Linear::to(4e4, 4, 0.0, 1.0).decimals(1000.0), 0);
    }

    #[test]
    fn labels_never_touch_and_the_important_ones_stand() {
        let labels: Vec<Label> = (0..200)
            .map(|at| Label {
                place: f64::from(at) * 3.5,
                width: 32.0,
                rank: usize::from(at != 77),
            })
            .collect();
        let fit = that_fit(&labels, 6.0);
        assert!(fit[77]);
        let standing: Vec<f64> = labels
            .iter()
            .zip(&fit)
            .filter(|(_, fits)| **fits)
            .map(|(label, _)| label.place)
            .collect();
        assert!(standing.len() > 10, "{standing:?}");
        assert!(
            standing.windows(2).all(|two| two[1] - two[0] >= 38.0),
            "{standing:?}"
        );
    }
}
