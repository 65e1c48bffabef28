//! Which hospital each unit is in, and how many units of each group a hospital has.

use crate::design::Contrast;
use crate::model::arrow::Hospitals;
use crate::vocab::Family;

/// The hospitals of one comparison, in the order of their labels.
pub struct Roster<'a> {
    pub labels: Vec<&'a str>,
    /// By row of the design; rows outside the comparison stand with the first hospital, at weight 0.
    pub code: Vec<u32>,
}

/// Units with a positive weight and their weight, reference and index, of each hospital.
pub struct Counts {
    pub units: Vec<[usize; 2]>,
    pub weight: Vec<[f64; 2]>,
}

impl<'a> Roster<'a> {
    /// `None` if the design has no such labels, or the comparison no units.
    pub fn new(c: &Contrast<'a>, id: &str) -> Option<Self> {
        let given = c.labels(id)?;
        let mut used = vec![false; given.labels.len()];
        c.units().filter(|&i| c.w[i] > 0.0).for_each(|i| used[given.code[i] as usize] = true);
        let mut kept: Vec<usize> = (0..used.len()).filter(|&h| used[h]).collect();
        kept.sort_by_key(|&h| &given.labels[h]);
        let mut position = vec![0; used.len()];
        kept.iter().enumerate().for_each(|(at, &h)| position[h] = at as u32);
        let code = given.code.iter().enumerate().map(|(i, &h)| if c.w[i] > 0.0 { position[h as usize] } else { 0 });
        (!kept.is_empty()).then(|| Self { labels: kept.iter().map(|&h| given.labels[h].as_str()).collect(), code: code.collect() })
    }

    pub fn len(&self) -> usize {
        self.labels.len()
    }

    pub fn of(&self, row: usize) -> usize {
        self.code[row] as usize
    }

    pub fn hospitals(&self) -> Hospitals<'_> {
        Hospitals { code: &self.code, count: self.len() }
    }

    pub fn counts(&self, c: &Contrast<'_>) -> Counts {
        let mut out = Counts { units: vec![[0; 2]; self.len()], weight: vec![[0.0; 2]; self.len()] };
        for i in c.units().filter(|&i| c.w[i] > 0.0) {
            let (h, r) = (self.of(i), usize::from(c.r[i] == 1.0));
            out.units[h][r] += 1;
            out.weight[h][r] += c.w[i];
        }
        out
    }
}

impl Counts {
    /// Whether a hospital has units of one group and none of the other: 0 says without reference, 1 without index units.
    pub fn lacks(&self, hospital: usize, group: usize) -> bool {
        self.units[hospital][group] == 0 && self.units[hospital][1 - group] > 0
    }

    pub fn has_both(&self, hospital: usize) -> bool {
        self.units[hospital].iter().all(|n| *n > 0)
    }

    /// Hospitals with units of both groups.
    pub fn with_both(&self) -> usize {
        (0..self.units.len()).filter(|&h| self.has_both(h)).count()
    }

    /// Hospitals with units.
    pub fn with_units(&self) -> usize {
        self.units.iter().filter(|n| n[0] + n[1] > 0).count()
    }
}

/// The comparison without the units of some hospitals: their weight is 0.
pub fn without<'a>(c: &Contrast<'a>, roster: &Roster<'_>, drop: impl Fn(usize) -> bool) -> Contrast<'a> {
    let mut out = c.clone();
    for i in c.units() {
        if drop(roster.of(i)) {
            out.w[i] = 0.0;
        }
    }
    out
}

/// What a population leaves out of a comparison: by group, reference first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    pub units: [usize; 2],
    /// Their events; `None` of a gaussian outcome.
    pub events: Option<[u64; 2]>,
}

/// What a part of a comparison leaves out of it.
pub fn left_out(all: &Contrast<'_>, part: &Contrast<'_>) -> LeftOut {
    let of = [all.reference(), all.index()].map(|rows| rows.filter(|&i| all.w[i] > 0.0 && part.w[i] == 0.0).collect::<Vec<_>>());
    let events = |rows: &Vec<usize>| rows.iter().map(|&i| all.design.y[i]).sum::<f64>() as u64;
    LeftOut { units: of.each_ref().map(Vec::len), events: (all.design.family != Family::Gaussian).then(|| of.each_ref().map(events)) }
}
