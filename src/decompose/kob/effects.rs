//! The columns of a comparison as effects, with coefficients of categories normalised to sum to zero.
//!
//! An effect is a bilinear form in covariate values and coefficients: `sum over pairs of (value'x)(weight'b)`. Without
//! normalisation it is one column and its coefficient. With it, every level of a factor has an effect, the base included:
//! `b~_l = b_l - c` with `c` the mean over all levels (the base's coefficient is 0), and `c` goes to the intercept; for a
//! product of a number and a factor it goes to the number, and a product of two factors is normalised in both directions.
//! The sum over effects is `x'b` in every row. Source: Gardeazabal & Ugidos (2004) Rev. Econ. Stat. 86; Yun (2005) Econ. Inq.
//! 43; METHODS 4.2.

use crate::design::{Column, Design, Factor};
use crate::vocab::Role;
use std::ops::Range;

/// A sparse vector over the columns of the comparison.
pub type Sparse = Vec<(usize, f64)>;

/// What a term contributes: the sum over `pairs` of `(value'x)(weight'b)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Effect {
    pub term: String,
    pub variable: String,
    pub role: Role,
    pub level: Option<String>,
    /// The design's column of this term; `None` for base levels and for fixed effects, which stand together.
    pub column: Option<usize>,
    pub pairs: Vec<(Sparse, Sparse)>,
}

/// Effects of the columns, and what could not be normalised.
#[derive(Clone, Debug, Default)]
pub struct Effects {
    pub effects: Vec<Effect>,
    /// Variables with a level, or a cell of a product, that has no coefficient of its own.
    pub not_normalised: Vec<String>,
}

/// The effects of `columns` (positions in the design, the intercept first); sparse vectors are over positions in `columns`.
///
/// `rows` are those of the two groups: a level that neither has is no level here. `estimated`, by position: whether the groups'
/// models have a coefficient for the column.
pub fn effects(design: &Design, rows: &[Range<usize>], columns: &[usize], estimated: &[bool], normalize: bool) -> Effects {
    let varies: Vec<bool> = columns.iter().map(|&j| varies(design, rows, j)).collect();
    let mut b = Builder {
        design,
        rows,
        columns,
        varies: &varies,
        estimated,
        shift: vec![Vec::new(); columns.len()],
        effects: Vec::new(),
        done: vec![false; columns.len()],
    };
    // A column that does not vary has no part in anything.
    for (at, varies) in varies.iter().enumerate().skip(1) {
        b.done[at] = !varies;
    }
    let mut not_normalised = Vec::new();
    if normalize {
        // Products first: their means go to the main effects, and from those to the intercept.
        for (variable, members) in b.products() {
            if !b.product(&members) {
                not_normalised.push(variable);
            }
        }
        for f in &design.factors {
            if !b.factor(f) {
                not_normalised.push(f.variable.clone());
            }
        }
    }
    b.finish(not_normalised)
}

/// Whether a column takes more than one value in these rows.
fn varies(design: &Design, rows: &[Range<usize>], column: usize) -> bool {
    let mut values = rows.iter().cloned().flatten().map(|i| design.x[[i, column]]);
    let Some(first) = values.next() else { return false };
    values.any(|v| v != first)
}

/// Levels of a factor: positions of the indicators that have coefficients, and the level without one.
struct Levels {
    at: Vec<usize>,
    /// As a term.
    base: String,
    /// Its own indicator, where another level than the factor's base is the one without a coefficient.
    stand_in: Option<usize>,
}

struct Builder<'a> {
    design: &'a Design,
    rows: &'a [Range<usize>],
    columns: &'a [usize],
    varies: &'a [bool],
    estimated: &'a [bool],
    /// By position: what other coefficients add to the coefficient of this column.
    shift: Vec<Sparse>,
    effects: Vec<Effect>,
    /// Positions whose effect is made already.
    done: Vec<bool>,
}

impl Builder<'_> {
    fn column(&self, at: usize) -> &Column {
        &self.design.columns[self.columns[at]]
    }

    fn position(&self, term: &str) -> Option<usize> {
        self.columns.iter().position(|&j| self.design.columns[j].term == term)
    }

    /// A factor's levels in the groups compared. `None` where a level that has units has no coefficient of its own.
    fn levels(&self, f: &Factor) -> Option<Levels> {
        if f.lost_level {
            return None;
        }
        let here: Vec<usize> = f.columns.iter().filter_map(|j| self.columns.iter().position(|c| c == j)).filter(|&p| self.varies[p]).collect();
        let without: Vec<usize> = here.iter().copied().filter(|&p| !self.estimated[p]).collect();
        match without.as_slice() {
            [] => Some(Levels { at: here, base: format!("{}={}", f.variable, f.base), stand_in: None }),
            // The indicators sum to 1 in every unit: nobody has the base, and this level stands in for it.
            &[one] if self.indicators_cover_all(&here) => {
                let at = here.into_iter().filter(|&p| p != one).collect();
                Some(Levels { at, base: self.column(one).term.clone(), stand_in: Some(one) })
            }
            _ => None,
        }
    }

    fn indicators_cover_all(&self, at: &[usize]) -> bool {
        let x = &self.design.x;
        (0..x.nrows()).filter(|&i| self.in_comparison(i)).all(|i| at.iter().any(|&p| x[[i, self.columns[p]]] == 1.0))
    }

    fn in_comparison(&self, row: usize) -> bool {
        self.rows.iter().any(|r| r.contains(&row))
    }

    /// The levels of the factor that a column is an indicator of.
    fn factor_of(&self, at: usize) -> Option<Levels> {
        self.levels(self.design.factors.iter().find(|f| f.columns.contains(&self.columns[at]))?)
    }

    fn is_level(&self, at: usize) -> bool {
        self.design.factors.iter().any(|f| f.columns.contains(&self.columns[at]))
    }

    /// Products by their variable: positions.
    fn products(&self) -> Vec<(String, Vec<usize>)> {
        let mut out: Vec<(String, Vec<usize>)> = Vec::new();
        for at in 0..self.columns.len() {
            let c = self.column(at);
            if c.product.is_none() || !self.varies[at] {
                continue;
            }
            match out.iter_mut().find(|(v, _)| *v == c.variable) {
                Some((_, members)) => members.push(at),
                None => out.push((c.variable.clone(), vec![at])),
            }
        }
        out
    }

    /// Normalises the columns of one product; `false` if cells are missing.
    fn product(&mut self, members: &[usize]) -> bool {
        // For each member the positions of its two parts.
        let mut parts = Vec::with_capacity(members.len());
        for &at in members {
            let Some((a, b)) = &self.column(at).product else { return false };
            match (self.position(a), self.position(b)) {
                (Some(a), Some(b)) => parts.push((at, a, b)),
                _ => return false,
            }
        }
        let Some(&(_, a, b)) = parts.first() else { return true };
        if parts.iter().any(|p| !self.estimated[p.0]) {
            return false;
        }
        match (self.is_level(a), self.is_level(b)) {
            (false, false) => true,
            (true, true) => self.two_factors(&parts),
            (true, false) => self.number_by_factor(&parts.iter().map(|&(at, level, number)| (at, number, level)).collect::<Vec<_>>(), true),
            (false, true) => self.number_by_factor(&parts, false),
        }
    }

    /// Slopes that differ by level: (product, number, level). Each number's mean slope goes to the number; `false` where a level has
    /// no slope of its own.
    fn number_by_factor(&mut self, parts: &[(usize, usize, usize)], level_first: bool) -> bool {
        let Some(Levels { at, base, .. }) = parts.first().and_then(|p| self.factor_of(p.2)) else { return false };
        let of = |number: usize| parts.iter().filter(|p| p.1 == number && at.contains(&p.2)).count();
        if parts.iter().any(|p| of(p.1) != at.len() || !at.contains(&p.2)) {
            return false;
        }
        let mut numbers: Vec<usize> = parts.iter().map(|p| p.1).collect();
        numbers.sort_unstable();
        numbers.dedup();
        for number in numbers {
            let slopes: Vec<usize> = parts.iter().filter(|p| p.1 == number).map(|p| p.0).collect();
            let levels = slopes.len() as f64 + 1.0;
            let mean: Sparse = slopes.iter().map(|&s| (s, 1.0 / levels)).collect();
            self.shift[number].extend(&mean);
            for &s in &slopes {
                let mut weight: Sparse = mean.iter().map(|&(p, v)| (p, -v)).collect();
                weight.push((s, 1.0));
                self.push(s, vec![(s, 1.0)], weight);
            }
            let mut value: Sparse = slopes.iter().map(|&s| (s, -1.0)).collect();
            value.push((number, 1.0));
            let Some(&first) = slopes.first() else { continue };
            let name = &self.column(number).term;
            let term = if level_first { format!("{base}:{name}") } else { format!("{name}:{base}") };
            self.push_base(first, term, value, mean.iter().map(|&(p, v)| (p, -v)).collect());
        }
        true
    }

    /// Products of two factors: row and column means go to the main effects, the grand mean to the intercept.
    fn two_factors(&mut self, parts: &[(usize, usize, usize)]) -> bool {
        let (Some(of_a), Some(of_b)) = (self.factor_of(parts[0].1), self.factor_of(parts[0].2)) else { return false };
        let (Levels { at: a, base: base_of_a, .. }, Levels { at: b, base: base_of_b, .. }) = (of_a, of_b);
        if parts.len() != a.len() * b.len() {
            return false;
        }
        let (la, lb) = (a.len() as f64 + 1.0, b.len() as f64 + 1.0);
        let cell = |i: usize, j: usize| parts.iter().find(|p| p.1 == i && p.2 == j).map(|p| p.0);
        let grand: Sparse = parts.iter().map(|p| (p.0, 1.0 / (la * lb))).collect();
        let row = |i: usize| -> Sparse { parts.iter().filter(|p| p.1 == i).map(|p| (p.0, 1.0 / lb)).collect() };
        let col = |j: usize| -> Sparse { parts.iter().filter(|p| p.2 == j).map(|p| (p.0, 1.0 / la)).collect() };
        let minus = |v: &Sparse| -> Sparse { v.iter().map(|&(p, x)| (p, -x)).collect() };
        // Measured from its base, a main effect gets its row's mean; the bases' own share goes to the intercept.
        for &i in &a {
            let add = row(i);
            self.shift[i].extend(add);
        }
        for &j in &b {
            let add = col(j);
            self.shift[j].extend(add);
        }
        self.shift[0].extend(minus(&grand));
        let names = |at: usize| self.column(at).term.clone();
        let mut pending: Vec<(usize, String, Sparse, Sparse)> = Vec::new();
        for i in a.iter().copied().map(Some).chain([None]) {
            for j in b.iter().copied().map(Some).chain([None]) {
                let mut weight: Sparse = grand.clone();
                let mut value: Sparse = Vec::new();
                if let Some(i) = i {
                    weight.extend(minus(&row(i)));
                }
                if let Some(j) = j {
                    weight.extend(minus(&col(j)));
                }
                match (i, j) {
                    (Some(i), Some(j)) => {
                        let Some(c) = cell(i, j) else { return false };
                        weight.push((c, 1.0));
                        value.push((c, 1.0));
                        pending.push((c, String::new(), value, weight));
                        continue;
                    }
                    (Some(i), None) => {
                        value.push((i, 1.0));
                        value.extend(parts.iter().filter(|p| p.1 == i).map(|p| (p.0, -1.0)));
                        pending.push((parts[0].0, format!("{}:{base_of_b}", names(i)), value, weight));
                    }
                    (None, Some(j)) => {
                        value.push((j, 1.0));
                        value.extend(parts.iter().filter(|p| p.2 == j).map(|p| (p.0, -1.0)));
                        pending.push((parts[0].0, format!("{base_of_a}:{}", names(j)), value, weight));
                    }
                    (None, None) => {
                        value.push((0, 1.0));
                        value.extend(a.iter().chain(&b).map(|&k| (k, -1.0)));
                        value.extend(parts.iter().map(|p| (p.0, 1.0)));
                        pending.push((parts[0].0, format!("{base_of_a}:{base_of_b}"), value, weight));
                    }
                }
            }
        }
        for (at, term, value, weight) in pending {
            if term.is_empty() {
                self.push(at, value, weight);
            } else {
                self.push_base(at, term, value, weight);
            }
        }
        true
    }

    /// Levels of a factor, the base among them; `false` where a level has no coefficient of its own.
    fn factor(&mut self, f: &Factor) -> bool {
        let Some(Levels { at, base, stand_in }) = self.levels(f) else { return false };
        if let Some(one) = stand_in {
            self.done[one] = true;
        }
        let Some(&first) = at.first() else { return true };
        let levels = at.len() as f64 + 1.0;
        // Coefficients with what products have added to them.
        let own: Vec<Sparse> = at.iter().map(|&k| [vec![(k, 1.0)], self.shift[k].clone()].concat()).collect();
        let mean: Sparse = own.iter().flatten().map(|&(p, v)| (p, v / levels)).collect();
        self.shift[0].extend(&mean);
        let minus_mean: Sparse = mean.iter().map(|&(p, v)| (p, -v)).collect();
        for (&k, own) in at.iter().zip(own) {
            self.push(k, vec![(k, 1.0)], [own, minus_mean.clone()].concat());
        }
        let mut value: Sparse = at.iter().map(|&k| (k, -1.0)).collect();
        value.push((0, 1.0));
        let level = base.strip_prefix(&format!("{}=", f.variable)).map(str::to_owned);
        self.push_base(first, base, value, minus_mean);
        if let Some(base) = self.effects.last_mut() {
            base.level = level;
            base.column = stand_in.map(|one| self.columns[one]);
        }
        true
    }

    fn push(&mut self, at: usize, value: Sparse, weight: Sparse) {
        let c = self.column(at);
        let effect = Effect {
            term: c.term.clone(),
            variable: c.variable.clone(),
            role: c.role,
            level: c.level.clone(),
            column: Some(self.columns[at]),
            pairs: vec![(value, weight)],
        };
        self.effects.push(effect);
        self.done[at] = true;
    }

    /// The effect of a base level; variable and role are those of the column at `like`.
    fn push_base(&mut self, like: usize, term: String, value: Sparse, weight: Sparse) {
        let c = self.column(like);
        self.effects.push(Effect { term, variable: c.variable.clone(), role: c.role, level: None, column: None, pairs: vec![(value, weight)] });
    }

    fn finish(mut self, not_normalised: Vec<String>) -> Effects {
        for at in 0..self.columns.len() {
            if !self.done[at] {
                let weight = [vec![(at, 1.0)], std::mem::take(&mut self.shift[at])].concat();
                self.push(at, vec![(at, 1.0)], weight);
            }
        }
        let Self { design, columns, mut effects, .. } = self;
        let place = |e: &Effect| columns.iter().position(|&j| design.columns[j].variable == e.variable && design.columns[j].role == e.role);
        effects.sort_by_key(place);
        // Fixed effects stand together: a hospital is not a finding.
        let mut out: Vec<Effect> = Vec::with_capacity(effects.len());
        for e in effects {
            let fixed = design.factors.iter().any(|f| f.fixed_effects && f.variable == e.variable);
            match out.last_mut().filter(|last| fixed && last.variable == e.variable) {
                Some(last) => last.pairs.extend(e.pairs),
                None if fixed => out.push(Effect { term: e.variable.clone(), level: None, column: None, ..e }),
                None => out.push(e),
            }
        }
        Effects { effects: out, not_normalised }
    }
}
