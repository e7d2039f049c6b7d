"""Numbers as the page prints them; intervals and probabilities are printed as in the figures."""

import math
from typing import Any

import pandas as pd

from inference.report.figures.wording import interval, probability
from inference.report.figures.wording import number as rounded

__all__ = [
    "difference_in_words",
    "number",
    "percent",
    "probability",
    "ratio",
    "share",
    "span",
    "trimmed",
    "written",
]

MISSING = "–"


def number(value: Any, digits: int = 3) -> str:
    """Return a number with so many significant digits and a true minus; whole numbers in full.

    Parameters
    ----------
    value : float, int or None
        None and NaN give a dash; infinity, a time beyond the follow-up, "not reached".
    digits : int
        Significant digits of numbers that are not whole.
    """
    if value is None or pd.isna(value):
        return MISSING
    value = float(value)
    if value == 0:
        return "0"
    if value.is_integer() and abs(value) < 1e6:
        return f"{value:.0f}".replace("-", "−")
    return rounded(value, digits)


def trimmed(value: Any) -> str:
    """Return a number of a check: four digits, three below one, without zeros at the end."""
    text = number(value, 4 if value is not None and abs(value) >= 1 else 3)
    return text.rstrip("0").rstrip(".") if "." in text and "e" not in text else text


def percentage(value: float, decimals: int = 0) -> str:
    """Return a share in percent."""
    return f"{100 * value:.{decimals}f} %"


def percent(median: float, lower: float, upper: float) -> str:
    """Return probabilities in percent, or their differences in percentage points, with one decimal."""
    return _fixed((100 * median, 100 * lower, 100 * upper), 1)


def share(median: float, lower: float, upper: float) -> str:
    """Return a probability, or a difference of two, with three decimals."""
    return _fixed((median, lower, upper), 3)


def _fixed(numbers: tuple[float, float, float], decimals: int) -> str:
    if pd.isna(numbers[0]):
        return MISSING
    texts = [f"{float(value):.{decimals}f}" for value in numbers]
    texts = [text.removeprefix("-") if float(text) == 0 else text.replace("-", "−") for text in texts]
    return texts[0] if pd.isna(numbers[1]) else f"{texts[0]} ({texts[1]} to {texts[2]})"


def span(median: float, lower: float, upper: float) -> str:
    """Return "estimate (lower to upper)" with the digits that the width of the interval asks for.

    An estimate without interval stands alone; times beyond the follow-up are "not reached".
    """
    if pd.isna(median):
        return MISSING
    if pd.isna(lower) or pd.isna(upper):
        return number(median)
    if math.isinf(median):
        return f"{number(median)} ({number(lower)} to {number(upper)})"
    return interval(float(median), float(lower), float(upper))


def ratio(median: float, lower: float, upper: float) -> str:
    """Return the same for a ratio: two decimals, more where two would hide the number."""
    ends = [abs(float(end)) for end in (median, lower, upper)]
    if not all(map(math.isfinite, ends)) or min(ends) < 0.1 or max(ends) - min(ends) < 0.05:
        return span(median, lower, upper)
    return interval(float(median), float(lower), float(upper), ratio=True)


def lone_ratio(value: float) -> str:
    """Return a ratio without interval: two decimals, more where two would hide it.

    Examples
    --------
    >>> lone_ratio(1.04), lone_ratio(0.98), lone_ratio(0.0123)
    ('1.04', '0.98', '0.0123')
    """
    return f"{value:.2f}" if 0.1 <= value < math.inf else number(value)


def difference_in_words(median: float, lower: float, upper: float, unit: str) -> str:
    """Return a difference in time with its 95 % interval, said without signs.

    Examples
    --------
    >>> difference_in_words(112.3, 31.2, 195.8, "days")
    '112 days longer (95 % interval 31 to 196 days longer)'
    >>> difference_in_words(-12.4, -80.1, 55.0, "days")
    '12 days shorter (95 % interval from 80 days shorter to 55 days longer)'
    """
    if pd.isna(lower) or pd.isna(upper):
        lower = upper = median
    estimate, ends = span(median, lower, upper).split(" (")
    low, high = ends.rstrip(")").split(" to ")

    def side(text: str) -> str:
        return "shorter" if text.startswith("−") else "longer"

    def plain(text: str) -> str:
        return text.removeprefix("−")

    if side(low) == side(high):
        near, far = (low, high) if side(low) == "longer" else (high, low)
        between = f"{plain(near)} to {plain(far)} {unit} {side(low)}"
    else:
        between = f"from {plain(low)} {unit} {side(low)} to {plain(high)} {unit} {side(high)}"
    return f"{plain(estimate)} {unit} {side(estimate)} (95 % interval {between})"


def written(value: Any) -> str:
    """Return any value of a table or manifest as text."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(written(item) for item in value) or MISSING
    if value is None or (not isinstance(value, str) and pd.isna(value)):
        return MISSING
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return number(value)
    return str(value) or MISSING
