"""Publish the patients of gbsg2 as a paper would: Table 1, pixels of the curves, a risk table, Cox rows. Run to write evidence/.

Computed by lifelines alone, as a paper's statistician would, and rounded as a journal prints.
"""

import csv
import math
import sys
import warnings
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
from lifelines import CoxPHFitter, KaplanMeierFitter
from lifelines.statistics import logrank_test
from lifelines.utils import median_survival_times
from scipy.stats import chi2_contingency

from data.published.publish import axis_end, publish_curve
from data.study.cohort import Cohort
from data.study.sources import load_cohort
from data.study.study import load_study
from data.study.time_units import UNITS_PER_MONTH

ARMS = {"Hormones": True, "No hormones": False}
CUTS = {
    "age": ("Age (years)", ("≤45", "46–60", ">60"), (45, 60)),
    "tsize": ("Tumour size (mm)", ("≤20", "21–30", ">30"), (20, 30)),
    "pnodes": ("Positive nodes", ("1–3", "4–9", "≥10"), (3, 9)),
    "progrec": ("Progesterone receptor (fmol/l)", ("<20", "≥20"), (19,)),
    "estrec": ("Oestrogen receptor (fmol/l)", ("<20", "≥20"), (19,)),
}
"""Continuous covariates as Schumacher 1994 cuts them: name, levels and the last value of each level but the last."""
LEVELS = {"menostat": ("Menopausal status", ("Pre", "Post")), "tgrade": ("Tumour grade", ("I", "II", "III"))}
ORDER = ("age", "menostat", "tsize", "tgrade", "pnodes", "progrec", "estrec")
YEARS = (1, 3, 5)


def levels_of(cohort: Cohort) -> dict[str, pd.Series]:
    """The covariates in the levels of Table 1, by the variable's printed name."""
    found = {}
    for column in ORDER:
        values = cohort.covariates[column]
        if column in CUTS:
            name, labels, cuts = CUTS[column]
            values = pd.cut(values.astype(float), [-math.inf, *cuts, math.inf], labels=list(labels))
        else:
            name, labels = LEVELS[column]
        found[name] = pd.Series(pd.Categorical(values.astype(str), categories=list(labels)))
    return found


def p_words(p: float) -> str:
    """A P value as a journal prints it."""
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def table_1(cohort: Cohort) -> list[dict[str, object]]:
    """The rows of baseline.csv; P values by the chi-square test without correction."""
    rows = []
    for variable, levels in levels_of(cohort).items():
        table = pd.crosstab(levels, cohort.treatment)
        p = p_words(chi2_contingency(table, correction=False).pvalue)
        for level in levels.cat.categories:
            for arm, treated in ARMS.items():
                size, count = int((cohort.treatment == treated).sum()), int(table.loc[level, treated])
                rows.append(
                    {
                        "variable": variable,
                        "level": level,
                        "multi_label": 0,
                        "arm": arm,
                        "phase": "before",
                        "n_arm": size,
                        "count": f"{count} ({100 * count / size:.1f})",
                        "percent_printed": "",
                        "p_printed": p,
                        "p_scope": "variable",
                        "source": "Table 1",
                    }
                )
    return rows


def survival_text(cohort: Cohort, months: np.ndarray) -> list[dict[str, object]]:
    """The rows of survival.csv; medians, follow-up and their intervals in months."""
    rows = []

    def add(arm: str, quantity: str, value: str, lower: str, upper: str, unit: str) -> None:
        operator, value = ("<", value[1:]) if value.startswith("<") else ("=", value)
        rows.append(
            {
                "arm": arm, "phase": "before", "quantity": quantity, "op": operator, "value": value, "lower": lower,
                "upper": upper, "unit": unit, "section": "Results",
            }
        )  # fmt: skip

    def median(inside: np.ndarray, event: np.ndarray) -> list[str]:
        fitted = KaplanMeierFitter().fit(months[inside], event[inside])
        ends = np.ravel(median_survival_times(fitted.confidence_interval_))
        return [
            "NR" if math.isinf(one) else f"{one:.1f}"
            for one in (fitted.median_survival_time_, *ends.tolist())
        ]

    everybody = np.ones(cohort.size, bool)
    add("all", "n", str(cohort.size), "", "", "patients")
    add("all", "deaths", str(cohort.events), "", "", "events")
    add("all", "median_followup", *median(everybody, ~cohort.event), "months")
    for arm, treated in ARMS.items():
        inside = cohort.treatment == treated
        add(arm, "n", str(int(inside.sum())), "", "", "patients")
        add(arm, "deaths", str(int(cohort.event[inside].sum())), "", "", "events")
        add(arm, "median_os", *median(inside, cohort.event), "months")
        fitted = KaplanMeierFitter().fit(months[inside], cohort.event[inside])
        for year in YEARS:
            share = 100 * float(np.asarray(fitted.survival_function_at_times(12 * year))[0])
            add(arm, f"survival_{year}y", f"{share:.1f}", "", "", "percent")
    split = [
        part
        for values in (months, cohort.event)
        for part in (values[cohort.treatment], values[~cohort.treatment])
    ]
    add("Hormones_vs_No hormones", "logrank_p", p_words(logrank_test(*split).p_value), "", "", "p")
    return rows


def cox_table(cohort: Cohort) -> list[dict[str, object]]:
    """The rows of cox.csv: each variable alone, and all together."""
    columns = {("Hormonal therapy", "yes", "no"): cohort.treatment.astype(float)}
    for variable, levels in levels_of(cohort).items():
        first, *others = levels.cat.categories
        columns |= {(variable, level, first): (levels == level).to_numpy(float) for level in others}
    alone: dict[str, list[tuple[str, str, str]]] = {}
    for key in columns:
        alone.setdefault(key[0], []).append(key)
    fits = [("univariable", keys) for keys in alone.values()] + [("multivariable", list(columns))]
    rows: list[dict[str, object]] = []
    for model, keys in fits:
        frame = pd.DataFrame({str(place): columns[key] for place, key in enumerate(keys)})
        frame["time"], frame["event"] = cohort.time, cohort.event
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fitted = CoxPHFitter().fit(frame, "time", "event").summary
        for place, (variable, level, reference) in enumerate(keys):
            row = fitted.loc[str(place)]
            rows.append(
                {
                    "model": model, "phase": "before", "variable": variable, "level": level, "reference": reference,
                    "hr": f"{row['exp(coef)']:.2f} ({row['exp(coef) lower 95%']:.2f}–{row['exp(coef) upper 95%']:.2f})",
                    "lower": "", "upper": "", "p_printed": p_words(row["p"]), "source": "Table 2",
                }
            )  # fmt: skip
    return rows


def figure(cohort: Cohort, months: np.ndarray) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """The rows of curves.csv and at_risk.csv; a row of pixels is written at the ends of the run in which it stays."""
    end = axis_end(float(months.max()))
    points: list[dict[str, object]] = []
    counts: list[dict[str, object]] = []
    for arm, treated in ARMS.items():
        inside = cohort.treatment == treated
        curve = publish_curve(months[inside], cohort.event[inside], axis=end)
        steps = np.flatnonzero(np.diff(curve.survival)) + 1
        runs = pairwise([0, *steps.tolist(), len(curve.time)])
        kept = sorted({place for first, after in runs for place in (first, after - 1)})
        points += [
            {
                "curve": "rfs",
                "arm": arm,
                "time": f"{curve.time[place]:.6g}",
                "survival": f"{curve.survival[place]:.6g}",
            }
            for place in kept
        ]
        counts += [
            {"curve": "rfs", "arm": arm, "time": f"{at:g}", "at_risk": f"{count:.0f}"}
            for at, count in zip(curve.at_risk_time, curve.at_risk, strict=True)
        ]
    return points, counts


def write(folder: Path) -> None:
    """Write the tables into a folder, and their checksums into the evidence.toml there, if it is there."""
    cohort = load_cohort(load_study("gbsg2"))
    months = cohort.time / UNITS_PER_MONTH["days"]
    points, counts = figure(cohort, months)
    tables = {
        "baseline.csv": table_1(cohort),
        "survival.csv": survival_text(cohort, months),
        "cox.csv": cox_table(cohort),
        "curves.csv": points,
        "at_risk.csv": counts,
    }
    names = folder / "evidence.toml"
    text = names.read_text(encoding="utf-8") if names.exists() else ""
    lines = {
        line.split('"')[1]: line for line in text.splitlines() if line.startswith('"') and ".csv" in line
    }
    for name, rows in tables.items():
        with (folder / name).open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
        if name in lines:
            text = text.replace(
                lines[name], f'"{name}" = "{sha256((folder / name).read_bytes()).hexdigest()}"'
            )
    if text:
        names.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "evidence")
