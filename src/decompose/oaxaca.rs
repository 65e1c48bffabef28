//! Kitagawa-Oaxaca-Blinder, two-fold and three-fold, by blocks and by term; by least squares, or with the outcome's own link.
//!
//! `D = [E_1 F(x'b*) - E_0 F(x'b*)] + [y_1 - E_1 F(x'b*)] + [E_0 F(x'b*) - y_0]`, index minus reference; with an identity link
//! `dx'b* + x1'(b1 - b*) + x0'(b* - b0)` (METHODS 4.1, 4.4; Jann (2008) Stata J. 8(4), eq. 7, three-fold eq. 3). With another
//! link the blocks share a part by Yun's weights, their shares in its first-order terms (METHODS 4.5; Yun (2004) Econ. Lett. 82).

use super::fits::{Fits, FittedIn, GroupTerms};
use super::kob::algebra::{Coefficients as Star, Covariates, Form, Gradients, Influences, Means, Model, Moving, Side, Space, comparable};
use super::kob::effects::{Effect, Effects, Sparse, effects};
use super::moments::{outcome_sd, share_index};
use super::{Component, DecomposeError, Decomposition, Detail, Draft, Fact, Method, Part, StdErrors, Undefined, row};
use crate::estimate::Estimate;
use crate::vocab::{Family, Role};
use std::rc::Rc;

/// The reference coefficients of the two-fold decomposition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Coefficients {
    #[default]
    Reference,
    Index,
    /// Pooled fit with a group indicator, whose coefficient is dropped.
    Pooled,
    /// Pooled fit without a group indicator.
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OaxacaBlinder {
    pub reference: Coefficients,
    pub fold: Fold,
    /// Least squares on a binomial or poisson outcome.
    pub linear: bool,
    /// Components of the unexplained parts, the two halves, and a row for every term.
    pub detail: bool,
    /// Coefficients of categories sum to zero.
    pub normalize: bool,
    pub se: StdErrors,
}

impl Default for OaxacaBlinder {
    fn default() -> Self {
        Self { reference: Coefficients::default(), fold: Fold::default(), linear: false, detail: false, normalize: true, se: StdErrors::Influence }
    }
}

/// A first-order sum below this share of the sum of its absolute terms makes no weights.
const VANISHING: f64 = 0.1;

impl Method for OaxacaBlinder {
    fn name(&self) -> &'static str {
        "oaxaca_blinder"
    }

    fn refuses(&self, family: Family) -> Option<String> {
        let nonlinear = family != Family::Gaussian && !self.linear;
        (nonlinear && self.se == StdErrors::Classical && matches!(self.reference, Coefficients::Pooled | Coefficients::Neumark)).then(|| {
            format!(
                "classical errors of a {} model take the coefficients of one group, or a mean of the two groups', not a pooled fit",
                family.link()
            )
        })
    }

    fn classical_errors(&self) -> bool {
        self.se == StdErrors::Classical
    }

    fn parts(&self) -> &'static [Part] {
        match self.fold {
            Fold::Two => &[Part::Gap, Part::Allowable, Part::Explained, Part::Unexplained],
            Fold::Three => &[Part::Gap, Part::Allowable, Part::Endowments, Part::Coefficients, Part::Interaction],
        }
    }

    fn decompose(&self, fits: &Fits<'_>) -> Result<Decomposition, DecomposeError> {
        let family = if self.linear { Family::Gaussian } else { fits.contrast.design.family };
        let x = Covariates::new(fits, family)?;
        let basis = self.basis(fits, &x, family)?;
        let star = match &basis {
            Basis::One { model, .. } => Star::of(model),
            Basis::Two(pair) => self.mixed(fits, pair),
        };
        let groups = match &basis {
            Basis::One { groups, .. } => groups.as_ref().map(Result::as_ref),
            Basis::Two(pair) => Some(Ok(pair)),
        };
        let mut estimated = vec![true; x.columns.len()];
        let pair = groups.and_then(Result::ok).into_iter().flat_map(|pair| [&pair.0, &pair.1]);
        star.parts.iter().map(|(_, m)| *m).chain(pair).flat_map(Model::dropped).for_each(|a| estimated[a] = false);
        let c = fits.contrast;
        let Effects { effects, not_normalised } = effects(c.design, &c.rows(), &x.columns, &estimated, self.normalize);
        let plan = Plan { method: self, x: &x, star, groups, effects: &effects, family };
        let influences = Influences(&x);
        let mut draft = plan.draft(&influences);
        if let (StdErrors::Classical, Some(Ok((index, reference)))) = (self.se, groups) {
            let gradients = Gradients::new(&x, index, reference);
            let classical = plan.draft(&gradients);
            for (row, g) in draft.rows.iter_mut().zip(&classical.rows) {
                row.classical = Some(gradients.std_error(&g.estimate));
            }
            for (row, g) in draft.detail.iter_mut().zip(&classical.detail) {
                row.classical = Some(gradients.std_error(&g.estimate));
            }
        }
        for variable in not_normalised {
            let message = format!(
                "coefficients of {variable} are not normalised: one of its levels or cells has no coefficient of its own, so its rows, and with \
                 products those of its block, depend on the base levels"
            );
            draft.facts.push(Fact::informs("not_normalised", None, message));
        }
        Decomposition::new(fits.contrast.design.family.scale(), draft, outcome_sd(fits.contrast))
    }
}

/// The models that a decomposition takes its coefficients from.
enum Basis<'a> {
    /// One model gives the reference coefficients, and with them the parts; the groups' own models only divide what is not
    /// explained, and are there only where that is asked for.
    One {
        model: Model<'a>,
        groups: Option<Result<Groups<'a>, DecomposeError>>,
    },
    Two(Groups<'a>),
}

/// The models of the index and of the reference group.
type Groups<'a> = (Model<'a>, Model<'a>);

impl OaxacaBlinder {
    fn basis<'a>(&self, fits: &Fits<'a>, x: &Covariates<'a>, family: Family) -> Result<Basis<'a>, DecomposeError> {
        let model = |fitted_in, terms| Model::new(fits, fitted_in, terms, family, &x.columns);
        let groups = || -> Result<Groups<'a>, DecomposeError> {
            let pair = (model(FittedIn::Index, GroupTerms::Without)?, model(FittedIn::Reference, GroupTerms::Without)?);
            comparable(fits, &pair.0, &pair.1)?;
            Ok(pair)
        };
        let (fitted_in, terms) = match (self.fold, self.reference) {
            (Fold::Three, _) | (_, Coefficients::Cotton | Coefficients::Reimers) => return groups().map(Basis::Two),
            (_, Coefficients::Reference) => (FittedIn::Reference, GroupTerms::Without),
            (_, Coefficients::Index) => (FittedIn::Index, GroupTerms::Without),
            (_, Coefficients::Pooled) => (FittedIn::Pooled, GroupTerms::Main),
            (_, Coefficients::Neumark) => (FittedIn::Pooled, GroupTerms::Without),
        };
        let model = model(fitted_in, terms)?;
        model.supports_both_groups(fits)?;
        let groups = match (self.se, self.detail) {
            // Classical errors are functions of the groups' coefficients.
            (StdErrors::Classical, _) => Some(Ok(groups()?)),
            (StdErrors::Influence, true) => Some(groups()),
            (StdErrors::Influence, false) => None,
        };
        Ok(Basis::One { model, groups })
    }

    /// A weighted mean of the two groups' coefficients.
    fn mixed<'m, 'a>(&self, fits: &Fits<'a>, (index, reference): &'m Groups<'a>) -> Star<'m, 'a> {
        let (p, moving) = match self.reference {
            Coefficients::Cotton => {
                let weight = share_index(fits.contrast);
                (weight.value, Some((1.0, Rc::new(Moving { weight, index, reference }))))
            }
            _ => (0.5, None),
        };
        Star { parts: vec![(p, index), (1.0 - p, reference)], moving }
    }
}

/// A part of the gap before it is divided: its total, and the first-order terms that divide it.
struct Piece<'m, 'a> {
    part: Part,
    /// Its value with a link that is not the identity; the first-order terms sum to it otherwise.
    total: Estimate,
    /// What of `total` no term accounts for: the difference of observed and predicted means (probit).
    misfit: Option<Estimate>,
    products: Vec<(Means, Star<'m, 'a>)>,
    /// A difference of means: the intercept has no part in it.
    of_means: bool,
}

struct Plan<'p, 'm, 'a> {
    method: &'p OaxacaBlinder,
    x: &'p Covariates<'a>,
    star: Star<'m, 'a>,
    groups: Option<Result<&'m Groups<'a>, &'m DecomposeError>>,
    effects: &'p [Effect],
    family: Family,
}

impl<'m, 'a> Plan<'_, 'm, 'a> {
    fn draft(&self, s: &dyn Space<'m, 'a>) -> Draft {
        let gap = s.observed(Side::Index).minus(&s.observed(Side::Reference));
        let mut draft = Draft { rows: vec![row(Part::Gap, Component::Total, gap.clone())], ..Draft::default() };
        match self.method.fold {
            Fold::Two => self.two_fold(s, &gap, &mut draft),
            Fold::Three => self.three_fold(s, &gap, &mut draft),
        }
        draft
    }

    fn linear(&self) -> bool {
        self.family == Family::Gaussian
    }

    fn two_fold(&self, s: &dyn Space<'m, 'a>, gap: &Estimate, draft: &mut Draft) {
        let star = &self.star;
        let (at_index, at_reference) = (s.predicted(Side::Index, star), s.predicted(Side::Reference, star));
        let explained = Piece {
            part: Part::Explained,
            total: at_index.minus(&at_reference),
            misfit: None,
            products: vec![(vec![(1.0, Side::Index), (-1.0, Side::Reference)], star.clone())],
            of_means: true,
        };
        self.divide_means(s, &explained, draft);
        let unexplained = gap.minus(&explained.total);
        draft.rows.push(row(Part::Unexplained, Component::Total, unexplained.clone()));
        if !self.method.detail {
            return;
        }
        // With a canonical link a fit with an intercept of the group's own reproduces its mean: that half is 0, and what would be
        // computed is rounding.
        let canonical = self.family != Family::Probit;
        let own = |side| match self.method.reference {
            Coefficients::Reference | Coefficients::Pooled => canonical && side == Side::Reference,
            Coefficients::Index => canonical && side == Side::Index,
            Coefficients::Neumark | Coefficients::Cotton | Coefficients::Reimers => false,
        };
        let of_index = if own(Side::Index) { s.zero() } else { s.observed(Side::Index).minus(&at_index) };
        let of_reference = if own(Side::Reference) { s.zero() } else { at_reference.minus(&s.observed(Side::Reference)) };
        let halves = [(Part::UnexplainedIndex, of_index), (Part::UnexplainedReference, of_reference)];
        match self.groups {
            Some(Ok((index, reference))) => {
                let (b1, b0) = (Star::of(index), Star::of(reference));
                let of_index = (vec![(1.0, Side::Index)], b1.minus(star));
                let of_reference = (vec![(1.0, Side::Reference)], star.minus(&b0));
                let misfit = (self.family == Family::Probit).then(|| self.misfit(s, &b1, &b0));
                let mut products = vec![of_index.clone(), of_reference.clone()];
                // A half that is 0 by construction would only add rounding.
                match self.method.reference {
                    Coefficients::Reference => products.truncate(1),
                    Coefficients::Index => drop(products.remove(0)),
                    _ => {}
                }
                self.divide(s, &Piece { part: Part::Unexplained, total: unexplained, misfit, products, of_means: false }, draft);
                for ((part, total), product) in halves.into_iter().zip([of_index, of_reference]) {
                    draft.rows.push(row(part, Component::Total, total.clone()));
                    if self.linear() {
                        self.terms(s, &Piece { part, total, misfit: None, products: vec![product], of_means: false }, draft);
                    }
                }
            }
            Some(Err(e)) => {
                let reason = format!("the two groups' coefficients cannot be compared: {e}");
                for component in self.components() {
                    draft.undefined.push(Undefined { part: Part::Unexplained, component, reason: reason.clone() });
                }
                draft.rows.extend(halves.into_iter().map(|(part, total)| row(part, Component::Total, total)));
            }
            None => {}
        }
    }

    fn three_fold(&self, s: &dyn Space<'m, 'a>, gap: &Estimate, draft: &mut Draft) {
        let Some(Ok((index, reference))) = self.groups else { return };
        let (b1, b0) = (Star::of(index), Star::of(reference));
        // Viewpoint of the reference group: E = dx'b0, C = x0'db, I = dx'db; of the index group: E = dx'b1, C = x1'db, I = -dx'db.
        let from_index = self.method.reference == Coefficients::Index;
        let (own, side, sign) = if from_index { (&b1, Side::Index, -1.0) } else { (&b0, Side::Reference, 1.0) };
        let dx: Means = vec![(1.0, Side::Index), (-1.0, Side::Reference)];
        let difference = b1.minus(&b0);
        let endowments = s.predicted(Side::Index, own).minus(&s.predicted(Side::Reference, own));
        let coefficients = s.predicted(side, &b1).minus(&s.predicted(side, &b0));
        let interaction = gap.minus(&endowments).minus(&coefficients);
        let piece = |part, total, means: Means, b: Star<'m, 'a>, of_means| Piece { part, total, misfit: None, products: vec![(means, b)], of_means };
        self.divide_means(s, &piece(Part::Endowments, endowments, dx.clone(), own.clone(), true), draft);
        draft.rows.push(row(Part::Coefficients, Component::Total, coefficients.clone()));
        if self.method.detail {
            self.divide(s, &piece(Part::Coefficients, coefficients, vec![(1.0, side)], difference.clone(), false), draft);
        }
        draft.rows.push(row(Part::Interaction, Component::Total, interaction.clone()));
        if self.method.detail {
            let misfit = (self.family == Family::Probit).then(|| self.misfit(s, &b1, &b0));
            let p = Piece { misfit, ..piece(Part::Interaction, interaction, dx, difference.scaled(sign), true) };
            self.divide(s, &p, draft);
        }
    }

    /// What the groups' own models leave of the gap: 0 with a canonical link and an intercept.
    fn misfit(&self, s: &dyn Space<'m, 'a>, b1: &Star<'m, 'a>, b0: &Star<'m, 'a>) -> Estimate {
        let of = |side, b| s.observed(side).minus(&s.predicted(side, b));
        of(Side::Index, b1).minus(&of(Side::Reference, b0))
    }

    /// The rows of a part that is a difference of means: allowables apart, total, blocks, terms.
    fn divide_means(&self, s: &dyn Space<'m, 'a>, piece: &Piece<'m, 'a>, draft: &mut Draft) {
        let n_blocks = self.x.contrast.design.blocks.len();
        let fair = self.effects.iter().any(|e| e.role == Role::Allowable);
        let vanishing = self.vanishing(piece);
        let zero = s.zero();
        if fair && let Some(reason) = &vanishing {
            for (part, component) in [(Part::Allowable, Component::Total), (piece.part, Component::Total)] {
                draft.undefined.push(Undefined { part, component, reason: reason.clone() });
            }
        } else {
            let allowable = if fair { self.component(s, piece, Role::Allowable) } else { zero };
            draft.rows.push(row(Part::Allowable, Component::Total, allowable.clone()));
            draft.rows.push(row(piece.part, Component::Total, piece.total.minus(&allowable)));
        }
        for k in 0..n_blocks {
            match &vanishing {
                // One block alone has the whole part, whatever the weights.
                Some(_) if n_blocks == 1 && !fair => draft.rows.push(row(piece.part, Component::Block(k), piece.total.clone())),
                Some(reason) => draft.undefined.push(Undefined { part: piece.part, component: Component::Block(k), reason: reason.clone() }),
                None => draft.rows.push(row(piece.part, Component::Block(k), self.component(s, piece, Role::Block(k)))),
            }
        }
        if self.method.detail && vanishing.is_none() {
            self.terms(s, piece, draft);
        }
    }

    /// Components and terms of a part that is not a difference of means, or of the interaction.
    fn divide(&self, s: &dyn Space<'m, 'a>, piece: &Piece<'m, 'a>, draft: &mut Draft) {
        if let Some(reason) = self.vanishing(piece) {
            let left_out = |component| Undefined { part: piece.part, component, reason: reason.clone() };
            draft.undefined.extend(self.components().map(left_out));
            return;
        }
        for component in self.components() {
            let role = match component {
                Component::Block(k) => Role::Block(k),
                Component::Allowable => Role::Allowable,
                _ => Role::Intercept,
            };
            if role == Role::Intercept && piece.of_means {
                draft.rows.push(row(piece.part, component, s.zero()));
            } else {
                draft.rows.push(row(piece.part, component, self.component(s, piece, role)));
            }
        }
        draft.rows.extend(piece.misfit.clone().map(|e| row(piece.part, Component::Misfit, e)));
        self.terms(s, piece, draft);
    }

    /// What an undivided part would be divided into.
    fn components(&self) -> impl Iterator<Item = Component> + use<> {
        (0..self.x.contrast.design.blocks.len()).map(Component::Block).chain([Component::Allowable, Component::Intercept])
    }

    fn terms(&self, s: &dyn Space<'m, 'a>, piece: &Piece<'m, 'a>, draft: &mut Draft) {
        for e in self.effects.iter().filter(|e| !(piece.of_means && e.role == Role::Intercept)) {
            let estimate = self.of_form(s, piece, &e.pairs.iter().collect());
            let covariate = match (e.column, e.pairs.as_slice()) {
                (None, [(value, _)]) => value.iter().map(|&(p, v)| (self.x.columns[p], v)).collect(),
                _ => Vec::new(),
            };
            let fair = e.role == Role::Allowable && matches!(piece.part, Part::Explained | Part::Endowments);
            draft.detail.push(Detail {
                part: if fair { Part::Allowable } else { piece.part },
                role: e.role,
                term: e.term.clone(),
                variable: e.variable.clone(),
                level: e.level.clone(),
                column: e.column,
                covariate,
                estimate,
                classical: None,
            });
        }
    }

    fn component(&self, s: &dyn Space<'m, 'a>, piece: &Piece<'m, 'a>, role: Role) -> Estimate {
        let form: Form<'_> = self.effects.iter().filter(|e| e.role == role).flat_map(|e| &e.pairs).collect();
        if form.is_empty() { s.zero() } else { self.of_form(s, piece, &form) }
    }

    /// The part of `piece` that goes to `form`.
    fn of_form(&self, s: &dyn Space<'m, 'a>, piece: &Piece<'m, 'a>, form: &Form<'_>) -> Estimate {
        let first = first_order(s, piece, form);
        if self.linear() {
            return first;
        }
        let all: Form<'_> = self.pairs(piece).collect();
        let total = match &piece.misfit {
            Some(misfit) => piece.total.minus(misfit),
            None => piece.total.clone(),
        };
        first.over(&first_order(s, piece, &all)).times(&total)
    }

    fn pairs(&self, piece: &Piece<'m, 'a>) -> impl Iterator<Item = &(Sparse, Sparse)> {
        let of_means = piece.of_means;
        self.effects.iter().filter(move |e| !(of_means && e.role == Role::Intercept)).flat_map(|e| &e.pairs)
    }

    /// Why the first-order terms of a part make no weights, if they do not (METHODS 4.5).
    fn vanishing(&self, piece: &Piece<'m, 'a>) -> Option<String> {
        if self.linear() {
            return None;
        }
        let coefficients: Vec<Vec<f64>> = piece.products.iter().map(|(_, b)| b.values()).collect();
        let value = |pair| piece.products.iter().zip(&coefficients).map(|((means, _), b)| self.x.pair_value(means, b, pair)).sum::<f64>();
        let (mut sum, mut size) = (0.0, 0.0);
        for v in self.pairs(piece).map(value) {
            sum += v;
            size += v.abs();
        }
        // Not a number counts as vanishing.
        let enough = sum.abs() >= VANISHING * size && size > 0.0;
        (!enough).then(|| {
            format!(
                "the first-order terms of this part nearly cancel (their sum is {:.1}% of their absolute sum), so Yun's weights are not defined",
                100.0 * sum.abs() / size.max(f64::MIN_POSITIVE)
            )
        })
    }
}

fn first_order<'m, 'a>(s: &dyn Space<'m, 'a>, piece: &Piece<'m, 'a>, form: &Form<'_>) -> Estimate {
    let by_product: Vec<Estimate> = piece.products.iter().map(|(means, b)| s.product(means, b, form)).collect();
    let parts: Vec<(f64, &Estimate)> = by_product.iter().map(|e| (1.0, e)).collect();
    Estimate::linear(&parts)
}
