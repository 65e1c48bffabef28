//! The result tables as the report reads them: names as people read them, rows of one contrast and analysis.

use super::numbers::{Units, label};
use crate::release::{Meta, ResultTables, Table, schema};
use crate::vocab::read_number;

/// An estimate with its interval, in the unit of the table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    pub estimate: f64,
    /// Missing where no interval was computed.
    pub limits: Option<(f64, f64)>,
}

impl Interval {
    /// Whether the interval excludes 0; unknown without one.
    pub fn excludes_zero(self) -> Option<bool> {
        self.limits.map(|(low, high)| low > 0.0 || high < 0.0)
    }
}

/// A row of `decomposition`.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    pub row: usize,
    pub part: String,
    pub component: String,
    pub value: Option<Interval>,
    pub share: Option<f64>,
    pub share_limits: Option<(f64, f64)>,
    pub withheld: bool,
}

/// What the report reads.
pub struct Study<'a> {
    pub tables: &'a ResultTables,
    pub meta: &'a Meta,
}

impl<'a> Study<'a> {
    pub fn new(tables: &'a ResultTables) -> Self {
        Self { tables, meta: &tables.meta }
    }

    pub fn table(&self, decl: &schema::TableDecl) -> Option<&'a Table> {
        self.tables.get(decl).filter(|t| !t.rows.is_empty())
    }

    pub fn label(&'a self, variable: &'a str) -> &'a str {
        label(self.meta, variable)
    }

    /// The label of a variable at the head of a row; its name with a capital where it has none.
    pub fn row_label(&self, variable: &str) -> String {
        self.meta.labels.get(variable).cloned().unwrap_or_else(|| capital(&variable.replace('_', " ")))
    }

    /// An analysis inside a sentence: `the primary analysis`, `the analysis plug in`.
    pub fn analysis_in_words(&self, analysis: &str) -> String {
        if analysis == self.meta.primary { "the primary analysis".to_owned() } else { format!("the analysis {}", analysis.replace('_', " ")) }
    }

    /// A term of a model with the label of its variable.
    pub fn term(&self, term: &str) -> String {
        match term {
            "(intercept)" => return "Intercept".into(),
            "(group)" => return format!("{} (index group)", self.label(&self.meta.group)),
            _ => {}
        }
        if let Some(found) = self.meta.labels.get(term) {
            return found.clone();
        }
        if let Some((a, b)) = term.split_once(':') {
            return format!("{} \u{d7} {}", self.term(a), self.term(b));
        }
        if let Some((variable, level)) = term.split_once('=') {
            return format!("{}: {level}", self.label(variable));
        }
        if let Some((variable, suffix)) = term.rsplit_once('.') {
            if suffix == "missing" {
                return format!("{}: missing", self.label(variable));
            }
            if let Some(number) = suffix.strip_prefix('s').filter(|n| n.parse::<u32>().is_ok()) {
                return format!("{}, spline {number}", self.label(variable));
            }
        }
        if let Some(variable) = term.strip_prefix("log(").and_then(|t| t.strip_suffix(')')) {
            return format!("log({})", self.label(variable));
        }
        term.to_owned()
    }

    /// A block as people read it. Measured clinical status is never called biology.
    pub fn block(&self, block: &str) -> String {
        if let Some(found) = self.meta.labels.get(block) {
            return found.clone();
        }
        match block {
            "allowable" => "Treated as fair".into(),
            "intercept" => "Intercept".into(),
            "none" => "None".into(),
            "bio" | "biology" | "biological" | "clinical" => "Clinical and physiological, measured".into(),
            other => capital(&other.replace('_', " ")),
        }
    }

    /// The same in a list inside a sentence.
    pub fn block_in_words(&self, block: &str) -> String {
        match block {
            "bio" | "biology" | "biological" | "clinical" if !self.meta.labels.contains_key(block) => {
                "measured clinical and physiological status".into()
            }
            _ => super::wording::inner(&self.block(block)),
        }
    }

    /// The same before the word factors: `the measured clinical and socioeconomic factors`.
    fn block_adjective(&self, block: &str) -> String {
        match block {
            "bio" | "biology" | "biological" | "clinical" if !self.meta.labels.contains_key(block) => "clinical/physiological".into(),
            other => {
                let name = super::wording::inner(&self.meta.labels.get(other).cloned().unwrap_or_else(|| other.replace('_', " ")));
                [" factors", " status", " characteristics"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(&name).to_owned()
            }
        }
    }

    /// `measured socioeconomic, clinical/physiological and hospital factors`, of all blocks.
    pub fn all_blocks(&self) -> String {
        let names: Vec<String> = self.meta.blocks.keys().map(|b| self.block_adjective(b)).collect();
        if names.len() > 4 {
            return format!("measured factors of the {} blocks", names.len());
        }
        format!("measured {} factors", list(&names))
    }

    /// A set of blocks, joined by ` + `; all of more than three by their number.
    pub fn blocks(&self, set: &str) -> String {
        let all = self.meta.blocks.len();
        if all > 3 && set.split('+').count() == all {
            return format!("All {all} blocks");
        }
        set.split('+').map(|b| self.block(b)).collect::<Vec<_>>().join(" + ")
    }

    /// What the units are: `patients`, or as the study file calls them.
    pub fn unit_name(&self) -> &'a str {
        if self.meta.units.is_empty() { "patients" } else { &self.meta.units }
    }

    /// `Black patients`; `patients with arm 1` for a value that is a number.
    pub fn patients(&self, value: &str) -> String {
        if read_number(value).is_some() {
            return format!("{} with {} {value}", self.unit_name(), self.label(&self.meta.group));
        }
        format!("{} {}", capital(value), self.unit_name())
    }

    /// A group where there is little room: `Black`; `arm 1` for a value that is a number.
    pub fn short(&self, value: &str) -> String {
        if read_number(value).is_some() { format!("{} {value}", self.label(&self.meta.group)) } else { capital(value) }
    }

    /// The clusters inside a sentence: their label, or the name of their column without `_id`.
    pub fn cluster_in_words(&self) -> Option<String> {
        let column = self.meta.cluster.as_ref()?;
        Some(match self.meta.labels.get(column) {
            Some(label) => super::wording::inner(label),
            None => column.strip_suffix("_id").unwrap_or(column).replace('_', " "),
        })
    }

    /// `95% interval`, the head of a column of intervals.
    pub fn interval_head(&self) -> String {
        format!("{} interval", super::numbers::level(self.meta.level))
    }

    /// A text of the program with the names of blocks and variables as the study file labels them. A block's name that stands after an
    /// article is a word of the language (`the hospital`), and a variable's name that is a plain word (`age`) may be one.
    pub fn in_words(&self, text: &str) -> String {
        let mut out = String::new();
        let mut before = "";
        let mut rest = text;
        while let Some(start) = rest.find(|c: char| c.is_alphanumeric() || c == '_') {
            let (gap, from) = rest.split_at(start);
            let end = from.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(from.len());
            let (word, after) = from.split_at(end);
            let set = gap == "+" && self.meta.blocks.contains_key(word);
            out.push_str(if set { " and " } else { gap });
            let article = gap == " " && matches!(before, "the" | "a" | "an" | "one" | "every" | "each" | "of" | "same" | "no");
            let labelled = word.contains(['_', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9']) && self.meta.labels.contains_key(word);
            if self.meta.blocks.contains_key(word) && (set || !article || after.starts_with('+')) {
                out.push_str(&self.block_in_words(word));
            } else if labelled {
                out.push_str(&super::wording::inner(without_unit(self.label(word))));
            } else {
                out.push_str(word);
            }
            (before, rest) = (word, after);
        }
        out.push_str(rest);
        out.replace("with blocks none", "without the blocks").replace("^2", "\u{b2}")
    }

    /// What is treated as fair, inside a sentence.
    pub fn allowables_in_words(&self) -> String {
        list(&self.allowable_names())
    }

    pub fn allowable_names(&self) -> Vec<String> {
        self.meta.allowable.iter().map(|v| super::wording::inner(without_unit(self.label(v)))).collect()
    }

    /// A diagnostic of an analysis of a group.
    pub fn check(&self, group: &str, analysis: &str, name: &str) -> Option<(&'a Table, usize)> {
        let t = self.table(&schema::DIAGNOSTICS)?;
        let start = format!("analysis {analysis}: ");
        let is = |r: &usize| t.text(*r, "check") == name && t.text(*r, "index_group") == group && t.text(*r, "message").starts_with(&start);
        (0..t.rows.len()).find(is).map(|r| (t, r))
    }

    pub fn figure(&self, group: &str, analysis: &str, name: &str) -> Option<f64> {
        self.check(group, analysis, name).and_then(|(t, r)| t.number(r, "value"))
    }

    /// The settings of an analysis as `key: value` pairs, in the order of the study file.
    pub fn settings(&self, analysis: &str) -> Vec<(String, String)> {
        let Some(object) = self.meta.analyses.get(analysis).and_then(|v| v.as_object()) else { return Vec::new() };
        let settings = object.values().next().and_then(|v| v.as_object());
        let word = |v: &serde_json::Value| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
        let plain = |v: &serde_json::Value| match v.as_array() {
            Some(many) if many.is_empty() => "none".to_owned(),
            Some(many) => many.iter().map(word).collect::<Vec<_>>().join(" + "),
            None => word(v),
        };
        settings.map(|s| s.iter().map(|(k, v)| (k.clone(), plain(v))).collect()).unwrap_or_default()
    }

    pub fn setting(&self, analysis: &str, key: &str) -> Option<String> {
        self.settings(analysis).into_iter().find(|(k, _)| k == key).map(|(_, v)| v)
    }

    pub fn method(&self, analysis: &str) -> Option<String> {
        self.meta.analyses.get(analysis).and_then(|v| v.as_object()).and_then(|o| o.keys().next().cloned())
    }

    /// The family that the analysis's rows name; empty where it has none.
    pub fn family(&self, analysis: &str) -> String {
        let rows = self.table(&schema::DECOMPOSITION);
        let row = rows.and_then(|t| (0..t.rows.len()).find(|&r| t.text(r, "analysis") == analysis).map(|r| t.text(r, "family")));
        row.unwrap_or_default().to_owned()
    }

    /// Analyses that have rows in `decomposition`, the primary first.
    pub fn analyses(&self) -> Vec<String> {
        let mut names = vec![self.meta.primary.clone()];
        if let Some(t) = self.table(&schema::DECOMPOSITION) {
            for row in 0..t.rows.len() {
                let name = t.text(row, "analysis");
                if !names.iter().any(|n| n == name) {
                    names.push(name.to_owned());
                }
            }
        }
        names
    }

    /// The rows of one analysis of one index group.
    pub fn parts(&self, group: &str, analysis: &str) -> Vec<Part> {
        let Some(t) = self.table(&schema::DECOMPOSITION) else { return Vec::new() };
        (0..t.rows.len())
            .filter(|&r| t.text(r, "index_group") == group && t.text(r, "analysis") == analysis)
            .map(|row| Part {
                row,
                part: t.text(row, "part").to_owned(),
                component: t.text(row, "component").to_owned(),
                value: interval(t, row, "estimate"),
                share: t.number(row, "share"),
                share_limits: t.number(row, "share_conf_low").zip(t.number(row, "share_conf_high")),
                withheld: t.flag(row, "withheld"),
            })
            .collect()
    }

    /// The gap once the allowables are the same. Its interval is known where the analysis has rows in `with_and_without`.
    pub fn adjusted_gap(&self, group: &str, analysis: &str) -> Option<Interval> {
        if let Some(t) = self.table(&schema::WITH_AND_WITHOUT) {
            let found = (0..t.rows.len())
                .find(|&r| t.text(r, "index_group") == group && t.text(r, "analysis") == analysis && t.text(r, "blocks") == "none")
                .and_then(|r| interval(t, r, "adjusted_gap"));
            if found.is_some() {
                return found;
            }
        }
        let parts = self.parts(group, analysis);
        let gap = total(&parts, "gap")?;
        if self.meta.allowable.is_empty() {
            return Some(gap);
        }
        Some(Interval { estimate: gap.estimate - total(&parts, "allowable")?.estimate, limits: None })
    }

    /// Row of `gap` on the additive scale that is decomposed.
    pub fn gap_row(&self, group: &str) -> Option<(&'a Table, usize)> {
        let t = self.table(&schema::GAP)?;
        (0..t.rows.len()).find(|&r| t.text(r, "index_group") == group && t.text(r, "scale") == self.meta.scale).map(|r| (t, r))
    }

    /// Units of a scale for one index group.
    pub fn units(&self, group: &str, scale: &str) -> Units {
        let mut errors = Vec::new();
        if let Some(t) = self.table(&schema::DECOMPOSITION) {
            // What holds only what a model leaves over has an error of another order.
            let small = |r: usize| t.text(r, "component") == "model_misfit" || t.text(r, "part").starts_with("unexplained_");
            let rows = (0..t.rows.len()).filter(|&r| t.text(r, "index_group") == group && t.text(r, "scale") == scale && !small(r));
            errors.extend(rows.filter_map(|r| t.number(r, "std_error")));
        }
        let gap = self.gap_row(group);
        if errors.is_empty() {
            errors.extend(gap.and_then(|(t, r)| t.number(r, "std_error")));
        }
        Units::of(self.meta, scale, &errors, gap.and_then(|(t, r)| t.number(r, "mean_reference")))
    }

    /// The scale of the primary analysis; that of the gap where it has no rows.
    pub fn primary_scale(&self, group: &str) -> String {
        let row = self.parts(group, &self.meta.primary).first().map(|p| p.row);
        let scale = row.zip(self.table(&schema::DECOMPOSITION)).map(|(row, t)| t.text(row, "scale").to_owned());
        scale.unwrap_or_else(|| self.meta.scale.clone())
    }

    /// Whether any part is given as a share.
    pub fn parts_have_shares(&self) -> bool {
        self.table(&schema::DECOMPOSITION).is_some_and(|t| (0..t.rows.len()).any(|r| t.number(r, "share").is_some()))
    }

    /// Why an analysis has no estimates for a group, if it has none.
    pub fn not_estimated(&self, analysis: &str, group: &str) -> Option<&'a str> {
        self.meta.not_estimated.iter().find(|(a, g, _)| a == analysis && g == group).map(|(.., reason)| reason.as_str())
    }

    pub fn blinded(&self, analysis: &str, group: &str) -> Option<&'a str> {
        self.meta.blinded.iter().find(|(a, g, _)| a == analysis && g == group).map(|(.., reason)| reason.as_str())
    }
}

/// `Age, years` without the unit, so that a list of labels reads as one.
pub fn without_unit(label: &str) -> &str {
    const UNITS: [&str; 9] = ["years", "months", "weeks", "days", "hours", "SD", "mmHg", "kg", "cm"];
    match label.rsplit_once(", ") {
        Some((name, unit)) if UNITS.contains(&unit) || unit.contains(['/', '%']) => name,
        _ => label,
    }
}

/// The `total` row of a part.
pub fn total(parts: &[Part], part: &str) -> Option<Interval> {
    parts.iter().find(|p| p.part == part && p.component == "total").and_then(|p| p.value)
}

/// An estimate of a table with the row's interval.
pub fn interval(t: &Table, row: usize, column: &str) -> Option<Interval> {
    let estimate = t.number(row, column)?;
    Some(Interval { estimate, limits: t.number(row, "conf_low").zip(t.number(row, "conf_high")) })
}

/// `a, b and c`; `a, with a comma; b; and c` where a name is itself a list.
pub fn list(names: &[String]) -> String {
    let of_its_own = |name: &String| [", ", ";", " and "].iter().any(|mark| name.contains(mark));
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] if names.iter().any(of_its_own) => format!("{}; and {last}", most.join("; ")),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

pub fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |c| c.to_uppercase().chain(chars).collect())
}
