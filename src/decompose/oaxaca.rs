//! Kitagawa-Oaxaca-Blinder by least squares, two-fold and three-fold, by blocks.
//!
//! `D = dx'b* + x1'(b1 - b*) + x0'(b* - b0)` with `dx = x1 - x0`, index minus reference (METHODS 4.1; Jann (2008)
//! Stata J. 8(4), eq. 7; three-fold eq. 3). Standard errors carry stochastic regressors (METHODS 4.3).

use super::fits::{Fits, FittedIn, GroupTerms};
use super::moments::{coefficient_sum, group_means, mean, outcome_sd, share_index};
use super::{Component, DecomposeError, Decomposition, Method, Part, row};
use crate::estimate::Estimate;
use crate::model::{ModelMatrix, glm::Fit};
use crate::vocab::{BlockSet, Family, Role};
use std::rc::Rc;

/// The reference coefficients of the two-fold decomposition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Coefficients {
    #[default]
    Reference,
    Index,
    /// Pooled least squares with a group indicator, whose coefficient is dropped.
    Pooled,
    /// Pooled least squares without a group indicator.
    Neumark,
    /// Mean of the two groups' coefficients weighted by their sizes.
    Cotton,
    /// Plain mean of the two groups' coefficients.
    Reimers,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Fold {
    #[default]
    Two,
    /// Takes `Coefficients::Reference` or `Coefficients::Index`, the viewpoint.
    Three,
}

/// Settings of `oaxaca_blinder`.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct OaxacaBlinder {
    pub reference: Coefficients,
    pub fold: Fold,
    /// Least squares on a binomial or poisson outcome.
    pub linear: bool,
}

/// A least-squares fit with the matrix it was fitted on.
struct Ols<'a> {
    m: ModelMatrix<'a>,
    fit: Rc<Fit>,
    /// Position in `m.terms` of each column of the comparison.
    at: Vec<usize>,
}

/// The pieces of the algebra: means and coefficients over the columns of the comparison, the intercept first.
struct Pieces<'a, 'b> {
    fits: &'b Fits<'a>,
    columns: Vec<usize>,
    index: Ols<'a>,
    reference: Ols<'a>,
    mean_index: Vec<f64>,
    mean_reference: Vec<f64>,
}

/// A linear combination of fitted coefficient vectors: (weight, fit), and what an estimated weight adds.
struct Reference<'o, 'a> {
    parts: Vec<(f64, &'o Ols<'a>)>,
    /// An estimated weight `p` on `b_index - b_reference`.
    p: Option<Estimate>,
}

impl Method for OaxacaBlinder {
    fn name(&self) -> &'static str {
        "oaxaca_blinder"
    }

    fn refuses(&self, family: Family) -> Option<String> {
        (family != Family::Gaussian && !self.linear)
            .then(|| format!("without `linear: true` it takes a gaussian outcome in this version, not {}", family.name()))
    }

    fn parts(&self) -> &'static [Part] {
        match self.fold {
            Fold::Two => &[Part::Gap, Part::Allowable, Part::Explained, Part::Unexplained],
            Fold::Three => &[Part::Gap, Part::Allowable, Part::Endowments, Part::Coefficients, Part::Interaction],
        }
    }

    fn decompose(&self, fits: &Fits<'_>) -> Result<Decomposition, DecomposeError> {
        let pieces = Pieces::new(fits)?;
        let means = group_means(fits.contrast);
        let gap = means.index.minus(&means.reference);
        let rows = match self.fold {
            Fold::Two => self.two_fold(&pieces, &gap)?,
            Fold::Three => self.three_fold(&pieces, &gap),
        };
        Decomposition::new(fits.contrast.design.family.scale(), rows, Vec::new(), outcome_sd(fits.contrast))
    }
}

impl OaxacaBlinder {
    fn two_fold(&self, x: &Pieces<'_, '_>, gap: &Estimate) -> Result<Vec<super::Row>, DecomposeError> {
        let pooled;
        let star = match self.reference {
            Coefficients::Reference => Reference { parts: vec![(1.0, &x.reference)], p: None },
            Coefficients::Index => Reference { parts: vec![(1.0, &x.index)], p: None },
            Coefficients::Reimers => Reference { parts: vec![(0.5, &x.index), (0.5, &x.reference)], p: None },
            Coefficients::Cotton => {
                let p = share_index(x.fits.contrast);
                Reference { parts: vec![(p.value, &x.index), (1.0 - p.value, &x.reference)], p: Some(p) }
            }
            Coefficients::Pooled => {
                pooled = x.ols(FittedIn::Pooled, GroupTerms::Main)?;
                Reference { parts: vec![(1.0, &pooled)], p: None }
            }
            Coefficients::Neumark => {
                pooled = x.ols(FittedIn::Pooled, GroupTerms::Without)?;
                Reference { parts: vec![(1.0, &pooled)], p: None }
            }
        };
        let allowable = x.explained(&star, Role::Allowable);
        let blocks: Vec<Estimate> = (0..x.n_blocks()).map(|k| x.explained(&star, Role::Block(k))).collect();
        let explained = total(&blocks, x);
        let unexplained = gap.minus(&allowable).minus(&explained);
        let mut rows = vec![
            row(Part::Gap, Component::Total, gap.clone()),
            row(Part::Allowable, Component::Total, allowable),
            row(Part::Explained, Component::Total, explained),
        ];
        rows.extend(blocks.into_iter().enumerate().map(|(k, e)| row(Part::Explained, Component::Block(k), e)));
        rows.push(row(Part::Unexplained, Component::Total, unexplained));
        Ok(rows)
    }

    fn three_fold(&self, x: &Pieces<'_, '_>, gap: &Estimate) -> Vec<super::Row> {
        // Viewpoint of the index group: E = dx'b1, C = x1'db, I = -dx'db; of the reference group: E = dx'b0, C = x0'db, I = dx'db.
        let from_index = self.reference == Coefficients::Index;
        let (own, viewpoint) = if from_index { (&x.index, &x.mean_index) } else { (&x.reference, &x.mean_reference) };
        let star = Reference { parts: vec![(1.0, own)], p: None };
        let allowable = x.explained(&star, Role::Allowable);
        let blocks: Vec<Estimate> = (0..x.n_blocks()).map(|k| x.explained(&star, Role::Block(k))).collect();
        let endowments = total(&blocks, x);
        let group = if from_index { FittedIn::Index } else { FittedIn::Reference };
        let delta: Vec<f64> = x.coefficients(&x.index).iter().zip(x.coefficients(&x.reference)).map(|(a, b)| a - b).collect();
        // x'db: the mean moves and both coefficient vectors move.
        let mut coefficients = x.mean_of(group, &delta);
        coefficients = coefficients.plus(&x.coefficient_sum(&x.index, viewpoint)).minus(&x.coefficient_sum(&x.reference, viewpoint));
        coefficients.value = delta.iter().zip(viewpoint).map(|(d, m)| d * m).sum();
        let interaction = gap.minus(&allowable).minus(&endowments).minus(&coefficients);
        let mut rows = vec![
            row(Part::Gap, Component::Total, gap.clone()),
            row(Part::Allowable, Component::Total, allowable),
            row(Part::Endowments, Component::Total, endowments),
        ];
        rows.extend(blocks.into_iter().enumerate().map(|(k, e)| row(Part::Endowments, Component::Block(k), e)));
        rows.push(row(Part::Coefficients, Component::Total, coefficients));
        rows.push(row(Part::Interaction, Component::Total, interaction));
        rows
    }
}

impl<'a, 'b> Pieces<'a, 'b> {
    fn new(fits: &'b Fits<'a>) -> Result<Self, DecomposeError> {
        let c = fits.contrast;
        let all = BlockSet::all(c.design.blocks.len());
        let columns = c.columns(all);
        let ols = |fitted_in| ols(fits, fitted_in, GroupTerms::Without, &columns);
        let (index, reference) = (ols(FittedIn::Index)?, ols(FittedIn::Reference)?);
        // A column that one group cannot tell from the others and the other group can has no comparable coefficient.
        for (one, other, name) in [(&index, &reference, FittedIn::Index), (&reference, &index, FittedIn::Reference)] {
            let lost: Vec<usize> = one.fit.dropped.iter().copied().filter(|t| !other.fit.dropped.contains(t)).collect();
            if !lost.is_empty() {
                return Err(DecomposeError::Rank { fitted_in: name.name(), terms: lost.iter().map(|&t| fits.term_name(one.m.terms[t])).collect() });
            }
        }
        let means = |ols: &Ols<'a>| {
            let sum: f64 = ols.m.rows.iter().cloned().flatten().map(|i| c.w[i]).sum();
            ols.m.weighted_sum(&ols.m.rows, None, |i| c.w[i] / sum)
        };
        let (mean_index, mean_reference) = (means(&index), means(&reference));
        Ok(Self { fits, columns, index, reference, mean_index, mean_reference })
    }

    fn ols(&self, fitted_in: FittedIn, group_terms: GroupTerms) -> Result<Ols<'a>, DecomposeError> {
        ols(self.fits, fitted_in, group_terms, &self.columns)
    }

    fn n_blocks(&self) -> usize {
        self.fits.contrast.design.blocks.len()
    }

    /// Coefficients by column of the comparison.
    fn coefficients(&self, ols: &Ols<'a>) -> Vec<f64> {
        ols.at.iter().map(|&t| ols.fit.beta[t]).collect()
    }

    /// `a'b` of a fit, `a` by column of the comparison.
    fn coefficient_sum(&self, ols: &Ols<'a>, a: &[f64]) -> Estimate {
        let mut by_term = vec![0.0; ols.m.terms.len()];
        for (&t, v) in ols.at.iter().zip(a) {
            by_term[t] = *v;
        }
        coefficient_sum(self.fits.contrast, &ols.m, &ols.fit, &by_term)
    }

    /// The group's mean of `x'c`.
    fn mean_of(&self, group: FittedIn, c: &[f64]) -> Estimate {
        let contrast = self.fits.contrast;
        let rows = if group == FittedIn::Index { contrast.index() } else { contrast.reference() };
        let (x, columns) = (&contrast.design.x, &self.columns);
        mean(contrast, &rows, |i| columns.iter().zip(c).map(|(&j, c)| x[[i, j]] * c).sum())
    }

    /// `dx'b*` over the columns with one role: `(x1 - x0)` moves with `b*` held, `b*` moves with `dx` held.
    fn explained(&self, star: &Reference<'_, 'a>, role: Role) -> Estimate {
        let design = self.fits.contrast.design;
        let of_role = |j: usize| design.columns[j].role == role;
        let mut b = vec![0.0; self.columns.len()];
        for (weight, ols) in &star.parts {
            for ((b, v), &j) in b.iter_mut().zip(self.coefficients(ols)).zip(&self.columns) {
                if of_role(j) {
                    *b += weight * v;
                }
            }
        }
        let dx: Vec<f64> =
            (0..self.columns.len()).map(|a| if of_role(self.columns[a]) { self.mean_index[a] - self.mean_reference[a] } else { 0.0 }).collect();
        let moving_means = self.mean_of(FittedIn::Index, &b).minus(&self.mean_of(FittedIn::Reference, &b));
        let by_fit: Vec<(f64, Estimate)> = star.parts.iter().map(|(w, ols)| (*w, self.coefficient_sum(ols, &dx))).collect();
        let mut parts: Vec<(f64, &Estimate)> = vec![(1.0, &moving_means)];
        parts.extend(by_fit.iter().map(|(w, e)| (*w, e)));
        // An estimated weight p on (b1 - b0): dx'(b1 - b0) times the influence of p.
        if let (Some(p), [(_, index), (_, reference)]) = (&star.p, by_fit.as_slice()) {
            parts.push((index.value - reference.value, p));
        }
        Estimate { value: moving_means.value, ..Estimate::linear(&parts) }
    }
}

fn ols<'a>(fits: &Fits<'a>, fitted_in: FittedIn, group_terms: GroupTerms, columns: &[usize]) -> Result<Ols<'a>, DecomposeError> {
    let all = BlockSet::all(fits.contrast.design.blocks.len());
    let m = fits.matrix(fitted_in, all, group_terms)?;
    let fit = fits.outcome(fitted_in, all, group_terms, Family::Gaussian)?;
    let shift = usize::from(group_terms != GroupTerms::Without);
    let at = (0..columns.len()).map(|a| if a == 0 { 0 } else { a + shift }).collect();
    Ok(Ols { m, fit, at })
}

fn total(blocks: &[Estimate], x: &Pieces<'_, '_>) -> Estimate {
    let parts: Vec<(f64, &Estimate)> = blocks.iter().map(|e| (1.0, e)).collect();
    if parts.is_empty() { Estimate::constant(0.0, x.fits.contrast.n()) } else { Estimate::linear(&parts) }
}
