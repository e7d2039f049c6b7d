"""Cox's hazard ratio of treatment with some covariates left out: of those whose timing is not known, for one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from data.study.cohort import Cohort
from data.study.subcohorts import columns_of
from inference.frequentist.efron import EfronCox
from inference.frequentist.rubin import pool
from inference.storage.cache import FRAME, cached

COMPLETE, NOTHING, TOGETHER = "none", "no covariate", "all of these"
"""Rows of a table: none left out, no covariate left in, and all groups left out together."""


def left_out_of(groups: Mapping[str, Sequence[str]], everything: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return what is left out, by name: nothing, each group, all groups together if there are several, and all covariates.

    Parameters
    ----------
    groups : mapping of str to sequence of str
        Covariates by the name of their group.
    everything : sequence of str
        All covariates.
    """
    together = tuple(covariate for group in groups.values() for covariate in group)
    return {
        COMPLETE: (),
        **{name: tuple(group) for name, group in groups.items()},
        **({TOGETHER: together} if len(groups) > 1 else {}),
        NOTHING: tuple(everything),
    }


@cached(FRAME)
def effect_without(cohorts: Sequence[Cohort], groups: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """Return the hazard ratio adjusted for all covariates, without each group of them, and without all groups.

    Parameters
    ----------
    cohorts : sequence of Cohort
        Several are pooled: Rubin's rules (doi 10.1002/9780470316696).
    groups : mapping of str to sequence of str
        Covariates by the name of their group.

    Returns
    -------
    DataFrame
        left_out, terms (of the covariates that stay), hazard_ratio, lower, upper (95 %, Wald); NaN where a cohort has no
        estimate. Treatment counts from time zero on, ever against never.
    """
    rows = []
    for name, covariates in left_out_of(groups, list(cohorts[0].covariates)).items():
        kept = [~columns_of(cohort.outcome, covariates) for cohort in cohorts]
        rows.append(_row(name, cohorts, kept))
    return pd.DataFrame(rows)


def _row(name: str, cohorts: Sequence[Cohort], kept: Sequence[np.ndarray]) -> dict[str, object]:
    estimates, variances = [], []
    for cohort, columns in zip(cohorts, kept, strict=True):
        design = np.column_stack([cohort.treatment, cohort.outcome.values[:, columns]]).astype(float)
        coefficients, covariance = EfronCox(cohort.time, cohort.event, cohort.entry, design).estimates()
        estimates.append(coefficients[0])
        variances.append(covariance[0, 0])
    pooled = pool(estimates, variances)
    return {
        "left_out": name,
        "terms": int(kept[0].sum()),
        "hazard_ratio": np.exp(pooled.estimate),
        "lower": np.exp(pooled.lower),
        "upper": np.exp(pooled.upper),
    }
