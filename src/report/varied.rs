//! The sensitivity section: a table a variation, folded.

use super::numbers::{fixed, general};
use super::study::{Study, capital};
use super::view::{Shown, TableView, absent, counted, limits, marked, number, part_name, words};
use crate::release::{Table, schema};

/// Heading and what the reader should make of it.
fn told(variation: &str) -> (&'static str, &'static str) {
    match variation {
        "order" => ("Order of the blocks", "Smallest and largest contribution over all orders in which the blocks can enter."),
        "estimator" => (
            "Other estimators",
            "The same quantities by other estimators: dr combines the outcome and the group model, gcomp uses the outcome model alone, ipw the group model alone.",
        ),
        "surface" => ("Other outcome models", "Models of both groups in place of one fitted in the other group; plug-in."),
        "target" => ("Other target populations", "Standardised over another population."),
        "trimming" => (
            "Trimmed samples",
            "Without units whose probability of being in the index group, given everything measured, lies outside a to 1 minus a. \
             The population changes, and with it the gap. A sample that differs from the one before it by few units is withheld.",
        ),
        "leave_one_out" => ("Each variable left out", "The analysis without one variable of a block, on the same units."),
        "contested" => ("Variables in another block", "Variables that could belong elsewhere, moved there."),
        "allowable" => ("Other variables treated as fair", "What is treated as fair is a judgement; it decides what there is to divide."),
        "e_value" => (
            "E-value of the adjusted ratio",
            "How strongly an unmeasured factor would have to be associated with both group and outcome, beyond what is measured, to account for \
             the adjusted ratio. Such a factor may lie on the pathway from group to outcome: it would say through what the rest of the gap runs, not that it is spurious.",
        ),
        "ovb" => (
            "Omitted-variable bias of the linear adjusted gap",
            "Robustness value: the partial R2 with group and outcome that a left-out factor needs to bring the linear adjusted gap to 0. Bounds: the adjusted \
             gap if a factor some times as strong as a measured one were left out and worked against it. Classical errors.",
        ),
        "park" => (
            "A confounder of one block",
            "The reduction that is associated with equalising one block in linear models, and what an unmeasured factor with partial R2 r_y with the outcome and r_m with \
             the block could do to it, in either direction.",
        ),
        "unmeasured" => (
            "An unmeasured factor of one mechanism",
            "What is left of a contribution if the groups differ by delta in a factor of which a unit adds gamma to the linear predictor; first order in gamma.",
        ),
        _ => ("Sensitivity", ""),
    }
}

/// The heading of a kind of variation.
pub fn heading(variation: &str) -> &'static str {
    told(variation).0
}

/// Index groups and analyses that have variations.
pub fn analyses(s: &Study) -> Vec<(String, String)> {
    let Some(t) = s.table(&schema::SENSITIVITY) else { return Vec::new() };
    let mut out: Vec<(String, String)> = Vec::new();
    for r in 0..t.rows.len() {
        let key = (t.text(r, "index_group").to_owned(), t.text(r, "analysis").to_owned());
        if !out.contains(&key) {
            out.push(key);
        }
    }
    out
}

/// A table for each index group, analysis and variation.
pub fn tables(s: &Study) -> Vec<TableView> {
    let Some(t) = s.table(&schema::SENSITIVITY) else { return Vec::new() };
    // In the order of the rows.
    let mut keys: Vec<[&str; 3]> = Vec::new();
    for r in 0..t.rows.len() {
        let key = ["index_group", "analysis", "variation"].map(|c| t.text(r, c));
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    let of =
        |key: &[&str; 3]| (0..t.rows.len()).filter(|&r| ["index_group", "analysis", "variation"].map(|c| t.text(r, c)) == *key).collect::<Vec<_>>();
    keys.iter().map(|key| view(s, t, *key, &of(key))).collect()
}

fn view(s: &Study, t: &Table, [group, analysis, variation]: [&str; 3], rows: &[usize]) -> TableView {
    let (title, told) = told(variation);
    let parts = rows.iter().any(|&r| t.cell(r, "part").text().is_some() && t.cell(r, "reason").text().is_none());
    let matrix = parts && variation != "unmeasured" && variation != "order";
    let mut view = if matrix { by_setting(s, t, group, analysis, rows) } else { by_row(s, t, group, rows) };
    let several = s.meta.index.len() > 1;
    view.caption = format!("{title}: {analysis}{}", if several { format!(", {}", s.patients(group)) } else { String::new() });
    view.folded = Some(view.caption.clone());
    let mut note = vec![told.to_owned()];
    for &r in rows {
        if let Some(reason) = t.cell(r, "reason").text() {
            let line = format!("{}: {}.", capital(&setting(s, t, r)), reason.trim_end_matches('.'));
            if !note.contains(&line) {
                note.push(line);
            }
        }
    }
    if rows.iter().any(|&r| t.flag(r, "blinded")) {
        note.push("\u{2020} A check that these estimates rest on did not pass.".into());
    }
    view.note(note.join(" "));
    view
}

pub fn setting(s: &Study, t: &Table, r: usize) -> String {
    let text = t.text(r, "setting");
    let named = |name: &str| if s.meta.blocks.contains_key(name) { s.block(name) } else { s.label(name).to_owned() };
    match t.text(r, "variation") {
        "trimming" => format!("a = {text}"),
        "leave_one_out" => format!("without {}", s.label(text)),
        "contested" => text.rsplit_once(" to ").map_or_else(|| text.to_owned(), |(what, to)| format!("{} to {}", named(what), named(to))),
        "ovb" => text.split_once(" x ").map_or_else(|| named(text), |(times, name)| format!("{times} \u{d7} {}", named(name))),
        "park" | "unmeasured" => {
            let name = text.split([',', '(']).next().unwrap_or("").trim_end();
            text.replacen(name, &named(name), 1)
        }
        _ => text.to_owned(),
    }
}

/// A figure as people read it.
fn figure(name: &str) -> String {
    match name {
        "t" => "t".into(),
        "e_value" => "E-value".into(),
        "e_value_of_limit" => "E-value of the limit".into(),
        "partial_r2" => "Partial R\u{b2}".into(),
        "r2_with_group" => "Partial R\u{b2} with the group".into(),
        "r2_with_outcome" => "Partial R\u{b2} with the outcome".into(),
        "robustness_value_of_limit" => "Robustness value of the limit".into(),
        other => capital(&other.replace('_', " ")),
    }
}

/// A row a setting, a column a component, beneath the analysis as reported.
fn by_setting(s: &Study, t: &Table, group: &str, analysis: &str, rows: &[usize]) -> TableView {
    let trimming = rows.iter().any(|&r| t.text(r, "variation") == "trimming");
    let key = |t: &Table, r: usize| (t.text(r, "part").to_owned(), t.text(r, "component").to_owned());
    let mut components: Vec<(String, String)> = Vec::new();
    for &r in rows {
        let k = key(t, r);
        if (k.0 != "gap" || trimming) && !components.contains(&k) {
            components.push(k);
        }
    }
    let scale = rows.iter().find_map(|&r| t.cell(r, "scale").text()).unwrap_or(&s.meta.scale);
    let u = s.units(group, scale);
    let mut view = TableView::new("").left("Setting", "");
    if trimming {
        view = view.right(group, "Index units that are left").right(s.meta.reference.as_str(), "Reference units that are left");
    }
    for (part, component) in &components {
        let name = match component.as_str() {
            "total" => part_name(part),
            block => s.blocks(block),
        };
        view = view.right(format!("{name}, {}", u.short), "Estimate and confidence interval");
    }
    let cell = |t: &Table, r: Option<usize>| -> Shown {
        let Some(r) = r else { return super::view::dash() };
        match (t.number(r, "estimate"), t.number(r, "conf_low").zip(t.number(r, "conf_high"))) {
            (Some(v), Some((low, high))) => number(format!("{} ({})", u.show(v), u.range(low, high)), v),
            (Some(v), None) => number(u.show(v), v),
            (None, _) => absent(t, r),
        }
    };
    if let Some(d) = s.table(&schema::DECOMPOSITION).filter(|_| !trimming) {
        let at = |(part, component): &(String, String)| {
            (0..d.rows.len())
                .find(|&r| d.text(r, "index_group") == group && d.text(r, "analysis") == analysis && key(d, r) == (part.clone(), component.clone()))
        };
        let cells = components.iter().map(|k| cell(d, at(k)));
        view.row("tot", std::iter::once(words("as reported")).chain(cells).collect());
    }
    let mut done: Vec<&str> = Vec::new();
    for &r in rows {
        let now = t.text(r, "setting");
        if done.contains(&now) {
            continue;
        }
        done.push(now);
        let same: Vec<usize> = rows.iter().copied().filter(|&q| t.text(q, "setting") == now).collect();
        let mark = if same.iter().any(|&q| t.flag(q, "blinded")) { " \u{2020}" } else { "" };
        let mut cells = vec![words(format!("{}{mark}", setting(s, t, r)))];
        if trimming {
            cells.extend(["n_index", "n_reference"].map(|c| counted(t, r, c)));
        }
        cells.extend(components.iter().map(|k| cell(t, same.iter().copied().find(|&q| key(t, q) == *k))));
        view.row("", cells);
    }
    view
}

/// A row a figure.
fn by_row(s: &Study, t: &Table, group: &str, rows: &[usize]) -> TableView {
    let mut view = TableView::new("").left("Setting", "").left("Figure", "").right("Value", "").right("Interval", "");
    let mut head = String::new();
    for &r in rows {
        let now = setting(s, t, r);
        let name = match t.cell(r, "part").text() {
            Some(part) if t.text(r, "component") == "total" => part_name(part),
            Some(_) => s.blocks(t.text(r, "component")),
            None => figure(t.text(r, "component")),
        };
        let scale = t.text(r, "scale");
        let ratio = scale.ends_with("_ratio");
        let (unit, value, interval) = if scale.is_empty() || ratio {
            let shown = |v: f64| if ratio { fixed(v, 2) } else { general(v) };
            let interval = match t.number(r, "conf_low").zip(t.number(r, "conf_high")) {
                Some((low, high)) => marked("r", super::numbers::range(low, high, 2)),
                None => words(""),
            };
            (String::new(), super::view::value(t, r, "estimate", shown), interval)
        } else {
            let u = s.units(group, scale);
            let interval = if t.number(r, "conf_low").is_some() { limits(t, r, &u) } else { words("") };
            (format!(", {}", u.short), super::view::value(t, r, "estimate", |v| u.show(v)), interval)
        };
        let mark = if t.flag(r, "blinded") { " \u{2020}" } else { "" };
        let shown = if now == head { String::new() } else { now.clone() };
        head = now;
        view.row("", vec![words(shown), words(format!("{name}{unit}{mark}")), value, interval]);
    }
    view
}
