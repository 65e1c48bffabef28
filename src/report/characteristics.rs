//! Table 1 as rows of words and figures: the report, the terminal's exports and papers draw the same.

use super::numbers::{count, fixed};
use super::study::Study;
use crate::release::{Table, schema};

/// More levels than this (hospitals, diagnoses) are left to tables/table_one.csv.
const LEVELS: usize = 20;

/// One group's figures of a variable or a level.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Side {
    /// `63.2 (10.1)`, `2,000 (40.1%)`; empty where there is nothing to say.
    pub text: String,
    pub mean: Option<f64>,
    pub sd: Option<f64>,
    pub withheld: bool,
}

#[derive(Debug, PartialEq)]
pub enum Line {
    Block(String),
    /// A variable: the row of `table_one` that holds its differences and missing values, and what stands beside its name.
    Variable {
        label: String,
        row: usize,
        index: Side,
        reference: Side,
    },
    Level {
        label: String,
        index: Side,
        reference: Side,
    },
}

/// The lines of one index group: levels in the order of their numbers, those without names counted in one line.
pub fn lines(s: &Study, group: &str) -> Vec<Line> {
    let Some(t) = s.table(&schema::TABLE_ONE) else { return Vec::new() };
    let rows: Vec<usize> = (0..t.rows.len()).filter(|&r| t.text(r, "index_group") == group).collect();
    let mut out = Vec::new();
    let (mut block, mut variable) = ("", "");
    for &r in &rows {
        if t.text(r, "variable") == variable && t.text(r, "block") == block {
            continue;
        }
        if t.text(r, "block") != block {
            block = t.text(r, "block");
            out.push(Line::Block(s.block(block)));
        }
        variable = t.text(r, "variable");
        let own: Vec<usize> = rows.iter().copied().filter(|&q| t.text(q, "variable") == variable && t.text(q, "block") == block).collect();
        let levels: Vec<usize> = own.iter().copied().filter(|&q| !t.cell(q, "level").is_null()).collect();
        // A producer may give the figures of the whole variable on any of its rows.
        let row = own.iter().copied().find(|&q| !t.cell(q, "smd").is_null()).unwrap_or(r);
        let label = s.row_label(variable);
        if levels.is_empty() {
            let binary = binary(s, t, r, group);
            let side = |which| number(s, t, r, group, which, binary);
            out.push(Line::Variable { label, row, index: side("index"), reference: side("reference") });
            continue;
        }
        if levels.len() > LEVELS {
            let label = format!("{label} ({} levels)", count(levels.len() as i64));
            out.push(Line::Variable { label, row, index: Side::default(), reference: Side::default() });
            continue;
        }
        out.push(Line::Variable { label, row, index: Side::default(), reference: Side::default() });
        out.extend(of_levels(s, t, group, levels));
    }
    out
}

fn of_levels(s: &Study, t: &Table, group: &str, mut levels: Vec<usize>) -> Vec<Line> {
    let name = |r: usize| t.text(r, "level");
    let nameless = |r: usize| t.flag(r, "withheld") && name(r).starts_with('[');
    let hidden = levels.iter().filter(|&&r| nameless(r)).count();
    levels.retain(|&r| !nameless(r));
    let places: Option<Vec<(f64, i8)>> = levels.iter().map(|&r| place(name(r))).collect();
    if places.is_some() {
        let key = |r: &usize| place(name(*r)).unwrap_or_default();
        levels.sort_by(|a, b| key(a).0.total_cmp(&key(b).0).then(key(a).1.cmp(&key(b).1)));
    }
    let mut out: Vec<Line> = levels
        .iter()
        .map(|&r| {
            let side = |which| proportion(s, t, r, group, which);
            Line::Level { label: name(r).to_owned(), index: side("index"), reference: side("reference") }
        })
        .collect();
    if hidden > 0 {
        let label = if hidden == 1 { "1 further level".to_owned() } else { format!("{hidden} further levels") };
        let side = Side { withheld: true, ..Side::default() };
        out.push(Line::Level { label, index: side.clone(), reference: side });
    }
    out
}

/// Where a level that begins with a number stands: `18 to 29`, `< 5`, `Under $11k`, `70 or older`. `None` for a level of words.
fn place(level: &str) -> Option<(f64, i8)> {
    let lower = level.trim().to_lowercase();
    let begins = |words: &[&str]| words.iter().find_map(|w| lower.strip_prefix(w).map(str::to_owned));
    let (rest, rank) =
        match (begins(&["<", "\u{2264}", "under ", "less than ", "below ", "up to "]), begins(&[">", "\u{2265}", "over ", "more than ", "above "])) {
            (Some(rest), _) => (rest, -1),
            (None, Some(rest)) => (rest, 1),
            (None, None) => (lower, 0),
        };
    let rest = rest.trim_start_matches(['=', ' ', '$', '\u{20ac}', '\u{a3}']);
    let digits: String = rest.chars().take_while(|c| c.is_ascii_digit() || *c == '.' || *c == ',').filter(|c| *c != ',').collect();
    digits.trim_end_matches('.').parse().ok().map(|v| (v, rank))
}

/// Units of a group with a value of the variable of a row.
fn known(s: &Study, t: &Table, row: usize, group: &str, which: &str) -> Option<i64> {
    let (gap, at) = s.gap_row(group)?;
    // The count of missing values stands on the row of the variable.
    let missing = (0..t.rows.len())
        .filter(|&r| {
            t.text(r, "index_group") == group && t.text(r, "variable") == t.text(row, "variable") && t.text(r, "block") == t.text(row, "block")
        })
        .find_map(|r| t.int(r, &format!("n_missing_{which}")))?;
    Some(gap.int(at, &format!("n_{which}"))? - missing)
}

/// `2,000 (40.1%)`, or the percentage alone where weights make no count of it.
fn counted(share: f64, known: Option<i64>) -> String {
    let percent = format!("{}%", fixed(share * 100.0, 1));
    match known.map(|n| share * n as f64).filter(|n| (n - n.round()).abs() < 1e-6) {
        Some(n) => format!("{} ({percent})", count(n.round() as i64)),
        None => percent,
    }
}

fn proportion(s: &Study, t: &Table, row: usize, group: &str, which: &str) -> Side {
    let mean = t.number(row, &format!("mean_{which}"));
    let text = mean.map_or_else(String::new, |v| counted(v, known(s, t, row, group, which).filter(|_| s.meta.weight.is_none())));
    Side { text, mean, sd: None, withheld: mean.is_none() && t.flag(row, "withheld") }
}

fn number(s: &Study, t: &Table, row: usize, group: &str, which: &str, binary: bool) -> Side {
    if binary {
        return proportion(s, t, row, group, which);
    }
    let spread = ["sd_index", "sd_reference"].iter().filter_map(|c| t.number(row, c)).reduce(f64::max);
    let (mean, sd) = (t.number(row, &format!("mean_{which}")), t.number(row, &format!("sd_{which}")));
    Side { text: mean.map_or_else(String::new, |v| mean_sd(v, sd, spread)), mean, sd, withheld: mean.is_none() && t.flag(row, "withheld") }
}

/// Whether a number takes the values 0 and 1 alone. Among variables with mean p and values in 0 to 1 only those have variance p(1 - p), n / (n - 1)
/// times that by the divisor n - 1; one that has it in both groups by chance would have to do so to five digits.
fn binary(s: &Study, t: &Table, row: usize, group: &str) -> bool {
    let of = |which: &str| {
        let (p, sd) = (t.number(row, &format!("mean_{which}"))?, t.number(row, &format!("sd_{which}"))?);
        let n = known(s, t, row, group, which)? as f64;
        let v = p * (1.0 - p);
        let exact = |ratio: f64| (sd * sd / v - ratio).abs() < 1e-5;
        Some((0.0..=1.0).contains(&p) && if v == 0.0 { sd == 0.0 } else { exact(1.0) || exact(n / (n - 1.0)) })
    };
    let varies = ["sd_index", "sd_reference"].iter().any(|c| t.number(row, c).is_some_and(|sd| sd > 0.0));
    varies && of("index") == Some(true) && of("reference") == Some(true)
}

/// A mean and its standard deviation with decimals that suit `spread`, the larger standard deviation of the two groups. Numbers of four digits
/// have no comma: most are years.
pub fn mean_sd(mean: f64, sd: Option<f64>, spread: Option<f64>) -> String {
    let places = match spread.filter(|s| *s > 0.0) {
        Some(s) if s >= 100.0 => 0,
        Some(s) if s >= 1.0 => 1,
        Some(s) if s < 0.1 => 3,
        _ => 2,
    };
    let plain = |v: f64| {
        let text = fixed(v, places);
        if v.abs() < 9999.5 { text.replace(',', "") } else { text }
    };
    match sd {
        Some(sd) => format!("{} ({})", plain(mean), plain(sd)),
        None => plain(mean),
    }
}

/// What the figures are, for the note under the table.
pub fn note(s: &Study, lines: &[Line]) -> String {
    let counts = lines.iter().any(|l| match l {
        Line::Variable { index, reference, .. } | Line::Level { index, reference, .. } => [index, reference].iter().any(|s| s.text.ends_with("%)")),
        Line::Block(_) => false,
    });
    let mut out = format!("Mean (SD) or {}, of known values.", if counts { "n (%)" } else { "%" });
    let long = lines.iter().any(|l| matches!(l, Line::Variable { label, .. } if label.ends_with(" levels)")));
    if long {
        out.push_str(&format!(" Variables of more than {LEVELS} levels stand by level in tables/table_one.csv."));
    }
    if s.meta.weight.is_some() {
        out.push_str(" Weighted.");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_that_begin_with_numbers_have_a_place() {
        let mut levels = ["70 or Older", "18 to 29", "> $50k", "Under $11k", "$11-$25k", "1,000 and more"];
        levels.sort_by(|a, b| place(a).unwrap().0.total_cmp(&place(b).unwrap().0).then(place(a).unwrap().1.cmp(&place(b).unwrap().1)));
        assert_eq!(levels, ["Under $11k", "$11-$25k", "18 to 29", "> $50k", "70 or Older", "1,000 and more"]);
        assert_eq!([place("Male"), place("Severe"), place("")], [None, None, None]);
    }

    #[test]
    fn decimals_follow_the_standard_deviation() {
        for (mean, sd, want) in [
            (63.21, 10.05, "63.2 (10.1)"),
            (51.8, 8.27, "51.8 (8.3)"),
            (0.6299, 0.677, "0.63 (0.68)"),
            (1995.12, 19.6, "1995.1 (19.6)"),
            (12345.6, 2345.0, "12,346 (2345)"),
            (0.0123, 0.0456, "0.012 (0.046)"),
        ] {
            assert_eq!(mean_sd(mean, Some(sd), Some(sd)), want);
        }
        assert_eq!(counted(0.25, Some(400)), "100 (25.0%)");
        assert_eq!(counted(0.2513, Some(400)), "25.1%");
    }
}
