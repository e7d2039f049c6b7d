"""Cox's hazard ratios over all cohorts: of treatment with some covariates left out, and of every covariate."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from data.study.cohort import Cohort
from data.study.subcohorts import columns_of
from inference.frequentist.efron import EfronCox
from inference.frequentist.rubin import pool
from inference.storage.cache import FRAME, cached
from models.episodes import episodes_of

COMPLETE, NOTHING, TOGETHER = "none", "no covariate", "all of these"
"""Rows of a table: none left out, no covariate left in, and all groups left out together."""
TREATMENT = ""


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
        kept = [one.outcome.values[:, ~columns_of(one.outcome, covariates)] for one in cohorts]
        pooled = pool(*zip(*map(treatment_effect, cohorts, kept), strict=True))
        ratio, lower, upper = np.exp(pooled.estimate), np.exp(pooled.lower), np.exp(pooled.upper)
        rows.append((name, kept[0].shape[1], ratio, lower, upper))
    columns = ["left_out", "terms", "hazard_ratio", "lower", "upper"]
    return pd.DataFrame(rows, columns=pd.Index(columns))


def treatment_effect(cohort: Cohort, columns: np.ndarray) -> tuple[float, float]:
    """Return Cox's log hazard ratio of treatment beside columns (patient, column), and its variance; Efron ties."""
    design = np.column_stack([cohort.treatment, columns]).astype(float)
    coefficients, covariance = EfronCox(cohort.time, cohort.event, cohort.entry, design).estimates()
    return float(coefficients[0]), float(covariance[0, 0])


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
