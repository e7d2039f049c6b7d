"""What two printed groups of another publication imply: hazard ratios under constant hazards."""

import math
import re

import numpy as np
import pandas as pd
from scipy.stats import norm

from data.published.cited import ReviewItem
from data.published.evidence import Evidence
from data.published.printed import number
from inference.frequentist.limits import NORMAL_975

COLUMNS = pd.Index(
    [
        "id",
        "study",
        "size",
        "treatment",
        "comparator",
        "endpoint",
        "value",
        "comparator_value",
        "unit",
        "p",
        "hazard_ratio",
        "lower",
        "upper",
        "note",
    ]
)


def implied_ratios(evidence: Evidence, domain: str, population: str) -> pd.DataFrame:
    """Return comparisons of overall survival from the review, with the hazard ratio that each implies.

    Parameters
    ----------
    evidence : Evidence
    domain : str
        Of the review's table, such as antiher2_survival.
    population : str
        Part of the words for the patients, such as BCBM.

    Returns
    -------
    DataFrame
        `COLUMNS`. The ratio is NaN where values are words or ranges; its interval also where no P value is printed.
    """
    rows = []
    for item in evidence.review:
        if item.domain != domain or population not in item.population or not item.comparator:
            continue
        if "OS" not in item.endpoint.split():
            continue
        ratio = implied_log_ratio(item)
        error = standard_error(ratio, item.p)
        low, high = ratio - NORMAL_975 * error, ratio + NORMAL_975 * error
        shown = {
            name: getattr(item, name) for name in COLUMNS if name not in ("hazard_ratio", "lower", "upper")
        }
        rows.append(shown | {"hazard_ratio": np.exp(ratio), "lower": np.exp(low), "upper": np.exp(high)})
    return pd.DataFrame(rows, columns=COLUMNS)


def implied_log_ratio(item: ReviewItem) -> float:
    r"""Return the log hazard ratio that two medians, or survival at one time, imply if hazards are constant.

    With constant hazards, medians are inverse to hazards, and :math:`S(t) = \exp(-ht)`: the ratio is that of the
    comparator's median to the treated one's, or :math:`\log S_1(t) / \log S_0(t)` (Parmar, Torri, Stewart 1998,
    doi 10.1002/(SICI)1097-0258(19981230)17:24<2815::AID-SIM110>3.0.CO;2-8).

    Returns
    -------
    float
        Below 0 where the treated fare better; NaN where the values are no numbers, or of another kind.
    """
    try:
        treated, control = number(item.value), number(item.comparator_value)
    except ValueError:
        return math.nan
    if item.endpoint == "median OS" and min(treated, control) > 0:
        return math.log(control / treated)
    shares = (treated / 100, control / 100)
    if (
        re.fullmatch(r"\d+-year OS", item.endpoint)
        and item.unit == "percent"
        and 0 < min(shares) <= max(shares) < 1
    ):
        return math.log(math.log(shares[0]) / math.log(shares[1]))
    return math.nan


def standard_error(log_ratio: float, p: str) -> float:
    """Return the standard error that a two-sided P value of a log ratio implies; NaN where none is printed.

    Examples
    --------
    >>> round(standard_error(-0.5, "0.05"), 4)
    0.2551
    """
    try:
        level = number(p)
    except ValueError:
        return math.nan
    return abs(log_ratio) / float(norm.isf(level / 2)) if 0 < level < 1 else math.nan
