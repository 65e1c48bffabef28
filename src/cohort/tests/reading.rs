//! Files and cells.

use super::*;
use crate::error::codes;

const TWO: &str = "g,y,x\na,0,1\nb,1,2\n";

#[test]
fn files_that_cannot_be_read_are_named() {
    let cases: [(&str, &[u8], Format, &str); 8] = [
        ("empty.csv", b"", Format::Csv, "is empty"),
        ("a.csv", b"PAR1xxxxPAR1", Format::Csv, "parquet"),
        ("a.parquet", b"g,y\na,0\n", Format::Parquet, "text"),
        ("a.csv.gz", b"g,y\na,0\n", Format::CsvGz, "text"),
        ("twice.csv", b"g,y,g\na,0,1\n", Format::Csv, "two columns called `g`"),
        ("short.csv", b"g,y,x\na,0,1\nb,1\n", Format::Csv, "row 2"),
        ("latin.csv", b"g,y\na,0\n\xe9,1\n", Format::Csv, "UTF-8"),
        ("semicolon.csv", b"g;y\na;0\n", Format::Csv, "another delimiter"),
    ];
    for (file, bytes, format, says) in cases {
        let study = Study::new(TWO).file("t", file, format, bytes);
        let problems = study.build().err().unwrap_or_default();
        let first = problems.first().unwrap_or_else(|| panic!("{file} was read"));
        assert_eq!(first.code, codes::G202, "{file}: {}", shown(&problems));
        assert!(first.message.contains(says) && first.message.contains(file), "{file}: {}", first.message);
    }
    let missing = Study::new(TWO).path("t", "nowhere.csv", Format::Csv).check_problem();
    assert_eq!((missing.code, missing.message.contains("`nowhere.csv`")), (codes::G202, true));
    let glob = Study::new(TWO).path("t", "part_*.csv", Format::Csv).check_problem();
    assert_eq!((glob.code, glob.message.contains("part_*.csv")), (codes::G202, true));
}

#[test]
fn globs_are_read_in_sorted_order_and_hashed() {
    let study = Study::new(TWO).file("p", "part_2.csv", Format::Csv, b"y,g\n1,b\n").file("p", "part_1.csv", Format::Csv, b"g,y\na,0\n");
    let mut study = study.path("t", "part_*.csv", Format::Csv);
    study.plan.tables.shift_remove("p");
    let cohort = study.cohort();
    assert_eq!(cohort.outcome, [0.0, 1.0]);
    let files = &cohort.inputs[0].files;
    assert_eq!(files.iter().map(|f| (f.path.as_str(), f.rows, f.bytes)).collect::<Vec<_>>(), [("part_1.csv", 1, 8), ("part_2.csv", 1, 8)]);
    // printf 'g,y\na,0\n' | sha256sum
    assert_eq!(files[0].sha256, "61189fd59c7c9ca9b563353bc212b250394fd85fb05ea11a4cb731aeb2a2cf5b");
    assert_eq!(cohort.rows_read["t"], 2);
}

#[test]
fn a_word_far_down_makes_the_column_text_and_is_warned_of() {
    let mut csv = String::from("g,y,x\n");
    for i in 0..60_000 {
        let x = if i == 50_000 { "120 +".to_owned() } else { (i % 7).to_string() };
        csv.push_str(&format!("{},{},{x}\n", if i % 2 == 0 { "a" } else { "b" }, i % 3 % 2));
    }
    let study = Study::new(&csv).x("x");
    assert_eq!(study.columns().map(|c| c.by_name["x"].kind), Ok(Kind::Number), "check sees the first rows");
    let cohort = study.cohort();
    assert!(matches!(&cohort.columns["x"], Values::Category { levels, .. } if levels.len() == 8));
    let warning = cohort.warnings.iter().find(|w| w.code == codes::G315).expect("a warning");
    assert!(warning.message.contains("59999 of its 60000"), "{}", warning.message);

    let declared = Study::new(&csv).types("t", &[("x", ColumnType::Number)]).x("x").problem();
    assert_eq!(declared.code, codes::G301);
    assert!(declared.message.contains("1 of 60000") && declared.notes[0].contains("50001"), "{}", shown(&[declared]));
    assert!(!shown(&[Study::new(&csv).types("t", &[("x", ColumnType::Number)]).x("x").problem()]).contains("120 +"), "values are not shown");
}

#[test]
fn bad_values_can_be_set_to_null_and_are_counted() {
    let mut study = Study::new("g,y,x\na,0, 1.5\nb,1,##########\na,1,2\nb,0,3\n").types("t", &[("x", ColumnType::Number)]).x("x");
    study.plan.tables["t"].on_bad_value = OnBadValue::SetNull;
    let cohort = study.cohort();
    assert_eq!(cohort.columns["x"], Values::Number(vec![1.5, 2.0, 3.0]));
    assert!(cohort.warnings.iter().any(|w| w.code == codes::G317 && w.message.contains("1 cell")));
}

#[test]
fn leading_zeros_stay_and_null_values_are_what_the_file_says() {
    let csv = "g,y,id,x,level\na,0,00776,1,None\nb,1,1454,?,NA\na,1,00012,3,None\nb,0,00776,4,NA\n";
    let cohort = Study::new(csv).nulls("t", &["", "?"]).x("id").x("x").x("level").cohort();
    assert_eq!(cohort.columns["id"], Values::Category { levels: vec!["00776".to_owned(), "00012".to_owned()], code: vec![0, 1, 0] });
    assert_eq!(cohort.columns["x"], Values::Number(vec![1.0, 3.0, 4.0]));
    assert_eq!(cohort.columns["level"], Values::Category { levels: vec!["None".to_owned(), "NA".to_owned()], code: vec![0, 0, 1] });
    assert!(cohort.warnings.iter().any(|w| w.code == codes::G315 && w.message.contains("`id`")));
}

#[test]
fn other_formats_give_the_same_rows() {
    use polars::prelude::*;
    let mut frame = df!("g" => ["a", "b", "a", "b"], "y" => [0i64, 1, 1, 0], "x" => [Some(1.5), None, Some(-9.0), Some(4.0)], "d" => ["2020-01-15", "2020-01-16", "2020-01-17", "2020-01-18"]).expect("a frame");
    let study = Study::new(TWO);
    let at = |name: &str| std::fs::File::create(study.dir.path().join(name)).expect("a file");
    ParquetWriter::new(at("t.parquet")).finish(&mut frame).expect("parquet");
    IpcWriter::new(at("t.arrow")).finish(&mut frame).expect("arrow");
    JsonWriter::new(at("t.ndjson")).with_json_format(JsonFormat::JsonLines).finish(&mut frame).expect("ndjson");
    let csv = "g\ty\tx\td\na\t0\t1.5\t2020-01-15\nb\t1\t\t2020-01-16\na\t1\t-9\t2020-01-17\nb\t0\t4\t2020-01-18\n";
    std::fs::write(study.dir.path().join("t.tsv"), csv).expect("tsv");
    let mut gz = flate2::write::GzEncoder::new(at("t.csv.gz"), flate2::Compression::default());
    std::io::Write::write_all(&mut gz, csv.replace('\t', ",").as_bytes()).expect("gz");
    gz.finish().expect("gz");
    let mut study = study;
    for (file, format) in
        [("t.parquet", Format::Parquet), ("t.arrow", Format::Ipc), ("t.ndjson", Format::Ndjson), ("t.tsv", Format::Tsv), ("t.csv.gz", Format::CsvGz)]
    {
        study = study.path("t", file, format).nulls("t", &["", "-9"]).types("t", &[("d", ColumnType::Date { format: None })]);
        let s = Study { dir: TempDir::new().expect("dir"), plan: study.plan.clone(), roles: study.roles.clone() };
        let s = s
            .derive("days", "(d - DATE '2020-01-01') / INTERVAL '1 day'")
            .variable("x", Coding::Auto, MissingRule::Impute { with: Fill::Constant(0.0), flag: false })
            .x("days");
        let cohort = s.cohort();
        assert_eq!(cohort.columns["days"], Values::Number(vec![14.0, 15.0, 16.0, 17.0]), "{file}");
        let Values::Number(x) = &cohort.columns["x"] else { panic!("{file}") };
        assert_eq!(x.iter().map(|v| v.is_nan()).collect::<Vec<_>>(), [false, true, true, false], "{file}");
        assert_eq!(cohort.inputs[0].files[0].sha256.len(), 64);
    }
}

#[test]
fn dates_need_a_format_unless_they_are_iso() {
    let csv = "g,y,d,when\na,0,2020-01-15,01/15/2020 06:00\nb,1,2020-03-01,03/01/2020 18:30\n";
    let format = Some("%m/%d/%Y %H:%M".to_owned());
    let study = Study::new(csv).types("t", &[("when", ColumnType::Datetime { format })]).derive("hours", "(when - d) / INTERVAL '1 hour'").x("hours");
    assert_eq!(study.columns().map(|c| (c.by_name["d"].kind, c.by_name["when"].kind)), Ok((Kind::Date, Kind::Datetime)));
    assert_eq!(study.cohort().columns["hours"], Values::Number(vec![6.0, 18.5]));
    let wrong = Study::new(csv).types("t", &[("d", ColumnType::Date { format: Some("%Q".to_owned()) })]).check_problem();
    assert_eq!(wrong.code, codes::G210);
}

#[test]
fn a_plan_is_json() {
    let study =
        Study::new(TWO).types("t", &[("x", ColumnType::Date { format: Some("%Y".to_owned()) }), ("y", ColumnType::Integer)]).derive("z", "x + 1");
    let json = serde_json::to_value(&study.plan).expect("json");
    assert_eq!(json["tables"]["t"]["types"]["x"], serde_json::json!({ "type": "date", "format": "%Y" }));
    assert_eq!(json["tables"]["t"]["types"]["y"], serde_json::json!({ "type": "integer" }));
    assert_eq!(json["steps"][0]["derive"], serde_json::json!({ "column": "z", "sql": "x + 1" }));
    assert!(!json.to_string().contains(&study.dir.path().to_string_lossy().into_owned()), "no path of this machine");
    assert!(serde_json::to_value(&study.roles).is_ok());
}
