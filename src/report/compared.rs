//! Figures that put analyses, mechanisms and choices beside each other on shared rows.

use super::Figure;
use super::chart::panels::{Line, Panels, Row};
use super::chart::{Hue, Mark};
use super::figure::{Drawn, captioned, diamond, disc, ring};
use super::numbers::{general, level};
use super::study::{Interval, Part, Study, capital, interval, total};
use super::varied;
use super::wording::{family_name, inner};
use crate::release::{Table, schema};

/// The blocks and what is not explained, as panels.
fn heads(s: &Study) -> Vec<(String, Hue)> {
    let mut heads: Vec<(String, Hue)> = s.meta.blocks.keys().enumerate().map(|(k, b)| (s.block(b), Hue::Block(k))).collect();
    heads.push(("Not explained".to_owned(), Hue::Open));
    heads
}

/// The parts of one analysis, by panel.
fn values(s: &Study, parts: &[Part]) -> Vec<Option<Interval>> {
    let explained = if parts.iter().any(|p| p.part == "endowments") { "endowments" } else { "explained" };
    let block = |b: &str| parts.iter().find(|p| p.part == explained && p.component == b).and_then(|p| p.value);
    let mut out: Vec<Option<Interval>> = s.meta.blocks.keys().map(|b| block(b)).collect();
    out.push(total(parts, "unexplained").or(total(parts, "coefficients")));
    out
}

/// The name of an analysis as a label, marked where a check that it rests on did not pass.
fn named(s: &Study, group: &str, analysis: &str) -> String {
    let mark = if s.blinded(analysis, group).is_some() { " \u{2020}" } else { "" };
    format!("{}{mark}", capital(&analysis.replace('_', " ")))
}

fn scale_of<'a>(s: &'a Study, parts: &[Part]) -> &'a str {
    parts.first().zip(s.table(&schema::DECOMPOSITION)).map_or("", |(p, t)| t.text(p.row, "scale"))
}

fn heading(family: &str) -> String {
    match family {
        "A" => "With and without (family A)".into(),
        "B" => "Blocks equalised (family B)".into(),
        "M" => "Mechanism switch (family M)".into(),
        "peer" => "Conventions of other programs".into(),
        other => capital(&family_name(other)),
    }
}

/// Every analysis that divides the same gap into the same blocks.
pub fn methods(s: &Study, group: &str, id: String) -> Option<Drawn> {
    let mut families: Vec<(String, Vec<Line>)> = Vec::new();
    let mut elsewhere: Vec<String> = Vec::new();
    let mut reference = Vec::new();
    for analysis in s.analyses() {
        let parts = s.parts(group, &analysis);
        let values = values(s, &parts);
        let blocks = values.iter().take(values.len().saturating_sub(1)).flatten().count();
        if parts.iter().all(|p| p.value.is_none()) {
            continue;
        }
        if scale_of(s, &parts) != s.meta.scale || blocks == 0 {
            elsewhere.push(analysis.replace('_', " "));
            continue;
        }
        let strong = analysis == s.meta.primary;
        if strong {
            reference = values.iter().map(|v| v.map(|v| v.estimate)).collect();
        }
        let family = s.family(&analysis);
        let row = Line::Row(Row { label: named(s, group, &analysis), values, strong, style: None });
        match families.iter_mut().find(|(f, _)| *f == family) {
            Some((_, lines)) => lines.push(row),
            None => families.push((family, vec![row])),
        }
    }
    let several = families.len() > 1;
    let lines: Vec<Line> =
        families.into_iter().flat_map(|(family, rows)| several.then(|| Line::Group(heading(&family))).into_iter().chain(rows)).collect();
    let panels = Panels { heads: heads(s), lines, unit: s.units(group, &s.meta.scale), reference, axis: s.units(group, &s.meta.scale).word };
    let n = panels.rows().count();
    if n < 2 {
        return None;
    }
    let title = differ(&panels, n);
    let desc = format!("{n} analyses by part: {}.", panels.heads.iter().map(|h| h.0.as_str()).collect::<Vec<_>>().join(", "));
    let caption = format!(
        "Contributions to the gap between {} and {}, with {} intervals. Filled: the primary analysis; its values are the dotted lines.",
        s.patients(group),
        s.patients(&s.meta.reference),
        level(s.meta.level)
    );
    let note = if elsewhere.is_empty() {
        String::new()
    } else {
        format!("Not drawn, since they divide another quantity or into other parts: {}. They stand in the table.", elsewhere.join(", "))
    };
    Some(drawn(panels, "Analysis", id, title, desc, caption, note))
}

/// By the estimates: whether any lies beyond the primary's interval, and where they differ most in its standard errors.
fn differ(panels: &Panels, n: usize) -> String {
    let Some(primary) = panels.rows().find(|r| r.strong) else { return format!("{n} analyses of one gap") };
    let mut worst: Option<(f64, usize)> = None;
    for (k, v) in primary.values.iter().enumerate() {
        let Some((Some((low, high)), estimate)) = v.map(|v| (v.limits, v.estimate)) else { continue };
        for r in panels.rows() {
            let Some(other) = r.values.get(k).copied().flatten() else { continue };
            let beyond = if other.estimate >= estimate {
                (other.estimate - estimate) / (high - estimate)
            } else {
                (estimate - other.estimate) / (estimate - low)
            };
            if beyond.is_finite() && worst.is_none_or(|(w, _)| beyond > w) {
                worst = Some((beyond, k));
            }
        }
    }
    match worst {
        Some((w, _)) if w <= 1.0 => format!("{n} analyses of one gap: none lies beyond the intervals of the primary one"),
        Some((_, k)) => {
            format!("{n} analyses of one gap: they differ most on {}", panels.heads.get(k).map_or_else(String::new, |h| part_in_words(&h.0)))
        }
        None => format!("{n} analyses of one gap"),
    }
}

fn part_in_words(head: &str) -> String {
    if head == "Not explained" { "what is not explained".into() } else { inner(head) }
}

fn drawn(panels: Panels, first: &str, id: String, title: String, desc: String, caption: String, note: String) -> Drawn {
    let svg = panels.svg(&id, &title, &desc);
    let mut note = note;
    if panels.rows().any(|r| r.label.ends_with('\u{2020}')) {
        note = format!("{note} \u{2020} A check that these estimates rest on did not pass.").trim_start().to_owned();
    }
    Drawn { data: Some(panels.data(first)), ..Drawn::new(id, Figure { svg, ..captioned(title, caption, note) }) }
}

/// Blocks in causal order, by the analyses that switch mechanisms and those of family A.
pub fn mechanisms(s: &Study, group: &str, id: String) -> Option<Drawn> {
    let (mut switching, mut compared): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    for a in s.analyses() {
        match s.method(&a).as_deref() {
            Some("mechanisms") => switching.push(a),
            Some("with_and_without") => compared.push(a),
            _ => {}
        }
    }
    compared.truncate(1);
    if switching.is_empty() || s.meta.causal_order.is_empty() {
        return None;
    }
    let mut lines = Vec::new();
    let mut estimates = Vec::new();
    let blocks: Vec<Option<&String>> = s.meta.causal_order.iter().map(Some).chain([None]).collect();
    for (at, block) in blocks.iter().enumerate() {
        let hue = block.map_or(Hue::Open, |b| s.meta.blocks.get_index_of(b.as_str()).map_or(Hue::Mute, Hue::Block));
        let name = block.map_or_else(|| "Outcome, at the same factors: not explained".to_owned(), |b| s.block(b));
        let given = match (block, at) {
            (Some(_), 0) if s.meta.causal_order.len() > 1 => ", and what follows from it",
            _ => "",
        };
        lines.push(Line::Group(format!("{name}{given}")));
        for (family, analysis) in switching.iter().map(|a| ("M", a)).chain(compared.iter().map(|a| ("A", a))) {
            let parts = s.parts(group, analysis);
            let value = match block {
                Some(b) => parts.iter().find(|p| p.part == "explained" && p.component == **b).and_then(|p| p.value),
                None => total(&parts, "unexplained"),
            };
            let sequential = s.setting(analysis, "attribution").as_deref() == Some("sequential");
            let style = match (family, sequential) {
                ("M", true) => (hue, Mark::Diamond),
                ("M", false) => (hue, Mark::OpenDiamond),
                _ => (Hue::Mute, Mark::Disc),
            };
            if family == "M" && sequential {
                estimates.extend(value.map(|v| format!("{name} {}", s.units(group, &s.meta.scale).show(v.estimate))));
            }
            lines.push(Line::Row(Row {
                label: format!("{family}, {}", inner(&named(s, group, analysis))),
                values: vec![value],
                strong: false,
                style: Some(style),
            }));
        }
    }
    let unit = s.units(group, &s.meta.scale);
    let panels = Panels { heads: vec![("Contribution".into(), Hue::Ink)], lines, axis: unit.word.clone(), unit, reference: Vec::new() };
    let title = "In causal order, a block holds what follows from it in later blocks".to_owned();
    let desc = format!("Contributions in the assumed order: {}.", estimates.join("; "));
    let caption =
        format!("Contributions with {} intervals, between {} and {}.", level(s.meta.level), s.patients(group), s.patients(&s.meta.reference));
    let mut figure = drawn(panels, "Block and analysis", id, title, desc, caption, String::new());
    figure.key = vec![diamond("f-ink", "family M, in the assumed order"), diamond("o s-ink", "family M, averaged over orders")];
    if !compared.is_empty() {
        figure.key.push(disc(Hue::Mute, "family A, for comparison"));
    }
    Some(figure)
}

/// Choices that keep the parts of an analysis and move their values.
pub fn choices(s: &Study, group: &str, analysis: &str, id: String) -> Option<Drawn> {
    let t = s.table(&schema::SENSITIVITY)?;
    let of = |r: &usize| t.text(*r, "index_group") == group && t.text(*r, "analysis") == analysis && t.text(*r, "scale") == s.meta.scale;
    let drawn_here = |v: &str| matches!(v, "estimator" | "learner" | "surface" | "target" | "trimming" | "leave_one_out" | "contested" | "allowable");
    let rows: Vec<usize> = (0..t.rows.len()).filter(|r| of(r) && drawn_here(t.text(*r, "variation"))).collect();
    let primary = values(s, &s.parts(group, analysis));
    let reference: Vec<Option<f64>> = primary.iter().map(|v| v.map(|v| v.estimate)).collect();
    let mut lines =
        vec![Line::Row(Row { label: format!("{}, as reported", named(s, group, analysis)), values: primary.clone(), strong: true, style: None })];
    let (mut variation, mut done): (&str, Vec<(&str, &str)>) = ("", Vec::new());
    let (mut moved, mut compared) = (0usize, 0usize);
    for &r in &rows {
        let key = (t.text(r, "variation"), t.text(r, "setting"));
        if done.contains(&key) {
            continue;
        }
        done.push(key);
        let same: Vec<usize> = rows.iter().copied().filter(|&q| (t.text(q, "variation"), t.text(q, "setting")) == key).collect();
        let values = row_values(s, t, &same);
        if values.iter().all(Option::is_none) {
            continue;
        }
        if variation != key.0 {
            variation = key.0;
            lines.push(Line::Group(varied::heading(key.0).to_owned()));
        }
        // Another target, sample or list of allowables divides another gap.
        if !matches!(key.0, "target" | "trimming" | "allowable") {
            compared += 1;
            let beyond = |(v, p): (&Option<Interval>, &Option<Interval>)| {
                v.zip(p.and_then(|p| p.limits)).is_some_and(|(v, (low, high))| v.estimate < low || v.estimate > high)
            };
            moved += usize::from(values.iter().zip(&primary).any(beyond));
        }
        let mark = if same.iter().any(|&q| t.flag(q, "blinded")) { " \u{2020}" } else { "" };
        let label = format!("{}{mark}", choice(key.0, key.1).unwrap_or_else(|| capital(&varied::setting(s, t, r))));
        lines.push(Line::Row(Row { label, values, strong: false, style: None }));
    }
    let unit = s.units(group, &s.meta.scale);
    let panels = Panels { heads: heads(s), lines, axis: unit.word.clone(), unit, reference };
    let n = panels.rows().count();
    if n < 2 {
        return None;
    }
    let title = match (moved, compared) {
        (_, 0) => "The same division of other gaps".to_owned(),
        (0, _) => "No single choice moves a part beyond its own interval".to_owned(),
        (k, n) => format!("{k} of {n} choices {} a part beyond its own interval", if k == 1 { "moves" } else { "move" }),
    };
    let desc = format!("{} rows of other choices, by part: {}.", n - 1, panels.heads.iter().map(|h| h.0.as_str()).collect::<Vec<_>>().join(", "));
    let caption = format!(
        "Each row changes one choice of {} and keeps the rest, between {} and {}. Lines: {} intervals; dotted: the values as reported.",
        s.analysis_in_words(analysis),
        s.patients(group),
        s.patients(&s.meta.reference),
        level(s.meta.level)
    );
    let note = if done.iter().any(|(v, _)| matches!(*v, "target" | "trimming" | "allowable")) {
        "Other target populations, trimmed samples and other variables treated as fair divide another gap: they show dependence on the question, not \
         instability of the answer."
    } else {
        ""
    };
    Some(drawn(panels, "Choice", id, title, desc, caption, note.to_owned()))
}

/// The setting of a variation, where the study file has a short word for it.
fn choice(variation: &str, setting: &str) -> Option<String> {
    match (variation, setting) {
        ("estimator", "dr") => Some("Doubly robust".into()),
        ("estimator", "gcomp") => Some("G-computation".into()),
        ("estimator", "ipw") => Some("Weighting only".into()),
        ("learner", name) => Some(capital(&name.replace('_', " "))),
        ("trimming", a) => match a.parse::<f64>() {
            Ok(a) if a > 0.0 => Some(format!("Only from {} to {}", general(a), general(1.0 - a))),
            _ => Some("Untrimmed".into()),
        },
        _ => None,
    }
}

fn row_values(s: &Study, t: &Table, rows: &[usize]) -> Vec<Option<Interval>> {
    let find = |part: &str, component: &str| {
        let is = |r: &&usize| t.text(**r, "part") == part && t.text(**r, "component") == component;
        rows.iter().find(is).and_then(|&r| interval(t, r, "estimate"))
    };
    let mut out: Vec<Option<Interval>> = s.meta.blocks.keys().map(|b| find("explained", b)).collect();
    out.push(find("unexplained", "total"));
    out
}

/// What is not explained, by family and estimator.
pub fn agreement(s: &Study, group: &str, id: String) -> Option<Drawn> {
    let mut lines = Vec::new();
    let mut found: Vec<(Interval, f64)> = Vec::new();
    let d = s.table(&schema::DECOMPOSITION)?;
    let varied_rows = s.table(&schema::SENSITIVITY);
    for family in ["A", "B", "M"] {
        let mut rows = Vec::new();
        for analysis in s.analyses().into_iter().filter(|a| s.family(a) == family) {
            let parts = s.parts(group, &analysis);
            // Hospitals and single equalised blocks leave another rest.
            if scale_of(s, &parts) != s.meta.scale || !matches!(s.method(&analysis).as_deref(), Some("with_and_without" | "mechanisms")) {
                continue;
            }
            let rest = parts.iter().find(|p| p.part == "unexplained" && p.component == "total");
            let Some((row, v)) = rest.and_then(|p| Some((p.row, p.value?))) else { continue };
            found.extend(d.number(row, "std_error").map(|e| (v, e)));
            rows.push(Line::Row(Row { label: named(s, group, &analysis), values: vec![Some(v)], strong: analysis == s.meta.primary, style: None }));
            let Some(t) = varied_rows else { continue };
            for r in (0..t.rows.len()).filter(|&r| t.text(r, "index_group") == group && t.text(r, "analysis") == analysis) {
                let kind = t.text(r, "variation");
                let estimator = matches!(kind, "estimator" | "learner") && t.text(r, "part") == "unexplained" && t.text(r, "component") == "total";
                let Some(v) = interval(t, r, "estimate").filter(|_| estimator) else { continue };
                found.extend(t.number(r, "std_error").map(|e| (v, e)));
                rows.push(Line::Row(Row {
                    label: format!("The same, {}", inner(&choice(kind, t.text(r, "setting")).unwrap_or_else(|| t.text(r, "setting").to_owned()))),
                    values: vec![Some(v)],
                    strong: false,
                    style: None,
                }));
            }
        }
        if !rows.is_empty() {
            lines.push(Line::Group(heading(family)));
            lines.extend(rows);
        }
    }
    if found.len() < 2 {
        return None;
    }
    let (low, high) = found.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), (v, _)| (l.min(v.estimate), h.max(v.estimate)));
    let error = found.iter().map(|f| f.1).fold(0.0, f64::max);
    let agree = high - low <= 2.0 * error;
    let unit = s.units(group, &s.meta.scale);
    let title = if agree {
        "Estimators and families agree on what is not explained, to within two standard errors"
    } else {
        "Estimators and families disagree on what is not explained, by more than two standard errors"
    };
    let desc = format!("Not explained: from {} to {} {}.", unit.show(low), unit.show(high), unit.word);
    let caption = format!(
        "The part that the measured factors do not explain, between {} and {}, with {} intervals.",
        s.patients(group),
        s.patients(&s.meta.reference),
        level(s.meta.level)
    );
    let panels = Panels {
        heads: vec![("Not explained".into(), Hue::Open)],
        lines,
        axis: format!("not explained, {}", unit.word),
        unit,
        reference: Vec::new(),
    };
    let mut figure = drawn(panels, "Family and estimator", id, title.to_owned(), desc, caption, String::new());
    figure.key = vec![disc(Hue::Open, "the primary analysis"), ring(Hue::Open, "other analyses and estimators")];
    Some(figure)
}
