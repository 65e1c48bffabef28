//! The OMOP common data model, versions 5.3 and 5.4 (OHDSI, https://ohdsi.github.io/CommonDataModel).

use super::concepts::Part;
use super::map::{Lookup, Recipe};
use super::{Model, ModelColumn, ModelTable, Rows};

pub static OMOP: Model = Model {
    name: "omop",
    title: "the OMOP CDM",
    tables: &[PATIENTS, ENCOUNTERS, CONDITIONS, PROCEDURES, MEASUREMENTS, OBSERVATIONS, DEATHS, HOSPITALS],
    others: &["location", "concept", "cdm_source"],
    versions: &["5.3", "5.4"],
};

/// Concepts that the CDM itself fixes: they need no row in CONCEPT, and are written the same way for every source.
const SEX: &[(i64, &str)] = &[(8507, "Male"), (8532, "Female")];
const RACE: &[(i64, &str)] = &[
    (8527, "White"),
    (8516, "Black or African American"),
    (8515, "Asian"),
    (8557, "Native Hawaiian or Other Pacific Islander"),
    (8657, "American Indian or Alaska Native"),
];
const ETHNICITY: &[(i64, &str)] = &[(38003563, "Hispanic or Latino"), (38003564, "Not Hispanic or Latino")];
const CLASS: &[(i64, &str)] = &[(9201, "inpatient"), (9202, "outpatient"), (9203, "emergency"), (262, "emergency and inpatient")];

const fn column(name: &'static str, recipe: Recipe, doc: &'static str) -> ModelColumn {
    ModelColumn { name, recipe, doc }
}

const fn place(key: &'static str, column: &'static str) -> Lookup {
    Lookup { key, file: "location", by: "location_id", column, day: false }
}

static CITY: Lookup = place("location_id", "city");
static STATE: Lookup = place("location_id", "state");
static ZIP: Lookup = place("location_id", "zip");
static COUNTY: Lookup = place("location_id", "county");
static DEATH: Lookup = Lookup { key: "person_id", file: "death", by: "person_id", column: "death_date", day: true };

const PATIENTS: ModelTable = ModelTable {
    name: "patients",
    row: "a person",
    base: "person",
    required: &["person_id", "gender_concept_id", "year_of_birth", "race_concept_id", "ethnicity_concept_id"],
    rows: Rows::All,
    columns: &[
        column("patient_id", Recipe::Id("person_id"), "person_id"),
        column("birth_date", Recipe::Birth, "birth_datetime, else year_of_birth, month_of_birth, day_of_birth"),
        column("birth_year", Recipe::Integer("year_of_birth"), "year_of_birth"),
        column("death_date", Recipe::Lookup(&DEATH), "DEATH.death_date, the earliest"),
        column("sex", Recipe::Concept("gender_concept_id", Part::Name, SEX), "gender_concept_id: Male, Female, else its concept_name"),
        column("race", Recipe::Concept("race_concept_id", Part::Name, RACE), "race_concept_id: the five census races, else its concept_name"),
        column("ethnicity", Recipe::Concept("ethnicity_concept_id", Part::Name, ETHNICITY), "ethnicity_concept_id"),
        column("sex_source", Recipe::Text(&["gender_source_value"]), "gender_source_value"),
        column("race_source", Recipe::Text(&["race_source_value"]), "race_source_value"),
        column("ethnicity_source", Recipe::Text(&["ethnicity_source_value"]), "ethnicity_source_value"),
        column("city", Recipe::Lookup(&CITY), "LOCATION.city"),
        column("state", Recipe::Lookup(&STATE), "LOCATION.state"),
        column("zip", Recipe::Lookup(&ZIP), "LOCATION.zip"),
        column("county", Recipe::Lookup(&COUNTY), "LOCATION.county"),
    ],
};

const ENCOUNTERS: ModelTable = ModelTable {
    name: "encounters",
    row: "a visit",
    base: "visit_occurrence",
    required: &["visit_occurrence_id", "person_id", "visit_concept_id", "visit_start_date", "visit_end_date"],
    rows: Rows::All,
    columns: &[
        column("encounter_id", Recipe::Id("visit_occurrence_id"), "visit_occurrence_id"),
        column("patient_id", Recipe::Id("person_id"), "person_id"),
        column("hospital_id", Recipe::Id("care_site_id"), "care_site_id"),
        column("provider_id", Recipe::Id("provider_id"), "provider_id"),
        column("start_time", Recipe::Moment("visit_start_datetime", "visit_start_date"), "visit_start_datetime, else visit_start_date at midnight"),
        column("end_time", Recipe::Moment("visit_end_datetime", "visit_end_date"), "visit_end_datetime, else visit_end_date at midnight"),
        column(
            "class",
            Recipe::Concept("visit_concept_id", Part::Name, CLASS),
            "visit_concept_id: inpatient (9201), outpatient (9202), emergency (9203), emergency and inpatient (262), else its concept_name",
        ),
        column("class_source", Recipe::Text(&["visit_source_value"]), "visit_source_value"),
        column(
            "discharged_to",
            Recipe::Text(&["discharged_to_source_value", "discharge_to_source_value"]),
            "discharged_to_source_value (5.4) or discharge_to_source_value (5.3)",
        ),
        column("payer", Recipe::Text(&[]), "none: periods of insurance have dates of their own"),
    ],
};

macro_rules! events {
    ($name:literal, $row:literal, $base:literal, $id:literal, $concept:literal, $source:literal, $source_concept:literal, $day:literal; $($more:expr),* $(,)?) => {
        ModelTable {
            name: $name,
            row: $row,
            base: $base,
            required: &["person_id", $concept, $day],
            rows: Rows::All,
            columns: &[
                column("patient_id", Recipe::Id("person_id"), "person_id"),
                column("encounter_id", Recipe::Id("visit_occurrence_id"), "visit_occurrence_id"),
                $($more,)*
                column("code", Recipe::Concept($concept, Part::Code, &[]), concat!("concept_code of ", $concept)),
                column("code_system", Recipe::Concept($concept, Part::Vocabulary, &[]), concat!("vocabulary_id of ", $concept)),
                column("name", Recipe::Concept($concept, Part::Name, &[]), concat!("concept_name of ", $concept)),
                column("source_code", Recipe::Text(&[$source]), $source),
                column("source_system", Recipe::Concept($source_concept, Part::Vocabulary, &[]), concat!("vocabulary_id of ", $source_concept)),
            ],
        }
    };
}

const CONDITIONS: ModelTable = events!("conditions", "a diagnosis", "condition_occurrence", "condition_occurrence_id", "condition_concept_id",
    "condition_source_value", "condition_source_concept_id", "condition_start_date";
    column("start_date", Recipe::Day("condition_start_date"), "condition_start_date"),
    column("end_date", Recipe::Day("condition_end_date"), "condition_end_date"),
);

const PROCEDURES: ModelTable = events!("procedures", "a procedure", "procedure_occurrence", "procedure_occurrence_id", "procedure_concept_id",
    "procedure_source_value", "procedure_source_concept_id", "procedure_date";
    column("start_time", Recipe::Moment("procedure_datetime", "procedure_date"), "procedure_datetime, else procedure_date at midnight"),
    column("end_time", Recipe::Moment("procedure_end_datetime", "procedure_end_date"), "procedure_end_datetime (5.4), else procedure_end_date at midnight"),
);

const UNIT: Recipe = Recipe::Else(&Recipe::Concept("unit_concept_id", Part::Code, &[]), &Recipe::Text(&["unit_source_value"]));

const MEASUREMENTS: ModelTable = events!("measurements", "a measurement", "measurement", "measurement_id", "measurement_concept_id",
    "measurement_source_value", "measurement_source_concept_id", "measurement_date";
    column("taken_at", Recipe::Moment("measurement_datetime", "measurement_date"), "measurement_datetime, else measurement_date at midnight"),
    column("value", Recipe::Number("value_as_number"), "value_as_number"),
    column("value_text", Recipe::Else(&Recipe::Concept("value_as_concept_id", Part::Name, &[]), &Recipe::Text(&["value_source_value"])),
        "concept_name of value_as_concept_id, else value_source_value"),
    column("unit", UNIT, "concept_code of unit_concept_id (UCUM), else unit_source_value"),
);

const OBSERVATIONS: ModelTable = events!("observations", "an observation", "observation", "observation_id", "observation_concept_id",
    "observation_source_value", "observation_source_concept_id", "observation_date";
    column("taken_at", Recipe::Moment("observation_datetime", "observation_date"), "observation_datetime, else observation_date at midnight"),
    column("value", Recipe::Number("value_as_number"), "value_as_number"),
    column("value_text", Recipe::Else(&Recipe::Text(&["value_as_string"]), &Recipe::Concept("value_as_concept_id", Part::Name, &[])),
        "value_as_string, else concept_name of value_as_concept_id"),
    column("unit", UNIT, "concept_code of unit_concept_id (UCUM), else unit_source_value"),
);

const DEATHS: ModelTable = ModelTable {
    name: "deaths",
    row: "a death",
    base: "death",
    required: &["person_id", "death_date"],
    rows: Rows::All,
    columns: &[
        column("patient_id", Recipe::Id("person_id"), "person_id"),
        column("death_date", Recipe::Day("death_date"), "death_date"),
        column("cause_code", Recipe::Concept("cause_concept_id", Part::Code, &[]), "concept_code of cause_concept_id"),
        column("cause_system", Recipe::Concept("cause_concept_id", Part::Vocabulary, &[]), "vocabulary_id of cause_concept_id"),
        column("cause", Recipe::Concept("cause_concept_id", Part::Name, &[]), "concept_name of cause_concept_id"),
    ],
};

const HOSPITALS: ModelTable = ModelTable {
    name: "hospitals",
    row: "a care site",
    base: "care_site",
    required: &["care_site_id"],
    rows: Rows::All,
    columns: &[
        column("hospital_id", Recipe::Id("care_site_id"), "care_site_id"),
        column("hospital_name", Recipe::Text(&["care_site_name"]), "care_site_name"),
        column("hospital_type", Recipe::Concept("place_of_service_concept_id", Part::Name, &[]), "concept_name of place_of_service_concept_id"),
        column("hospital_city", Recipe::Lookup(&CITY), "LOCATION.city"),
        column("hospital_state", Recipe::Lookup(&STATE), "LOCATION.state"),
        column("hospital_zip", Recipe::Lookup(&ZIP), "LOCATION.zip"),
    ],
};
