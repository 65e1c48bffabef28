"""A csv of laboratory values larger than memory, and a study that reduces it: python3 tests/known/make_big_events.py FOLDER GIGABYTES

    gapshare run FOLDER/study.yaml --out FOLDER/results

100,000 patients, half of the rows of other people. The answer is known: the last creatinine of patient k before the index date is
1 + (k % 100) / 100 mg/dL, written in umol/L for every third; whatever comes later is 99. Peak memory stands in results/run.json."""
import random
import sys
from pathlib import Path

N = 100_000
STUDY = """gapshare: 1
study: big_events
tables:
  patients: { path: patients.csv }
  labs: { path: labs.csv }
cohort:
  unit: { table: patients, key: patient_id }
  index_date: index_date
  features:
    creatinine: { table: labs, by: patient_id, where: "loinc = '2160-0'", at: ts, value: value, window: [-30d, -1d], take: last, unit: { column: unit, to: mg/dL, of: creatinine } }
    measured: { table: labs, by: patient_id, at: ts, window: [-30d, -1d], take: count, codes: { column: loinc, system: LOINC, list: [718-7] } }
  derive:
    wrong: "CASE WHEN ABS(creatinine - 1.0 - expected / 100.0) > 0.000001 THEN 1 ELSE 0 END"
  steps:
    - { name: with a creatinine, present: creatinine }
    - { name: as it should be, where: "wrong = 0" }
group: { column: race, reference: White, index: Black }
outcome: { column: died, family: binomial }
allowable: [age]
blocks: { clinical: [creatinine] }
analyses: { primary: { with_and_without: { estimator: gcomp } } }
"""


def main():
    folder, size = Path(sys.argv[1]), float(sys.argv[2]) * 1e9
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "study.yaml").write_text(STUDY)
    rng = random.Random(1)
    with open(folder / "patients.csv", "w") as f:
        f.write("patient_id,race,age,index_date,died,expected\n")
        for k in range(N):
            black = k % 4 == 0
            died = int(rng.random() < 0.1 + 0.1 * (k % 100) / 100 + 0.03 * black)
            f.write(f"P{k:08d},{'Black' if black else 'White'},{40 + k % 40},2024-06-15,{died},{k % 100}\n")
    written, k = 0, 0
    with open(folder / "labs.csv", "w", buffering=1 << 22) as f:
        f.write("patient_id,encounter_id,loinc,name,value,unit,ts,ordered_by\n")
        while written < size or k < N:
            rows = []
            for _ in range(20_000):
                patient, age = k % (2 * N), k // (2 * N)
                value = 1 + patient % 100 / 100
                value, unit = (f"{value * 88.4:.6f}", "umol/L") if patient % 3 == 0 else (f"{value:.2f}", "mg/dL")
                # The decisive value first, then older ones, later ones, and other tests.
                kind = age % 4
                if age == 0:
                    row = f"2160-0,Creatinine in serum,{value},{unit},2024-06-10 08:00:00"
                elif kind == 1:
                    row = f"2160-0,Creatinine in serum,0.5,mg/dL,2024-05-{20 + age % 10} 07:30:00"
                elif kind == 2:
                    row = "2160-0,Creatinine in serum,99,mg/dL,2024-06-16 07:30:00"
                else:
                    row = f"718-7,Haemoglobin in blood,{120 + k % 40},g/L,2024-06-{10 + age % 4} 07:30:00"
                rows.append(f"P{patient:08d},E{k:010d},{row},DR{k % 997:04d}\n")
                k += 1
            text = "".join(rows)
            written += len(text)
            f.write(text)
    print(f"{k} rows, {written / 1e9:.2f} GB")


main()
