"""A printed number: its value, how finely it was rounded, its interval, and where it stands."""

import math
import re
from dataclasses import dataclass

TOUCHING = 1e-12
"""Rounding ranges that only touch have no value in common."""
NUMBER = re.compile(r"[+-]?\d+(?:\.(?P<decimals>\d+))?")


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

    @property
    def half_digit(self) -> float:
        """Half a unit of the last printed digit: how far the number may be from what was rounded."""
        return _half(self.decimals)

    @property
    def interval(self) -> tuple[float, float] | None:
        """The printed interval, where both ends are printed."""
        return None if self.lower is None or self.upper is None else (self.lower, self.upper)

    @property
    def half_digits_of_interval(self) -> tuple[float, float]:
        """Half a unit of the last printed digit of each end of the interval."""
        ends = (self.lower_decimals, self.upper_decimals)
        return (
            _half(self.decimals if ends[0] is None else ends[0]),
            _half(self.decimals if ends[1] is None else ends[1]),
        )

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
        A number, with "<" before it where it is a bound.
    lower, upper : str, optional
        Ends of the printed interval.
    operator : str, optional
        "=" or "<", where it stands apart from the number.
    unit, place : str, optional

    Raises
    ------
    ValueError
        If the text is not a number.

    Examples
    --------
    >>> printed("<0.001").operator, printed("51.7", "48.8", "63.8").interval, printed("0.470").half_digit
    ('<', (48.8, 63.8), 0.0005)
    """
    stripped = text.strip()
    found = re.fullmatch(rf"(?P<operator>[<=]?)\s*(?P<number>{NUMBER.pattern})", stripped)
    if found is None:
        raise ValueError(f"must be a number, but found '{text}'")
    ends = [number(end) if end.strip() else None for end in (lower, upper)]
    decimals = [decimals_of(end) if end.strip() else None for end in (lower, upper)]
    if ends[0] is not None and ends[1] is not None and ends[0] > ends[1]:
        raise ValueError(f"must have an interval from low to high, but found {lower} to {upper}")
    return Printed(
        text=stripped,
        value=float(found["number"]),
        decimals=decimals_of(found["number"]),
        operator=operator or found["operator"] or "=",
        lower=ends[0],
        upper=ends[1],
        unit=unit,
        place=place,
        lower_decimals=decimals[0],
        upper_decimals=decimals[1],
    )


def decimals_of(text: str) -> int:
    """How many digits a number has after the point.

    Examples
    --------
    >>> decimals_of("0.470"), decimals_of("12")
    (3, 0)
    """
    return len(text.strip().partition(".")[2])


def _half(decimals: int) -> float:
    return 0.5 * 10.0**-decimals


def number(text: str) -> float:
    """The finite number in a text.

    Raises
    ------
    ValueError
        If it is none.
    """
    if NUMBER.fullmatch(text.strip()) is None or not math.isfinite(float(text)):
        raise ValueError(f"must be a number, but found '{text}'")
    return float(text)
