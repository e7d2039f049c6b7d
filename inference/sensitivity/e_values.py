"""E-values as posteriors, and the measured covariates as confounders of the same kind to hold them against."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from data.study.cohort import Cohort

COLUMNS = (
    "term",
    "coding",
    "prevalence_treated",
    "prevalence_control",
    "hazard_ratio",
    "difference",
    "e_value",
)


@dataclass(frozen=True, eq=False)
class EValues:
    """How strong an unmeasured confounder must be to explain a benefit away, as far as the draws know the benefit.

    Attributes
    ----------
    median, lower, upper : float
        Posterior median and 95 % interval of the E-value against benefit, which is 1 where a draw shows none.
    classic, classic_limit : float
        E-values of the median hazard ratio, and of the end of its 95 % interval that is nearer to 1 (1 where the interval
        holds 1), as publications give them.
    probability_above : Series
        By term: probability that the E-value is larger than that covariate's strength.
    """

    median: float
    lower: float
    upper: float
    classic: float
    classic_limit: float
    probability_above: pd.Series


def risk_ratio(hazard_ratio: Any) -> np.ndarray:
    r"""Return the risk ratio that stands for a hazard ratio where the outcome is common (above 15 %).

    .. math:: RR = \frac{1 - 0.5^{\sqrt{HR}}}{1 - 0.5^{\sqrt{1 / HR}}}

    (VanderWeele and Ding 2017, doi 10.7326/M16-2607).

    Parameters
    ----------
    hazard_ratio : array_like
        Above 0.
    """
    root = np.sqrt(np.asarray(hazard_ratio, dtype=float))
    return -np.expm1(-np.log(2.0) * root) / -np.expm1(-np.log(2.0) / root)


def e_value(ratio: Any) -> np.ndarray:
    r"""Return the E-value of a risk ratio on either side of 1.

    .. math:: E = RR + \sqrt{RR (RR - 1)}, \quad RR > 1

    of a ratio below 1, that of its inverse (VanderWeele and Ding 2017, doi 10.7326/M16-2607).

    Parameters
    ----------
    ratio : array_like
        Risk ratio, above 0.
    """
    ratio = np.asarray(ratio, dtype=float)
    above = np.maximum(ratio, 1.0 / ratio)
    return above + np.sqrt(above * (above - 1.0))


def bias_factor(prevalence_ratio: Any, risk_ratio_of_condition: Any) -> np.ndarray:
    r"""Return by how much, at most, a confounder shifts a risk ratio.

    .. math:: B = \frac{RR_{EU} RR_{UD}}{RR_{EU} + RR_{UD} - 1}

    (Ding and VanderWeele 2016, doi 10.1097/EDE.0000000000000457). A confounder can explain a risk ratio away exactly
    where B is at least as large; B of two equal ratios E is the risk ratio of which E is the E-value.

    Parameters
    ----------
    prevalence_ratio, risk_ratio_of_condition : array_like
        Both at least 1.
    """
    common, harmful = (
        np.asarray(prevalence_ratio, dtype=float),
        np.asarray(risk_ratio_of_condition, dtype=float),
    )
    return common * harmful / (common + harmful - 1.0)


def e_values(hazard_ratio: np.ndarray, measured: pd.DataFrame | None = None) -> EValues:
    """Return the posterior of the E-value.

    Parameters
    ----------
    hazard_ratio : ndarray
        Draws of the hazard ratio of treatment, of any shape, all cohorts together.
    measured : DataFrame, optional
        From `benchmarks`.
    """
    draws = np.ravel(hazard_ratio)
    against = e_value(np.minimum(risk_ratio(draws), 1.0))
    lower, median, upper = np.quantile(against, [0.025, 0.5, 0.975])
    low, middle, high = np.quantile(draws, [0.025, 0.5, 0.975])
    nearest = high if high < 1.0 else low if low > 1.0 else 1.0
    of_terms = {} if measured is None else dict(zip(measured["term"], measured["e_value"], strict=True))
    above = {term: float((against > strength).mean()) for term, strength in of_terms.items()}
    return EValues(
        float(median),
        float(lower),
        float(upper),
        float(e_value(risk_ratio(middle))),
        float(e_value(risk_ratio(nearest))),
        pd.Series(above, dtype=float),
    )


def benchmarks(cohorts: Sequence[Cohort], coefficients: np.ndarray) -> pd.DataFrame:
    """Return the measured covariates as confounders of the kind that is asked about, means over cohorts.

    Parameters
    ----------
    cohorts : sequence of Cohort
        With the same terms in the outcome model.
    coefficients : ndarray (term,) or (cohort, term)
        Posterior means of the outcome coefficients.

    Returns
    -------
    DataFrame
        term, coding, prevalence_treated, prevalence_control, hazard_ratio (at least 1), difference (of the prevalences,
        untreated minus treated: above 0, leaving the covariate out makes treatment look better), e_value (both strengths
        as one: the E-value that its bias factor amounts to, whichever arm has it more often). Coding says which
        patients have the harmful condition: columns of 0 and 1 are "present" or "absent", a continuous one "1 sd above
        the mean" or "1 sd below the mean", and "above the mean" or "below the mean" where nobody lies so far out.
    """
    slopes = np.atleast_2d(coefficients).mean(axis=0)
    rows = []
    for place, term in enumerate(cohorts[0].outcome.terms):
        columns = [cohort.outcome.values[:, place] for cohort in cohorts]
        means = [cohort.outcome.means[place] for cohort in cohorts]
        coding, having = _conditions(columns, means, harmful_high=bool(slopes[place] >= 0))
        numbers = []
        for cohort, column, has in zip(cohorts, columns, having, strict=True):
            shares = [has[arm].mean() for arm in (cohort.treatment, ~cohort.treatment)]
            numbers.append((*shares, slopes[place] * (column[has].mean() - column[~has].mean())))
        treated, control, log_ratio = np.mean(numbers, axis=0)
        ratio = float(np.exp(log_ratio))
        rows.append(
            (term, coding, treated, control, ratio, control - treated, _strength(treated, control, ratio))
        )
    return pd.DataFrame(rows, columns=pd.Index(COLUMNS))


def _conditions(
    columns: Sequence[np.ndarray], means: Sequence[float], harmful_high: bool
) -> tuple[str, list[np.ndarray]]:
    """Return how a column is read as a condition, and who has it, in each cohort; columns are centred."""
    raw = [np.round(column + mean, 9) for column, mean in zip(columns, means, strict=True)]
    if all(np.isin(one, (0.0, 1.0)).all() for one in raw):
        return "present" if harmful_high else "absent", [one == harmful_high for one in raw]
    outward = [column if harmful_high else -column for column in columns]
    side = "above" if harmful_high else "below"
    far = [one >= one.std() for one in outward]
    if all(has.any() for has in far):
        return f"1 sd {side} the mean", far
    return f"{side} the mean", [one > 0.0 for one in outward]


def _strength(treated: float, control: float, ratio: float) -> float:
    """Return a covariate's strength on the scale of E-values."""
    fewer, more = min(treated, control), max(treated, control)
    risk = float(risk_ratio(ratio))
    # Where nobody in an arm has it, the bias factor tends to the other ratio.
    factor = risk if fewer == 0.0 else float(bias_factor(more / fewer, risk))
    return float(e_value(factor))
