//! Which columns an index unit takes from a donor, and who its donors are: reference units in the same stratum of what is given.

use crate::decompose::DecomposeError;
use crate::design::{Contrast, Design};
use crate::vocab::{BlockSet, Role};
use std::collections::{BTreeMap, BTreeSet};

/// Where an index unit with equalised blocks has the value of a column from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Own,
    Donor,
    /// A product of one column of each.
    Both {
        own: usize,
        donor: usize,
    },
}

/// Errors: a product of an equalised and another variable whose parts are not both columns of the design.
pub(super) fn source(design: &Design, column: usize, equalised: BlockSet) -> Result<Source, DecomposeError> {
    let moved = |role: Role| match role {
        Role::Block(k) => equalised.contains(k),
        Role::Intercept | Role::Group | Role::Allowable => false,
    };
    let col = &design.columns[column];
    let roles: Vec<Role> = if col.requires.is_empty() { vec![col.role] } else { col.requires.clone() };
    if !roles.iter().any(|r| moved(*r)) {
        return Ok(Source::Own);
    }
    if roles.iter().all(|r| moved(*r)) {
        return Ok(Source::Donor);
    }
    let at = |term: &String| design.columns.iter().position(|c| c.term == *term);
    if let Some((a, b)) = col.product.as_ref().and_then(|(a, b)| Some((at(a)?, at(b)?))) {
        match (moved(design.columns[a].role), moved(design.columns[b].role)) {
            (true, false) => return Ok(Source::Both { own: b, donor: a }),
            (false, true) => return Ok(Source::Both { own: a, donor: b }),
            (true, true) | (false, false) => {}
        }
    }
    let reason = format!("`{}` multiplies a variable that is equalised with one that is not, and not both stand in the study on their own", col.term);
    Err(DecomposeError::Refused { reason, help: "list both parts of the interaction as variables too" })
}

/// Donors that a stratum needs; with fewer it is merged.
pub(super) const MIN_DONORS: usize = 10;

/// Index units with the same donors.
pub(super) struct Stratum {
    /// Rows of the design.
    pub index: Vec<usize>,
    pub donors: Vec<usize>,
}

/// The strata, and how many index units are in one that had to be merged.
pub(super) struct Strata {
    pub strata: Vec<Stratum>,
    pub merged: usize,
    /// The variables that strata are made of, in the order of the study, and on how many of them every index unit is matched.
    pub variables: Vec<String>,
    pub always: usize,
}

/// Strata of the allowables and the given blocks: factors and 0/1 columns as they are, numbers in fifths of both groups together, in the order of
/// the study. An index unit with fewer than ten reference units of its own kind is matched without the last variable, then without
/// the last two, and so on. Units with weight 0 are left out.
///
/// Errors: fewer than ten reference units in all.
pub(super) fn strata(c: &Contrast<'_>, given: BlockSet) -> Result<Strata, DecomposeError> {
    let (names, variables): (Vec<String>, Vec<Vec<u32>>) = coarse(c, given).into_iter().unzip();
    let key = |i: usize, depth: usize| -> Vec<u32> { variables[..depth].iter().map(|v| v[i]).collect() };
    let (reference, index): (Vec<usize>, Vec<usize>) =
        (c.reference().filter(|&i| c.w[i] > 0.0).collect(), c.index().filter(|&i| c.w[i] > 0.0).collect());
    if reference.len() < MIN_DONORS {
        let reason = format!("there are fewer than {MIN_DONORS} reference units to take values from");
        return Err(DecomposeError::Refused { reason, help: "widen the cohort" });
    }
    let mut left = index;
    let mut out = Vec::new();
    let mut merged = 0;
    let mut always = variables.len();
    for depth in (0..=variables.len()).rev() {
        if left.is_empty() {
            break;
        }
        let mut kinds: BTreeMap<Vec<u32>, Stratum> = BTreeMap::new();
        for &i in &left {
            kinds.entry(key(i, depth)).or_insert_with(|| Stratum { index: Vec::new(), donors: Vec::new() }).index.push(i);
        }
        for &j in &reference {
            if let Some(s) = kinds.get_mut(&key(j, depth)) {
                s.donors.push(j);
            }
        }
        left.clear();
        for s in kinds.into_values() {
            if s.donors.len() >= MIN_DONORS {
                merged += if depth < variables.len() { s.index.len() } else { 0 };
                always = depth;
                out.push(s);
            } else {
                left.extend(s.index);
            }
        }
    }
    Ok(Strata { strata: out, merged, variables: names, always })
}

/// Each variable of what is given, and its class by row of the design.
fn coarse(c: &Contrast<'_>, given: BlockSet) -> Vec<(String, Vec<u32>)> {
    let d = c.design;
    let mut out = Vec::new();
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    for j in c.columns(given) {
        let col = &d.columns[j];
        if col.role == Role::Intercept || col.product.is_some() {
            continue;
        }
        if let Some(f) = d.factors.iter().find(|f| f.columns.contains(&j)) {
            if seen.insert(&f.variable) {
                let level = |i: usize| f.columns.iter().position(|&k| d.x[[i, k]] == 1.0).map_or(0, |l| l as u32 + 1);
                out.push((f.variable.clone(), (0..c.y.len()).map(level).collect()));
            }
        } else if d.is_binary(j) {
            out.push((col.term.clone(), (0..c.y.len()).map(|i| d.x[[i, j]] as u32).collect()));
        } else if seen.insert(&col.variable) {
            // Of a spline the first column is the number itself.
            let cuts = fifths(c, j);
            out.push((col.variable.clone(), (0..c.y.len()).map(|i| cuts.iter().filter(|cut| d.x[[i, j]] > **cut).count() as u32).collect()));
        }
    }
    out
}

/// Values up to which a fifth, two, three and four fifths of the weight of both groups lie.
fn fifths(c: &Contrast<'_>, column: usize) -> Vec<f64> {
    let mut values: Vec<(f64, f64)> = c.units().filter(|&i| c.w[i] > 0.0).map(|i| (c.design.x[[i, column]], c.w[i])).collect();
    values.sort_by(|a, b| a.0.total_cmp(&b.0));
    let total: f64 = values.iter().map(|v| v.1).sum();
    let mut cuts = Vec::new();
    let mut sum = 0.0;
    for (value, w) in values {
        sum += w;
        while cuts.len() < 4 && sum >= total * (cuts.len() + 1) as f64 / 5.0 {
            cuts.push(value);
        }
    }
    cuts
}
