"""Covariates of pseudo-patients: a Gaussian copula within each stratum, levels allotted by rank, so that counts hold exactly."""

from dataclasses import dataclass

import numpy as np

from data.errors import InputError
from data.published.evidence_names import Constraints, Requirement
from data.published.reconstruction.assumptions import STATED, Assumptions
from data.published.reconstruction.margins import Strata, level_number
from data.study.study import Study

FACTORS = 3  # of the correlation between covariates: enough for any pair to be related or not
ROUNDS = 20


@dataclass(frozen=True, eq=False)
class DrawnCovariates:
    """Covariates of a cohort, and what they were drawn from."""

    levels: np.ndarray  # (patient, covariate) int: level numbers
    # (patient, covariate) of the copula; within a stratum the levels of a covariate are allotted by the rank
    # of its latents
    latent: np.ndarray
    loadings: np.ndarray  # (covariate, factor) of the latents on common factors


def precision_of(loadings: np.ndarray) -> np.ndarray:
    """Inverse of the correlation (covariate, covariate) that loadings (covariate, factor) give.

    The covariance is that of factors and an own part of variance one, scaled to a correlation.
    """
    covariance = loadings @ loadings.T + np.eye(len(loadings))
    scale = np.sqrt(np.diag(covariance))
    return np.linalg.inv(covariance) * np.outer(scale, scale)


def draw_covariates(
    study: Study,
    constraints: Constraints,
    strata: Strata,
    draws: np.random.Generator,
    assumptions: Assumptions = STATED,
) -> DrawnCovariates:
    """Covariates with exactly the counts of every stratum.

    The publication does not say how covariates go together, so their correlation is drawn anew for every cohort.

    Raises
    ------
    InputError
        If no allotment holds the constraints.
    """
    names = list(study.covariates)
    loadings = draws.normal(0, assumptions.loading_sd, (len(names), FACTORS))
    root = np.linalg.cholesky(np.linalg.inv(precision_of(loadings)))
    latent = draws.standard_normal((int(strata.sizes.sum()), len(names))) @ root.T
    levels = np.zeros(latent.shape, dtype=np.int64)
    ends = np.cumsum(strata.sizes)
    for number, (end, size) in enumerate(zip(ends, strata.sizes, strict=True)):
        own, behind = levels[end - size : end], latent[end - size : end]
        for column, name in enumerate(names):
            counts = strata.counts[name][number]
            own[np.argsort(behind[:, column]), column] = np.repeat(np.arange(len(counts)), counts)
        for _ in range(ROUNDS):
            mended = [
                _mend_requirement(own, behind, names, study, rule, draws) for rule in constraints.requires
            ]
            mended.append(_mend_at_least_one(own, behind, names, study, constraints.at_least_one, draws))
            if not any(mended):
                break
        else:
            raise InputError(
                f"{study.folder / 'evidence' / 'evidence.toml'}: [constraints] must leave a way to allot the levels of "
                "Table 1, but none was found; look whether two of them exclude each other."
            )
    return DrawnCovariates(levels, latent, loadings)


def move_loadings(
    loadings: np.ndarray, latent: np.ndarray, loading_sd: float, draws: np.random.Generator
) -> None:
    """Draw loadings anew given the latents, in place: one step of elliptical slice sampling.

    It leaves Normal(0, loading_sd) times the latents' density invariant (https://proceedings.mlr.press/v9/murray10a.html).
    """
    scatter, size = latent.T @ latent, len(latent)

    def log_density(at: np.ndarray) -> float:
        precision = precision_of(at)
        return 0.5 * size * np.linalg.slogdet(precision)[1] - 0.5 * float((precision * scatter).sum())

    other = draws.normal(0, loading_sd, loadings.shape)
    limit = log_density(loadings) + np.log(draws.random())
    angle = draws.uniform(0, 2 * np.pi)
    lowest, highest = angle - 2 * np.pi, angle
    while True:
        proposed = loadings * np.cos(angle) + other * np.sin(angle)
        if log_density(proposed) > limit:
            loadings[:] = proposed
            return
        lowest, highest = (angle, highest) if angle < 0 else (lowest, angle)
        angle = draws.uniform(lowest, highest)


def _exchange(one: np.ndarray, other: np.ndarray, column, own: np.ndarray, behind: np.ndarray) -> None:
    """Exchange levels and latents of a covariate between pseudo-patients."""
    for values in (own, behind):
        values[one, column], values[other, column] = values[other, column], values[one, column]


def _mend_requirement(
    own: np.ndarray,
    behind: np.ndarray,
    names: list[str],
    study: Study,
    rule: Requirement,
    draws: np.random.Generator,
) -> int:
    """Exchange levels between pseudo-patients until the rule holds; return how many had broken it."""
    column, given = names.index(rule.column), names.index(rule.given)
    level = level_number(study, rule.column, rule.level)
    allowed = own[:, given] == level_number(study, rule.given, rule.given_level)
    breaks = np.flatnonzero((own[:, column] == level) & ~allowed)
    takers = draws.permutation(np.flatnonzero((own[:, column] != level) & allowed))[: len(breaks)]
    breaks = breaks[: len(takers)]
    _exchange(breaks, takers, column, own, behind)
    return len(breaks)


def _mend_at_least_one(
    own: np.ndarray,
    behind: np.ndarray,
    names: list[str],
    study: Study,
    sites: tuple[str, ...],
    draws: np.random.Generator,
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
        _exchange(np.array([taker]), np.array([giver]), column, own, behind)
    return len(without)
