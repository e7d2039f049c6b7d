"""Multiple imputation of covariates by chained equations (van Buuren, Groothuis-Oudshoorn 2011, doi 10.18637/jss.v045.i03)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.linalg import cho_factor, cho_solve, solve_triangular
from scipy.special import softmax

CYCLES = 20
DONORS = 5
RIDGE = 1e-5  # share of each predictor's sum of squares, so that collinear predictors can be had
PRIOR_SD = 2.5  # of a logit, per standard deviation of a predictor: levels that are separated stay finite
NEWTON_STEPS = 30


@dataclass(frozen=True, eq=False)
class Imputed:
    """Covariates without a missing cell, several times.

    Attributes
    ----------
    covariates : tuple of DataFrame (patient, covariate)
        Observed cells are the same in all.
    trace : dict of str to ndarray (imputation, cycle)
        Mean of the imputed values of each continuous covariate, and the share of each level of a factor. Chains start from observed
        values drawn at random, and must come to vary about the same value.
    """

    covariates: tuple[pd.DataFrame, ...]
    trace: dict[str, np.ndarray]


def impute(covariates: pd.DataFrame, outcome: np.ndarray, imputations: int, seed: int) -> Imputed:
    """Return covariates with their missing cells imputed, given the other covariates and the outcome.

    A continuous covariate is imputed by predictive mean matching, with drawn coefficients and 5 donors; a factor by a multinomial
    regression whose coefficients are drawn from their approximate posterior under Normal(0, 2.5) priors.

    Parameters
    ----------
    covariates : DataFrame (patient, covariate)
        Floats with NaN, and categories with missing ones, where a cell is missing. Each covariate has observed cells.
    outcome : ndarray (patient, column)
        Complete: treatment, event and the Nelson-Aalen hazard (`outcome_columns`).
    imputations : int
    seed : int
        The same seed gives the same imputations; the first ones do not depend on how many there are.
    """
    incomplete = covariates.isna().sum()
    names = incomplete[incomplete > 0].sort_values(kind="stable").index.astype(str).tolist()
    chains = [
        _chain(covariates, outcome, names, np.random.default_rng([seed, number]))
        for number in range(imputations)
    ]
    labels = chains[0][1]
    return Imputed(
        tuple(completed for completed, _ in chains),
        {label: np.array([trace[label] for _, trace in chains]) for label in labels},
    )


def outcome_columns(
    time: np.ndarray, event: np.ndarray, entry: np.ndarray, treatment: np.ndarray
) -> np.ndarray:
    """Return what stands for the outcome in imputation models: treatment, event and the Nelson-Aalen hazard at the patient's time.

    White and Royston 2009, doi 10.1002/sim.3618. With delayed entry, the hazard is cumulated from the patient's entry on.

    Returns
    -------
    ndarray (patient, 3)
    """
    deaths, counts = np.unique(time[event], return_counts=True)
    at_risk = np.searchsorted(np.sort(entry), deaths) - np.searchsorted(np.sort(time), deaths)
    hazard = np.concatenate([[0.0], np.cumsum(counts / at_risk)])
    spent = (
        hazard[np.searchsorted(deaths, time, side="right")]
        - hazard[np.searchsorted(deaths, entry, side="right")]
    )
    return np.column_stack([treatment, event, spent]).astype(float)


def _chain(
    covariates: pd.DataFrame, outcome: np.ndarray, names: list[str], rng: np.random.Generator
) -> tuple[pd.DataFrame, dict[str, list[float]]]:
    """Return one imputation and the means of its imputed values by cycle, from a start drawn from the observed cells."""
    values, blocks, levels = {}, {}, {}
    for name, column in covariates.items():
        factor = isinstance(column.dtype, pd.CategoricalDtype)
        levels[name] = len(column.cat.categories) if factor else 0
        values[name] = column.cat.codes.to_numpy(int) if factor else column.to_numpy(float)
    missing = {name: covariates[name].isna().to_numpy() for name in names}
    values = {name: column.copy() for name, column in values.items()}
    for name in names:
        values[name][missing[name]] = rng.choice(values[name][~missing[name]], missing[name].sum())
    blocks = {name: _standardised(_columns(column, levels[name])) for name, column in values.items()}
    fixed = np.column_stack([np.ones(len(covariates)), _standardised(outcome)])
    trace: dict[str, list[float]] = {}
    for _ in range(CYCLES):
        for name in names:
            predictors = np.column_stack([fixed, *(blocks[other] for other in blocks if other != name)])
            draw = _levels if levels[name] else _matched
            drawn = draw(predictors, values[name], missing[name], rng)
            values[name][missing[name]] = drawn
            blocks[name] = _standardised(_columns(values[name], levels[name]))
            for label, mean in _means(str(name), drawn, covariates[name]):
                trace.setdefault(label, []).append(mean)
    completed = {
        name: pd.Categorical.from_codes(values[name], dtype=column.dtype) if levels[name] else values[name]
        for name, column in covariates.items()
    }
    return pd.DataFrame(completed, index=covariates.index), trace


def _means(name: str, drawn: np.ndarray, column: pd.Series) -> list[tuple[str, float]]:
    """Return the mean of imputed values, or the share of each level, with its label."""
    if not isinstance(column.dtype, pd.CategoricalDtype):
        return [(name, float(drawn.mean()))]
    return [
        (f"{name} = {level}", float(np.mean(drawn == code)))
        for code, level in enumerate(column.cat.categories)
    ]


def _columns(values: np.ndarray, levels: int) -> np.ndarray:
    """Return a covariate as columns of numbers: itself, or an indicator of each level but the first."""
    return (values[:, None] == np.arange(1, levels)).astype(float) if levels else values[:, None]


def _standardised(columns: np.ndarray) -> np.ndarray:
    """Return the columns that vary, with mean 0 and standard deviation 1."""
    varying = columns[:, np.ptp(columns, axis=0) > 0]
    return (varying - varying.mean(axis=0)) / varying.std(axis=0)


def _matched(
    predictors: np.ndarray, values: np.ndarray, missing: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Return observed values of donors whose predicted mean is near that of each patient in whom the value is missing.

    Means of donors are at the estimate, those of the missing at coefficients drawn from the posterior of a linear regression
    (type 1 matching, van Buuren 2018, doi 10.1201/9780429492259, section 3.4.2).
    """
    known, observed = predictors[~missing], values[~missing]
    gram = known.T @ known
    factor = cho_factor(gram + RIDGE * np.diag(np.diag(gram)), lower=True)
    estimate = cho_solve(factor, known.T @ observed)
    freedom = max(len(observed) - known.shape[1], 1)
    sd = np.sqrt(np.sum((observed - known @ estimate) ** 2) / rng.chisquare(freedom))
    noise = solve_triangular(factor[0], rng.standard_normal(len(estimate)), lower=True, trans="T")
    order = np.argsort(known @ estimate, kind="stable")
    sorted_means = (known @ estimate)[order]
    wanted = predictors[missing] @ (estimate + sd * noise)
    donors = min(DONORS, len(observed))
    place = np.searchsorted(sorted_means, wanted)[:, None] + np.arange(-donors, donors)
    place = np.clip(place, 0, len(observed) - 1)
    distance = np.abs(sorted_means[place] - wanted[:, None])
    distance[:, 1:][place[:, 1:] == place[:, :-1]] = np.inf  # at the ends, each donor once
    nearest = np.argpartition(distance, donors - 1, axis=1)[:, :donors]
    chosen = nearest[np.arange(len(wanted)), rng.integers(donors, size=len(wanted))]
    return observed[order[place[np.arange(len(wanted)), chosen]]]


def _levels(
    predictors: np.ndarray, codes: np.ndarray, missing: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Return drawn levels of a factor where they are missing, as codes of its categories."""
    found, observed = np.unique(codes[~missing], return_inverse=True)
    if len(found) == 1:
        return np.full(missing.sum(), found[0])
    mode, factor = multinomial_posterior(predictors[~missing], observed, len(found))
    noise = solve_triangular(factor[0], rng.standard_normal(mode.size), lower=True, trans="T")
    logits = predictors[missing] @ (mode + noise.reshape(mode.shape))
    shares = softmax(np.column_stack([np.zeros(len(logits)), logits]), axis=1)
    above = rng.random(len(shares))[:, None] > np.cumsum(shares, axis=1)
    return found[np.minimum(above.sum(axis=1), len(found) - 1)]


def multinomial_posterior(
    predictors: np.ndarray, levels: np.ndarray, count: int
) -> tuple[np.ndarray, tuple[np.ndarray, bool]]:
    """Return the posterior mode (predictor, level but the first) of a multinomial regression, and the Cholesky factor of its precision."""
    size = predictors.shape[1]
    coefficients = np.zeros((size, count - 1))
    precision = np.full(size, PRIOR_SD**-2)
    precision[0] = (10 * PRIOR_SD) ** -2  # the intercept
    prior = np.repeat(precision, count - 1).reshape(size, count - 1)
    indicator = levels[:, None] == np.arange(1, count)
    for _ in range(NEWTON_STEPS):
        logits = np.column_stack([np.zeros(len(levels)), predictors @ coefficients])
        shares = softmax(logits, axis=1)[:, 1:]
        gradient = predictors.T @ (indicator - shares) - prior * coefficients
        hessian = np.zeros((size, count - 1, size, count - 1))
        for one in range(count - 1):
            for other in range(count - 1):
                weight = shares[:, one] * ((one == other) - shares[:, other])
                hessian[:, one, :, other] = predictors.T @ (weight[:, None] * predictors)
        hessian = hessian.reshape(prior.size, prior.size)
        hessian[np.diag_indices(prior.size)] += prior.ravel()
        factor = cho_factor(hessian, lower=True)
        step = cho_solve(factor, gradient.ravel()).reshape(coefficients.shape)
        coefficients = coefficients + step
        if np.abs(step).max() < 1e-6:
            break
    return coefficients, factor
