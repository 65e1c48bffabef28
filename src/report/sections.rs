//! The tables of each section, from the result tables.

use super::characteristics;
use super::numbers::{fixed, general, percent, range};
use super::study::Study;
use super::view::{TableView, counted, limits, marked, number, part_name, ranged, row_name, share, value, withheld, words};
use super::wording::analysis_note;
use crate::release::schema::{self, attrition_index_columns};
use crate::release::{Cell, Table};

/// Rows of a table that are of an index group.
fn rows_of(t: &Table, group: &str) -> Vec<usize> {
    (0..t.rows.len()).filter(|&r| t.text(r, "index_group") == group).collect()
}

/// A step of the cohort as people read it.
pub fn step_name(s: &Study, name: &str) -> String {
    if let Some(variable) = name.strip_prefix("missing: ") {
        return format!("{} known", s.label(variable));
    }
    match name {
        "group is reference or index" => {
            let groups: Vec<String> = s.meta.index.iter().chain([&s.meta.reference]).map(|g| super::study::capital(g)).collect();
            match groups.split_last() {
                Some((last, most)) if !most.is_empty() => format!("{} or {last}", most.join(", ")),
                _ => name.to_owned(),
            }
        }
        _ => name.to_owned(),
    }
}

pub fn attrition(s: &Study) -> Option<TableView> {
    let t = s.table(&schema::ATTRITION)?;
    let index = attrition_index_columns(t);
    let mut view = TableView::new("Rows left after each step")
        .left("Step", "In the order of the study file")
        .right("Before", "Rows before the step")
        .right("Removed", "Rows that the step removed")
        .right("Left", "Rows after the step")
        .right(s.short(&s.meta.reference), "Rows of the reference group after the step");
    for group in &s.meta.index {
        view = view.right(s.short(group), "Rows of the index group after the step");
    }
    for r in 0..t.rows.len() {
        let mut cells = vec![words(step_name(s, t.text(r, "name")))];
        cells.extend(["n_before", "n_removed", "n_after", "n_reference"].map(|c| counted(t, r, c)));
        cells.extend(index.iter().map(|c| counted(t, r, c)));
        view.row(if r + 1 == t.rows.len() { "tot" } else { "" }, cells);
    }
    if (0..t.rows.len()).any(|r| t.cell(r, "n_reference").is_null() && !t.flag(r, "withheld")) {
        view.note("A dash under a group: the groups are not known yet at this step.");
    }
    Some(view)
}

/// What each join found; none for a study of one table.
pub fn joins(s: &Study) -> Option<TableView> {
    let t = s.table(&schema::JOINS).filter(|t| !t.rows.is_empty())?;
    let mut view = TableView::new("Rows with and without a match in each joined table")
        .left("Table", "In the order of the study file")
        .left("By", "The columns to join by")
        .right("Rows", "Rows of the cohort before the join")
        .right("Matched", "Rows with a row in the table")
        .right("Unmatched", "Rows without")
        .left("Unmatched rows", "What the study file says should happen to rows without a match");
    for r in 0..t.rows.len() {
        let fate = match t.text(r, "unmatched") {
            "drop" => "are removed",
            "keep" => "are kept, with missing values",
            _ => "would stop the run",
        };
        let mut cells = vec![words(t.text(r, "joined_table").to_owned()), words(t.text(r, "key").to_owned())];
        cells.extend(["n_rows", "n_matched", "n_unmatched"].map(|c| counted(t, r, c)));
        cells.push(words(fate.to_owned()));
        view.row("", cells);
    }
    Some(view)
}

pub fn gap(s: &Study) -> Vec<TableView> {
    let Some(t) = s.table(&schema::GAP) else { return Vec::new() };
    s.meta
        .index
        .iter()
        .map(|group| {
            let rows = rows_of(t, group);
            let mut view = TableView::new(format!("The gap between {} and {}, by scale", s.patients(group), s.patients(&s.meta.reference)))
                .left("Scale", "How the two means are compared")
                .right("Estimate", "Index minus reference, or index over reference")
                .right(s.interval_head(), "Confidence interval")
                .right(s.short(group), "Mean outcome of the index group")
                .right(s.short(&s.meta.reference), "Mean outcome of the reference group");
            for r in rows {
                let scale = t.text(r, "scale");
                let u = s.units(group, scale);
                let ratio = scale.ends_with("_ratio");
                let mean = s.units(group, &s.meta.scale);
                let name = if ratio { scale.replace('_', " ") } else { format!("{}, {}", scale.replace('_', " "), u.word) };
                let (estimate, limits) = if ratio {
                    let limits = match t.number(r, "conf_low").zip(t.number(r, "conf_high")) {
                        Some((low, high)) => ranged(range(low, high, 2), low, high),
                        None => super::view::absent(t, r),
                    };
                    (value(t, r, "estimate", |v| fixed(v, 2)), limits)
                } else {
                    (value(t, r, "estimate", |v| u.show(v)), limits(t, r, &u))
                };
                let means = ["mean_index", "mean_reference"].map(|c| value(t, r, c, |v| mean.show(v)));
                view.row("", vec![words(super::study::capital(&name)), estimate, limits].into_iter().chain(means).collect());
            }
            let per = match s.meta.family.as_str() {
                "binomial" => "Means are risks per 100.".to_owned(),
                _ => format!("Means are in {}.", s.units(group, &s.meta.scale).word),
            };
            let n = s.gap_row(group).map(|(t, r)| (t.int(r, "n_index"), t.int(r, "n_reference")));
            let sizes = match n {
                Some((Some(i), Some(r))) => {
                    format!(" n = {} {} and {} {}.", super::numbers::count(i), s.patients(group), super::numbers::count(r), s.patients(&s.meta.reference))
                }
                _ => String::new(),
            };
            view.note(format!("{per}{sizes} The difference carries the decomposition: it adds up, and it does not move when a factor unrelated to the groups enters."));
            view
        })
        .collect()
}

pub fn table_one(s: &Study) -> Vec<TableView> {
    let Some(t) = s.table(&schema::TABLE_ONE) else { return Vec::new() };
    s.meta.index.iter().map(|group| of_group(s, t, group)).collect()
}

/// Table 1 of one index group. Columns that would say nothing in any row are left out.
fn of_group(s: &Study, t: &Table, group: &str) -> TableView {
    let rows = rows_of(t, group);
    let lines = characteristics::lines(s, group);
    let (weighted, missing) = (
        rows.iter().any(|&r| t.number(r, "smd_weighted").is_some()),
        rows.iter().any(|&r| {
            ["n_missing_index", "n_missing_reference"].iter().any(|c| t.int(r, c) != Some(0) && (t.int(r, c).is_some() || t.flag(r, "withheld")))
        }),
    );
    let (short, other) = (s.short(group), s.short(&s.meta.reference));
    let mut view = TableView::new(format!("Characteristics of {} and {}", s.patients(group), s.patients(&s.meta.reference)))
        .left("Variable", "As the study file labels it")
        .right(short.clone(), "Mean (SD), or n and % for a level")
        .right(other.clone(), "Mean (SD), or n and % for a level")
        .right("SMD before", "Standardised mean difference, index minus reference");
    if weighted {
        view = view.right("SMD after", "After weighting reference units to the index group");
    }
    if missing {
        view = view
            .right(format!("Missing {short}"), "Index units without a value")
            .right(format!("Missing {other}"), "Reference units without a value");
    }
    let further = usize::from(weighted) + 2 * usize::from(missing);
    let smd = |r: usize, column: &str| {
        let mut cell = value(t, r, column, |v| fixed(v, 2));
        if t.number(r, column).is_some_and(|v| v.abs() > 0.1) {
            cell.class = "r strong";
        }
        cell
    };
    let side = |side: &characteristics::Side| match side.mean {
        None if side.withheld => withheld(),
        None => words(""),
        Some(mean) => {
            let mut cell = number(side.text.clone(), mean);
            cell.values.extend(side.sd.map(|sd| ("SD", sd)));
            cell
        }
    };
    for line in &lines {
        match line {
            characteristics::Line::Block(name) => view.group(name.clone()),
            characteristics::Line::Variable { label, row, index, reference } => {
                let mut cells = vec![words(label.clone()), side(index), side(reference), smd(*row, "smd")];
                cells.extend(weighted.then(|| smd(*row, "smd_weighted")));
                if missing {
                    cells.extend(["n_missing_index", "n_missing_reference"].map(|c| counted(t, *row, c)));
                }
                view.row("", cells);
            }
            characteristics::Line::Level { label, index, reference } => {
                let mut cells = vec![words(label.clone()), side(index), side(reference)];
                cells.extend((0..=further).map(|_| words("")));
                view.row("sub", cells);
            }
        }
    }
    let known = if missing { "" } else { " No value is missing." };
    view.note(format!("{}{known} SMD: difference in means over the standard deviation; above 0.10 in bold.", characteristics::note(s, &lines)));
    view
}

/// The primary decomposition of each group, row by row.
pub fn contributions(s: &Study) -> Vec<TableView> {
    let Some(t) = s.table(&schema::DECOMPOSITION) else { return Vec::new() };
    let mut views = Vec::new();
    for group in &s.meta.index {
        let rows: Vec<usize> = rows_of(t, group).into_iter().filter(|&r| t.text(r, "analysis") == s.meta.primary).collect();
        if rows.is_empty() {
            continue;
        }
        let orders = rows.iter().any(|&r| t.number(r, "order_min").is_some());
        let u = s.units(group, rows.first().map_or("", |&r| t.text(r, "scale")));
        let mut view = TableView::new(format!("Parts of the gap between {} and {}", s.patients(group), s.patients(&s.meta.reference)))
            .left("Part", "")
            .right(u.short.clone(), "The contribution")
            .right(s.interval_head(), "Confidence interval")
            .right("Share", "Contribution over the gap that remains once the variables treated as fair are the same")
            .right("Share interval", "Fieller interval");
        if orders {
            view = view
                .right("Over orders", "Smallest to largest contribution over all orders of the blocks")
                .right("First / last in", "Contribution when the block enters first and last")
                .right("Study order", "Contribution in the study's order");
        }
        for r in rows {
            let (part, component) = (t.text(r, "part"), t.text(r, "component"));
            let mut name = words(row_name(s, group, &s.meta.primary, part, component));
            name.hue = s.meta.blocks.get_index_of(component).map(|k| k.min(6) + 1);
            let mut cells = vec![name, value(t, r, "estimate", |v| u.show(v)), limits(t, r, &u), share(t, r)];
            cells.push(match t.number(r, "share_conf_low").zip(t.number(r, "share_conf_high")) {
                Some((low, high)) => ranged(format!("{}\u{a0}to\u{a0}{}", percent(low), percent(high)), low, high),
                None => super::view::absent(t, r),
            });
            if orders {
                let pair = |a: &str, b: &str, join: &str| match t.number(r, a).zip(t.number(r, b)) {
                    Some((low, high)) => ranged(format!("{}{join}{}", u.show(low), u.show(high)), low, high),
                    None => super::view::absent(t, r),
                };
                cells.push(pair("order_min", "order_max", "\u{a0}to\u{a0}"));
                cells.push(pair("first_in", "last_in", "\u{a0}/\u{a0}"));
                cells.push(value(t, r, "sequential", |v| u.show(v)));
            }
            view.row(if component == "total" { "tot" } else { "sub" }, cells);
        }
        let place = super::hospital::population(s, group, &s.meta.primary);
        let whose = place.map(|place| format!(" Every part is of patients {place}.")).unwrap_or_default();
        view.note(format!(
            "{} In {}.{whose} Parts are rounded one by one; sums may differ in the last digit. NA: the gap cannot be told from 0.",
            analysis_note(s, &s.meta.primary),
            u.word
        ));
        view.family = super::study::capital(&super::wording::family_name(&s.family(&s.meta.primary)));
        views.push(view);
    }
    views
}

/// Every set of blocks, a table for each index group and analysis: (index group, analysis, table).
pub fn nested(s: &Study) -> Vec<(String, String, TableView)> {
    let Some(t) = s.table(&schema::WITH_AND_WITHOUT) else { return Vec::new() };
    let mut views = Vec::new();
    for group in &s.meta.index {
        for analysis in s.analyses() {
            let rows: Vec<usize> = rows_of(t, group).into_iter().filter(|&r| t.text(r, "analysis") == analysis).collect();
            if rows.is_empty() {
                continue;
            }
            let u = s.units(group, &s.meta.scale);
            let mean_head = if s.meta.family == "binomial" { "Index, per 100, if as reference" } else { "Index mean, if as reference" };
            let mut view = TableView::new(format!("{}: {}", analysis, s.patients(group)))
                .left("Blocks in the comparison", "The variables treated as fair are in every comparison")
                .right(mean_head, "Mean outcome that index units would show with the outcome of comparable reference units")
                .right(format!("Adjusted gap, {}", u.short), "The gap that remains")
                .right(s.interval_head(), "Confidence interval of the adjusted gap")
                .right("Accounted", "Adjusted gap without blocks minus this one")
                .right("Attenuation", "Accounted over the adjusted gap without blocks");
            let base = s.adjusted_gap(group, &analysis).filter(|v| v.excludes_zero() == Some(true));
            for r in rows {
                let attenuation = match (base, t.number(r, "accounted")) {
                    (_, None) => super::view::absent(t, r),
                    (Some(base), Some(v)) => number(percent(v / base.estimate), v / base.estimate),
                    (None, Some(_)) => marked("r", "NA"),
                };
                view.row(
                    "",
                    vec![
                        words(s.blocks(t.text(r, "blocks"))),
                        value(t, r, "counterfactual_mean", |v| u.show(v)),
                        value(t, r, "adjusted_gap", |v| u.show(v)),
                        limits(t, r, &u),
                        value(t, r, "accounted", |v| u.show(v)),
                        attenuation,
                    ],
                );
            }
            view.note(format!("{} Rows stand in the order of the study file, not of size.", analysis_note(s, &analysis)));
            view.family = super::study::capital(&super::wording::family_name(&s.family(&analysis)));
            views.push((group.clone(), analysis, view));
        }
    }
    views
}

pub fn detail(s: &Study) -> Vec<TableView> {
    let Some(t) = s.table(&schema::DECOMPOSITION_DETAIL) else { return Vec::new() };
    let mut views = Vec::new();
    for group in &s.meta.index {
        let rows = rows_of(t, group);
        for analysis in s.analyses() {
            let scale = s
                .table(&schema::DECOMPOSITION)
                .and_then(|d| (0..d.rows.len()).find(|&r| d.text(r, "analysis") == analysis).map(|r| d.text(r, "scale").to_owned()));
            let u = s.units(group, &scale.unwrap_or_else(|| s.meta.scale.clone()));
            let name = format!("{analysis}: contributions of single terms, {}", s.patients(group));
            let mut view = TableView::new(name.clone())
                .left("Term", "")
                .right(u.short.clone(), "The part of the block that goes with the term")
                .right(s.interval_head(), "Confidence interval");
            let mut head = String::new();
            for &r in rows.iter().filter(|&&r| t.text(r, "analysis") == analysis) {
                let (part, block) = (part_name(t.text(r, "part")), s.block(t.text(r, "block")));
                let now = if part == block { part } else { format!("{part}: {block}") };
                if now != head {
                    view.group(now.clone());
                    head = now;
                }
                view.row("sub", vec![words(s.term(t.text(r, "term"))), value(t, r, "estimate", |v| u.show(v)), limits(t, r, &u)]);
            }
            if !view.rows.is_empty() {
                view.folded = Some(name);
                view.note("The terms of a block sum to its part. Read them with the block: one term of a set is not a finding of its own.");
                views.push(view);
            }
        }
    }
    views
}

/// Models, and the coefficients of the models with the most blocks.
pub fn models(s: &Study) -> Vec<TableView> {
    let mut views = Vec::new();
    if let Some(t) = s.table(&schema::MODELS) {
        let mut view = super::view::plain(s, &schema::MODELS, t, "Fitted outcome models".into());
        view.folded = Some("Fitted outcome models".into());
        view.note = String::new();
        views.push(view);
    }
    let Some(t) = s.table(&schema::COEFFICIENTS) else { return views };
    let size = |r: usize| if t.text(r, "blocks") == "none" { 0 } else { t.text(r, "blocks").split('+').count() };
    let largest = (0..t.rows.len()).map(size).max().unwrap_or(0);
    let mut view = TableView::new("Coefficients of the models with the most blocks")
        .left("Term", "")
        .right("Estimate", "On the scale of the link")
        .right(s.interval_head(), "Confidence interval")
        .left("Standard errors", "");
    let mut head = String::new();
    for r in (0..t.rows.len()).filter(|&r| size(r) == largest) {
        let now = format!(
            "{}: {} model fitted in {}{}, {}",
            t.text(r, "index_group"),
            t.text(r, "link"),
            t.text(r, "fitted_in"),
            if t.flag(r, "with_group") { " with the group indicator" } else { "" },
            t.cell(r, "analysis").text().unwrap_or("shared by the analyses")
        );
        if now != head {
            view.group(now.clone());
            head = now;
        }
        let limits = match t.number(r, "conf_low").zip(t.number(r, "conf_high")) {
            Some((low, high)) => ranged(format!("{}\u{a0}to\u{a0}{}", general(low), general(high)), low, high),
            None => super::view::absent(t, r),
        };
        view.row("sub", vec![words(s.term(t.text(r, "term"))), value(t, r, "estimate", general), limits, words(t.text(r, "se_kind"))]);
    }
    view.folded = Some("Coefficients of the models with the most blocks".into());
    view.note("All models stand in tables/coefficients.csv.");
    views.push(view);
    views
}

/// Units analysed, of all groups, where that may be shown.
pub fn analysed(s: &Study) -> Option<i64> {
    let t = s.table(&schema::ATTRITION)?;
    match t.cell(t.rows.len().checked_sub(1)?, "n_after") {
        Cell::Int(n) => Some(*n),
        _ => None,
    }
}
