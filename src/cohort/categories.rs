//! Categories: levels in order, the base, merged levels. Values of the study file are compared with levels, never with rows.

use super::levels::{MISSING, number_text};
use super::plan::Named;
use crate::error::{Problem, Problems, codes, nearest};
use crate::vocab::{Scalar, read_number};
use indexmap::IndexMap;
use std::collections::HashMap;

/// Levels listed in a note.
const SHOWN_LEVELS: usize = 10;

/// A categorical variable; cells are missing only where `build` was given no level for them. Levels are in numeric order if all of them are numbers, otherwise in text order.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Categories {
    pub levels: Vec<String>,
    pub code: Vec<u32>,
    /// Position of the base level.
    pub base: usize,
}

/// Levels and codes of numbers; NaN is missing.
pub(super) fn of_numbers(values: &[f64]) -> (Vec<String>, Vec<u32>) {
    let mut seen: HashMap<u64, u32> = HashMap::new();
    let mut levels = Vec::new();
    let code = values
        .iter()
        .map(|v| {
            if v.is_nan() {
                return MISSING;
            }
            let v = if *v == 0.0 { 0.0 } else { *v };
            let next = seen.len() as u32;
            *seen.entry(v.to_bits()).or_insert_with(|| {
                levels.push(number_text(v));
                next
            })
        })
        .collect();
    (levels, code)
}

/// Merges levels and names the missing one. Errors: G203 (a value that is no level), G210 (a level merged twice, a name that is a level already).
pub(super) fn build(
    named: &Named,
    levels: Vec<String>,
    code: Vec<u32>,
    merge: &IndexMap<String, Vec<Scalar>>,
    missing_level: Option<String>,
    base: Option<&Scalar>,
) -> Result<Categories, Problems> {
    let mut problems = Problems::new();
    let boolean = levels.iter().all(|l| l == "true" || l == "false");
    let equals = |value: &Scalar, level: &str| if boolean { Scalar::new(value.text.to_lowercase()).matches(level) } else { value.matches(level) };

    // names[k]: what level k is called after merging.
    let mut names: Vec<Option<&str>> = vec![None; levels.len()];
    for (new, values) in merge {
        for value in values {
            let found: Vec<usize> = (0..levels.len()).filter(|k| equals(value, &levels[*k])).collect();
            if found.is_empty() {
                problems.push(no_such_level(named, value, &levels, "merge"));
            }
            for k in found {
                match names[k] {
                    Some(other) if other != new => {
                        problems.push(choice(named, format!("level `{}` of `{}` is merged into `{other}` and into `{new}`", levels[k], named.name)));
                    }
                    _ => names[k] = Some(new),
                }
            }
        }
    }
    for new in merge.keys() {
        if let Some(k) = (0..levels.len()).find(|k| names[*k].is_none() && Scalar::new(new.as_str()).matches(&levels[*k])) {
            problems.push(
                choice(named, format!("`{new}` is a level of `{}` already", named.name))
                    .help(format!("list `{}` among the merged values to make it part of the new level, or choose another name", levels[k])),
            );
        }
    }
    if let Some(missing) = &missing_level {
        let value = Scalar::new(missing.as_str());
        if (0..levels.len()).any(|k| value.matches(names[k].unwrap_or(&levels[k]))) {
            problems.push(
                choice(named, format!("`{missing}`, the level of missing values, is a level of `{}` already", named.name))
                    .help("choose another name: missing values and that level would become one without a word"),
            );
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }

    let mut all: Vec<&str> = levels.iter().enumerate().map(|(k, l)| names[k].unwrap_or(l)).chain(missing_level.as_deref()).collect();
    sort_levels(&mut all);
    all.dedup();
    let position: HashMap<&str, u32> = all.iter().enumerate().map(|(k, l)| (*l, k as u32)).collect();
    let new_code = |name: &str| position.get(name).copied().unwrap_or(MISSING);
    let recode: Vec<u32> = levels.iter().enumerate().map(|(k, l)| new_code(names[k].unwrap_or(l))).collect();
    let for_missing = missing_level.as_deref().map_or(MISSING, new_code);
    let code: Vec<u32> = code.into_iter().map(|c| if c == MISSING { for_missing } else { recode[c as usize] }).collect();

    let mut count = vec![0usize; all.len()];
    code.iter().filter(|c| **c != MISSING).for_each(|c| count[*c as usize] += 1);
    let base = match base {
        Some(value) => match all.iter().position(|l| equals(value, l)) {
            Some(k) => k,
            None => return Err(vec![no_such_level(named, value, &all.iter().map(|l| (*l).to_owned()).collect::<Vec<_>>(), "base")]),
        },
        None => most_frequent(&count, &all),
    };
    let levels = all.into_iter().map(str::to_owned).collect();
    Ok(Categories { levels, code, base })
}

/// The most frequent level; ties go to the first in text order.
fn most_frequent(count: &[usize], levels: &[&str]) -> usize {
    (0..levels.len()).min_by(|a, b| count[*b].cmp(&count[*a]).then_with(|| levels[*a].cmp(levels[*b]))).unwrap_or(0)
}

fn sort_levels(levels: &mut [&str]) {
    let numbers: Option<Vec<f64>> = levels.iter().map(|l| read_number(l)).collect();
    match numbers {
        Some(_) => levels.sort_by(|a, b| {
            let (x, y) = (read_number(a).unwrap_or(f64::NAN), read_number(b).unwrap_or(f64::NAN));
            x.total_cmp(&y).then_with(|| a.cmp(b))
        }),
        None => levels.sort_unstable(),
    }
}

fn choice(named: &Named, message: String) -> Problem {
    Problem::error(codes::G210, message).at(named.place.clone())
}

fn no_such_level(named: &Named, value: &Scalar, levels: &[String], key: &str) -> Problem {
    let mut sorted: Vec<&str> = levels.iter().map(String::as_str).collect();
    sort_levels(&mut sorted);
    let more = sorted.len().saturating_sub(SHOWN_LEVELS);
    let shown = sorted[..sorted.len() - more].join(", ");
    let problem =
        Problem::error(codes::G203, format!("`{key}` of `{}` names `{}`, which no analysis row has", named.name, value.text)).at(named.place.clone());
    let problem = problem.note(if more > 0 { format!("its levels: {shown} and {more} more") } else { format!("its levels: {shown}") });
    match nearest(&value.text, levels.iter().map(String::as_str)) {
        Some(near) => problem.help(format!("write `{near}`")),
        None => problem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named() -> Named {
        Named { name: "x".to_owned(), place: None }
    }

    fn texts(t: &[&str]) -> Vec<String> {
        t.iter().map(|s| (*s).to_owned()).collect()
    }

    #[test]
    fn base_is_the_most_frequent_level_and_ties_go_by_text() {
        let plain = |levels: &[&str], code: &[u32]| build(&named(), texts(levels), code.to_vec(), &IndexMap::new(), None, None);
        let c = plain(&["b", "a", "c"], &[0, 1, 2, 0, 1]).unwrap_or_else(|p| panic!("{p:?}"));
        assert_eq!((c.levels.clone(), c.base), (texts(&["a", "b", "c"]), 0));
        assert_eq!(c.code, [1, 0, 2, 1, 0]);
        let c = plain(&["10", "9"], &[0, 1]).unwrap_or_else(|p| panic!("{p:?}"));
        assert_eq!((c.levels, c.base), (texts(&["9", "10"]), 1), "numeric order of columns, text order of ties");
    }

    #[test]
    fn levels_merge_and_collide() {
        let go = |merge: &[(&str, &[&str])], missing: Option<&str>, base: Option<&str>| {
            let merge = merge.iter().map(|(n, v)| ((*n).to_owned(), v.iter().map(|s| Scalar::new(*s)).collect())).collect();
            build(&named(), texts(&["1", "2", "3"]), vec![0, 1, 2, 2, MISSING], &merge, missing.map(str::to_owned), base.map(Scalar::new).as_ref())
        };
        let c = go(&[("low", &["1.0", "2"])], Some("unknown"), Some("low")).unwrap_or_else(|p| panic!("{p:?}"));
        assert_eq!(c, Categories { levels: texts(&["3", "low", "unknown"]), code: vec![1, 1, 0, 0, 2], base: 1 });
        let code_of = |r: Result<Categories, Problems>| r.err().map(|p| p.iter().map(|p| p.code).collect::<Vec<_>>());
        assert_eq!(code_of(go(&[("3", &["1", "2"])], Some("u"), None)), Some(vec![codes::G210]), "the name of an unmerged level");
        assert!(go(&[("3", &["1", "3"])], Some("u"), None).is_ok(), "explicit");
        assert_eq!(code_of(go(&[("a", &["1"]), ("b", &["1"])], Some("u"), None)), Some(vec![codes::G210]));
        assert_eq!(code_of(go(&[("a", &["9"])], Some("u"), None)), Some(vec![codes::G203]));
        assert_eq!(code_of(go(&[], Some("3"), None)), Some(vec![codes::G210]), "the missing level is a level");
        assert_eq!(code_of(go(&[], Some("u"), Some("z"))), Some(vec![codes::G203]));
    }
}
