"""The same patients for models that leave some covariates out."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from data.study.cohort import Cohort
from data.study.formulas import Design
from data.study.subcohorts import hashed


def columns_of(design: Design, covariates: Sequence[str]) -> np.ndarray:
    """Return which columns of a design (term,) hold one of some covariates, interactions included."""
    wanted = set(covariates)
    return np.array([bool(design.covariates[term] & wanted) for term in design.terms], dtype=bool)


def without_covariates(cohort: Cohort, covariates: Sequence[str]) -> Cohort:
    """Return the cohort with the columns of some covariates at 0, their mean, for every patient, in both designs.

    The likelihood does not depend on the coefficients of such columns: they have their priors, independent of everything else,
    which has the posterior of a model whose formulas never named the covariates. The designs keep their shape, so that the
    model need not be compiled again.

    Parameters
    ----------
    cohort : Cohort
    covariates : sequence of str
        Names of covariates; their interactions with others go too.
    """
    return hashed(
        replace(
            cohort,
            outcome=_at_zero(cohort.outcome, covariates),
            propensity=_at_zero(cohort.propensity, covariates),
        )
    )


def _at_zero(design: Design, covariates: Sequence[str]) -> Design:
    values = np.where(columns_of(design, covariates), 0.0, design.values)
    values.flags.writeable = False
    return replace(design, values=values)
