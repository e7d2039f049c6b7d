"""Balance of the covariates between the arms, weights from propensities, and overlap of the propensities."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from data.study.formulas import Design

CERTAIN = 1e-12  # a probability of treatment closer to 0 or 1 than this counts as this close


def standardised_differences(
    covariates: Design | pd.DataFrame, treatment: ArrayLike, weights: ArrayLike | None = None
) -> pd.DataFrame:
    """Return how far the arms differ in each covariate, in standard deviations, before and after weighting.

    ``(mean of the treated - mean of the controls) / sqrt((variance treated + variance control) / 2)``; the
    variances are those without weights, before and after, so that both are on one scale (Austin 2009,
    doi 10.1002/sim.3697).

    Parameters
    ----------
    covariates : Design or DataFrame
        A design, or columns; a categorical column counts as one 0/1 column a level, the reference included.
    treatment : (patient,) array of bool
    weights : (patient,) array, optional
        Not negative; 0 leaves a patient out, so pairs of a matching are weights of 0 and 1.

    Returns
    -------
    DataFrame
        ``term, mean_treated, mean_control, difference_before, weighted_mean_treated, weighted_mean_control,
        difference_after``; the last three are NaN without weights. A difference is 0 where all patients
        agree, and inf (with its sign) where the arms differ and neither varies within itself. The means of a
        design are those of its centred columns.
    """
    terms, values = _columns(covariates)
    treatment = np.asarray(treatment, dtype=bool)
    if values.shape[0] != treatment.size or treatment.all() or not treatment.any():
        raise ValueError(
            f"treatment must mark both arms of {values.shape[0]} patients, but found "
            f"{int(treatment.sum())} treated of {treatment.size}; give one value a patient"
        )
    variance = mean_variance(values, treatment)
    scale = np.abs(values).max(axis=0)
    before = _means(values, treatment, np.ones(treatment.size))
    table = pd.DataFrame({"term": terms, "mean_treated": before[0], "mean_control": before[1]})
    table["difference_before"] = standardised(before[0] - before[1], variance, scale)
    after = np.full((2, len(terms)), np.nan)
    if weights is not None:
        after = _means(values, treatment, np.asarray(weights, dtype=float))
    table["weighted_mean_treated"], table["weighted_mean_control"] = after
    table["difference_after"] = standardised(after[0] - after[1], variance, scale)
    return table


def mean_variance(values: NDArray, treatment: NDArray) -> NDArray[np.float64]:
    """Return the mean over the arms of the variances of columns (term,)."""
    # An arm of one patient has no variance; 0 leaves that of the other arm.
    arms = (values[treatment], values[~treatment])
    return sum(arm.var(axis=0, ddof=min(1, len(arm) - 1)) for arm in arms) / 2


def _columns(covariates: Design | pd.DataFrame) -> tuple[list[str], NDArray[np.float64]]:
    if not isinstance(covariates, pd.DataFrame):
        return list(covariates.terms), np.asarray(covariates.values, dtype=float)
    terms: list[str] = []
    columns: list[NDArray[np.float64]] = []
    for name, column in covariates.items():
        if pd.api.types.is_numeric_dtype(column):
            terms.append(str(name))
            columns.append(column.to_numpy(dtype=float))
            continue
        for level in column.astype("category").cat.categories:
            terms.append(f"{name}[{level}]")
            columns.append((column == level).to_numpy(dtype=float))
    return terms, np.column_stack(columns) if columns else np.empty((len(covariates), 0))


def _means(values: NDArray, treatment: NDArray, weights: NDArray) -> NDArray[np.float64]:
    if weights.shape != treatment.shape or np.any(weights < 0) or not np.all(np.isfinite(weights)):
        raise ValueError(
            f"weights must be {treatment.size} finite numbers of 0 or more, but found shape "
            f"{weights.shape} with {int(np.sum(~(weights >= 0)))} negative or missing"
        )
    if not (weights[treatment].sum() > 0 and weights[~treatment].sum() > 0):
        raise ValueError(
            "weights must be above 0 for somebody in both arms, but found an arm where all are 0"
        )
    return np.array(
        [np.average(values[arm], axis=0, weights=weights[arm]) for arm in (treatment, ~treatment)]
    )


def standardised(difference: NDArray, variance: NDArray, scale: NDArray) -> NDArray[np.float64]:
    """Return differences over the root of a variance: 0 where they are 0, infinite where nothing else varies."""
    # Means and variances of constants are off by rounding errors, which must not be divided by each other.
    difference = np.where(np.abs(difference) <= 1e-12 * scale, 0.0, difference)
    variance = np.where(variance <= (1e-12 * scale) ** 2, 0.0, variance)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(difference == 0, 0.0, difference / np.sqrt(variance))


def largest_by_chance(values: NDArray, treatment: NDArray, pair: NDArray, scale: NDArray) -> float:
    """Return the imbalance that randomising treatment within each pair would exceed once in twenty times, in any covariate.

    What chance leaves of so many covariates is no fault of a matching: of 22 covariates in 135 pairs one differs by 0.2 and
    more in most randomised trials.

    Parameters
    ----------
    values : (patient, term) array
        Covariates of the patients in the pairs.
    treatment : (patient,) array of bool
    pair : (patient,) array of int
        Numbered from 0; each holds one treated patient and one control.
    scale : (term,) array
        Standard deviation that differences are divided by; a covariate with 0 counts as balanced.

    Returns
    -------
    float
        95 % quantile, over 2000 random allotments (always the same ones), of the largest absolute standardised difference.
    """
    order = np.argsort(pair, kind="stable")
    treated, control = (values[order][treatment[order] == arm] for arm in (True, False))
    apart = np.divide(treated - control, scale, out=np.zeros_like(treated), where=scale > 0)
    signs = np.random.default_rng(1).choice([-1.0, 1.0], (2000, len(apart)))
    largest = np.abs(signs @ apart / len(apart)).max(axis=1, initial=0.0)
    return float(np.quantile(largest, 0.95))


def effective_sample_size(weights: ArrayLike) -> NDArray[np.float64]:
    """Return how many equally weighted patients carry the same information: ``(sum w)^2 / sum w^2``.

    Kish 1965, Survey Sampling.

    Parameters
    ----------
    weights : (..., patient) array
        Not negative; take one arm at a time.

    Returns
    -------
    (...) array
        Between 1 and the number of patients; 0 if all weights are 0.
    """
    weights = np.asarray(weights, dtype=float)
    squares = np.sum(weights**2, axis=-1)
    return np.where(squares > 0, np.sum(weights, axis=-1) ** 2 / np.where(squares > 0, squares, 1.0), 0.0)


def iptw_weights(
    propensity: ArrayLike, treatment: ArrayLike, share: ArrayLike | None = None
) -> NDArray[np.float64]:
    """Return stabilised inverse-probability-of-treatment weights: the whole cohort is the population.

    ``share / e`` for the treated and ``(1 - share) / (1 - e)`` for the controls (Robins, Hernan, Brumback
    2000, doi 10.1097/00001648-200009000-00011).

    Parameters
    ----------
    propensity : (..., patient) array
        Probability e of treatment, inside (0, 1).
    treatment : (patient,) array of bool
    share : (...) array, optional
        Share of the treated; by default the one in ``treatment``.
    """
    propensity, treatment = _checked(propensity, treatment)
    treated_share = np.asarray(treatment.mean() if share is None else share, dtype=float)[..., None]
    return np.where(treatment, treated_share / propensity, (1 - treated_share) / (1 - propensity))


def overlap_weights(
    propensity: ArrayLike, treatment: ArrayLike, share: ArrayLike | None = None
) -> NDArray[np.float64]:
    """Return overlap weights: ``1 - e`` for the treated, ``e`` for the controls.

    The population is that of patients who might have had either treatment (Li, Morgan, Zaslavsky 2018,
    doi 10.1080/01621459.2016.1260466). With the maximum likelihood propensities of a logistic model the
    means of its columns agree exactly between the weighted arms.

    Parameters as of `iptw_weights`; the share is not read: it would multiply an arm by a constant.
    """
    propensity, treatment = _checked(propensity, treatment)
    return np.where(treatment, 1 - propensity, propensity)


def share_outside_common_range(propensity: ArrayLike, treatment: ArrayLike) -> pd.Series:
    """Return the share of patients whose propensity is below the other arm's lowest or above its highest.

    Parameters
    ----------
    propensity : (patient,) array
        Probability of treatment, inside (0, 1), or any rising function of it such as its linear predictor.
    treatment : (patient,) array of bool

    Returns
    -------
    Series
        ``all, treated, control`` in [0, 1], and the common range itself as ``lower, upper``.
    """
    propensity, treatment = np.asarray(propensity, dtype=float), np.asarray(treatment, dtype=bool)
    lower = max(propensity[treatment].min(), propensity[~treatment].min())
    upper = min(propensity[treatment].max(), propensity[~treatment].max())
    outside = (propensity < lower) | (propensity > upper)
    return pd.Series(
        {
            "all": outside.mean(),
            "treated": outside[treatment].mean(),
            "control": outside[~treatment].mean(),
            "lower": lower,
            "upper": upper,
        }
    )


def _checked(propensity: ArrayLike, treatment: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return probabilities inside (0, 1): those that are 0 or 1 to machine precision are `CERTAIN` away from it."""
    propensity, treatment = np.asarray(propensity, dtype=float), np.asarray(treatment, dtype=bool)
    wrong = ~((propensity >= 0) & (propensity <= 1))
    if wrong.any():
        example = propensity[wrong][0]
        raise ValueError(
            f"propensities must lie between 0 and 1, but found {int(wrong.sum())} that do not, such as {example:g}"
        )
    return np.clip(propensity, CERTAIN, 1 - CERTAIN), treatment
