//! The order in which derived columns and features are computed: each after what it reads.

use crate::cohort::plan::{DerivePlan, FeaturePlan, RowStep};
use crate::cohort::sql;
use crate::error::{Problem, Problems, codes};
use std::collections::BTreeSet;

enum Item {
    Derive(DerivePlan),
    Feature(Box<FeaturePlan>),
}

impl Item {
    fn name(&self) -> &str {
        match self {
            Self::Derive(d) => &d.column.name,
            Self::Feature(f) => &f.column.name,
        }
    }

    /// Names that it reads from the joined row. An expression that cannot be read is reported elsewhere.
    fn reads(&self) -> Vec<String> {
        match self {
            Self::Derive(d) => sql::parse(&d.sql).map(|e| e.columns).unwrap_or_default(),
            Self::Feature(f) => {
                let dates = f.index_date.iter().chain(&f.birth_date);
                f.by.iter().map(|(left, _)| left).chain(dates).map(|n| n.name.clone()).collect()
            }
        }
    }
}

/// Derived columns in their order, each feature before the first derived column that reads it. Features stand together as far as that allows,
/// so that each event table is read as few times as can be.
///
/// Errors: G215, columns that need each other.
pub fn ordered(derives: Vec<DerivePlan>, features: Vec<FeaturePlan>) -> Result<Vec<RowStep>, Problems> {
    if features.is_empty() {
        return Ok(derives.into_iter().map(RowStep::Derive).collect());
    }
    let derived: Vec<String> = derives.iter().map(|d| d.column.name.clone()).collect();
    let of_features: BTreeSet<String> = features.iter().map(|f| f.column.name.clone()).collect();
    let mut waiting: Vec<(Item, Vec<String>)> =
        derives.into_iter().map(Item::Derive).chain(features.into_iter().map(|f| Item::Feature(Box::new(f)))).map(|i| (i, Vec::new())).collect();
    for (item, needs) in &mut waiting {
        let own = derived.iter().position(|d| matches!(item, Item::Derive(_)) && d == item.name());
        // A derived column further down is no dependency of an expression: that mistake is reported with its own words.
        let comes_first =
            |name: &String| of_features.contains(name) || derived.iter().position(|d| d == name).is_some_and(|k| own.is_none_or(|o| k < o));
        *needs = item.reads().into_iter().filter(comes_first).collect();
    }
    let mut steps = Vec::with_capacity(waiting.len());
    let mut done: BTreeSet<String> = BTreeSet::new();
    let mut progress = true;
    while progress {
        progress = false;
        for features_now in [false, true] {
            // Derived columns one after another, in their order; features all that are ready.
            loop {
                let ready =
                    |(item, needs): &(Item, Vec<String>)| matches!(item, Item::Feature(_)) == features_now && needs.iter().all(|n| done.contains(n));
                let Some(at) = waiting.iter().position(ready) else { break };
                let (item, _) = waiting.remove(at);
                progress = true;
                if !features_now {
                    done.insert(item.name().to_owned());
                }
                steps.push(match item {
                    Item::Derive(d) => RowStep::Derive(d),
                    Item::Feature(f) => RowStep::Feature(f),
                });
            }
            if features_now {
                done.extend(steps.iter().filter_map(|s| if let RowStep::Feature(f) = s { Some(f.column.name.clone()) } else { None }));
            }
        }
    }
    let Some((item, _)) = waiting.first() else { return Ok(steps) };
    // From any item that waits, what it waits for leads into a circle.
    let mut path = vec![item.name().to_owned()];
    loop {
        let last = path.last().cloned().unwrap_or_default();
        let next = waiting.iter().find(|(i, _)| i.name() == last).and_then(|(_, needs)| needs.iter().find(|n| !done.contains(*n))).cloned();
        let Some(next) = next else { break };
        let seen = path.iter().position(|p| *p == next);
        path.push(next);
        if let Some(from) = seen {
            path.drain(..from);
            break;
        }
    }
    let place = waiting.iter().find(|(i, _)| Some(i.name()) == path.first().map(String::as_str)).map(|(i, _)| match i {
        Item::Derive(d) => d.column.place.clone(),
        Item::Feature(f) => f.column.place.clone(),
    });
    let shown: Vec<String> = path.iter().map(|p| format!("`{p}`")).collect();
    Err(vec![
        Problem::error(codes::G215, format!("columns need each other: {}", shown.join(" needs ")))
            .at(place.flatten())
            .label("in a circle")
            .note("a feature needs its `by` columns and, with a window, `index_date`; a derived column needs what its expression names")
            .help("derive the index date and the keys from columns of the joined tables, or from features without a window"),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cohort::plan::{Named, Take, WindowPlan};

    fn named(name: &str) -> Named {
        Named { name: name.to_owned(), place: None }
    }

    fn derive(column: &str, sql: &str) -> DerivePlan {
        DerivePlan { column: named(column), sql: named(sql) }
    }

    fn feature(column: &str, by: &str, index_date: Option<&str>) -> FeaturePlan {
        FeaturePlan {
            column: named(column),
            table: named("t"),
            by: vec![(named(by), named(by))],
            keep: None,
            value: None,
            at: None,
            window: WindowPlan::AnyTime,
            index_date: index_date.map(named),
            birth_date: None,
            same_day: None,
            take: Take::Any,
            unit: None,
            plausible: None,
            codes: None,
        }
    }

    fn order(derives: &[(&str, &str)], features: &[(&str, &str, Option<&str>)]) -> Result<String, String> {
        let derives = derives.iter().map(|(c, s)| derive(c, s)).collect();
        let features = features.iter().map(|(c, b, i)| feature(c, b, *i)).collect();
        let name = |s: &RowStep| match s {
            RowStep::Derive(d) => d.column.name.clone(),
            RowStep::Feature(f) => f.column.name.clone(),
            _ => String::new(),
        };
        ordered(derives, features).map(|s| s.iter().map(name).collect::<Vec<_>>().join(" ")).map_err(|p| p[0].message.clone())
    }

    #[test]
    fn each_comes_after_what_it_reads() {
        let derives = [("age", "x + 1"), ("day", "op_ts"), ("egfr", "lab / age"), ("late", "egfr + 1")];
        let features = [("lab", "id", Some("day")), ("op_ts", "id", None), ("other", "id", Some("day"))];
        assert_eq!(order(&derives, &features), Ok("age op_ts day lab other egfr late".to_owned()));
        assert_eq!(order(&[("a", "b + 1"), ("b", "x")], &[("f", "id", None)]), Ok("a b f".to_owned()));
        assert_eq!(order(&[("day", "f + 1")], &[("f", "id", Some("day"))]), Err("columns need each other: `day` needs `f` needs `day`".to_owned()));
        assert_eq!(order(&[], &[("f", "g", None), ("g", "f", None)]), Err("columns need each other: `f` needs `g` needs `f`".to_owned()));
    }
}
