//! OMOP and Synthea folders: one study file over both, the public examples, `init`, and folders that are not what they should be.

use crate::frames::shared;
use std::fs;
use std::path::Path;
use std::process::Command;

struct Run {
    code: i32,
    stderr: String,
    stdout: String,
}

fn gapshare(dir: &Path, args: &[&str]) -> Run {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let o = Command::new(env!("CARGO_BIN_EXE_gapshare")).current_dir(dir).env("GAPSHARE_DATA", data).args(args).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Run { code: o.status.code().unwrap(), stderr: text(o.stderr), stdout: text(o.stdout) }
}

/// The cells of a csv file without quotes, by row and column name.
fn table(path: &Path) -> Vec<std::collections::BTreeMap<String, String>> {
    let text = fs::read_to_string(path).unwrap();
    let mut lines = text.lines().map(|l| l.split(',').map(str::to_owned).collect::<Vec<_>>());
    let header = lines.next().unwrap();
    lines.map(|cells| header.iter().cloned().zip(cells).collect()).collect()
}

fn tables(folder: &Path) -> Vec<(String, String)> {
    let read = |p: std::path::PathBuf| (p.file_name().unwrap().to_string_lossy().into_owned(), fs::read_to_string(&p).unwrap());
    let mut all: Vec<_> = fs::read_dir(folder.join("tables")).unwrap().map(|e| read(e.unwrap().path())).collect();
    all.sort();
    all
}

/// The same 400 people, one encounter each, as the two models write them.
fn write_folders(dir: &Path) {
    let mut state = 3u64;
    let mut uniform = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / 2f64.powi(53)
    };
    let (omop, synthea) = (dir.join("cdm"), dir.join("syn"));
    fs::create_dir_all(&omop).unwrap();
    fs::create_dir_all(&synthea).unwrap();
    let mut person = "person_id,gender_concept_id,year_of_birth,month_of_birth,day_of_birth,birth_datetime,race_concept_id,ethnicity_concept_id,location_id,care_site_id\n".to_owned();
    let mut visit =
        "visit_occurrence_id,person_id,visit_concept_id,visit_start_date,visit_start_datetime,visit_end_date,visit_end_datetime,care_site_id\n"
            .to_owned();
    let mut death = "person_id,death_date,death_datetime,death_type_concept_id,cause_concept_id\n".to_owned();
    let mut location = "LOCATION_ID,CITY,STATE,ZIP\n".to_owned();
    let mut patients = "Id,BIRTHDATE,DEATHDATE,RACE,ETHNICITY,GENDER,CITY,STATE,ZIP\n".to_owned();
    let mut encounters = "Id,START,STOP,PATIENT,ORGANIZATION,ENCOUNTERCLASS\n".to_owned();
    for id in 1..=400 {
        let black = uniform() < 0.4;
        let female = uniform() < 0.5;
        let hispanic = uniform() < 0.3;
        let (year, month, day) = (1940 + (uniform() * 50.0) as u32, 1 + (uniform() * 12.0) as u32, 1 + (uniform() * 28.0) as u32);
        let inpatient = uniform() < 0.5;
        let hospital = 1 + (uniform() * 12.0) as u32;
        let zip = format!("0{}", 1000 + (uniform() * 4.0) as u32);
        let (start_day, hour) = (1 + (uniform() * 28.0) as u32, (uniform() * 24.0) as u32);
        let died = uniform() < 0.25 + if black { 0.1 } else { 0.0 };
        let (race, word) = if black { (8516, "black") } else { (8527, "white") };
        let (sex, letter) = if female { (8532, "F") } else { (8507, "M") };
        let (ethnicity, ethnic) = if hispanic { (38003563, "hispanic") } else { (38003564, "nonhispanic") };
        // A third of the people have their birth as a timestamp alone.
        let birth = if id % 3 == 0 { format!("{year},,,{year}-{month:02}-{day:02} 00:00:00") } else { format!("{year},{month},{day},") };
        person.push_str(&format!("{id},{sex},{birth},{race},{ethnicity},{id}.0,\n"));
        location.push_str(&format!("{id},Boston,MA,{zip}\n"));
        let start = format!("2019-05-{start_day:02}");
        visit.push_str(&format!(
            "{id},{id},{},{start},{start} {hour:02}:15:00,{start},{start} 23:59:00,{hospital}\n",
            if inpatient { 9201 } else { 9202 }
        ));
        let death_date = if died { format!("2019-{:02}-11", 7 + id % 5) } else { String::new() };
        if died {
            death.push_str(&format!("{id},{death_date},,0,0\n"));
        }
        patients.push_str(&format!("u{id},{year}-{month:02}-{day:02},{death_date},{word},{ethnic},{letter},Boston,MA,{zip}\n"));
        let class = if inpatient { "inpatient" } else { ["ambulatory", "wellness", "outpatient"][id % 3] };
        encounters.push_str(&format!("e{id},{start}T{hour:02}:15:00Z,{start}T23:59:00Z,u{id},h{hospital},{class}\n"));
    }
    // Upper and lower case, another ending: all are one.
    for (file, text) in [("PERSON.csv", &person), ("visit_occurrence.CSV", &visit), ("Death.csv", &death), ("LOCATION.csv", &location)] {
        fs::write(omop.join(file), text).unwrap();
    }
    let sites: String = (1..=12).map(|h| format!("{h},Hospital {h},8717\n")).collect();
    fs::write(omop.join("care_site.csv"), format!("care_site_id,care_site_name,place_of_service_concept_id\n{sites}")).unwrap();
    // The vocabulary as OHDSI distributes it: tabs, in a file called csv.
    fs::write(
        omop.join("CONCEPT.csv"),
        "concept_id\tconcept_name\tdomain_id\tvocabulary_id\tconcept_code\n8717\tInpatient Hospital\tVisit\tCMS Place of Service\t21\n",
    )
    .unwrap();
    fs::write(synthea.join("patients.csv"), &patients).unwrap();
    fs::write(synthea.join("encounters.csv"), &encounters).unwrap();
    let organizations: String = (1..=12).map(|h| format!("h{h},Hospital {h},Boston,MA,02110\n")).collect();
    fs::write(synthea.join("organizations.csv"), format!("Id,NAME,CITY,STATE,ZIP\n{organizations}")).unwrap();
    fs::write(dir.join("areas.csv"), "zip,deprivation\n01000,1.5\n01001,2.5\n01002,0.5\n01003,4.0\n").unwrap();
}

/// The same study for both models; a table of the user's own stands beside the source.
fn study(tables: &str) -> String {
    format!(
        r#"gapshare: 1
study: both
tables:
  {tables}
  areas: {{ path: areas.csv, types: {{ zip: text }} }}
cohort:
  unit: {{ table: encounters, key: encounter_id }}
  joins:
    - {{ table: patients, by: patient_id }}
    - {{ table: hospitals, by: hospital_id, select: [hospital_name] }}
    - {{ table: areas, by: zip }}
  derive:
    age_years: "(start_time - birth_date) / INTERVAL '1 day' / 365.25"
    stay: "(end_time - start_time) / INTERVAL '1 hour'"
    died_1y: "CASE WHEN death_date <= start_time + INTERVAL '365 days' THEN 1 ELSE 0 END"
  steps:
    - {{ name: adults, where: "age_years >= 30" }}
    - {{ name: first, first: {{ per: patient_id, by: start_time }} }}
group: {{ column: race, reference: White, index: [Black or African American] }}
outcome: {{ column: died_1y, family: binomial }}
allowable: [age_years, sex, birth_year]
blocks:
  origin: [ethnicity, deprivation]
  visit: [class, stay]
cluster: hospital_name
analyses:
  primary: {{ with_and_without: {{ estimator: gcomp }} }}
release: {{ min_cell: 0 }}
"#
    )
}

#[test]
fn one_study_reads_both_models() {
    let dir = tempfile::tempdir().unwrap();
    write_folders(dir.path());
    let mut found = Vec::new();
    for (name, source) in [("omop", "omop: { path: cdm }"), ("synthea", "synthea: { path: syn }")] {
        fs::write(dir.path().join(format!("{name}.yaml")), study(source)).unwrap();
        let run = gapshare(dir.path(), &["run", &format!("{name}.yaml"), "--quiet", "--out", name]);
        assert_eq!(run.code, 0, "{name}: {}", run.stderr);
        found.push(tables(&dir.path().join(name)));
        // The resolved study runs from the result folder.
        let again = gapshare(&dir.path().join(name), &["run", "study.resolved.yaml", "--quiet", "--out", "../again"]);
        assert_eq!(again.code, 0, "{name}: {}", again.stderr);
        assert_eq!(tables(&dir.path().join("again")), *found.last().unwrap());
        assert_eq!(gapshare(dir.path(), &["verify", name]).code, 0);
        let manifest = fs::read_to_string(dir.path().join(name).join("run.json")).unwrap();
        assert!(manifest.contains(if name == "omop" { "cdm/PERSON.csv" } else { "syn/patients.csv" }), "{manifest}");
    }
    assert_eq!(found[0], found[1]);
    let flow = table(&dir.path().join("omop/tables/attrition.csv"));
    assert_eq!(flow[0]["n_before"], "400");
    // Events by group add up to those of the gap at the end.
    let (last, gap) = (flow.last().unwrap(), &table(&dir.path().join("omop/tables/gap.csv"))[0]);
    for side in ["reference", "index"] {
        let number = |row: &std::collections::BTreeMap<String, String>, column: &str| row[&format!("{column}_{side}")].parse::<f64>().unwrap();
        let share = number(last, "events") / number(last, "n");
        assert!((share - number(gap, "mean")).abs() < 1e-12 && number(last, "events") <= number(&flow[0], "events"), "{side}");
    }
    let joins = table(&dir.path().join("omop/tables/joins.csv"));
    let shown: Vec<[&str; 4]> = joins.iter().map(|r| ["joined_table", "n_rows", "n_unmatched", "n_table"].map(|c| r[c].as_str())).collect();
    assert_eq!(shown, [["patients", "400", "0", "400"], ["hospitals", "400", "0", "12"], ["areas", "400", "0", "4"]]);
}

/// Features read the mapped event tables, and the rows of a query, as they read files.
#[test]
fn features_read_sources_and_queries() {
    let dir = tempfile::tempdir().unwrap();
    write_folders(dir.path());
    let at = |file: &str| dir.path().join(file);
    let mut occurrence = "condition_occurrence_id,person_id,condition_concept_id,condition_start_date,visit_occurrence_id\n".to_owned();
    let mut conditions = "START,STOP,PATIENT,ENCOUNTER,CODE,DESCRIPTION\n".to_owned();
    let mut own = "patient,noted,code\n".to_owned();
    let database = rusqlite::Connection::open(at("events.sqlite")).unwrap();
    database.execute_batch("CREATE TABLE events (patient TEXT, noted TEXT, code TEXT); BEGIN").unwrap();
    for id in 1..=400 {
        for k in 0..id % 4 {
            let (date, code) = (format!("2018-{:02}-{:02}", 1 + (id + 3 * k) % 12, 1 + id % 28), 44054006 + (id + k) % 3);
            occurrence.push_str(&format!("{id}{k},{id},{},{date},\n", 900 + (id + k) % 3));
            conditions.push_str(&format!("{date},,u{id},,{code},x\n"));
            own.push_str(&format!("u{id},{date},{code}\n"));
            database.execute("INSERT INTO events VALUES (?, ?, ?)", [format!("u{id}"), date, code.to_string()]).unwrap();
        }
    }
    database.execute_batch("COMMIT").unwrap();
    fs::write(at("cdm/CONDITION_OCCURRENCE.csv"), occurrence).unwrap();
    let concepts: String = (0..3).map(|k| format!("{}\tname {k}\tCondition\tSNOMED\t{}\n", 900 + k, 44054006 + k)).collect();
    let concept = fs::read_to_string(at("cdm/CONCEPT.csv")).unwrap();
    fs::write(at("cdm/CONCEPT.csv"), concept + &concepts).unwrap();
    fs::write(at("syn/conditions.csv"), conditions).unwrap();
    fs::write(at("own.csv"), own).unwrap();
    let with = |source: &str, table: &str, by: &str, time: &str| {
        let feature = |take: &str, list: &str| {
            format!("{{ table: {table}, by: {by}, at: {time}, window: [-365d, -1d], take: {take}, codes: {{ column: code, list: [{list}] }} }}")
        };
        let features = format!(
            "  index_date: start_time\n  features:\n    diabetes: {}\n    many: {}\n",
            feature("any", "\"44054006\""),
            feature("count", "\"440540*\"")
        );
        study(source)
            .replace("  steps:", &format!("{features}  steps:"))
            .replace("[ethnicity, deprivation]", "[ethnicity, deprivation, diabetes, many]")
    };
    let mut found = Vec::new();
    for (name, source, table, by, time) in [
        ("omop", "omop: { path: cdm }", "conditions", "patient_id", "start_date"),
        ("synthea", "synthea: { path: syn }", "conditions", "patient_id", "start_date"),
        ("file", "synthea: { path: syn }\n  events: { path: own.csv }", "events", "{ left: patient_id, right: patient }", "noted"),
        (
            "query",
            "synthea: { path: syn }\n  events: { sql: SELECT * FROM events, from: events.sqlite }",
            "events",
            "{ left: patient_id, right: patient }",
            "noted",
        ),
    ] {
        fs::write(at("s.yaml"), with(source, table, by, time)).unwrap();
        let run = gapshare(dir.path(), &["run", "s.yaml", "--quiet", "--out", name]);
        assert_eq!(run.code, 0, "{name}: {}", run.stderr);
        // The event table and its column of codes have other names in each.
        let numbers = |(n, text): (String, String)| match n.as_str() {
            "coding.csv" => (n, text.lines().map(|l| l.splitn(3, ',').last().unwrap_or_default().to_owned() + "\n").collect()),
            _ => (n, text),
        };
        let named = |n: &str| n == "features.csv" || n == "code_lists.csv";
        found.push(tables(&at(name)).into_iter().filter(|(n, _)| !named(n)).map(numbers).collect::<Vec<_>>());
    }
    assert!(
        found[0].iter().any(|(n, text)| n == "coefficients.csv" && text.contains("many")),
        "{:?}",
        found[0].iter().map(|f| &f.0).collect::<Vec<_>>()
    );
    assert!(found.iter().all(|f| *f == found[0]));
}

#[test]
fn folders_that_are_not_what_they_should_be() {
    let dir = tempfile::tempdir().unwrap();
    write_folders(dir.path());
    let at = |file: &str| dir.path().join(file);
    let check = |tables: &str| {
        fs::write(at("s.yaml"), study(tables)).unwrap();
        gapshare(dir.path(), &["check", "s.yaml"])
    };
    let refused = |tables: &str, code: &str, says: &str| {
        let run = check(tables);
        let first = format!("error[{code}]");
        assert!(run.code == 2 && run.stderr.contains(&first) && run.stderr.contains(says), "{tables}: {}", run.stderr);
    };
    fs::create_dir(at("empty")).unwrap();
    fs::create_dir(at("other")).unwrap();
    fs::write(at("other/notes.csv"), "a\n1\n").unwrap();
    refused("omop: { path: nowhere }", "G202", "does not exist");
    refused("omop: { path: empty }", "G202", "is empty");
    refused("omop: { path: other }", "G202", "holds no table");
    refused("omop: { path: areas.csv }", "G202", "is not a folder");
    refused("omop: { path: cdm, types: { zip: text } }", "G210", "types of the source");
    refused("omop: { path: cdm }\n  synthea: { path: syn }", "G210", "tables of the same names");
    refused("omop: { path: cdm }\n  patients: { path: areas.csv }", "G204", "`patients` is the name of a table of `omop`");
    refused("omop: { sql: SELECT 1, from: x.db }", "G210", "not a query");
    // Synthea's files are not those of OMOP.
    refused("omop: { path: syn }", "G202", "holds no table");

    let person = fs::read_to_string(at("cdm/PERSON.csv")).unwrap();
    fs::write(at("cdm/person.csv"), &person).unwrap();
    refused("omop: { path: cdm }", "G202", "holds both `PERSON.csv` and `person.csv`");
    fs::remove_file(at("cdm/person.csv")).unwrap();

    // A parquet file that is none.
    fs::rename(at("cdm/PERSON.csv"), at("person.bak")).unwrap();
    fs::write(at("cdm/person.parquet"), "PAR1 and nothing more").unwrap();
    refused("omop: { path: cdm }", "G202", "cannot be read as parquet");
    fs::remove_file(at("cdm/person.parquet")).unwrap();
    refused("omop: { path: cdm }", "G202", "has no PERSON, which table `patients` is made of");

    // An old version: the column has another name, and CDM_SOURCE says why.
    fs::write(at("cdm/PERSON.csv"), person.replacen("race_concept_id", "race_concept", 1)).unwrap();
    fs::write(at("cdm/CDM_SOURCE.csv"), "cdm_source_name,cdm_version\nx,v5.2\n").unwrap();
    refused("omop: { path: cdm }", "G203", "CDM_SOURCE says version 5.2");
    fs::write(at("cdm/PERSON.csv"), &person).unwrap();
    let run = check("omop: { path: cdm }");
    assert!(run.code == 0 && run.stderr.contains("warning[G333]") && run.stderr.contains("version 5.2"), "{}", run.stderr);
    fs::remove_file(at("cdm/CDM_SOURCE.csv")).unwrap();

    // A table that is not there, and one with a header alone.
    fs::rename(at("cdm/Death.csv"), at("death.bak")).unwrap();
    fs::write(at("cdm/LOCATION.csv"), "location_id,city,state,zip\n").unwrap();
    fs::write(at("s.yaml"), study("omop: { path: cdm }").replace("by: zip }", "by: zip, unmatched: keep }")).unwrap();
    let run = gapshare(dir.path(), &["run", "s.yaml", "--quiet", "--out", "none"]);
    assert!(run.stderr.contains("warning[G331]") && run.stderr.contains("no rows: LOCATION"), "{}", run.stderr);
    assert!(run.code != 0, "nobody has died: there is nothing to explain");
    let without = fs::read_to_string(at("s.yaml")).unwrap().replace("by: zip, unmatched: keep }", "by: zip }");
    fs::write(at("s.yaml"), without).unwrap();
    let run = gapshare(dir.path(), &["run", "s.yaml", "--quiet", "--out", "none"]);
    assert!(run.code == 3 && run.stderr.contains("error[G304]"), "{}", run.stderr);
}

#[test]
fn what_the_source_does_not_define_is_null_and_counted() {
    let dir = tempfile::tempdir().unwrap();
    write_folders(dir.path());
    let at = |file: &str| dir.path().join(file);
    // 0 is no concept, 777 is not in CONCEPT, a birth without month and day, two rows of DEATH, a visit without a time.
    let edit = |file: &str, change: &dyn Fn(&str) -> String| fs::write(at(file), change(&fs::read_to_string(at(file)).unwrap())).unwrap();
    edit("cdm/PERSON.csv", &|t| {
        let mut lines: Vec<String> = t.lines().map(str::to_owned).collect();
        lines[1] = "1,8532,1950,5,,,0,38003564,1,".to_owned();
        lines[2] = "2,777,1950,,,,8527,38003564,2,".to_owned();
        lines[4] = "4,8507,1950,2,30,,8527,38003564,4,".to_owned();
        lines.join("\n") + "\n"
    });
    edit("cdm/visit_occurrence.CSV", &|t| {
        let mut lines: Vec<String> = t.lines().map(str::to_owned).collect();
        lines[5] = "5,5,9201,2019-05-05,,2019-05-05,2019-05-05 23:59:00,1".to_owned();
        lines.join("\n") + "\n"
    });
    let repeated = fs::read_to_string(at("cdm/Death.csv")).unwrap();
    let second = repeated.lines().nth(1).unwrap().to_owned();
    fs::write(at("cdm/Death.csv"), format!("{repeated}{second}\n")).unwrap();
    fs::write(at("s.yaml"), study("omop: { path: cdm }")).unwrap();
    let run = gapshare(dir.path(), &["run", "s.yaml", "--quiet", "--out", "r"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    for says in [
        "1 of 400 rows have no concept in `gender_concept_id`",
        "1 rows hold 1 ids that CONCEPT does not",
        "1 of 400 rows have no concept in `race_concept_id`",
        "1 rows hold 0, no matching concept",
        "2 of 400 birth dates lack a month or a day",
        "1 of 400 birth dates are no day of a calendar and are null",
        "1 of 400 rows have a date and no time of day: `start_time` is midnight there",
        "1 rows of DEATH repeat a `person_id`: the earliest was taken for `death_date`",
    ] {
        assert!(run.stderr.contains(says), "{says}: {}", run.stderr);
    }
    // Outputs do not show such counts: they are small.
    let manifest = fs::read_to_string(dir.path().join("r/run.json")).unwrap();
    assert!(manifest.contains("G332"), "{manifest}");

    edit("syn/patients.csv", &|t| t.replacen(",white,", ",blue,", 3).replacen(",F,", ",X,", 2));
    fs::write(at("s.yaml"), study("synthea: { path: syn }")).unwrap();
    let run = gapshare(dir.path(), &["run", "s.yaml", "--quiet", "--out", "r"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    for says in ["3 of 400 rows have another word in RACE than the model knows, and no `race`", "2 of 400 rows have another word in GENDER"] {
        assert!(run.stderr.contains(says), "{says}: {}", run.stderr);
    }
}

#[test]
fn studies_of_the_public_examples_run_to_the_end_and_say_that_nothing_can_be_estimated() {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (name, folder) in [("omop", "data/omop_synthea27nj"), ("synthea", "data/synthea_dbt_seed")] {
        if shared(folder).is_none() {
            return;
        }
        let dir = tempfile::tempdir().unwrap();
        let study = manifest.join(format!("pipelines/{name}_death_one_year.yaml"));
        let run = gapshare(dir.path(), &["run", study.to_str().unwrap(), "--quiet", "--out", "r"]);
        assert_eq!(run.code, 4, "{name}: {}", run.stderr);
        let flow = table(&dir.path().join("r/tables/attrition.csv"));
        assert!(flow.len() > 4 && flow.iter().any(|row| row["withheld"] == "true"), "{name}");
        let one = table(&dir.path().join("r/tables/table_one.csv"));
        assert!(!one.is_empty() && one.iter().all(|row| row["mean_index"].is_empty() && row["withheld"] == "true"), "{name}");
        assert!(dir.path().join("r/report.html").is_file());
        // The patients have one visit each: no row of `patients` is shared.
        assert!(!run.stderr.contains("unclustered_group_level_columns"), "{}", run.stderr);
        if name == "omop" {
            assert!(run.stderr.contains("no rows: CARE_SITE, LOCATION"), "{}", run.stderr);
        }
    }
}

/// tests/known/make_sources.py counts the raw files with Python's csv module.
#[test]
fn the_public_examples_hold_what_an_independent_count_finds() {
    let known = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/known/sources.csv")).unwrap();
    let known: Vec<Vec<String>> = known.lines().skip(1).map(|l| l.split(',').map(str::to_owned).collect()).collect();
    for (name, folder) in [("omop", "data/omop_synthea27nj"), ("synthea", "data/synthea_dbt_seed")] {
        if shared(folder).is_none() {
            return;
        }
        let dir = tempfile::tempdir().unwrap();
        let pipeline = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("pipelines/{name}_death_one_year.yaml"));
        let text = fs::read_to_string(pipeline).unwrap();
        fs::write(dir.path().join("s.yaml"), format!("{text}release: {{ min_cell: 0 }}\n")).unwrap();
        let run = gapshare(dir.path(), &["run", "s.yaml", "--quiet", "--out", "r"]);
        assert_eq!(run.code, 4, "{name}: {}", run.stderr);
        let read = |t: &str| table(&dir.path().join(format!("r/tables/{t}.csv")));
        let (flow, one, gap) = (read("attrition"), read("table_one"), read("gap"));
        let mut checked = 0;
        for line in known.iter().filter(|l| l[0] == name) {
            let (quantity, group, want) = (line[1].as_str(), line[2].as_str(), line[3].parse::<f64>().unwrap());
            let side = if group == "White" { "reference" } else { "index" };
            let step = if quantity == "visits" { "rows of encounters" } else { quantity };
            let got = match (group, quantity) {
                ("", "first visit") => flow.iter().find(|r| r["name"].starts_with("first ")).map(|r| r["n_after"].clone()),
                ("", _) => flow.iter().find(|r| r["name"] == step).map(|r| r["n_after"].clone()),
                (_, "n") => gap.first().map(|r| r[&format!("n_{side}")].clone()),
                (_, "died_1y") => gap.first().map(|r| r[&format!("mean_{side}")].clone()),
                _ => {
                    let (variable, level) = quantity.split_once('=').unwrap_or((quantity, ""));
                    let row = one.iter().find(|r| r["variable"] == variable && r["level"] == level);
                    // A level that nobody has is no row.
                    row.map_or((want == 0.0).then(|| "0".to_owned()), |r| Some(r[&format!("mean_{side}")].clone()))
                }
            };
            let got: f64 = got.unwrap_or_else(|| panic!("{name} {quantity} {group}")).parse().unwrap();
            assert!((got - want).abs() <= 1e-12 * want.abs(), "{name} {quantity} {group}: {got}, not {want}");
            checked += 1;
        }
        assert_eq!(checked, 18);
    }
}

/// The parquet files of the example hold the rows of its csv files; CONCEPT is not among them.
#[test]
fn parquet_and_csv_of_the_public_example_are_one() {
    let Some(csv) = shared("data/omop_synthea27nj") else { return };
    let dir = tempfile::tempdir().unwrap();
    let mut found = Vec::new();
    for folder in [csv.clone(), csv.join("parquet")] {
        let folder = fs::canonicalize(folder).unwrap();
        let text = study(&format!("omop: {{ path: \"{}\" }}", folder.display()))
            .replace("    - { table: hospitals, by: hospital_id, select: [hospital_name] }\n    - { table: areas, by: zip }\n", "")
            .replace("deprivation", "birth_date_known")
            .replace("  steps:", "    birth_date_known: \"CASE WHEN birth_date > DATE '1970-01-01' THEN 'later' ELSE 'earlier' END\"\n  steps:")
            .replace("cluster: hospital_name\n", "");
        fs::write(dir.path().join("areas.csv"), "zip\n1\n").unwrap();
        fs::write(dir.path().join("s.yaml"), text).unwrap();
        let run = gapshare(dir.path(), &["run", "s.yaml", "--quiet", "--out", "r"]);
        assert_eq!(run.code, 4, "{}", run.stderr);
        found.push(tables(&dir.path().join("r")));
    }
    assert_eq!(found[0], found[1]);
    // Persons of 28 by race: 20 white, 3 black (COLUMNS.md of the example); visits 1791.
    assert!(found[0].iter().any(|(name, text)| name == "attrition.csv" && text.contains("rows of encounters,1791,0,1791")), "{:?}", found[0][0]);
}

#[test]
fn init_writes_a_study_that_check_accepts() {
    let dir = tempfile::tempdir().unwrap();
    write_folders(dir.path());
    fs::create_dir(dir.path().join("studies")).unwrap();
    for (kind, folder) in [("omop", "cdm"), ("synthea", "syn")] {
        let out = format!("studies/{kind}.yaml");
        let run = gapshare(dir.path(), &["init", "--from", kind, folder, "--out", &out]);
        assert!(run.code == 0 && run.stdout.contains(&format!("wrote {out}")), "{}", run.stderr);
        let run = gapshare(dir.path(), &["check", &out]);
        assert_eq!(run.code, 0, "{kind}: {}", run.stderr);
        let run = gapshare(dir.path(), &["run", &out, "--quiet", "--out", "r"]);
        assert_eq!(run.code, 0, "{kind}: {}", run.stderr);
        // It is never written over.
        let before = fs::read(dir.path().join(&out)).unwrap();
        let run = gapshare(dir.path(), &["init", "--from", kind, folder, "--out", &out]);
        assert!(run.code == 2 && run.stderr.contains("error[G233]"), "{}", run.stderr);
        assert_eq!(fs::read(dir.path().join(&out)).unwrap(), before);
    }
    // Any folder: names of columns that YAML and SQL would take for something else.
    fs::create_dir(dir.path().join("any")).unwrap();
    let rows: String = (0..40).map(|i| format!("{i},{},{},on,2020-01-0{},{}\n", ["A", "B"][i % 2], i * 7 % 11, 1 + i % 9, i % 3)).collect();
    fs::write(dir.path().join("any/Stays 2020.csv"), format!("stay_id,Race group,Length of Stay,yes,day,true\n{rows}")).unwrap();
    fs::write(dir.path().join("any/sites.tsv"), "stay_id\tbeds\n1\t10\n").unwrap();
    let run = gapshare(dir.path(), &["init", "--from", "tables", "any"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let run = gapshare(dir.path(), &["check", "study.yaml"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let text = fs::read_to_string(dir.path().join("study.yaml")).unwrap();
    for part in [
        "unit: { table: stays_2020, key: stay_id }",
        "column: \"Race group\", reference: REPLACE_REFERENCE",
        "column: \"Length of Stay\", family: gaussian",
    ] {
        assert!(text.contains(part), "{text}");
    }
    for (args, code) in [
        (["init", "--from", "omop", "syn"], "G202"),
        (["init", "--from", "tables", "studies"], "G202"),
        (["init", "--from", "tables", "nowhere"], "G202"),
        (["init", "--from", "fhir", "syn"], "G214"),
    ] {
        let run = gapshare(dir.path(), &args);
        assert!(run.code == 2 && run.stderr.contains(&format!("error[{code}]")), "{args:?}: {}", run.stderr);
    }
}
