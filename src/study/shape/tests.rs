//! Each kind of file that does not fit: code, line, column, help.

use super::*;
use crate::error::Code;

const GOOD: &str = "\
gapshare: 1
study: s
tables: { t: { path: t.csv } }
cohort: { unit: { table: t, key: id } }
group: { column: race, reference: White, index: Black }
outcome: { column: died, family: binomial }
blocks: { b: [age] }
analyses: { primary: { with_and_without: {} } }
";

fn found(text: &str) -> Vec<(Code, usize, usize, String)> {
    read("s.yaml", text)
        .1
        .iter()
        .map(|p| p.place.as_ref().map_or((p.code, 0, 0, String::new()), |w| (p.code, w.line, w.col, p.message.clone())))
        .collect()
}

fn with(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from), "{from}");
    GOOD.replace(from, to)
}

#[test]
fn the_smallest_study_reads() {
    let (study, problems) = read("s.yaml", GOOD);
    assert_eq!(problems, vec![]);
    let file = study.expect("a study").file;
    assert_eq!(file.group.index.0[0].text, "Black");
    assert_eq!(file.outcome.family.value, super::super::file::FamilyFile::Binomial(Default::default()));
    assert_eq!(file.release.min_cell, 11);
}

#[test]
fn one_wrong_thing_is_one_problem_at_its_place() {
    let mut wrong = Vec::new();
    for (from, to, at, code, message, help) in [
        ("group:", "groups: { a: 1 }\ngroup:", "groups", codes::G103, "`groups` is not a key of the study file", "write `group`"),
        ("table: t, key", "tabel: t, key", "tabel", codes::G103, "`tabel` is not a key of `cohort.unit`", "write `table`"),
        ("study: s", "study: 2024", "2024", codes::G104, "`study` takes text, not the number 2024", "put it in quotes: \"2024\""),
        (
            "gapshare: 1",
            "gapshare: one",
            "one",
            codes::G104,
            "`gapshare` takes a whole number, 0 or more, not the text `one`",
            "write a whole number, 0 or more; `gapshare schema study` prints the format",
        ),
        (
            "gapshare: 1",
            "gapshare: \"1\"",
            "\"1\"",
            codes::G104,
            "`gapshare` takes a whole number, 0 or more, not the text `1`",
            "write it without quotes",
        ),
        (
            "unit: { table: t, key: id }",
            "unit: [t, id]",
            "[t, id]",
            codes::G104,
            "`cohort.unit` takes a map, not a list",
            "write a map; `gapshare schema study` prints the format",
        ),
        (
            "{ with_and_without: {} }",
            "with_and_without",
            "with_and_without }",
            codes::G104,
            "`analyses.primary` takes a map such as `{ with_and_without: {} }`, not the text `with_and_without`",
            "write a map such as `{ with_and_without: {} }`; `gapshare schema study` prints the format",
        ),
        (
            "with_and_without: {}",
            "with_and_wihout: {}",
            "with_and_wihout",
            codes::G210,
            "`with_and_wihout` is not a choice of `analyses.primary`",
            "write `with_and_without`",
        ),
        ("family: binomial", "family: { binomal: {} }", "binomal", codes::G210, "`binomal` is not a choice of `outcome.family`", "write `binomial`"),
        (
            "with_and_without: {}",
            "with_and_without: { attribution: shaply }",
            "shaply",
            codes::G210,
            "`shaply` is not a choice of `analyses.primary.with_and_without.attribution`",
            "write `shapley`",
        ),
        (
            "with_and_without: {}",
            "oaxaca_blinder: { detail: yes }",
            "yes",
            codes::G104,
            "`analyses.primary.oaxaca_blinder.detail` takes true or false, not the text `yes`",
            "write true or false: `yes`, `no`, `on` and `off` are text",
        ),
        ("[age]", "[{ age: { splin: { df: 4 } } }]", "splin", codes::G210, "`splin` is not a choice of `blocks.b[0].age`", "write `spline`"),
        (
            "[age]",
            "[{ age: { spline: { df: many } } }]",
            "many",
            codes::G104,
            "`blocks.b[0].age.spline.df` takes a whole number, 0 or more, not the text `many`",
            "write a whole number, 0 or more; `gapshare schema study` prints the format",
        ),
        (
            "[age]",
            "[{ age: spline }]",
            "spline",
            codes::G104,
            "`blocks.b[0].age` takes a map such as `{ spline: {} }`, not the text `spline`",
            "write a map such as `{ spline: {} }`; `gapshare schema study` prints the format",
        ),
        (
            "[age]",
            "[3]",
            "3]",
            codes::G104,
            "`blocks.b[0]` takes a column name, `{ column: { spline: { df: 4 } } }` or `{ interaction: [a, b] }`, not the number 3",
            "write a column name, `{ column: { spline: { df: 4 } } }` or `{ interaction: [a, b] }`; `gapshare schema study` prints the format",
        ),
        ("reference: White, ", "", "{ column: race", codes::G105, "`group` lacks the key `reference`", "add `reference:`"),
        ("blocks: { b: [age] }\n", "", "gapshare", codes::G105, "the study file lacks the key `blocks`", "add `blocks:`"),
        ("path: t.csv", "path:", "path: }", codes::G104, "`tables.t.path` takes text, not nothing", "write text after the colon, or remove the key"),
        ("path: t.csv", "path: t.csv, types: { a: txt }", "txt", codes::G210, "`txt` is not a choice of `tables.t.types.a`", "write `text`"),
        (
            "key: id }",
            "key: id }, joins: [{ table: p, by: 3 }]",
            "3 }]",
            codes::G104,
            "`cohort.joins[0].by` takes a column name or `{ left: a, right: b }`, not the number 3",
            "write a column name or `{ left: a, right: b }`; `gapshare schema study` prints the format",
        ),
        (
            "index: Black",
            "index: [[Black]]",
            "[Black]",
            codes::G104,
            "`group.index[0]` takes a text, a number, true or false, not a list",
            "write a text, a number, true or false; `gapshare schema study` prints the format",
        ),
    ] {
        let text = with(from, to);
        let start = text.find(at).expect("the place");
        let place = (text[..start].matches('\n').count() + 1, text[..start].chars().rev().take_while(|c| *c != '\n').count() + 1);
        let found: Vec<_> = read("s.yaml", &text)
            .1
            .into_iter()
            .map(|p| (p.code, p.place.map_or((0, 0), |w| (w.line, w.col)), p.message, p.help.unwrap_or_default()))
            .collect();
        let expected = vec![(code, place, message.to_owned(), help.to_owned())];
        if found != expected {
            wrong.push(format!("{to}\n  found    {found:?}\n  expected {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn several_wrong_things_are_several_problems() {
    let text = with("reference: White, index: Black", "reference: White")
        .replace("family: binomial", "family: binomil")
        .replace("study: s\n", "study: 1\nstdy: x\n")
        .replace("gapshare: 1\n", "gapshare: 1\nrelease: { min_cel: 3 }\n")
        .replace("[age]", "[age, [a], { sex: {} }]");
    let mut got = found(&text);
    got.sort_by_key(|(_, line, col, _)| (*line, *col));
    let codes: Vec<_> = got.iter().map(|(code, line, col, _)| (*code, *line, *col)).collect();
    assert_eq!(
        codes,
        vec![
            (codes::G103, 2, 12),
            (codes::G104, 3, 8),
            (codes::G103, 4, 1),
            (codes::G105, 7, 8),
            (codes::G210, 8, 34),
            (codes::G104, 9, 20),
            (codes::G104, 9, 32)
        ],
        "{got:#?}"
    );
}

#[test]
fn every_missing_key_of_a_map_is_named() {
    let text = with("group: { column: race, reference: White, index: Black }", "group: {}").replace("study: s\n", "");
    let messages: Vec<_> = found(&text).into_iter().map(|(_, _, _, message)| message).collect();
    assert_eq!(
        messages,
        vec![
            "`group` lacks the key `column`",
            "`group` lacks the key `reference`",
            "`group` lacks the key `index`",
            "the study file lacks the key `study`"
        ]
    );
}

#[test]
fn a_repeated_key_does_not_hide_other_problems() {
    let text = with("study: s\n", "study: s\nstudy: t\n").replace("[age]", "[1.50]");
    let codes: Vec<_> = found(&text).into_iter().map(|(code, ..)| code).collect();
    assert_eq!(codes, vec![codes::G102, codes::G104]);
}

#[test]
fn values_keep_their_spelling() {
    let (study, _) = read("s.yaml", &with("reference: White, index: Black", "reference: 1.50, index: [010, true, \" x\"]"));
    let group = study.expect("a study").file.group;
    let texts: Vec<&str> = group.index.0.iter().map(|v| v.text.as_str()).collect();
    assert_eq!((group.reference.text.as_str(), texts), ("1.50", vec!["010", "true", " x"]));
}
