//! Differences between and within hospitals: Kitagawa's division of a gap, raw or of case-mix-adjusted outcomes, and the
//! contextual identity of a linear model.

use super::roster::Roster;
use crate::decompose::DecomposeError;
use crate::decompose::fits::{Fits, FittedIn, GroupTerms};
use crate::decompose::moments::add_score_influence;
use crate::decompose::with_and_without::supported;
use crate::design::Contrast;
use crate::estimate::Estimate;
use crate::vocab::BlockSet;

/// A gap in means divided into what goes with the hospitals that the groups use and what is left at the same hospital.
pub struct Kitagawa {
    pub between: Estimate,
    pub within: Estimate,
    /// Of each hospital: its term of either sum.
    pub units: Vec<[f64; 2]>,
    /// Of each hospital: its term of `between` with its outcomes as deviations from the two groups' mean: the same sum.
    pub centred: Vec<f64>,
    /// By row of the design: derivatives of between and within by the row's value.
    slopes: Vec<[f64; 2]>,
}

/// `between = sum_h (s_1h - s_0h)(m_1h + m_0h)/2` and `within = sum_h (m_1h - m_0h)(s_1h + s_0h)/2` of the values `v`, with `s_rh` the
/// share of group r that hospital h has and `m_rh` its mean there. Where a hospital lacks a group the other group's
/// mean stands for it: within is 0 there by convention. Sums to the gap in `v` exactly. Source: Kitagawa (1955); METHODS 5.5(a).
pub fn kitagawa(c: &Contrast<'_>, roster: &Roster<'_>, v: impl Fn(usize) -> f64) -> Kitagawa {
    let rows = || c.units().filter(|&i| c.w[i] > 0.0);
    let side = |i: usize| usize::from(c.r[i] == 1.0);
    let mut weight = vec![[0.0; 2]; roster.len()];
    let mut sums = vec![[0.0; 2]; roster.len()];
    for i in rows() {
        weight[roster.of(i)][side(i)] += c.w[i];
        sums[roster.of(i)][side(i)] += c.w[i] * v(i);
    }
    let total = [0, 1].map(|r| weight.iter().map(|w| w[r]).sum::<f64>());
    let share = |h: usize| [0, 1].map(|r| weight[h][r] / total[r]);
    let lacks = |h: usize| weight[h].contains(&0.0);
    let mean = |h: usize| {
        let own = |r: usize| if weight[h][r] > 0.0 { Some(sums[h][r] / weight[h][r]) } else { None };
        match (own(0), own(1)) {
            (Some(a), Some(b)) => [a, b],
            (Some(one), None) | (None, Some(one)) => [one, one],
            (None, None) => [0.0, 0.0],
        }
    };
    let middle = |h: usize| 0.5 * (mean(h)[0] + mean(h)[1]);
    let apart = |h: usize| mean(h)[1] - mean(h)[0];
    let (mut units, mut centred) = (Vec::new(), Vec::new());
    // Weighted by a group's shares: its mean of the hospitals' middle outcomes and of their differences.
    let mut of_middle = [0.0; 2];
    let mut of_apart = [0.0; 2];
    let overall = 0.5 * sums.iter().fold([0.0, 0.0], |a, s| [a[0] + s[0], a[1] + s[1]]).iter().zip(total).map(|(s, t)| s / t).sum::<f64>();
    for h in 0..roster.len() {
        let s = share(h);
        units.push([(s[1] - s[0]) * middle(h), apart(h) * 0.5 * (s[0] + s[1])]);
        centred.push((s[1] - s[0]) * (middle(h) - overall));
        for r in [0, 1] {
            of_middle[r] += s[r] * middle(h);
            of_apart[r] += s[r] * apart(h);
        }
    }
    let n = c.n() as f64;
    let mut between = Estimate::constant(units.iter().map(|u| u[0]).sum(), c.n());
    let mut within = Estimate::constant(units.iter().map(|u| u[1]).sum(), c.n());
    let mut slopes = vec![[0.0; 2]; c.y.len()];
    for i in rows() {
        let (h, r) = (roster.of(i), side(i));
        let s = share(h);
        let sign = if r == 1 { 1.0 } else { -1.0 };
        let of_mean = if lacks(h) { [s[1] - s[0], 0.0] } else { [0.5 * (s[1] - s[0]), sign * 0.5 * (s[0] + s[1])] };
        slopes[i] = of_mean.map(|d| d * c.w[i] / weight[h][r]);
        let deviation = v(i) - mean(h)[r];
        let at = c.unit(i);
        between.influence[at] = n * (c.w[i] * sign * (middle(h) - of_middle[r]) / total[r] + slopes[i][0] * deviation);
        within.influence[at] = n * (c.w[i] * 0.5 * (apart(h) - of_apart[r]) / total[r] + slopes[i][1] * deviation);
    }
    Kitagawa { between, within, units, centred, slopes }
}

/// [`kitagawa`] in two stages: each unit's outcome less what the reference group's model of patients, without hospitals, expects of it;
/// then those deviations by hospital. The two parts sum to the plug-in adjusted gap given the same patient factors,
/// `mean_index - E_1[E_0(Y | A)]` (with a canonical link, whose reference deviations have mean 0). Influences carry the first stage.
/// After Shwartz et al. (2023) Med Care 61:392-399, who predict with a linear model and aggregate its predictions.
///
/// Errors: the patient model has no fit, or says nothing about some index units.
pub fn adjusted(fits: &Fits<'_>, roster: &Roster<'_>, given: BlockSet) -> Result<Kitagawa, DecomposeError> {
    let c = fits.contrast;
    let family = c.design.family;
    let m = fits.matrix(FittedIn::Reference, given, GroupTerms::Without)?;
    let fit = supported(fits, FittedIn::Reference, given, &c.index())?;
    let eta: Vec<f64> = (0..c.y.len()).map(|i| if c.w[i] > 0.0 { m.dot(i, &fit.beta, None) } else { 0.0 }).collect();
    let mut out = kitagawa(c, roster, |i| c.y[i] - family.mean(eta[i]));
    for (part, e) in [(0, &mut out.between), (1, &mut out.within)] {
        let gradient = m.weighted_sum(&c.rows(), None, |i| -out.slopes[i][part] * family.slope(eta[i]));
        add_score_influence(c, &m, &fit, &gradient, &c.y, &c.w, &mut e.influence);
    }
    Ok(out)
}

/// The contextual (Mundlak) identity `D = lambda beta_between + (1 - lambda) beta_within`, with `lambda` the share of the variance of group
/// membership that lies between hospitals.
pub struct Contextual {
    /// Slope of the outcome on the group within hospitals.
    pub slope_within: Estimate,
    /// Slope of hospitals' mean outcomes on their shares of index units.
    pub slope_between: Estimate,
    pub lambda: Estimate,
    /// `lambda (beta_between - beta_within)`: what goes with the hospitals.
    pub sorting: Estimate,
}

/// Weighted least squares of the outcome on the group and its hospital mean, for any outcome. `None` where group membership does not vary
/// between hospitals, or not within. Source: Mundlak (1978); METHODS 5.5(b).
pub fn contextual(c: &Contrast<'_>, roster: &Roster<'_>) -> Option<Contextual> {
    let rows = || c.units().filter(|&i| c.w[i] > 0.0);
    let mut of = vec![[0.0; 3]; roster.len()];
    for i in rows() {
        let sums = &mut of[roster.of(i)];
        [c.w[i], c.w[i] * c.r[i], c.w[i] * c.y[i]].into_iter().zip(sums).for_each(|(v, s)| *s += v);
    }
    let all = of.iter().fold([0.0; 3], |a, s| [a[0] + s[0], a[1] + s[1], a[2] + s[2]]);
    let (r_bar, y_bar) = (all[1] / all[0], all[2] / all[0]);
    // Total and within-hospital products of deviations: (group, outcome), (group, group).
    let products = |i: usize| {
        let [w, r, y] = of[roster.of(i)];
        let (dr, dy) = (c.r[i] - r_bar, c.y[i] - y_bar);
        let (er, ey) = (c.r[i] - r / w, c.y[i] - y / w);
        [dr * dy, dr * dr, er * ey, er * er]
    };
    let n = c.n() as f64;
    let mut moments: Vec<Estimate> = (0..4).map(|_| Estimate::constant(0.0, c.n())).collect();
    for i in rows() {
        for (m, p) in moments.iter_mut().zip(products(i)) {
            m.value += c.w[i] * p;
            m.influence[c.unit(i)] = n * c.w[i] * p;
        }
    }
    let between_y = moments[0].minus(&moments[2]);
    let between_r = moments[1].minus(&moments[3]);
    let vary = |e: &Estimate| e.value > 1e-12 * moments[1].value;
    if !vary(&between_r) || !vary(&moments[3]) {
        return None;
    }
    let slope_within = moments[2].over(&moments[3]);
    let slope_between = between_y.over(&between_r);
    let lambda = between_r.over(&moments[1]);
    let sorting = lambda.times(&slope_between.minus(&slope_within));
    Some(Contextual { slope_within, slope_between, lambda, sorting })
}
