"""Covariates of pseudo-patients: a Gaussian copula within each stratum, levels allotted by rank, so that counts hold exactly."""

import numpy as np

from data.errors import InputError
from data.evidence_names import Constraints, Requirement
from data.reconstruction.margins import Strata, level_number
from data.study import Study

FACTORS = 3  # of the correlation between covariates: enough for any pair to be related or not
LOADING_SD = 0.35  # pairs then correlate with a standard deviation of about 0.15
ROUNDS = 20


def draw_covariates(
    study: Study, constraints: Constraints, strata: Strata, draws: np.random.Generator
) -> np.ndarray:
    """Level numbers (pseudo-patient, covariate) with exactly the counts of every stratum.

    The publication does not say how covariates go together, so their correlation is drawn anew for every cohort.

    Raises
    ------
    InputError
        If no allotment holds the constraints.
    """
    names = list(study.covariates)
    loadings = draws.normal(0, LOADING_SD, (len(names), FACTORS))
    correlation = loadings @ loadings.T + np.eye(len(names))
    scale = np.sqrt(np.diag(correlation))
    root = np.linalg.cholesky(correlation / np.outer(scale, scale))
    allotted = np.zeros((strata.sizes.sum(), len(names)), dtype=np.int64)
    ends = np.cumsum(strata.sizes)
    for number, (end, size) in enumerate(zip(ends, strata.sizes, strict=True)):
        latent = draws.standard_normal((size, len(names))) @ root.T
        own = np.zeros((size, len(names)), dtype=np.int64)
        for column, name in enumerate(names):
            counts = strata.counts[name][number]
            own[np.argsort(latent[:, column]), column] = np.repeat(np.arange(len(counts)), counts)
        for _ in range(ROUNDS):
            mended = [_mend_requirement(own, names, study, rule, draws) for rule in constraints.requires]
            mended.append(_mend_at_least_one(own, names, study, constraints.at_least_one, draws))
            if not any(mended):
                break
        else:
            raise InputError(
                f"{study.folder / 'evidence' / 'evidence.toml'}: [constraints] must leave a way to allot the levels of "
                "Table 1, but none was found; look whether two of them exclude each other."
            )
        allotted[end - size : end] = own
    return allotted


def _mend_requirement(
    own: np.ndarray, names: list[str], study: Study, rule: Requirement, draws: np.random.Generator
) -> int:
    """Swap levels between pseudo-patients until the rule holds; return how many had broken it."""
    column, given = names.index(rule.column), names.index(rule.given)
    level = level_number(study, rule.column, rule.level)
    allowed = own[:, given] == level_number(study, rule.given, rule.given_level)
    breaks = np.flatnonzero((own[:, column] == level) & ~allowed)
    takers = draws.permutation(np.flatnonzero((own[:, column] != level) & allowed))[: len(breaks)]
    breaks = breaks[: len(takers)]
    own[breaks, column], own[takers, column] = own[takers, column], own[breaks, column]
    return len(breaks)


def _mend_at_least_one(
    own: np.ndarray, names: list[str], study: Study, sites: tuple[str, ...], draws: np.random.Generator
) -> int:
    """Give each pseudo-patient without any site one from another who has several; return how many had none."""
    if not sites:
        return 0
    columns = np.array([names.index(site) for site in sites])
    marks = np.array([level_number(study, site, "1") for site in sites])
    without = np.flatnonzero((own[:, columns] != marks).all(axis=1))
    for taker in without:
        has = own[:, columns] == marks
        giver = draws.choice(np.flatnonzero(has.sum(axis=1) > 1))
        column = columns[draws.choice(np.flatnonzero(has[giver]))]
        own[[taker, giver], column] = own[[giver, taker], column]
    return len(without)
