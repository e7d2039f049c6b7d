"""Multiple imputation of covariates by chained equations that agree with the model of the outcome.

van Buuren and Groothuis-Oudshoorn 2011, doi 10.18637/jss.v045.i03; Bartlett et al. 2015, doi 10.1177/0962280214521348.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.linalg import cho_factor, cho_solve
from scipy.special import softmax

from data.study.imputed_outcome import (
    NEWTON_STEPS,
    Outcome,
    cumulated_hazard,
    drawn_about,
    hazard_ratio,
    outcome_posterior,
    prior_precision,
)

CYCLES = 20
DONORS = 50
RIDGE = 1e-5  # share of each predictor's sum of squares, so that collinear predictors can be had


@dataclass(frozen=True, eq=False)
class Imputed:
    """Covariates without a missing cell, several times."""

    covariates: tuple[pd.DataFrame, ...]  # (patient, covariate) observed cells are the same in all
    # (imputation, cycle) mean of the imputed values of each continuous covariate, and the share of each level
    # of a factor. Chains start from observed values drawn at random, and must come to vary about the same
    # value
    trace: dict[str, np.ndarray]


def impute(covariates: pd.DataFrame, outcome: Outcome, imputations: int, seed: int) -> Imputed:
    r"""Return covariates with their missing cells imputed, given the other covariates, treatment and outcome.

    A value is drawn from its distribution given treatment and the other covariates, times the likelihood of the patient's outcome,

    .. math:: p(x \mid a, z, t, d) \propto p(x \mid a, z) \, e^{d \eta(x) - H(t) e^{\eta(x)}}

    with H and the coefficients of eta from a proportional hazards model of treatment and all covariates, drawn anew each time
    (Bartlett et al. 2015, doi 10.1177/0962280214521348). Of a continuous covariate the candidates are 50 observed values: those of patients
    with like predicted means, moved by what these differ, to the nearest that was observed. Of a factor they are its levels,
    with probabilities of a multinomial regression. All coefficients are drawn from (approximate) posteriors.

    Parameters
    ----------
    covariates : DataFrame (patient, covariate)
        Floats with NaN, and categories with missing ones, where a cell is missing. Each covariate has observed cells.
    outcome : Outcome
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


def _chain(
    covariates: pd.DataFrame, outcome: Outcome, names: list[str], rng: np.random.Generator
) -> tuple[pd.DataFrame, dict[str, list[float]]]:
    """Return one imputation and the means of its imputed values by cycle, from a start drawn from the observed cells."""
    values, levels = {}, {}
    for name, column in covariates.items():
        factor = isinstance(column.dtype, pd.CategoricalDtype)
        levels[name] = len(column.cat.categories) if factor else 0
        values[name] = column.cat.codes.to_numpy(int) if factor else column.to_numpy(float)
    missing = {name: covariates[name].isna().to_numpy() for name in names}
    support = {name: np.unique(values[name][~missing[name]]) for name in names}
    values = {name: column.copy() for name, column in values.items()}
    for name in names:
        values[name][missing[name]] = rng.choice(values[name][~missing[name]], missing[name].sum())
    blocks = {name: _standardised(_columns(column, levels[name])) for name, column in values.items()}
    fixed = np.column_stack(
        [np.ones(len(covariates)), _standardised(outcome.treatment[:, None].astype(float))]
    )
    hazard = cumulated_hazard(outcome, np.ones(len(covariates)))
    trace: dict[str, list[float]] = {}
    for _ in range(CYCLES):
        for name in names:
            gone = missing[name]
            predictors = np.column_stack([fixed, *(blocks[other] for other in blocks if other != name)])
            if levels[name]:
                candidates, logits = _levels(predictors, values[name], gone, rng)
            else:
                candidates, logits = _donated(predictors, values[name], gone, support[name], rng)
            shown = _columns(candidates, levels[name])
            own, place, scale = _scaled(_columns(values[name], levels[name]))
            design = np.column_stack([predictors, own])
            drawn = drawn_about(*outcome_posterior(design, outcome, hazard), rng)
            drawn[0] = 0.0  # the hazard is drawn to these coefficients
            hazard = cumulated_hazard(outcome, hazard_ratio(design @ drawn), rng)
            size = predictors.shape[1]
            eta = (predictors[gone] @ drawn[:size])[:, None] + ((shown - place) / scale) @ drawn[size:]
            logits = logits + outcome.event[gone, None] * eta - hazard[gone, None] * hazard_ratio(eta)
            shares = np.cumsum(softmax(logits, axis=1), axis=1)
            chosen = (rng.random(len(shares))[:, None] > shares).sum(axis=1).clip(max=shares.shape[1] - 1)
            imputed = candidates[np.arange(len(chosen)), chosen]
            values[name][gone] = imputed
            blocks[name] = _standardised(_columns(values[name], levels[name]))
            for label, mean in _means(str(name), imputed, covariates[name]):
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
    """Return a covariate as numbers (..., column): itself, or an indicator of each level but the first."""
    return (values[..., None] == np.arange(1, levels)).astype(float) if levels else values[..., None]


def _scaled(columns: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return columns with mean 0 and standard deviation 1, and both as they were; a column that does not vary is 0."""
    mean, sd = columns.mean(axis=0), columns.std(axis=0)
    sd[np.ptp(columns, axis=0) == 0] = 1.0
    return (columns - mean) / sd, mean, sd


def _standardised(columns: np.ndarray) -> np.ndarray:
    """Return the columns that vary, with mean 0 and standard deviation 1."""
    return _scaled(columns[:, np.ptp(columns, axis=0) > 0])[0]


def _donated(
    predictors: np.ndarray,
    values: np.ndarray,
    missing: np.ndarray,
    support: np.ndarray,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Return candidates for the values that are missing, equally likely (missing, candidate), and zeros.

    Donors are those whose predicted mean is nearest in rank. Their means are at the estimate, those of the missing at coefficients drawn from the
    posterior of a linear regression (type 1 matching, van Buuren 2018, doi 10.1201/9780429492259, section 3.4.2); a donor's value is moved by the
    difference between the two (local residual draws: Schenker and Taylor 1996, doi 10.1016/0167-9473(95)00057-7).
    Missing `values` (patient,) are those imputed last; `support` is the observed values in increasing order.
    """
    gram = predictors.T @ predictors
    gram[np.diag_indices_from(gram)] *= 1.0 + RIDGE
    factor = cho_factor(gram, lower=True)
    estimate = cho_solve(factor, predictors.T @ values)
    means = predictors @ estimate
    freedom = max(len(values) - len(estimate), 1)
    sd = np.sqrt(np.sum((values - means) ** 2) / rng.chisquare(freedom))
    wanted = predictors[missing] @ (estimate + sd * drawn_about(np.zeros_like(estimate), factor, rng))
    order, donors = np.argsort(means, kind="stable"), min(DONORS, len(values))
    first = np.searchsorted(means[order], wanted) - donors // 2
    donor = order[first.clip(0, len(values) - donors)[:, None] + np.arange(donors)]
    moved = values[donor] + wanted[:, None] - means[donor]
    nearest = np.searchsorted((support[1:] + support[:-1]) / 2.0, moved)
    return support[nearest], np.zeros(moved.shape)


def _levels(
    predictors: np.ndarray, codes: np.ndarray, missing: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return the levels of a factor as codes of its categories, and their drawn logits (missing, level)."""
    found, present = np.unique(codes, return_inverse=True)
    logits = np.zeros((missing.sum(), len(found)))
    if len(found) > 1:
        mode, factor = multinomial_posterior(predictors, present, len(found))
        logits[:, 1:] = predictors[missing] @ drawn_about(mode, factor, rng)
    return np.tile(found, (len(logits), 1)), logits


def multinomial_posterior(
    predictors: np.ndarray, levels: np.ndarray, count: int
) -> tuple[np.ndarray, tuple[np.ndarray, bool]]:
    """Return the posterior mode (predictor, level but the first) of a multinomial regression, and the Cholesky factor of its precision."""
    size = predictors.shape[1]
    coefficients = np.zeros((size, count - 1))
    prior = np.repeat(prior_precision(size), count - 1).reshape(size, count - 1)
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
