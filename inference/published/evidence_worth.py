"""What each kind of printed evidence is worth: the effect in cohorts that are reconstructed without it."""

from dataclasses import asdict, replace

import numpy as np
import pandas as pd

from data.errors import InputError
from data.published.evidence import Evidence
from data.published.evidence_names import Constraints
from data.published.evidence_rows import SurvivalNumber
from data.published.printed import printed
from data.published.reconstruction import reconstruct
from data.study.cohort import Cohort
from data.study.pseudo_cohorts import pseudo_cohorts
from data.study.study import Study
from inference.frequentist.cox_of_cohorts import treatment_effect
from inference.frequentist.restricted_mean import rmst, rmst_difference
from inference.frequentist.rubin import pool
from inference.storage.cache import FRAME, cached

CURVES, RISK_TABLE, TABLE_1, COX_ROWS, TEXT = (
    "curves",
    "numbers at risk",
    "Table 1",
    "Cox models",
    "survival in the text",
)
KINDS = (CURVES, RISK_TABLE, TABLE_1, COX_ROWS, TEXT)
SIZES = ("n", "deaths")  # of the survival text: who the curves are of, rather than how long they live
UNADJUSTED, ADJUSTED, MEAN = "unadjusted_log_hazard_ratio", "adjusted_log_hazard_ratio", "rmst_difference"


def kinds_printed(evidence: Evidence) -> tuple[str, ...]:
    """Return which kinds of evidence a publication prints that has a survival curve; none where there is no curve, or one arm."""
    if not evidence.curves or len(evidence.arms("before")) < 2:
        return ()
    there = {
        CURVES: True,
        RISK_TABLE: any(len(curve.at_risk) for curve in evidence.curves),
        TABLE_1: bool(evidence.counts),
        COX_ROWS: bool(evidence.cox),
        TEXT: any(row.quantity not in SIZES for row in evidence.survival),
    }
    return tuple(kind for kind in KINDS if there[kind])


def without(study: Study, evidence: Evidence, kind: str) -> tuple[Study, Evidence]:
    """Return a study and its evidence as if one kind of it had not been printed.

    Without Table 1 no covariate is known: what is printed of covariates goes with it, and nothing is adjusted for. The numbers of
    patients are always kept.
    """
    evidence = replace(evidence, survival=(*evidence.survival, *_sizes(evidence)))
    if kind == CURVES:
        return study, replace(evidence, curves=())
    if kind == RISK_TABLE:
        nothing = np.zeros(0)
        return study, replace(
            evidence,
            curves=tuple(
                replace(curve, at_risk_time=nothing, at_risk=nothing, events=nothing, censored=nothing)
                for curve in evidence.curves
            ),
        )
    if kind == COX_ROWS:
        return study, replace(evidence, cox=())
    if kind == TEXT:
        return study, replace(
            evidence, survival=tuple(row for row in evidence.survival if row.quantity in SIZES), subgroups=()
        )
    bare = study.model_copy(
        update={
            "covariates": {},
            "propensity": study.propensity.model_copy(update={"formula": "1"}),
            "outcome": study.outcome.model_copy(update={"formula": "1"}),
            "report": study.report.model_copy(update={"subgroups": ()}),
        }
    )
    return bare, replace(
        evidence,
        counts=(),
        cox=(),
        subgroups=(),
        means=(),
        curves=tuple(curve for curve in evidence.curves if not curve.subgroup),
        names=evidence.names.model_copy(update={"constraints": Constraints()}),
    )


def _sizes(evidence: Evidence) -> tuple[SurvivalNumber, ...]:
    """Return the numbers of patients that only the risk tables print."""
    return tuple(
        SurvivalNumber(arm, phase, "n", None, printed(str(evidence.size(arm, phase))))
        for phase in evidence.phases
        for arm in evidence.arms(phase)
        if evidence.find(arm, phase, "n") is None
    )


def _effects_of(study: Study, cohort: Cohort, horizon: float) -> list[tuple[str, float, float]]:
    """Return name, estimate and variance of what is compared; not the adjusted ratio where there are no covariates."""
    found = [(UNADJUSTED, *treatment_effect(cohort, np.empty((cohort.size, 0))))]
    if study.covariates:
        found.append((ADJUSTED, *treatment_effect(cohort, cohort.outcome.values)))
    arms = (cohort.treatment, ~cohort.treatment)
    difference = rmst_difference(*(rmst(cohort.time[arm], cohort.event[arm], horizon) for arm in arms))
    return [*found, (MEAN, difference.estimate, difference.standard_error**2)]


def pooled_effects(study: Study, patients: pd.DataFrame, horizon: float) -> pd.DataFrame:
    """Return the effect over the cohorts of a reconstruction.

    Parameters
    ----------
    study : Study
    patients : DataFrame
        Of a reconstruction of at least two cohorts.
    horizon : float
        Of the restricted mean, the same whatever is left out; without a risk table, cohorts may not reach it: then there is no mean.

    Returns
    -------
    DataFrame
        ``quantity, cohorts, estimate, lower, upper, within_sd, between_sd, fraction_of_missing_information, problem``.
    """
    every = [
        row
        for cohort in pseudo_cohorts(patients, study, "reconstruction").cohorts
        for row in _effects_of(study, cohort, horizon)
    ]
    table = pd.DataFrame(every, columns=pd.Index(["quantity", "estimate", "variance"]))
    return pd.DataFrame(
        [
            {"quantity": str(quantity), **asdict(own), "lower": own.lower, "upper": own.upper, "problem": ""}
            for quantity, part in table.groupby("quantity", sort=False)
            for own in [pool(part["estimate"], part["variance"])]
        ]
    )


@cached(FRAME)
def effects_without(
    study: Study, evidence: Evidence, kind: str, horizon: float, cohorts: int, seed: int
) -> pd.DataFrame:
    """Return the effect over cohorts that are reconstructed, in this process, without one of `KINDS`.

    Returns
    -------
    DataFrame
        As `pooled_effects`; one row with the reason where no cohort can be reconstructed.
    """
    study, evidence = without(study, evidence, kind)
    try:
        made = reconstruct(study, evidence, cohorts, seed, workers=1)
    except InputError as problem:
        return pd.DataFrame([{"quantity": "", "problem": str(problem)}])
    return pooled_effects(study, made.patients, horizon)
