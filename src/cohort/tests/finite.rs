//! NaN, and values that expressions do not define, are missing values.

use super::*;
use crate::error::codes;
use polars::prelude::{DataFrame, IntoColumn, NamedFrom, ParquetWriter, Series};

/// Six units of each group; `x` is 2, 0, -1, NaN, null, 2.
fn with_nan() -> Study {
    let x = [Some(2.0), Some(0.0), Some(-1.0), Some(f64::NAN), None, Some(2.0)];
    let x: Vec<Option<f64>> = x.into_iter().cycle().take(12).collect();
    let g: Vec<&str> = (0..12).map(|i| if i < 6 { "a" } else { "b" }).collect();
    let y: Vec<i64> = (0..12).map(|i| i % 2).collect();
    let columns = [Series::new("g".into(), g), Series::new("y".into(), y), Series::new("x".into(), x)];
    let mut frame = DataFrame::new(12, columns.into_iter().map(|s| s.into_column()).collect()).expect("a frame");
    let mut bytes = Vec::new();
    ParquetWriter::new(&mut bytes).finish(&mut frame).expect("written");
    Study::new("g,y\na,0\nb,1\n").file("t", "t.parquet", Format::Parquet, &bytes)
}

fn n_after(s: Study) -> u64 {
    s.cohort().attrition.last().expect("a line").n_after
}

#[test]
fn no_condition_is_true_of_nan() {
    for (sql, n) in [
        ("x > 1", 4),
        ("x >= -5", 8),
        ("x = x", 8),
        ("x < 100", 8),
        ("NOT x <= 1", 4),
        ("x <> 2", 4),
        ("x BETWEEN -10 AND 10", 8),
        ("x IN (2, 0)", 6),
        ("x IS NOT NULL", 8),
        ("CASE WHEN x > 1 THEN 1 ELSE 0 END = 1", 4),
        ("LN(x) > -1000", 4),
        ("SQRT(x) >= 0", 6),
        ("1 / x > 0", 4),
        ("1.0 / x <> 7", 6),
        ("POWER(x, 0.5) > -1", 6),
        ("GREATEST(x, 1) > 1", 4),
        ("ABS(x) + 1 > 0", 8),
        ("CAST(x AS FLOAT) > -5", 8),
        ("COALESCE(x, 7) > 1", 8),
    ] {
        assert_eq!(n_after(with_nan().keep("k", sql)), n, "{sql}");
    }
    assert_eq!(n_after(with_nan().step(RowStep::Present(PresentPlan { name: "p".into(), columns: vec![named("x")] }))), 8);
}

#[test]
fn what_is_not_defined_is_counted() {
    let cohort = with_nan().derive("l", "LN(x)").derive("d", "x + 1").x("l").cohort();
    // -inf and NaN: the logarithms of 0 and of -1.
    let said: Vec<String> = cohort.warnings.iter().filter(|w| w.code == codes::G330).map(|w| w.message.clone()).collect();
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[0].contains("NaN") && said[0].contains("2 in `x`"), "{said:?}");
    assert!(said[1].starts_with("derived column `l`: 4 values are not defined"), "{said:?}");
    assert_eq!(cohort.outcome.len(), 4, "rows with a logarithm");
}
