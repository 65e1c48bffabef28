//! A forecast in lines of text, and as JSON.

use super::{AnalysisAhead, Forecast};
use crate::cohort::size::RowCount;
use serde_json::{Value, json};

impl Forecast {
    pub fn text(&self) -> String {
        let mut lines = vec![format!("{}: what a run would do (headers read, nothing fitted)", self.study), String::new(), "tables".to_owned()];
        let width = self.tables.iter().map(|t| t.table.chars().count()).max().unwrap_or(0);
        for t in &self.tables {
            let files = if t.files == 1 { "1 file".to_owned() } else { format!("{} files", t.files) };
            lines.push(format!("  {:width$}  {}, {} columns, {files} of {} bytes", t.table, rows(t.rows), t.columns, t.bytes));
        }
        lines.push(String::new());
        lines.push(format!("rows         {} of {} come in, one a unit", rows(self.rows), self.unit_table));
        if !self.steps.is_empty() {
            lines.push(format!("             fewer after: {}; group, outcome and missing values", self.steps.join("; ")));
        }
        lines.push(format!("comparisons  {}, each with {}", self.index.join(", "), self.reference));
        let variables: Vec<String> = self.variables.iter().map(|(block, n)| format!("{block} {n}")).collect();
        lines.push(format!("variables    {}", variables.join(", ")));
        lines.push(format!(
            "intervals    {}%, {}",
            self.level * 100.0,
            match &self.cluster {
                Some(cluster) if self.leave_clusters_out => format!("clustered by {cluster}; below 100 clusters each is left out in turn"),
                Some(cluster) => format!("clustered by {cluster}"),
                None => "units taken as independent".to_owned(),
            }
        ));
        lines.extend([String::new(), "analyses, in each comparison".to_owned()]);
        let width = self.analyses.iter().map(|a| a.name.chars().count()).max().unwrap_or(0);
        let methods = self.analyses.iter().map(|a| a.method.chars().count()).max().unwrap_or(0);
        for a in &self.analyses {
            lines.push(format!("  {:width$}  {:methods$}  {}", a.name, a.method, a.work_in_words()));
        }
        if !self.sensitivity.is_empty() {
            lines.push(format!("  varied by `sensitivity`: {}", self.sensitivity.join(", ")));
        }
        let models: usize = self.analyses.iter().filter_map(|a| a.outcome_models).sum::<usize>() * self.index.len();
        let more =
            if self.analyses.iter().any(|a| a.outcome_models.is_none()) { ", and those of methods whose number depends on the data" } else { "" };
        lines.extend([String::new(), format!("models       {models} outcome models{more}; what analyses share is fitted once")]);
        lines.push(format!(
            "time         {}",
            match self.seconds {
                Some(seconds) => format!("{} on one core, to within a factor of five or so; learners and resampling vary most", duration(seconds)),
                None => "not known, since the number of rows is not".to_owned(),
            }
        ));
        lines.join("\n") + "\n"
    }

    pub fn json(&self) -> Value {
        let count = |r: RowCount| match r {
            RowCount::Stated(n) => json!({ "rows": n, "exact": true }),
            RowCount::About(n) => json!({ "rows": n, "exact": false }),
            RowCount::Unknown => json!({ "rows": null, "exact": false }),
        };
        let tables = self.tables.iter().map(|t| {
            let size = json!({ "files": t.files, "bytes": t.bytes, "columns": t.columns });
            (t.table.clone(), merged(size, count(t.rows)))
        });
        let analyses = self.analyses.iter().map(|a| {
            let ahead = json!({
                "method": a.method, "primary": a.primary, "outcome_models": a.outcome_models, "other_fits": a.other_fits, "replicates": a.replicates
            });
            (a.name.clone(), ahead)
        });
        json!({
            "study": self.study,
            "tables": tables.collect::<serde_json::Map<_, _>>(),
            "units": count(self.rows),
            "unit_table": self.unit_table,
            "steps": self.steps,
            "reference": self.reference,
            "index": self.index,
            "variables": self.variables.iter().cloned().map(|(b, n)| (b, Value::from(n))).collect::<serde_json::Map<_, _>>(),
            "cluster": self.cluster,
            "leave_clusters_out": self.leave_clusters_out,
            "level": self.level,
            "analyses": analyses.collect::<serde_json::Map<_, _>>(),
            "sensitivity": self.sensitivity,
            "seconds": self.seconds,
        })
    }
}

fn merged(mut a: Value, b: Value) -> Value {
    if let (Some(a), Value::Object(b)) = (a.as_object_mut(), b) {
        a.extend(b);
    }
    a
}

impl AnalysisAhead {
    fn work_in_words(&self) -> String {
        let mut parts = Vec::new();
        match self.outcome_models {
            Some(0) => {}
            Some(1) => parts.push("1 outcome model".to_owned()),
            Some(n) => parts.push(format!("{n} outcome models")),
            None => parts.push("models as the data need".to_owned()),
        }
        match self.other_fits {
            Some(n) if n > 0 && self.outcome_models == Some(0) => parts.push(format!("{n} fits of learners")),
            Some(n) if n > 0 => parts.push(format!("{n} group models")),
            Some(_) | None => {}
        }
        if let Some(n) = self.replicates {
            parts.push(format!("{n} replicates"));
        }
        if self.primary {
            parts.push("the primary analysis".to_owned());
        }
        parts.join(", ")
    }
}

fn rows(r: RowCount) -> String {
    match r {
        RowCount::Stated(n) => format!("{n} rows"),
        RowCount::About(n) => format!("about {n} rows"),
        RowCount::Unknown => "unknown number of rows".to_owned(),
    }
}

/// Rough, in words.
fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 1.0 => "about a second or less".to_owned(),
        s if s < 90.0 => format!("about {s:.0} seconds"),
        s if s < 5400.0 => format!("about {:.0} minutes", s / 60.0),
        s => format!("about {:.0} hours", s / 3600.0),
    }
}
