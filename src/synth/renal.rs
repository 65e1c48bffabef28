//! Creatinine and the glomerular filtration rate estimated from it.
//!
//! Source: Inker et al. (2021) N Engl J Med 385:1737-1749, the CKD-EPI creatinine equation without race:
//! eGFR = 142 min(Scr/κ, 1)^α max(Scr/κ, 1)^-1.200 0.9938^age (1.012 if female), κ = 0.7 (female) or 0.9 (male),
//! α = -0.241 (female) or -0.302 (male); Scr in mg/dL, eGFR in mL/min/1.73 m².

/// (κ, α, eGFR at Scr = κ).
fn constants(age_years: f64, female: bool) -> (f64, f64, f64) {
    let (kappa, alpha, sex) = if female { (0.7, -0.241, 1.012) } else { (0.9, -0.302, 1.0) };
    (kappa, alpha, 142.0 * 0.9938f64.powf(age_years) * sex)
}

/// eGFR in mL/min/1.73 m² from serum creatinine in mg/dL.
pub fn egfr_ckd_epi_2021(creatinine_mg_dl: f64, age_years: f64, female: bool) -> f64 {
    let (kappa, alpha, at_kappa) = constants(age_years, female);
    let ratio = creatinine_mg_dl / kappa;
    at_kappa * ratio.min(1.0).powf(alpha) * ratio.max(1.0).powf(-1.2)
}

/// The serum creatinine in mg/dL that has this eGFR. The equation falls strictly with creatinine, so there is one.
pub fn creatinine_mg_dl(egfr: f64, age_years: f64, female: bool) -> f64 {
    let (kappa, alpha, at_kappa) = constants(age_years, female);
    let ratio = egfr / at_kappa;
    kappa * if ratio <= 1.0 { ratio.powf(-1.0 / 1.2) } else { ratio.powf(1.0 / alpha) }
}
