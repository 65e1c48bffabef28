//! The sensitivity section: a table a variation, folded.

use super::numbers::{Units, fixed, general};
use super::study::{Study, capital};
use super::view::{Shown, TableView, absent, counted, limits, marked, number, part_name, words};
use crate::release::{Meta, Table, schema};

/// Heading and what the reader should make of it.
fn told(variation: &str) -> (&'static str, &'static str) {
    match variation {
        "order" => ("Order of the blocks", "Smallest and largest contribution over all orders in which the blocks can enter."),
        "estimator" => (
            "Other estimators",
            "The same quantities by other estimators: dr combines the outcome and the group model, gcomp uses the outcome model alone, ipw the group model alone.",
        ),
        "learner" => (
            "Other models of outcome and group",
            "The same quantities with splines of numbers (splines) or cross-fitted learners in place of the models of outcome and group.",
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
        "negative_control" => (
            "Negative control",
            "The same analysis of an outcome that the blocks cannot have affected, of the units for which it is known. What is explained and what is not should be \
             near 0; where they are not, something else that differs between the groups may stand behind the estimates of the analysis too.",
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
    let of_row = |r: usize| {
        let [group, analysis, variation, setting] = ["index_group", "analysis", "variation", "setting"].map(|c| t.text(r, c));
        // Control outcomes differ in their units.
        [group, analysis, variation, if variation == "negative_control" { setting } else { "" }]
    };
    let mut keys: Vec<[&str; 4]> = Vec::new();
    for r in 0..t.rows.len() {
        if !keys.contains(&of_row(r)) {
            keys.push(of_row(r));
        }
    }
    let of = |key: &[&str; 4]| (0..t.rows.len()).filter(|&r| of_row(r) == *key).collect::<Vec<_>>();
    keys.iter().map(|key| view(s, t, *key, &of(key))).collect()
}

fn view(s: &Study, t: &Table, [group, analysis, variation, control]: [&str; 4], rows: &[usize]) -> TableView {
    let (mut title, told) = {
        let (title, told) = told(variation);
        (title.to_owned(), told)
    };
    if !control.is_empty() {
        title.push_str(&format!(", {}", s.label(control)));
    }
    let parts = rows.iter().any(|&r| t.cell(r, "part").text().is_some() && t.cell(r, "reason").text().is_none());
    let matrix = parts && variation != "unmeasured" && variation != "order";
    let mut view = if matrix { by_setting(s, t, [group, analysis, control], rows) } else { by_row(s, t, group, rows) };
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
    if variation == "learner" {
        note.extend(rows.iter().filter_map(|&r| of_learner(s, t, r)));
    }
    if rows.iter().any(|&r| t.flag(r, "blinded")) {
        note.push("\u{2020} A check that these estimates rest on did not pass.".into());
    }
    view.note(note.join(" "));
    view
}

/// What a learner did, in words.
fn of_learner(s: &Study, t: &Table, r: usize) -> Option<String> {
    let value = t.number(r, "estimate")?;
    let what = match t.text(r, "component") {
        "split_range" => format!("its random splits of the sample differ by up to {} standard errors", fixed(value, 2)),
        "clipped_group_probabilities" if value == 0.0 => return None,
        "clipped_group_probabilities" => {
            format!("{}% of probabilities of being in a group were moved to 0.01 or 0.99", fixed(100.0 * value, 1))
        }
        _ => return None,
    };
    Some(format!("{}: {what}.", capital(&setting(s, t, r))))
}

pub fn setting(s: &Study, t: &Table, r: usize) -> String {
    let text = t.text(r, "setting");
    let named = |name: &str| if s.meta.blocks.contains_key(name) { s.block(name) } else { s.label(name).to_owned() };
    match t.text(r, "variation") {
        "trimming" => format!("a = {text}"),
        "leave_one_out" => format!("without {}", super::wording::inner(super::study::without_unit(s.label(text)))),
        "learner" => text.replace('_', " "),
        "negative_control" => s.label(text).to_owned(),
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
fn by_setting(s: &Study, t: &Table, [group, analysis, control]: [&str; 3], rows: &[usize]) -> TableView {
    // A population, or an outcome, of its own.
    let own_units = rows.iter().any(|&r| ["trimming", "negative_control"].contains(&t.text(r, "variation")));
    let key = |t: &Table, r: usize| (t.text(r, "part").to_owned(), t.text(r, "component").to_owned());
    let mut components: Vec<(String, String)> = Vec::new();
    for &r in rows {
        let k = key(t, r);
        if !k.0.is_empty() && (k.0 != "gap" || own_units) && !components.contains(&k) {
            components.push(k);
        }
    }
    let scale = rows.iter().find_map(|&r| t.cell(r, "scale").text()).unwrap_or(&s.meta.scale);
    let u = match control {
        "" => s.units(group, scale),
        outcome => {
            let errors: Vec<f64> = rows.iter().filter_map(|&r| t.number(r, "std_error")).collect();
            Units::of(&Meta { outcome: outcome.to_owned(), ..s.meta.clone() }, scale, &errors, None)
        }
    };
    let mut view = TableView::new("").left("Setting", "");
    if own_units {
        view = view.right(group, "Index units in it").right(s.meta.reference.as_str(), "Reference units in it");
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
    if let Some(d) = s.table(&schema::DECOMPOSITION).filter(|_| !own_units) {
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
        if own_units {
            cells.extend(["n_index", "n_reference"].map(|c| counted(t, r, c)));
        }
        cells.extend(components.iter().map(|k| cell(t, same.iter().copied().find(|&q| key(t, q) == *k))));
        view.row("", cells);
    }
    view
}

/// A row a figure.
fn by_row(s: &Study, t: &Table, group: &str, rows: &[usize]) -> TableView {
    let mut view = TableView::new("")
        .left("Setting", "")
        .left("Figure", "")
        .right("Value", "What the figure is under the setting")
        .right(s.interval_head(), "Confidence interval");
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
