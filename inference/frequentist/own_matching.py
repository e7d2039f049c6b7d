"""A 1:1 matching of one's own: how many pairs, how balanced, and the hazard ratio on them.

Logistic propensity score, optimal pairs without replacement within 0.2 standard deviations of its logit (Austin 2011, doi
10.1002/pst.433), marginal Cox model on the pairs with a standard error robust to their likeness, as Austin recommends (2014, doi
10.1002/sim.5984); a model stratified by pair would answer a conditional question, and drop the pairs in which nobody has the event first.
The same matched analysis with priors and smaller caliper is the adjustment `matched`.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from statsmodels.tools.sm_exceptions import (
    ConvergenceWarning,
    PerfectSeparationError,
    PerfectSeparationWarning,
)

from data.errors import InputError
from data.study.subcohorts import landmark_cohort
from inference.frequentist.balance import standardised_differences
from inference.frequentist.clustered import clustered_effect
from inference.frequentist.matching import Matching, logit_propensity, match, on_scale
from inference.frequentist.table import COLUMNS, Row, row_of

if TYPE_CHECKING:
    from data.study.cohort import Cohort

CALIPER = 0.2  # standard deviations of the logit
OWN_PAIRS = "own 1:1 pairs"
"""In the method of every row of a matching of one's own; ``time`` is the landmark of those made at one."""
PAIRS, BEFORE, AFTER = (
    "matching_pairs",
    "matching_largest_difference_before",
    "matching_largest_difference_after",
)
FUTURE = "treatment begins during follow-up, and who was ever treated is not known at time zero; list [report] landmarks in the study file"


def with_own_matching(table: pd.DataFrame, cohort: Cohort, landmarks: Sequence[float] = ()) -> pd.DataFrame:
    """Return the comparators of a cohort with those of a matching of one's own.

    Parameters
    ----------
    table : DataFrame
        From `comparators`.
    cohort : Cohort
    landmarks : sequence of float
        Where treatment begins during follow-up pairs are made at each, of those at risk then; without landmarks they are refused.

    Returns
    -------
    DataFrame
        Its rows and, each time: ``matching_pairs``, ``matching_largest_difference_before`` and ``_after`` (the largest absolute
        standardised difference over the columns of the treatment model) and ``hazard_ratio``, marginal, on the pairs. What
        cannot be estimated is NaN, and ``method`` says why.
    """
    if cohort.treatment_start is None:
        rows = _rows(cohort, OWN_PAIRS)
    elif not landmarks:
        rows = _refused(OWN_PAIRS, FUTURE)
    else:
        rows = []
        for landmark in landmarks:
            name = f"{OWN_PAIRS} at the landmark of {landmark:g} {cohort.time_unit}"
            try:
                made = _rows(landmark_cohort(cohort, landmark), name)
            except InputError:
                made = _refused(name, "an arm has no events after the landmark")
            rows += [one | {"time": landmark} for one in made]
    return pd.DataFrame([*table.to_dict("records"), *rows], columns=pd.Index(COLUMNS))


def own_pairs(cohort: Cohort) -> Matching | str:
    """Return the pairs, or why there are none."""
    if not cohort.propensity.terms:
        return "no covariates to match on"
    treatment = cohort.treatment
    with warnings.catch_warnings(), np.errstate(all="ignore"):  # of steps that run away
        warnings.simplefilter("error", PerfectSeparationWarning)
        warnings.simplefilter("error", ConvergenceWarning)
        try:
            logit = logit_propensity(cohort.propensity.values, treatment)
        except (PerfectSeparationError, PerfectSeparationWarning, ConvergenceWarning, np.linalg.LinAlgError):
            return "the logistic regression of treatment has no maximum (a covariate, or a level of one, determines treatment)"
    pairs = match(on_scale(logit, treatment, "logit_sd"), treatment, CALIPER, "optimal")
    return pairs if pairs.pairs > 1 else "no two pairs within the caliper"


def _rows(cohort: Cohort, name: str) -> list[Row]:
    matching = own_pairs(cohort)
    if isinstance(matching, str):
        return _refused(name, matching)
    how = f"{name}; optimal, without replacement, within {CALIPER:g} standard deviations of the logit propensity"
    inside = matching.patients(cohort.size)
    differences = standardised_differences(cohort.propensity, cohort.treatment, inside.astype(float))
    before, after = (float(differences[f"difference_{when}"].abs().max()) for when in ("before", "after"))
    pair = np.zeros(cohort.size, dtype=int)
    pair[matching.treated] = pair[matching.control] = np.arange(matching.pairs)
    paired = (cohort.time, cohort.event, cohort.entry, cohort.treatment, pair)
    effect = clustered_effect(*(one[inside] for one in paired))
    problem = (
        "" if np.isfinite(effect.log_hazard_ratio) else "; not estimable: an arm of the pairs has no events"
    )
    ratio, lower, upper = np.exp([effect.log_hazard_ratio, *effect.interval]).tolist()
    robust = f"Cox, {how}; marginal, standard error robust by pair{problem}"
    largest = "largest standardised difference"
    return [
        row_of(PAIRS, estimate=float(matching.pairs), method=how),
        row_of(BEFORE, estimate=before, method=f"{largest}, all patients; {name}"),
        row_of(AFTER, estimate=after, method=f"{largest}, the pairs; {name}"),
        row_of("hazard_ratio", "", np.nan, ratio, lower, upper, effect.p, robust),
    ]


def _refused(name: str, problem: str) -> list[Row]:
    return [row_of("hazard_ratio", method=f"Cox, {name}", problem=problem)]
