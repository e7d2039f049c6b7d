"""The words and numbers that figures print: labels that fit, axis labels with units, intervals."""

import math
import textwrap
from collections.abc import Sequence

import numpy as np
import pandas as pd

BASELINE_NAMES = {"piecewise_exponential": "Piecewise exponential", "weibull": "Weibull"}
ADJUSTMENT_NAMES = {
    "none": "outcome regression",
    "joint": "joint propensity",
    "cut": "cut propensity",
    "iptw": "inverse-probability weights",
    "overlap": "overlap weights",
    "matched": "matched pairs",
}
POPULATION_NAMES = {
    "conditional": "average patient",
    "all": "all patients",
    "treated": "the treated",
    "overlap": "overlap population",
    "matched": "matched patients",
}


def words(name: str) -> str:
    """Return a name of the code as words: the known ones by their tables, others without underscores."""
    known = BASELINE_NAMES | ADJUSTMENT_NAMES
    return known.get(name, name.replace("_", " "))


def capitalised(text: str) -> str:
    """Return a text with its first letter large.

    Examples
    --------
    >>> capitalised("overall survival")
    'Overall survival'
    """
    return text[:1].upper() + text[1:]


def wrapped(label: str, width: int = 26) -> str:
    """Return a label broken into lines of at most that many characters; a word that is longer breaks before the level of its covariate, then at hyphens."""
    label = str(label)
    if too_long := any(len(word) > width for word in label.split()):
        label = label.replace("[", " [")
    return "\n".join(textwrap.wrap(label, width, break_on_hyphens=too_long)) or label


def broken(label: str, width: int) -> str:
    """Return a label each of whose lines is `wrapped`."""
    return "\n".join(wrapped(line, width) for line in label.split("\n"))


def time_label(unit: str) -> str:
    """Return the label of a time axis."""
    return f"Time ({unit})" if unit else "Time"


def number(value: float, digits: int = 3) -> str:
    """Return a number with about so many significant digits, never in exponent form below a million."""
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        return "not reached" if value > 0 else "−∞"
    if value != 0 and (abs(value) >= 1e6 or abs(value) < 1e-4):
        return f"{value:.{digits - 1}e}".replace("-", "−")
    if value == 0:
        return "0"
    if float(value).is_integer():
        return f"{value:.0f}".replace("-", "−")
    size = math.floor(math.log10(abs(value))) if value else 0
    return f"{value:.{max(0, digits - 1 - size)}f}".replace("-", "−")


def estimate_of(row: pd.Series, estimate: str = "median", prefix: str = "") -> tuple[float, float, float]:
    """Return an estimate of a row with its limits, the columns lower and upper after a prefix."""
    return float(row[estimate]), float(row[f"{prefix}lower"]), float(row[f"{prefix}upper"])


def interval(estimate: float, lower: float, upper: float, *, ratio: bool = False) -> str:
    """Return "estimate (lower to upper)" with the same decimals throughout.

    Parameters
    ----------
    estimate, lower, upper : float
        NaN where there is no estimate.
    ratio : bool
        Ratios get two decimals; others as many as the width of the interval asks for.
    """
    if math.isnan(estimate):
        return "not estimable"
    finite = [value for value in (estimate, lower, upper) if math.isfinite(value)]
    if not finite:
        return number(estimate)
    if ratio:
        decimals = 2
    else:
        spread = max(finite) - min(finite) or abs(finite[0]) or 1.0
        decimals = min(6, max(0, 1 - math.floor(math.log10(spread))))

    def written(value: float) -> str:
        if not math.isfinite(value):
            return number(value)
        text = f"{value:.{decimals}f}"
        return text.replace("-", "−") if float(text) else text.lstrip("-")

    return f"{written(estimate)} ({written(lower)} to {written(upper)})"


def probability(value: float) -> str:
    """Return a probability with three decimals, and never 0 or 1."""
    if math.isnan(value):
        return "–"
    text = f"{value:.3f}"
    return {"1.000": "> 0.999", "0.000": "< 0.001"}.get(text, text)


def ratio_ticks(lower: float, upper: float) -> list[float]:
    """Return round numbers inside a range of ratios, at most eight, for a log axis."""
    ladders: Sequence[Sequence[float]] = (
        (0.8, 0.85, 0.9, 0.95, 1, 1.05, 1.1, 1.15, 1.2, 1.25),
        (0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.2, 1.4, 1.6),
        (0.3, 0.4, 0.5, 0.6, 0.8, 1, 1.2, 1.5, 2, 2.5, 3),
        (0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5),
        (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20),
        (0.001, 0.01, 0.1, 1, 10, 100, 1000),
    )
    for ladder in ladders:
        if lower < ladder[0] * 0.9 or upper > ladder[-1] * 1.1:
            continue
        inside = [value for value in ladder if lower <= value <= upper]
        if len(inside) <= 8:
            return inside
    powers = np.arange(math.ceil(math.log10(lower)), math.floor(math.log10(upper)) + 1)
    return [10.0**power for power in powers[:: max(1, len(powers) // 6)]]
