"""The published matched analysis, repeated on a cohort of pseudo-patients, and what the publication prints beside it."""

import numpy as np
import pandas as pd

from data.published.evidence import Evidence
from data.published.evidence_rows import CoxRow
from data.study.cohort import Cohort
from inference.frequentist.cox_model import cox
from inference.frequentist.log_rank import log_rank
from inference.frequentist.survival import kaplan_meier, median_follow_up
from inference.frequentist.table import COLUMNS, TREATMENT, Row, row_of

MATCHED = ", in the published matched set"
QUANTITIES = {
    "patients": "n",
    "events": "deaths",
    "median": "median_os",
    "median_follow_up": "median_followup",
}
"""Of the evidence, by statistic."""


def published_comparators(
    table: pd.DataFrame, cohort: Cohort, matched: np.ndarray, evidence: Evidence
) -> pd.DataFrame:
    """Return a cohort's comparators with the published values, and the same numbers in the published matched set.

    Parameters
    ----------
    table : DataFrame
        From `comparators`, of the whole cohort.
    cohort : Cohort
        Pseudo-patients.
    matched : ndarray of bool (patient,)
        Who is in the published matched set.
    evidence : Evidence

    Returns
    -------
    DataFrame
        The columns of `comparators`; ``published`` is the printed value, NaN where none is printed. The rows of the
        matched set say so in ``method``.
    """
    before = table.assign(published=[_printed(row, "before", evidence) for row in table.to_dict("records")])
    if "after" not in evidence.phases:
        return before
    after = _matched_rows(
        cohort, matched, sorted({row.time for row in evidence.survival if row.time is not None})
    )
    after["published"] = [_printed(row, "after", evidence) for row in after.to_dict("records")]
    return pd.concat([before, after, _hazard_ratios(cohort, matched, evidence)], ignore_index=True)


def indicator(cohort: Cohort, evidence: Evidence, row: CoxRow) -> np.ndarray | None:
    """Return the patients that a row of a Cox table means (patient,), None for a row of no covariate of the study."""
    for term in evidence.names.cox:
        if (term.variable, term.level) == (row.variable, row.level):
            if term.column == TREATMENT:
                return cohort.treatment.astype(float)
            return cohort.covariates[term.column].astype(str).isin(term.levels).to_numpy(float)
    return None


def _matched_rows(cohort: Cohort, matched: np.ndarray, times: list[float]) -> pd.DataFrame:
    rows: list[Row] = []
    time, event, treatment = (values[matched] for values in (cohort.time, cohort.event, cohort.treatment))
    arms = {"": np.ones(time.size, dtype=bool), "treated": treatment, "control": ~treatment}
    for arm, inside in arms.items():
        rows.append(row_of("patients", arm, estimate=float(inside.sum()), method="count"))
        rows.append(row_of("events", arm, estimate=float(event[inside].sum()), method="count"))
    follow_up = median_follow_up(time, event)
    median = follow_up.median, follow_up.median_lower, follow_up.median_upper
    rows.append(row_of("median_follow_up", "", np.nan, *median, method="reverse Kaplan-Meier"))
    for arm in ("treated", "control"):
        curve = kaplan_meier(time[arms[arm]], event[arms[arm]], None, np.array(times))
        method = "Kaplan-Meier, log-log interval"
        for at, *shares in zip(times, curve.survival, curve.lower, curve.upper, strict=True):
            rows.append(row_of("survival", arm, at, *map(float, shares), method=method))
        median = curve.median, curve.median_lower, curve.median_upper
        rows.append(row_of("median", arm, np.nan, *median, method=method))
    statistic, p, _ = log_rank(time, event, treatment)
    rows.append(row_of("log_rank", estimate=statistic, p=p, method="log-rank test, chi-square"))
    table = pd.DataFrame(rows, columns=pd.Index(COLUMNS))
    return table.assign(method=table["method"] + MATCHED)


def _hazard_ratios(cohort: Cohort, matched: np.ndarray, evidence: Evidence) -> pd.DataFrame:
    """Return the treatment's hazard ratio in every Cox model of the publication that holds it."""
    treatment = {(term.variable, term.level) for term in evidence.names.cox if term.column == TREATMENT}
    rows = []
    for model in dict.fromkeys(row.model for row in evidence.cox):
        listed = [row for row in evidence.cox if row.model == model and row.hazard_ratio is not None]
        columns = [(row, indicator(cohort, evidence, row)) for row in listed]
        columns = [(row, values) for row, values in columns if values is not None]
        of_treatment = [row for row, _ in columns if (row.variable, row.level) in treatment]
        if not of_treatment or "text" in model:
            continue
        used = [one for one in columns if model != "univariable" or one[0] in of_treatment]
        used.sort(key=lambda one: one[0] not in of_treatment)
        fitted = cox(
            cohort.time[matched],
            cohort.event[matched],
            np.column_stack([values[matched] for _, values in used]),
            [TREATMENT, *(f"{row.variable} {row.level}" for row, _ in used[1:])],
        ).table.iloc[0]
        printed = of_treatment[0].hazard_ratio
        assert printed is not None, "rows without a hazard ratio were left out"
        ratio, lower, upper = (float(np.exp(fitted[name])) for name in ("coefficient", "lower", "upper"))
        method = f"Cox, {model} as published{MATCHED}"
        found = row_of("hazard_ratio", "", np.nan, ratio, lower, upper, fitted["p"], method)
        rows.append(found | {"published": printed.value})
    return pd.DataFrame(rows, columns=pd.Index(COLUMNS))


def _printed(of_table: dict, phase: str, evidence: Evidence) -> float:
    """Return the printed value of a row, NaN where none is."""
    arm, statistic = str(of_table["arm"]), of_table["statistic"]
    if statistic == "survival":
        at = (arm, phase, of_table["time"])
        numbers = (one.number for one in evidence.survival if (one.arm, one.phase, one.time) == at)
        found = next(numbers, None)
        percent = found is not None and found.unit == "percent"
        return np.nan if found is None else found.value / 100.0 if percent else found.value
    found = evidence.find(arm, phase, QUANTITIES[statistic]) if statistic in QUANTITIES else None
    return np.nan if found is None else found.value
