//! A convex combination of the GLM and boosted trees (METHODS 5.3; van der Laan, Polley & Hubbard 2007).

use super::boosted::BoostedTrees;
use super::{Glm, LearnError, Learner, Predictor, Sample, folds, loss};
use crate::model::ModelMatrix;
use crate::vocab::Family;

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stack {
    pub trees: BoostedTrees,
    /// Inner folds whose predictions decide the weights.
    pub folds: usize,
}

impl Default for Stack {
    fn default() -> Self {
        Self { trees: BoostedTrees::default(), folds: 3 }
    }
}

/// A fitted combination.
pub struct FittedStack {
    glm: Box<dyn Predictor>,
    trees: Box<dyn Predictor>,
    /// Weight of the trees, 0 to 1.
    pub share: f64,
}

impl Stack {
    /// As [`Learner::fit`], which loses sight of the weight.
    ///
    /// The trees on all rows say how many there are; the inner folds then grow that many, so that no fold decides its own.
    pub fn combine(&self, s: &Sample<'_>, family: Family, seed: u64) -> Result<FittedStack, LearnError> {
        let trees = self.trees.grow(s, family, seed)?;
        let fixed = BoostedTrees { max_trees: trees.n_trees(), patience: None, ..self.trees };
        let glm = Glm.fit(s, family, seed)?;
        let (k, fold) = folds::inner(s, self.folds, folds::derived_seed(seed, 1))?;
        let (mut y, mut w, mut of_glm, mut of_trees) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for f in 0..k {
            let part = |inside: bool| -> Vec<usize> { s.rows.iter().zip(&fold).filter(|(_, g)| (**g == f) == inside).map(|(i, _)| *i).collect() };
            let (train, held) = (part(false), part(true));
            let inner = Sample { rows: &train, holdout: &held, ..*s };
            of_glm.extend(Glm.fit(&inner, family, seed)?.predict(s.m, &held));
            of_trees.extend(fixed.grow(&inner, family, folds::derived_seed(seed, 2 + f as u64))?.predict(s.m, &held));
            y.extend(held.iter().map(|&i| s.y[i]));
            w.extend(held.iter().map(|&i| s.w[i]));
        }
        let mixed = |share: f64| -> Vec<f64> { of_glm.iter().zip(&of_trees).map(|(g, t)| (1.0 - share) * g + share * t).collect() };
        let share = minimum(|share| loss(family, &y, &mixed(share), &w));
        Ok(FittedStack { glm, trees: Box::new(trees), share })
    }
}

/// Where a convex function on 0..1 is smallest, to 1e-4, by golden section.
fn minimum(f: impl Fn(f64) -> f64) -> f64 {
    let ratio = (5f64.sqrt() - 1.0) / 2.0;
    let (mut low, mut high) = (0.0, 1.0);
    let mut at = [high - ratio * (high - low), low + ratio * (high - low)];
    let mut value = at.map(&f);
    while high - low > 1e-4 {
        if value[0] <= value[1] {
            high = at[1];
            at = [high - ratio * (high - low), at[0]];
            value = [f(at[0]), value[0]];
        } else {
            low = at[0];
            at = [at[1], low + ratio * (high - low)];
            value = [value[1], f(at[1])];
        }
    }
    let inside = (low + high) / 2.0;
    [0.0, 1.0].into_iter().fold(inside, |best, end| if f(end) <= f(best) { end } else { best })
}

impl Learner for Stack {
    fn fit(&self, s: &Sample<'_>, family: Family, seed: u64) -> Result<Box<dyn Predictor>, LearnError> {
        Ok(Box::new(self.combine(s, family, seed)?))
    }
}

impl Predictor for FittedStack {
    fn predict(&self, m: &ModelMatrix<'_>, rows: &[usize]) -> Vec<f64> {
        let trees = self.trees.predict(m, rows);
        self.glm.predict(m, rows).into_iter().zip(trees).map(|(g, t)| (1.0 - self.share) * g + self.share * t).collect()
    }
}
