//! Restricted cubic splines as Harrell codes them.

/// Quantile of sorted values, type 7 (R's default): linear between order statistics at h = (n - 1) p.
pub fn quantile(sorted: &[f64], p: f64) -> f64 {
    let h = (sorted.len() - 1) as f64 * p;
    let low = h.floor() as usize;
    let high = (low + 1).min(sorted.len() - 1);
    sorted[low] + (h - low as f64) * (sorted[high] - sorted[low])
}

/// Quantiles at which `df + 1` knots stand (Harrell, Regression Modeling Strategies, 2nd ed., table 2.3); `None` unless df is 2 to 6.
pub fn knot_quantiles(df: usize) -> Option<&'static [f64]> {
    match df {
        2 => Some(&[0.10, 0.50, 0.90]),
        3 => Some(&[0.05, 0.35, 0.65, 0.95]),
        4 => Some(&[0.05, 0.275, 0.50, 0.725, 0.95]),
        5 => Some(&[0.05, 0.23, 0.41, 0.59, 0.77, 0.95]),
        6 => Some(&[0.025, 0.1833, 0.3417, 0.50, 0.6583, 0.8167, 0.975]),
        _ => None,
    }
}

/// The j-th nonlinear basis function (j from 0, `knots.len() - 2` of them) at x: truncated cubes that are linear beyond the outer knots,
/// divided by (t_k - t_1)^2 to be in the unit of x.
pub fn basis(x: f64, knots: &[f64], j: usize) -> f64 {
    let k = knots.len();
    let (first, before_last, last) = (knots[0], knots[k - 2], knots[k - 1]);
    let cube = |t: f64| {
        let d = (x - t).max(0.0);
        d * d * d
    };
    let t = knots[j];
    let value = cube(t) - cube(before_last) * (last - t) / (last - before_last) + cube(last) * (before_last - t) / (last - before_last);
    value / ((last - first) * (last - first))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOTS: [f64; 4] = [1.0, 3.0, 4.5, 8.0];

    #[test]
    fn quantiles_are_those_of_r() {
        // R: quantile(c(1, 2, 4, 7, 11), c(.1, .5, .9, .275)) is 1.4, 4.0, 9.4, 2.2
        let x = [1.0, 2.0, 4.0, 7.0, 11.0];
        for (p, expected) in [(0.1, 1.4), (0.5, 4.0), (0.9, 9.4), (0.275, 2.2)] {
            assert!((quantile(&x, p) - expected).abs() < 1e-12, "{p}");
        }
    }

    #[test]
    fn every_df_has_one_knot_more() {
        for df in 2..=6 {
            assert_eq!(knot_quantiles(df).map(<[f64]>::len), Some(df + 1));
        }
        assert_eq!(knot_quantiles(1), None);
    }

    #[test]
    fn basis_by_hand() {
        // Knots 1, 3, 4.5, 8 and x = 5, j = 0: ((5-1)^3 - (5-4.5)^3 (8-1)/(8-4.5) + 0) / 49 = (64 - 0.125 * 2) / 49.
        assert!((basis(5.0, &KNOTS, 0) - 63.75 / 49.0).abs() < 1e-14);
        // x = 10, j = 1: (7^3 - 5.5^3 * (8-3)/3.5 + 2^3 * (4.5-3)/3.5) / 49.
        assert!((basis(10.0, &KNOTS, 1) - (343.0 - 166.375 * 5.0 / 3.5 + 8.0 * 1.5 / 3.5) / 49.0).abs() < 1e-13);
        assert_eq!(basis(0.5, &KNOTS, 0), 0.0);
    }

    #[test]
    fn linear_beyond_the_outer_knots_and_smooth_at_the_inner_ones() {
        let second = |x: f64, j: usize, h: f64| (basis(x + h, &KNOTS, j) - 2.0 * basis(x, &KNOTS, j) + basis(x - h, &KNOTS, j)) / (h * h);
        for j in 0..2 {
            for x in [-5.0, 0.0, 9.0, 20.0, 50.0] {
                assert!(second(x, j, 0.5).abs() < 1e-9, "second difference at {x}: {}", second(x, j, 0.5));
            }
            for t in KNOTS {
                let (left, right) = (second(t - 2e-3, j, 1e-3), second(t + 2e-3, j, 1e-3));
                assert!((left - right).abs() < 5e-3, "second derivative jumps at {t}: {left} {right}");
            }
        }
    }
}
