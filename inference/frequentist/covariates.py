"""Cox's hazard ratio of treatment and of every covariate, each alone and all together, over all cohorts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from data.study.cohort import Cohort
from data.study.subcohorts import columns_of
from inference.frequentist.efron import EfronCox
from inference.frequentist.rubin import pool
from inference.storage.cache import FRAME, cached
from models.episodes import episodes_of

TREATMENT = ""


@cached(FRAME)
def cox_of_covariates(cohorts: Sequence[Cohort], time_split: bool) -> pd.DataFrame:
    """Return hazard ratios of treatment and of every covariate: each covariate with all its columns alone, and all together.

    Efron ties; several cohorts are pooled by Rubin's rules (doi 10.1002/9780470316696).

    Parameters
    ----------
    cohorts : sequence of Cohort
    time_split : bool
        Whether patients count as untreated until treatment begins.

    Returns
    -------
    DataFrame
        term (of the outcome formula, empty for treatment); univariable and multivariable, each with its lower and upper (95 %, Wald).
    """
    outcome = cohorts[0].outcome
    groups = {TREATMENT: np.zeros(len(outcome.terms), dtype=bool)}
    groups |= {name: columns_of(outcome, [name]) for name in map(str, cohorts[0].covariates)}
    alone = pd.concat(
        _hazard_ratios(cohorts, time_split, inside, "univariable", treatment=name == TREATMENT)
        for name, inside in groups.items()
        if name == TREATMENT or inside.any()
    )
    everything = np.ones(len(outcome.terms), dtype=bool)
    together = _hazard_ratios(cohorts, time_split, everything, "multivariable", treatment=True)
    # a term of two covariates is in the model of each, and shown in that of the last
    return alone[~alone.index.duplicated(keep="last")].join(together, how="right").reset_index()


def _hazard_ratios(
    cohorts: Sequence[Cohort], time_split: bool, inside: np.ndarray, name: str, *, treatment: bool
) -> pd.DataFrame:
    """Return hazard ratios by term, of one Cox model in every cohort: of some columns of the outcome design, with treatment or without."""
    found = []
    for cohort in cohorts:
        own = episodes_of(cohort, time_split=time_split)
        columns = cohort.outcome.values[own.patient][:, inside]
        design = np.column_stack([own.treated, columns]).astype(float) if treatment else columns
        values, covariance = EfronCox(own.time, own.event, own.entry, design).estimates()
        found.append((values, np.diag(covariance)))
    values, variances = (np.stack(parts) for parts in zip(*found, strict=True))
    pooled = pool(values, variances)
    terms = [term for term, one in zip(cohorts[0].outcome.terms, inside, strict=True) if one]
    return pd.DataFrame(
        {
            name: np.exp(pooled.estimate),
            f"{name}_lower": np.exp(pooled.lower),
            f"{name}_upper": np.exp(pooled.upper),
        },
        index=pd.Index([TREATMENT, *terms] if treatment else terms, name="term"),
    )
