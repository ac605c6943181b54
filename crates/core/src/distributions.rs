//! The few distributions that the statistics need.

/// The share of Student's t distribution with `freedom` degrees of freedom that lies below `t`.
/// Abramowitz & Stegun (1964), 26.7.1, through the incomplete beta function.
#[must_use]
pub fn student_t(t: f64, freedom: f64) -> f64 {
    if t.is_infinite() {
        return if t > 0.0 { 1.0 } else { 0.0 };
    }
    let tail = 0.5 * incomplete_beta(freedom / 2.0, 0.5, freedom / (freedom + t * t));
    if t > 0.0 { 1.0 - tail } else { tail }
}

/// Below which value the share `p` of Student's t distribution lies. Newton's method from the quantile of the normal
/// distribution, which is never beyond that of t: the distribution is concave there, so that no step goes too far.
#[must_use]
pub fn student_t_quantile(p: f64, freedom: f64) -> f64 {
    if p < 0.5 {
        return -student_t_quantile(1.0 - p, freedom);
    }
    let scale = (ln_gamma(f64::midpoint(freedom, 1.0))
        - ln_gamma(freedom / 2.0)
        - 0.5 * (freedom * std::f64::consts::PI).ln())
    .exp();
    let density = |t: f64| scale * (1.0 + t * t / freedom).powf(-f64::midpoint(freedom, 1.0));
    let mut t = normal_quantile(p);
    for _ in 0..100 {
        let step = (p - student_t(t, freedom)) / density(t);
        t += step;
        if step.abs() <= 1e-10 * (1.0 + t.abs()) {
            break;
        }
    }
    t
}

/// Below which value the share `p` of the standard normal distribution lies; wrong by less than 4.5e-4.
/// Abramowitz & Stegun (1964), 26.2.23.
#[must_use]
pub fn normal_quantile(p: f64) -> f64 {
    if p < 0.5 {
        return -normal_quantile(1.0 - p);
    }
    let t = (-2.0 * (1.0 - p).ln()).sqrt();
    let above = 2.515_517 + t * (0.802_853 + t * 0.010_328);
    let below = 1.0 + t * (1.432_788 + t * (0.189_269 + t * 0.001_308));
    (t - above / below).max(0.0)
}

/// The share of the standard normal distribution that lies below `z`; wrong by less than 7.5e-8.
/// Abramowitz & Stegun (1964), 26.2.17.
#[must_use]
pub fn normal(z: f64) -> f64 {
    if z < 0.0 {
        return 1.0 - normal(-z);
    }
    let t = 1.0 / (1.0 + 0.231_641_9 * z);
    let powers = [
        0.319_381_53,
        -0.356_563_782,
        1.781_477_937,
        -1.821_255_978,
        1.330_274_429,
    ];
    let sum = powers
        .iter()
        .rev()
        .fold(0.0, |sum, factor| t * (factor + sum));
    let density = (-0.5 * z * z).exp() / (2.0 * std::f64::consts::PI).sqrt();
    1.0 - density * sum
}

/// The chance of at most `successes` in `trials`, each with the chance `p`.
#[must_use]
pub fn binomial(successes: usize, trials: usize, p: f64) -> f64 {
    if successes >= trials {
        return 1.0;
    }
    incomplete_beta(count(trials - successes), count(successes + 1), 1.0 - p)
}

/// Of samples: no more than some thousands.
pub(crate) fn count(number: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a few thousand samples at most")]
    let count = number as f64;
    count
}

/// The regularised incomplete beta function, by its continued fraction (DLMF 8.17.22) and Lentz's method.
fn incomplete_beta(a: f64, b: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    if x > (a + 1.0) / (a + b + 2.0) {
        // The fraction converges fast on one side only.
        return 1.0 - incomplete_beta(b, a, 1.0 - x);
    }
    let front =
        (ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b) + a * x.ln() + b * (-x).ln_1p()).exp() / a;
    let mut above = 1.0;
    let mut below = 1.0 / away_from_zero(1.0 - (a + b) * x / (a + 1.0));
    let mut fraction = below;
    for m in 1..300 {
        let m = f64::from(m);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let mut change = 1.0;
        for term in [even, odd] {
            below = 1.0 / away_from_zero(1.0 + term * below);
            above = away_from_zero(1.0 + term / above);
            change = above * below;
            fraction *= change;
        }
        if (change - 1.0).abs() < 1e-14 {
            break;
        }
    }
    (front * fraction).clamp(0.0, 1.0)
}

fn away_from_zero(value: f64) -> f64 {
    const TINY: f64 = 1e-300;
    if value.abs() < TINY { TINY } else { value }
}

/// The logarithm of the gamma function of a positive number. Lanczos (1964), with g = 7 and nine terms.
fn ln_gamma(x: f64) -> f64 {
    const TERMS: [f64; 8] = [
        676.520_368_121_885_1,
        -1_259.139_216_722_402_8,
        771.323_428_777_653_1,
        -176.615_029_162_140_6,
        12.507_343_278_686_905,
        -0.138_571_095_265_720_12,
        9.984_369_578_019_572e-6,
        1.505_632_735_149_311_6e-7,
    ];
    if x < 0.5 {
        let reflected = (std::f64::consts::PI * x).sin().ln();
        return std::f64::consts::PI.ln() - reflected - ln_gamma(1.0 - x);
    }
    let x = x - 1.0;
    let at = x + 7.5;
    let mut sum = 0.999_999_999_999_809_9;
    for (index, term) in TERMS.iter().enumerate() {
        sum += term / (x + count(index) + 1.0);
    }
    0.5 * (2.0 * std::f64::consts::PI).ln() + (x + 0.5) * at.ln() - at + sum.ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_of_t_are_those_of_the_printed_tables() {
        let cases = [
            (0.975, 1.0, 12.706_2),
            (0.975, 2.0, 4.302_65),
            (0.975, 4.0, 2.776_45),
            (0.975, 9.0, 2.262_16),
            (0.975, 30.0, 2.042_27),
            (0.975, 120.0, 1.979_93),
            (0.95, 5.0, 2.015_05),
            (0.995, 10.0, 3.169_27),
            (0.999_5, 3.0, 12.924),
            (0.9, 1.0, 3.077_68),
        ];
        for (p, freedom, wanted) in cases {
            let got = student_t_quantile(p, freedom);
            assert!(
                (got - wanted).abs() < 1e-5 * wanted,
                "{p} {freedom}: {got}, not {wanted}"
            );
            assert!((student_t(got, freedom) - p).abs() < 1e-9);
            assert!((student_t_quantile(1.0 - p, freedom) + wanted).abs() < 1e-4 * wanted);
        }
    }

    #[test]
    fn the_normal_distribution_is_that_of_the_printed_tables() {
        for (z, wanted) in [
            (0.0, 0.5),
            (1.0, 0.841_345),
            (1.96, 0.975_002),
            (-3.0, 0.001_35),
        ] {
            assert!((normal(z) - wanted).abs() < 1e-6, "{z}: {}", normal(z));
        }
        assert!((normal_quantile(0.975) - 1.959_964).abs() < 4.5e-4);
        assert!((normal_quantile(0.01) + 2.326_348).abs() < 4.5e-4);
        assert!(normal_quantile(0.5).abs() < 4.5e-4);
    }

    #[test]
    fn the_binomial_distribution_is_the_sum_of_its_terms() {
        assert!((binomial(0, 58, 0.05) - 0.95f64.powi(58)).abs() < 1e-12);
        assert!((binomial(2, 4, 0.5) - 11.0 / 16.0).abs() < 1e-12);
        assert!((binomial(7, 20, 0.3) - 0.772_271_8).abs() < 1e-6);
        assert!((binomial(4, 4, 0.5) - 1.0).abs() < f64::EPSILON);
    }

    #[test]
    fn the_gamma_function_is_the_factorial() {
        for (x, wanted) in [
            (1.0, 1.0),
            (5.0, 24.0),
            (11.0, 3_628_800.0),
            (0.5, 1.772_453_850_905_516),
        ] {
            let wanted: f64 = wanted;
            assert!((ln_gamma(x) - wanted.ln()).abs() < 1e-12, "{x}");
        }
    }
}
