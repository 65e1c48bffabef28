"""Comorbidity scores of invented patients by comorbidipy 0.5.0 (PyPI), a port of the R package comorbidity: comorbidity.csv.

    python3 -m venv v && v/bin/pip install comorbidipy==0.5.0 && v/bin/python tests/known/make_comorbidity.py

A row is a patient: coding, codes (separated by a space, some with dots and some without, some in small letters), and the expected scores.
The lists of conditions and the weights are those of the package (its tables of Quan et al. 2005). Two things are not taken from it:

- its reverse mapping gives each code to one condition only, while Quan's lists give some codes to two (I42.6: heart failure and alcohol;
  K70.0: alcohol and liver; F31.5: psychoses and depression). Here a patient has every condition that one of the codes begins with. For
  patients without such a code the package's own function is called and must agree, or this script stops;
- it weighs AIDS by 2 in Quan's weights of 2011, where the paper (Am J Epidemiol 173:676, table 2) has 4; and it sets scores below 0 to 0.

The weights of AHRQ (Moore et al. 2017) are not in the package: they are written out below from the paper (Med Care 55:698, table 2, death
in hospital)."""
import csv
import random
import string
import sys
from pathlib import Path

import pandas.core.common

pandas.core.common.SettingWithCopyWarning = Warning  # comorbidipy 0.5.0 imports it from where it no longer is
import pandas as pd  # noqa: E402
from comorbidipy.calculator import comorbidity  # noqa: E402
from comorbidipy.mapping import mapping  # noqa: E402
from comorbidipy.weights import weights  # noqa: E402

AHRQ = dict(chf=9, carit=0, valv=0, pcd=6, pvd=3, hypunc=-1, hypc=-1, para=5, ond=5, cpd=3, diabunc=0, diabc=-3, hypothy=0, rf=6, ld=4, pud=0,
            aids=0, lymph=6, metacanc=14, solidtum=7, rheumd=0, coag=11, obes=-5, wloss=9, fed=11, blane=-3, dane=-2, alcohol=-1, drug=-7,
            psycho=-5, depre=-5)
SEVERE = {"charlson": [("msld", "mld"), ("diabwc", "diab"), ("metacanc", "canc")],
          "elixhauser": [("hypc", "hypunc"), ("diabc", "diabunc"), ("metacanc", "solidtum")]}


def conditions(score, coding, codes):
    return {c for c, heads in mapping[f"{score}_{coding}_quan"].items() if any(code.startswith(tuple(heads)) for code in codes)}


def total(score, coding, codes, weight):
    has = conditions(score, coding, codes)
    for severe, mild in SEVERE[score]:
        if severe in has:
            has.discard(mild)
    return sum(weight[c] for c in has)


def ambiguous(score, coding, codes):
    lists = mapping[f"{score}_{coding}_quan"].values()
    return any(sum(code.startswith(tuple(heads)) for heads in lists) > 1 for code in codes)


def near(code, rng):
    """The code, or one beside it: with another last character, longer, or shorter."""
    kind = rng.randrange(4)
    if kind == 0:
        return code + rng.choice(string.digits)
    if kind == 1:
        return code[:-1] + rng.choice(string.digits)
    if kind == 2 and len(code) > 3:
        return code[:-1]
    return code


def main():
    rng = random.Random(20260101)
    rows = []
    for coding in ("icd10", "icd9"):
        heads = sorted({h for score in SEVERE for heads in mapping[f"{score}_{coding}_quan"].values() for h in heads})
        patients = [[h] for h in heads] + [[near(h, rng)] for h in heads]
        patients += [[near(rng.choice(heads), rng) for _ in range(rng.randrange(2, 9))] for _ in range(200)] + [["Z000" if coding == "icd10" else "V700"]]
        frame = pd.DataFrame([(k, c) for k, codes in enumerate(patients) for c in codes], columns=["id", "code"])
        own = {}
        for score, names in (("charlson", ("charlson", "quan")), ("elixhauser", ("vw",))):
            for name in names:
                out = comorbidity(frame.copy(), id="id", code="code", age=None, score=score, icd=coding, variant="quan", weighting=name, assign0=True)
                own[score, name] = dict(zip(out["id"], out["comorbidity_score"]))
        for k, codes in enumerate(patients):
            of = {score: weights[f"{score}_{coding}_quan"] for score in SEVERE}
            scores = {"charlson1987": total("charlson", coding, codes, of["charlson"]["charlson"]),
                      "quan2011": total("charlson", coding, codes, of["charlson"]["quan"]),
                      "van_walraven": total("elixhauser", coding, codes, of["elixhauser"]["vw"]),
                      "ahrq": total("elixhauser", coding, codes, AHRQ),
                      "count": total("elixhauser", coding, codes, dict.fromkeys(AHRQ, 1))}
            for (score, name), column in ((("charlson", "charlson"), "charlson1987"), (("charlson", "quan"), "quan2011"), (("elixhauser", "vw"), "van_walraven")):
                if not ambiguous(score, coding, codes) and max(scores[column], 0) != own[score, name][k]:
                    sys.exit(f"{coding} {codes}: {column} {scores[column]}, the package says {own[score, name][k]}")
            if "aids" in conditions("charlson", coding, codes):
                scores["quan2011"] += 2
            spelt = [rng.choice((c, c[:3] + "." + c[3:] if len(c) > 3 else c, c.lower())) for c in codes]
            rows.append([f"{coding}_{k}", coding, " ".join(spelt), *scores.values()])
    with open(Path(__file__).with_name("comorbidity.csv"), "w", newline="") as f:
        writer = csv.writer(f, lineterminator="\n")
        writer.writerow(["id", "coding", "codes", "charlson1987", "quan2011", "van_walraven", "ahrq", "count"])
        writer.writerows(rows)


main()
