//! E-values: how strongly an unmeasured factor would have to be associated with both group and outcome, on the risk-ratio
//! scale and beyond what is measured, to account for a risk ratio (VanderWeele & Ding (2017) Ann. Intern. Med. 167, 268).

/// The E-value of a risk ratio: `RR + sqrt(RR (RR - 1))`, of the inverse where it is below 1. `None` unless it is positive and finite.
pub fn e_value(risk_ratio: f64) -> Option<f64> {
    let away = if risk_ratio < 1.0 { risk_ratio.recip() } else { risk_ratio };
    (risk_ratio > 0.0 && away.is_finite()).then(|| away + (away * (away - 1.0)).sqrt())
}

/// The E-value of the limit that lies closer to 1; 1 where the interval holds 1.
pub fn e_value_of_limit(risk_ratio: f64, conf_low: f64, conf_high: f64) -> Option<f64> {
    if !(conf_low <= risk_ratio && risk_ratio <= conf_high) {
        return None;
    }
    if conf_low <= 1.0 && conf_high >= 1.0 {
        return Some(1.0);
    }
    e_value(if risk_ratio > 1.0 { conf_low } else { conf_high })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// VanderWeele & Ding (2017): a risk ratio of 3.9 with limits 1.8 and 8.7 has 7.26 and 3.00; 0.80 has 1.81.
    #[test]
    fn the_published_values() {
        let close = |got: Option<f64>, want: f64| assert!((got.unwrap() - want).abs() < 0.005, "{got:?} {want}");
        close(e_value(3.9), 7.26);
        close(e_value_of_limit(3.9, 1.8, 8.7), 3.0);
        close(e_value(0.8), 1.81);
        assert_eq!(e_value_of_limit(0.8, 0.6, 1.1), Some(1.0));
        close(e_value_of_limit(1.0 / 3.9, 1.0 / 8.7, 1.0 / 1.8), 3.0);
    }

    #[test]
    fn what_is_no_ratio_has_none() {
        assert_eq!(e_value(1.0), Some(1.0));
        for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(e_value(bad), None);
        }
        assert_eq!(e_value_of_limit(2.0, f64::NAN, f64::NAN), None);
    }
}
