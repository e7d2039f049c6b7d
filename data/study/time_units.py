"""Units of time of publications and study files, and numbers carried from one to another."""

UNITS_PER_MONTH = {"days": 30.4375, "weeks": 30.4375 / 7, "months": 1.0, "years": 1 / 12}
LETTERS = {"d": "days", "w": "weeks", "m": "months", "y": "years"}


def carried(value: float, unit: str, to: str) -> float:
    """A time in another unit, with six significant digits.

    Raises
    ------
    ValueError
        If one of the units is not known, and they differ.

    Examples
    --------
    >>> carried(5, "years", "months"), carried(12, "months", "months"), carried(1, "years", "days")
    (60.0, 12.0, 365.25)
    """
    if unit == to:
        return float(value)
    unknown = [one for one in (unit, to) if one not in UNITS_PER_MONTH]
    if unknown:
        raise ValueError(
            f"must be in {to}, or in units that can be carried over ({', '.join(UNITS_PER_MONTH)}), but found {unit}"
        )
    return float(f"{value / UNITS_PER_MONTH[unit] * UNITS_PER_MONTH[to]:.6g}")
