//! Each kind of wrong study: code, line, column, message, help.

use super::*;
use crate::error::Code;

/// `from` in the good study is replaced by `to`; one problem is expected, at the first place where `at` stands in `to`.
pub(super) fn refused(cases: &[(&str, &str, &str, Code, &str, &str)]) {
    let mut wrong = Vec::new();
    for (from, to, at, code, message, help) in cases {
        let text = with(from, to);
        let start = text.find(to).expect("the replacement") + to.find(at).expect("the place");
        let line = text[..start].matches('\n').count() + 1;
        let col = text[..start].chars().rev().take_while(|c| *c != '\n').count() + 1;
        let found: Vec<_> = problems(&text)
            .into_iter()
            .map(|p| (p.code, p.place.map_or((0, 0), |w| (w.line, w.col)), p.message, p.help.unwrap_or_default()))
            .collect();
        let expected = vec![(*code, (line, col), (*message).to_owned(), (*help).to_owned())];
        if found != expected {
            wrong.push(format!("{to}\n  found    {found:?}\n  expected {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_good_study_is_good() {
    let plan = load_text(GOOD).unwrap_or_else(|problems| panic!("{problems:#?}"));
    assert_eq!(plan.warnings, vec![]);
    assert_eq!((plan.title.as_str(), plan.primary, plan.level, plan.min_cell), ("s", 0, 0.95, 11));
    assert_eq!(plan.cohort.tables["hospitals"].resolved, Path::new("/data/h_*.parquet"));
    assert_eq!(plan.cohort.tables["hospitals"].path, "${DATA}/h_*.parquet");
    assert_eq!(plan.cohort.tables["units"].resolved, Path::new("studies/units.csv"));
    let level = &plan.group_level_columns[0];
    assert_eq!(
        (level.table.as_str(), level.key.as_str(), level.variables.as_slice()),
        ("hospitals", "id", &["h_teaching".to_owned(), "h_volume".to_owned()][..])
    );
    assert_eq!(level.by, vec![("hospital_id".to_owned(), "id".to_owned())]);
    assert_eq!(plan.sha256.len(), 64);
}

#[test]
fn names_and_tables() {
    refused(&[
        ("gapshare: 1", "gapshare: 2", "2", codes::G107, "this program reads version 1 of the format, not version 2", "write `gapshare: 1`"),
        (
            "study: s",
            "study: My-study",
            "My",
            codes::G108,
            "`My-study` cannot name an output folder: study names are made of a-z, 0-9 and _",
            "write `my_study`",
        ),
        (
            "units.csv",
            "units.xlsx",
            "units",
            codes::G202,
            "the name of `units.xlsx` does not say a format that can be read",
            "convert the file, or give it the ending of its format",
        ),
        (
            "units.csv",
            "\"${LAB_DIR}/units.csv\"",
            "${LAB_DIR}",
            codes::G106,
            "the environment variable LAB_DIR is not set",
            "set it before the run: LAB_DIR=/some/folder gapshare run ...",
        ),
        (
            "table: hospitals",
            "table: hospital",
            "hospital",
            codes::G201,
            "there is no table `hospital`",
            "write `hospitals`, or add the table under `tables`",
        ),
        (
            "prefix: h_ }]",
            "prefix: h_ }], steps: [{ name: adults }]",
            "name",
            codes::G105,
            "the step `adults` lacks a rule",
            "add `where:`, `first:` or `present:`",
        ),
        (
            "prefix: h_ }]",
            "prefix: h_ }], steps: [{ name: a, where: x, present: [id] }]",
            "name",
            codes::G210,
            "the step `a` has more than one rule",
            "write a step for each: their order counts",
        ),
        (
            "prefix: h_ }]",
            "prefix: h_ }], index_date: severity",
            "severity",
            codes::G211,
            "the index date is a column of dates, and `severity` holds numbers",
            "say its type under `tables: { name: { types: ... } }`, or derive a column from it under `cohort.derive`",
        ),
    ]);
}

/// A feature of the good study with one key replaced or added.
fn featured(rest: &str) -> String {
    format!("prefix: h_ }}], index_date: admitted, features: {{ f: {{ table: units, by: id, at: admitted, {rest} }} }}")
}

#[test]
fn features() {
    let value = "add `value:`";
    for (rest, at, code, message, help) in [
        ("take: any, window: [0d, -30d]", "0d", codes::G213, "the window of `f` is upside down: 0d comes after -30d", "write `window: [-30d, 0d]`"),
        ("take: any, window: [-30, 0d]", "-30", codes::G210, "`-30` does not say days or hours", "write `-30d` or `-30h`"),
        (
            "take: any, window: [-1m, 0d]",
            "-1m",
            codes::G210,
            "`-1m` is not a bound of a window",
            "write whole days or hours, such as -30d, 0d, -6h; or `any_time`",
        ),
        (
            "window: any_time",
            "f:",
            codes::G105,
            "feature `f` does not say how events become one value",
            "add `take:` first, last, min, max, mean, count or any; or `score:`",
        ),
        (
            "window: any_time, take: last",
            "f:",
            codes::G105,
            "feature `f`: `take: last` needs a value",
            "add `value:`, the column of the value; or take `count` or `any`",
        ),
        (
            "window: any_time, take: any, score: { charlson: { column: id, coding: icd10 } }",
            "f:",
            codes::G210,
            "feature `f` has both `take` and `score`",
            "a score takes all codes of the window: remove `take`",
        ),
        (
            "window: any_time, take: any, unit: { column: sex, to: mg/dL }",
            "sex",
            codes::G105,
            "`unit` converts values, and this feature reads none",
            value,
        ),
        (
            "window: any_time, take: max, value: age, plausible: [3, 1]",
            "[3",
            codes::G213,
            "`plausible` is upside down",
            "write the smaller value first",
        ),
        ("window: any_time, take: any, same_day: exclude", "f:", codes::G210, "`same_day` is about windows, and this feature has none", "remove it"),
        (
            "take: count",
            "f:",
            codes::G326,
            "feature `f` has no window: the whole table counts",
            "add `window: [-365d, 0d]`, or `window: any_time` if that is meant",
        ),
    ] {
        refused(&[("prefix: h_ }]", &featured(rest), at, code, message, help)]);
    }
    let text = with("prefix: h_ }]", &featured("take: any, window: [-30d, 0d]")).replace("index_date: admitted, ", "").replace("at: admitted, ", "");
    let found: Vec<_> = problems(&text).into_iter().map(|p| p.message).collect();
    assert_eq!(found, ["feature `f`: a window needs the time of events", "the window of `f` is relative to an index date, and the study has none"]);
    // A covariate that is known only later.
    let later = with("prefix: h_ }]", &featured("take: any, window: [-30d, 1d]").replace("f: {", "severity: {"));
    let found: Vec<_> = problems(&later).into_iter().map(|p| (p.code, p.message)).collect();
    assert_eq!(found, [(codes::G327, "`severity` is a covariate, and its window goes on after the index date, to 1d".to_owned())]);
    // Columns that need each other.
    let circle = with(
        "prefix: h_ }]",
        "prefix: h_ }], index_date: day, derive: { day: \"f\" }, features: { f: { table: units, by: id, at: admitted, window: [-1d, 0d], take: count } }",
    );
    let found: Vec<_> = problems(&circle).into_iter().map(|p| (p.code, p.message)).collect();
    assert_eq!(found, [(codes::G215, "columns need each other: `day` needs `f` needs `day`".to_owned())]);
}

#[test]
fn groups_and_outcomes() {
    let kind_help = "say its type under `tables: { name: { types: ... } }`, or derive a column from it under `cohort.derive`";
    refused(&[
        (
            "column: race",
            "column: rase",
            "rase",
            codes::G203,
            "column `rase` is not in any table",
            "write `race`, or add the file that holds it under `tables`",
        ),
        (
            "column: race",
            "column: admitted",
            "admitted",
            codes::G211,
            "groups are values of text, numbers or booleans, and `admitted` holds dates",
            kind_help,
        ),
        (
            "index: Black",
            "index: [Black, \"White \"]",
            "\"White",
            codes::G210,
            "the index group `White ` is the reference group",
            "name another value of the column",
        ),
        ("index: Black", "index: [1, 1.0]", "1.0", codes::G210, "the index group `1.0` stands twice", "remove one of the two"),
        ("index: Black", "index: []", "index", codes::G213, "`group.index` names no group", "write `index: [value]`"),
        (
            "column: died",
            "column: vital_status",
            "vital",
            codes::G211,
            "`vital_status` holds text, so it must be said which values are the event",
            "add `event: [value]` to `outcome`",
        ),
        (
            "column: died, family: binomial",
            "column: vital_status, family: gaussian",
            "vital",
            codes::G211,
            "a gaussian outcome is a column of numbers, and `vital_status` holds text",
            kind_help,
        ),
        (
            "family: binomial",
            "family: { binomial: { penalty: firth } }",
            "firth",
            codes::G109,
            "`penalty: firth` has not been built yet",
            "write `penalty: none`, and merge levels where they separate",
        ),
        (
            "family: binomial",
            "family: gaussian, event: 1",
            "1",
            codes::G210,
            "`event` is for a binomial outcome, and this one is gaussian",
            "remove `event`, or write `family: binomial`",
        ),
        (
            "family: binomial",
            "family: binomial, exposure: days",
            "days",
            codes::G210,
            "`exposure` is for a poisson outcome, and this one is binomial",
            "remove `exposure`, or write `family: poisson`",
        ),
        (
            "family: binomial",
            "family: poisson, exposure: sex",
            "sex",
            codes::G211,
            "the exposure is a column of numbers, and `sex` holds text",
            kind_help,
        ),
        ("[age]", "[age]\nweight: age", "age]", codes::G206, "`age` is the weight and cannot be a covariate", "remove it here"),
        (
            "analyses:",
            "weight: hospital_id\nanalyses:",
            "hospital_id",
            codes::G211,
            "the weight is a column of numbers, and `hospital_id` holds text",
            kind_help,
        ),
        (
            "analyses:",
            "cluster: hospitl_id\nanalyses:",
            "hospitl",
            codes::G203,
            "column `hospitl_id` is not in any table",
            "write `hospital_id`, or add the file that holds it under `tables`",
        ),
    ]);
}

#[test]
fn variables_and_blocks() {
    let kind_help = "say its type under `tables: { name: { types: ... } }`, or derive a column from it under `cohort.derive`";
    refused(&[
        (
            "[sex, severity]",
            "[sex, severty]",
            "severty",
            codes::G203,
            "column `severty` is not in any table",
            "write `severity`, or add the file that holds it under `tables`",
        ),
        (
            "[sex, severity]",
            "[sex, severity, age]",
            "age",
            codes::G205,
            "`age` stands in the allowables and in block `clinical`",
            "keep it in one place",
        ),
        ("[sex, severity]", "[sex, severity, sex]", "sex]", codes::G205, "`sex` stands twice in block `clinical`", "keep it in one place"),
        ("[sex, severity]", "[sex, severity, race]", "race", codes::G206, "`race` is the group and cannot be a covariate", "remove it here"),
        ("[sex, severity]", "[sex, severity, died]", "died", codes::G206, "`died` is the outcome and cannot be a covariate", "remove it here"),
        (
            "[sex, severity]",
            "[sex, severity, admitted]",
            "admitted",
            codes::G211,
            "a variable is a column of numbers, text or booleans, and `admitted` holds dates",
            kind_help,
        ),
        (
            "[sex, severity]",
            "[{ sex: { spline: { df: 4 } } }, severity]",
            "sex",
            codes::G211,
            "`spline` takes a column of numbers, and `sex` holds text",
            kind_help,
        ),
        (
            "[sex, severity]",
            "[{ sex: { log: { offset: 1 } } }, severity]",
            "sex",
            codes::G211,
            "`log` takes a column of numbers, and `sex` holds text",
            kind_help,
        ),
        (
            "[sex, severity]",
            "[{ sex: { numeric: {} } }, severity]",
            "sex",
            codes::G211,
            "`numeric` takes a column of numbers, and `sex` holds text",
            kind_help,
        ),
        (
            "[sex, severity]",
            "[sex, { severity: { spline: { df: 7 } } }]",
            "7",
            codes::G213,
            "a spline of `severity` has 2 to 6 df, not 7",
            "write `df: 4`",
        ),
        (
            "[sex, severity]",
            "[sex, { hospital_id: { random_intercept: {} } }]",
            "hospital_id",
            codes::G109,
            "`random_intercept` has not been built yet",
            "use `fixed_effects`, or columns that describe the hospitals",
        ),
        (
            "[sex, severity]",
            "[sex, { interaction: [sex, los] }]",
            "los",
            codes::G210,
            "`los` of this interaction is not a variable of the study",
            "list `los` as an allowable or in a block as well",
        ),
        (
            "[sex, severity]",
            "[sex, { interaction: [sex, age] }, { interaction: [age, sex] }]",
            "interaction: [age",
            codes::G205,
            "`age:sex` stands twice in block `clinical`",
            "keep it in one place",
        ),
        (
            "[sex, severity]",
            "[sex, { interaction: [sex, age, sex] }]",
            "interaction",
            codes::G213,
            "an interaction has two variables, and this one has 3",
            "write `{ interaction: [a, b] }`",
        ),
        (
            "[sex, severity]",
            "[{ sex: { categorical: { base: m, merge: { male: [m, M] } } } }]",
            "m,",
            codes::G210,
            "the base `m` of `sex` is merged into `male`",
            "write `base: male`",
        ),
        (
            "[sex, severity]",
            "[{ sex: { categorical: { merge: { a: [m], b: [\"m \"] } } } }]",
            "\"m \"",
            codes::G210,
            "the value `m ` of `sex` is merged into two levels",
            "keep it in one level",
        ),
        (
            "clinical: [sex",
            "total: [sex",
            "total",
            codes::G108,
            "`total` cannot be the name of a block: outputs use it for something else",
            "choose another name, without `+`",
        ),
        (
            "clinical: [sex",
            "a+b: [sex",
            "a+b",
            codes::G108,
            "`a+b` cannot be the name of a block: outputs use it for something else",
            "choose another name, without `+`",
        ),
        (
            "clinical: [sex, severity]",
            "clinical: []",
            "clinical",
            codes::G213,
            "block `clinical` has no variables",
            "list its variables, or remove the block",
        ),
    ]);
    let eleven = with("hospital: [", "c: [], d: [], e: [], f: [], g: [], h: [], i: [], j: [], k: [], hospital: [");
    let found = problems(&eleven);
    assert!(found.iter().any(|p| p.message == "a study has at most 10 blocks, and this one has 11" && p.place.as_ref().is_some_and(|w| w.line == 8)));
}

#[test]
fn problems_of_the_shape_the_study_and_the_cohort_stand_together() {
    let text = with("study: s", "study: S").replace("[sex, severity]", "[sex, severty]").replace("analyses:", "lables: { age: Age }\nanalyses:");
    let codes: Vec<Code> = problems(&text).iter().map(|p| p.code).collect();
    assert_eq!(codes, vec![codes::G108, codes::G203, codes::G103]);

    let no_columns = |_: &CohortPlan| Err(vec![Problem::error(codes::G207, "an aggregate in `where`")]);
    let text = text.replace("lables", "labels");
    let found = load_bytes(Path::new("s.yaml"), text.as_bytes(), &environment, &no_columns).err().unwrap_or_default();
    assert_eq!(found.iter().map(|p| p.code).collect::<Vec<_>>(), vec![codes::G108, codes::G207]);
}

#[test]
fn what_is_not_a_study_file() {
    let found = load(Path::new("no/such/file.yaml"), &|_| Ok(columns())).err().unwrap_or_default();
    assert_eq!((found[0].code, found.len()), (codes::G202, 1));
    let latin1 = load_bytes(Path::new("s.yaml"), b"study: a\ntitle: \xe9\n", &environment, &|_| Ok(columns())).err().unwrap_or_default();
    assert!(latin1[0].message.ends_with("see line 2"), "{}", latin1[0].message);
}
