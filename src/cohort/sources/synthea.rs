//! The csv files of Synthea (https://github.com/synthetichealth/synthea/wiki/CSV-File-Data-Dictionary).

use super::map::{Lookup, Recipe};
use super::{Model, ModelColumn, ModelTable, Rows};

pub static SYNTHEA: Model = Model {
    name: "synthea",
    title: "Synthea's csv export",
    tables: &[PATIENTS, ENCOUNTERS, CONDITIONS, PROCEDURES, MEASUREMENTS, OBSERVATIONS, DEATHS, HOSPITALS],
    others: &["payers"],
    versions: &[],
};

const SEX: &[(&str, &str)] = &[("M", "Male"), ("F", "Female")];
const RACE: &[(&str, &str)] = &[
    ("white", "White"),
    ("black", "Black or African American"),
    ("asian", "Asian"),
    ("hawaiian", "Native Hawaiian or Other Pacific Islander"),
    ("native", "American Indian or Alaska Native"),
    ("other", "Other"),
];
const ETHNICITY: &[(&str, &str)] = &[("hispanic", "Hispanic or Latino"), ("nonhispanic", "Not Hispanic or Latino")];
/// As the OHDSI conversion of Synthea (ETL-Synthea) maps them.
const CLASS: &[(&str, &str)] = &[
    ("inpatient", "inpatient"),
    ("outpatient", "outpatient"),
    ("ambulatory", "outpatient"),
    ("wellness", "outpatient"),
    ("emergency", "emergency"),
    ("urgentcare", "emergency"),
    ("hospice", "hospice"),
    ("home", "home"),
    ("snf", "skilled nursing facility"),
    ("virtual", "virtual"),
];
/// Categories of OBSERVATIONS that are measurements; the others (surveys, social history, none) are observations.
const MEASURED: &[&str] = &["laboratory", "vital-signs"];

const fn column(name: &'static str, recipe: Recipe, doc: &'static str) -> ModelColumn {
    ModelColumn { name, recipe, doc }
}

static PAYER: Lookup = Lookup { key: "payer", file: "payers", by: "id", column: "name", day: false };
/// Newer versions state the system of each code; before, all were SNOMED CT.
const SNOMED: Recipe = Recipe::Else(&Recipe::Text(&["system"]), &Recipe::Constant("SNOMED-CT"));
const LOINC: Recipe = Recipe::Constant("LOINC");

const PATIENTS: ModelTable = ModelTable {
    name: "patients",
    row: "a patient",
    base: "patients",
    required: &["id", "birthdate", "race", "ethnicity", "gender"],
    rows: Rows::All,
    columns: &[
        column("patient_id", Recipe::Text(&["id"]), "Id"),
        column("birth_date", Recipe::Day("birthdate"), "BIRTHDATE"),
        column("birth_year", Recipe::Year("birthdate"), "the year of BIRTHDATE"),
        column("death_date", Recipe::Day("deathdate"), "DEATHDATE"),
        column("sex", Recipe::Words("gender", SEX), "GENDER: Male, Female"),
        column("race", Recipe::Words("race", RACE), "RACE, as OMOP calls it"),
        column("ethnicity", Recipe::Words("ethnicity", ETHNICITY), "ETHNICITY, as OMOP calls it"),
        column("sex_source", Recipe::Text(&["gender"]), "GENDER"),
        column("race_source", Recipe::Text(&["race"]), "RACE"),
        column("ethnicity_source", Recipe::Text(&["ethnicity"]), "ETHNICITY"),
        column("city", Recipe::Text(&["city"]), "CITY"),
        column("state", Recipe::Text(&["state"]), "STATE"),
        column("zip", Recipe::Text(&["zip"]), "ZIP"),
        column("county", Recipe::Text(&["county"]), "COUNTY"),
    ],
};

const ENCOUNTERS: ModelTable = ModelTable {
    name: "encounters",
    row: "an encounter",
    base: "encounters",
    required: &["id", "start", "stop", "patient", "encounterclass"],
    rows: Rows::All,
    columns: &[
        column("encounter_id", Recipe::Text(&["id"]), "Id"),
        column("patient_id", Recipe::Text(&["patient"]), "PATIENT"),
        column("hospital_id", Recipe::Text(&["organization"]), "ORGANIZATION"),
        column("provider_id", Recipe::Text(&["provider"]), "PROVIDER"),
        column("start_time", Recipe::Moment("start", "start"), "START"),
        column("end_time", Recipe::Moment("stop", "stop"), "STOP"),
        column("class", Recipe::Words("encounterclass", CLASS), "ENCOUNTERCLASS: wellness and ambulatory are outpatient, urgentcare is emergency"),
        column("class_source", Recipe::Text(&["encounterclass"]), "ENCOUNTERCLASS"),
        column("discharged_to", Recipe::Text(&[]), "none"),
        column("payer", Recipe::Lookup(&PAYER), "PAYERS.NAME of PAYER"),
    ],
};

const CONDITIONS: ModelTable = ModelTable {
    name: "conditions",
    row: "a diagnosis",
    base: "conditions",
    required: &["start", "patient", "code"],
    rows: Rows::All,
    columns: &[
        column("patient_id", Recipe::Text(&["patient"]), "PATIENT"),
        column("encounter_id", Recipe::Text(&["encounter"]), "ENCOUNTER"),
        column("start_date", Recipe::Day("start"), "START"),
        column("end_date", Recipe::Day("stop"), "STOP"),
        column("code", Recipe::Text(&["code"]), "CODE"),
        column("code_system", SNOMED, "SYSTEM, else SNOMED-CT"),
        column("name", Recipe::Text(&["description"]), "DESCRIPTION"),
        column("source_code", Recipe::Text(&["code"]), "CODE"),
        column("source_system", SNOMED, "SYSTEM, else SNOMED-CT"),
    ],
};

const PROCEDURES: ModelTable = ModelTable {
    name: "procedures",
    row: "a procedure",
    base: "procedures",
    required: &["patient", "code"],
    rows: Rows::All,
    columns: &[
        column("patient_id", Recipe::Text(&["patient"]), "PATIENT"),
        column("encounter_id", Recipe::Text(&["encounter"]), "ENCOUNTER"),
        // Versions before 2021 have DATE alone.
        column("start_time", Recipe::Moment("start", "date"), "START, else DATE"),
        column("end_time", Recipe::Moment("stop", "stop"), "STOP"),
        column("code", Recipe::Text(&["code"]), "CODE"),
        column("code_system", SNOMED, "SYSTEM, else SNOMED-CT"),
        column("name", Recipe::Text(&["description"]), "DESCRIPTION"),
        column("source_code", Recipe::Text(&["code"]), "CODE"),
        column("source_system", SNOMED, "SYSTEM, else SNOMED-CT"),
    ],
};

const VALUES: &[ModelColumn] = &[
    column("patient_id", Recipe::Text(&["patient"]), "PATIENT"),
    column("encounter_id", Recipe::Text(&["encounter"]), "ENCOUNTER"),
    column("taken_at", Recipe::Moment("date", "date"), "DATE"),
    column("value", Recipe::Measured { value: "value", kind: "type" }, "VALUE where TYPE is numeric"),
    column("value_text", Recipe::Text(&["value"]), "VALUE"),
    column("unit", Recipe::Text(&["units"]), "UNITS"),
    column("code", Recipe::Text(&["code"]), "CODE"),
    column("code_system", LOINC, "LOINC"),
    column("name", Recipe::Text(&["description"]), "DESCRIPTION"),
    column("source_code", Recipe::Text(&["code"]), "CODE"),
    column("source_system", LOINC, "LOINC"),
];

const MEASUREMENTS: ModelTable = ModelTable {
    name: "measurements",
    row: "a measurement: CATEGORY laboratory or vital-signs",
    base: "observations",
    required: &["patient", "date", "code", "value", "type", "category"],
    rows: Rows::Among { column: "category", words: MEASURED, keep: true },
    columns: VALUES,
};

const OBSERVATIONS: ModelTable = ModelTable {
    name: "observations",
    row: "an observation: any other CATEGORY, or none",
    base: "observations",
    required: &["patient", "date", "code", "value", "type", "category"],
    rows: Rows::Among { column: "category", words: MEASURED, keep: false },
    columns: VALUES,
};

const DEATHS: ModelTable = ModelTable {
    name: "deaths",
    row: "a patient with a DEATHDATE",
    base: "patients",
    required: &["id", "deathdate"],
    rows: Rows::With("death_date"),
    columns: &[
        column("patient_id", Recipe::Text(&["id"]), "Id"),
        column("death_date", Recipe::Day("deathdate"), "DEATHDATE"),
        column("cause_code", Recipe::Text(&[]), "none"),
        column("cause_system", Recipe::Text(&[]), "none"),
        column("cause", Recipe::Text(&[]), "none"),
    ],
};

const HOSPITALS: ModelTable = ModelTable {
    name: "hospitals",
    row: "an organization",
    base: "organizations",
    required: &["id"],
    rows: Rows::All,
    columns: &[
        column("hospital_id", Recipe::Text(&["id"]), "Id"),
        column("hospital_name", Recipe::Text(&["name"]), "NAME"),
        column("hospital_type", Recipe::Text(&[]), "none"),
        column("hospital_city", Recipe::Text(&["city"]), "CITY"),
        column("hospital_state", Recipe::Text(&["state"]), "STATE"),
        column("hospital_zip", Recipe::Text(&["zip"]), "ZIP"),
    ],
};
