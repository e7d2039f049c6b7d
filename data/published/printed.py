"""A printed number: its value, how finely it was rounded, its interval, and where it stands."""

import math
import re
from dataclasses import dataclass, replace

from data.published.printed_text import NOT_REACHED, Parts, parts_of, plain
from data.study.time_units import carried

TOUCHING = 1e-12
"""Rounding ranges that only touch have no value in common."""
NUMBER = re.compile(r"[+-]?\d+(?:\.(?P<decimals>\d+))?")
NOT_SIGNIFICANT = ("ns", "n.s.", "n.s", "not significant")


@dataclass(frozen=True)
class Printed:
    """A number as a publication prints it.

    Attributes
    ----------
    text : str
        As printed.
    value : float
        What it reads as.
    decimals : int
        Printed after the point; the number is known to half a unit of the last one.
    operator : str
        "=", or "<" where only a bound is printed.
    lower, upper : float or None
        The printed 95 % interval.
    lower_decimals, upper_decimals : int or None
        Printed after the point of its ends; None: as many as the number itself has.
    unit : str
    place : str
        Publication, table or section.
    scale : float
        How much more half a digit is than `decimals` state: of a number carried over from another unit of time, or of the
        middle of a range of which only an end is printed.
    """

    text: str
    value: float
    decimals: int
    operator: str = "="
    lower: float | None = None
    upper: float | None = None
    unit: str = ""
    place: str = ""
    lower_decimals: int | None = None
    upper_decimals: int | None = None
    scale: float = 1.0

    @property
    def half_digit(self) -> float:
        """Half a unit of the last printed digit: how far the number may be from what was rounded."""
        return self.scale * _half(self.decimals)

    @property
    def interval(self) -> tuple[float, float] | None:
        """The printed interval, where both ends are printed."""
        return None if self.lower is None or self.upper is None else (self.lower, self.upper)

    @property
    def decimals_of_ends(self) -> tuple[int, int]:
        """Printed after the point of each end of the interval."""
        lower, upper = self.lower_decimals, self.upper_decimals
        return self.decimals if lower is None else lower, self.decimals if upper is None else upper

    @property
    def half_digits_of_interval(self) -> tuple[float, float]:
        """Half a unit of the last printed digit of each end of the interval."""
        lower, upper = self.decimals_of_ends
        return self.scale * _half(lower), self.scale * _half(upper)

    @property
    def possible(self) -> tuple[float, float]:
        """The lowest and the highest value that is printed so."""
        return self.value - self.half_digit, self.value + self.half_digit

    @property
    def possible_ends(self) -> tuple[tuple[float, float], tuple[float, float]] | None:
        """The lowest and the highest value of each end of the interval that is printed so; None without an interval."""
        if self.lower is None or self.upper is None:
            return None
        below, above = self.half_digits_of_interval
        return (self.lower - below, self.lower + below), (self.upper - above, self.upper + above)

    def agrees_with(self, other: "Printed") -> bool:
        """Whether some value is printed as this number and, perhaps with other decimals, as another.

        Examples
        --------
        >>> printed("0.485").agrees_with(printed("0.49")), printed("0.485").agrees_with(printed("0.484"))
        (True, False)
        """
        return abs(self.value - other.value) < self.half_digit + other.half_digit - TOUCHING or (
            self.value == other.value
        )

    def holds(self, value: float) -> bool:
        """Whether a value would be printed as this number, or lies under its bound.

        Examples
        --------
        >>> printed("0.470").holds(0.4702), printed("<0.001").holds(0.0004), printed("70.5").holds(70.4)
        (True, True, False)
        """
        if self.operator == "<":
            return value < self.value
        return abs(value - self.value) <= self.half_digit + 1e-12

    def meets(self, low: float, high: float) -> bool:
        """Whether some value from `low` to `high` would be printed as this number, or lies under its bound."""
        if self.operator == "<":
            return low < self.value
        return low <= self.possible[1] and self.possible[0] <= high


def printed(
    text: str,
    lower: str = "",
    upper: str = "",
    operator: str = "",
    unit: str = "",
    place: str = "",
) -> Printed:
    """The number in a printed text.

    Parameters
    ----------
    text : str
        A number as journals print it (`data.published.printed_text`), with "<" before it where it is a bound, and perhaps
        with its interval in brackets.
    lower, upper : str, optional
        Ends of the printed interval, where they stand apart; an end that is not reached counts as not printed.
    operator : str, optional
        "=" or "<", where it stands apart from the number.
    unit, place : str, optional

    Raises
    ------
    ValueError
        If the text is not a number, or gives another interval than that which stands apart.

    Examples
    --------
    >>> printed("<.001").operator, printed("51.7 (48.8–63.8)").interval, printed("0·470").half_digit
    ('<', (48.8, 63.8), 0.0005)
    """
    parts = parts_of(text)
    if (parts.lower or parts.upper) and (lower.strip() or upper.strip()):
        raise ValueError(f"must have its interval once, but found '{text}' and {lower} to {upper}")
    sign = {"", "=", operator or "=", parts.operator}
    if ">" in sign or len(sign - {"", "="}) > 1:
        raise ValueError(f"must be a number or lie below one, but found '{operator}{text}'")
    between = [parts.lower or lower, parts.upper or upper]
    ends = [None if plain(end) in ("", *NOT_REACHED) else parts_of(end).number for end in between]
    values = [None if end is None else float(end) for end in ends]
    if values[0] is not None and values[1] is not None and values[0] > values[1]:
        raise ValueError(f"must have an interval from low to high, but found {between[0]} to {between[1]}")
    return Printed(
        text=("" if parts.operator == "=" else parts.operator) + parts.number,
        value=float(parts.number),
        decimals=decimals_of(parts.number),
        operator="<" if "<" in sign else "=",
        lower=values[0],
        upper=values[1],
        unit="percent" if parts.percent else unit,
        place=place,
        lower_decimals=None if ends[0] is None else decimals_of(ends[0]),
        upper_decimals=None if ends[1] is None else decimals_of(ends[1]),
    )


def p_value(text: str, operator: str = "", place: str = "") -> Printed:
    """The P value in a printed text.

    One of which only a lower bound is printed, as >.99 or NS, is the middle of the range that it leaves up to 1, and half a
    digit is half of that range.

    Raises
    ------
    ValueError
        If it is none, or no probability.

    Examples
    --------
    >>> p_value("P<.001").operator, p_value(">.99").possible, p_value("NS").text
    ('<', (0.99, 1.0), '>0.05')
    """
    if plain(text) in NOT_SIGNIFICANT:
        parts = Parts("0.05", ">")
    else:
        parts = parts_of(f">{text}" if operator == ">" else text)
    if parts.operator != ">":
        found = printed(text, operator=operator, place=place)
    else:
        low = float(parts.number)
        decimals = decimals_of(parts.number)
        found = Printed(
            f">{parts.number}", (1 + low) / 2, decimals, place=place, scale=(1 - low) / 2 / _half(decimals)
        )
    if not 0 <= found.value <= 1:
        raise ValueError(f"must be a probability, but found '{text}'")
    return found


def in_unit(number: Printed, unit: str, to: str) -> Printed:
    """A printed time in another unit of time, known as finely as it was printed.

    Raises
    ------
    ValueError
        If one of the units is not known, and they differ.

    Examples
    --------
    >>> followed = in_unit(printed("4.3", "4.1", "5.3"), "years", "months")
    >>> followed.text, followed.interval, round(followed.half_digit, 9)
    ('51.6', (49.2, 63.6), 0.6)
    """
    if unit == to:
        return replace(number, unit=to)

    def other(value: float | None) -> float | None:
        return None if value is None else carried(value, unit, to)

    value = carried(number.value, unit, to)
    return replace(
        number,
        text=f"{value:.{number.decimals}f}",
        value=value,
        lower=other(number.lower),
        upper=other(number.upper),
        unit=to,
        scale=number.scale * carried(1.0, unit, to),
    )


def decimals_of(text: str) -> int:
    """How many digits a number has after the point.

    Examples
    --------
    >>> decimals_of("0.470"), decimals_of("12"), decimals_of("1.2e-5")
    (3, 0, 6)
    """
    digits, _, power = text.strip().lower().partition("e")
    return max(len(digits.partition(".")[2]) - int(power or 0), 0)


def _half(decimals: int) -> float:
    return 0.5 * 10.0**-decimals


def number(text: str) -> float:
    """The finite number in a text.

    Raises
    ------
    ValueError
        If it is none, or a bound, or has an interval beside it.
    """
    parts = parts_of(text)
    if parts.operator != "=" or parts.lower or not math.isfinite(float(parts.number)):
        raise ValueError(f"must be a number, but found '{text}'")
    return float(parts.number)
