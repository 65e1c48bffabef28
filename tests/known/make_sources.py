#!/usr/bin/env python3
"""Counts and means of the public OMOP and Synthea examples, from the raw files with the csv module alone: what the pipelines
omop_death_one_year and synthea_death_one_year must find. Python 3.11 or later, no packages.

    python3 tests/known/make_sources.py ../shared/data > tests/known/sources.csv
"""

import csv
import sys
from datetime import datetime, timedelta
from pathlib import Path


def rows(path):
    with open(path, newline="") as f:
        return [{k.lower(): v for k, v in row.items()} for row in csv.DictReader(f)]


def moment(text):
    return datetime.fromisoformat(text.replace("Z", "")) if text else None


def omop(folder):
    sex = {"8507": "Male", "8532": "Female"}
    race = {"8527": "White", "8516": "Black or African American"}
    ethnicity = {"38003563": "Hispanic or Latino", "38003564": "Not Hispanic or Latino"}
    kind = {"9201": "inpatient", "9202": "outpatient", "9203": "emergency"}
    died = {r["person_id"]: moment(r["death_date"]) for r in rows(folder / "DEATH.csv")}
    people = {
        r["person_id"]: (moment(r["birth_datetime"]), died.get(r["person_id"]), sex[r["gender_concept_id"]],
                         race.get(r["race_concept_id"]), ethnicity[r["ethnicity_concept_id"]])
        for r in rows(folder / "PERSON.csv")
    }
    visits = [(r["person_id"], moment(r["visit_start_datetime"]), kind[r["visit_concept_id"]]) for r in rows(folder / "VISIT_OCCURRENCE.csv")]
    return people, visits


def synthea(folder):
    sex = {"M": "Male", "F": "Female"}
    race = {"white": "White", "black": "Black or African American"}
    ethnicity = {"hispanic": "Hispanic or Latino", "nonhispanic": "Not Hispanic or Latino"}
    kind = {"inpatient": "inpatient", "emergency": "emergency", "urgentcare": "emergency"}
    people = {
        r["id"]: (moment(r["birthdate"]), moment(r["deathdate"][:10]), sex[r["gender"]], race.get(r["race"]), ethnicity[r["ethnicity"]])
        for r in rows(folder / "patients.csv")
    }
    visits = [(r["patient"], moment(r["start"]), kind.get(r["encounterclass"], "outpatient")) for r in rows(folder / "encounters.csv")]
    return people, visits


def main():
    data = Path(sys.argv[1])
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(["model", "quantity", "group", "value"])
    for name, (people, visits) in [("omop", omop(data / "omop_synthea27nj")), ("synthea", synthea(data / "synthea_dbt_seed"))]:
        out.writerow([name, "visits", "", len(visits)])
        age = lambda v: (v[1] - people[v[0]][0]) / timedelta(days=1) / 365.25
        visits = [v for v in visits if age(v) >= 18]
        out.writerow([name, "adults", "", len(visits)])
        visits = [v for v in visits if people[v[0]][1] is None or v[1] <= people[v[0]][1] + timedelta(days=1)]
        out.writerow([name, "not after death", "", len(visits)])
        first = {}
        for v in visits:
            if v[0] not in first or v[1] < first[v[0]][1]:
                first[v[0]] = v
        out.writerow([name, "first visit", "", len(first)])
        for group in ["White", "Black or African American"]:
            of = [v for v in first.values() if people[v[0]][3] == group]
            n = len(of)
            out.writerow([name, "n", group, n])
            if n == 0:
                continue
            mean = lambda f: repr(sum(f(v) for v in of) / n)
            out.writerow([name, "age_years", group, mean(age)])
            out.writerow([name, "start_year", group, mean(lambda v: v[1].year)])
            out.writerow([name, "sex=Female", group, mean(lambda v: people[v[0]][2] == "Female")])
            out.writerow([name, "ethnicity=Hispanic or Latino", group, mean(lambda v: people[v[0]][4] == "Hispanic or Latino")])
            out.writerow([name, "class=outpatient", group, mean(lambda v: v[2] == "outpatient")])
            year = lambda v: people[v[0]][1] is not None and people[v[0]][1] <= v[1] + timedelta(days=365)
            out.writerow([name, "died_1y", group, mean(year)])


main()
